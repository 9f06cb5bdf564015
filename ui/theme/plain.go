package theme

// ASCIIPairs are the signs as they stand in running text, each followed by what stands for it where nothing beyond ASCII can be
// drawn, for strings.NewReplacer. A sign that means two things has one stand-in here.
func ASCIIPairs() []string {
	return []string{
		signs.Done, asciiSigns.Done, signs.Running, asciiSigns.Running, signs.Holding, asciiSigns.Holding,
		signs.Failed, asciiSigns.Failed, signs.Undone, asciiSigns.Undone, signs.Focus, asciiSigns.Focus,
		signs.Arrow, asciiSigns.Arrow, signs.Dot, asciiSigns.Dot, signs.Ellipsis, asciiSigns.Ellipsis,
		signs.Times, asciiSigns.Times, signs.About, asciiSigns.About, "—", "-", "–", "-",
	}
}
