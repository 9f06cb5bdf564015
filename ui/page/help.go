package page

import (
	"charm.land/bubbles/v2/key"
	tea "charm.land/bubbletea/v2"

	"lifeboat/ui/widget"
)

// helpPage lies over a page and says what its keys do. It takes keys alone and changes nothing below it.
type helpPage struct {
	frame
	about Page
	first int // the first line on the screen
}

// NewHelp makes the help about a page.
func NewHelp(env *Env, about Page) Page { return &helpPage{frame: frame{env: env}, about: about} }

func (p *helpPage) Title() string { return "help" }

func (p *helpPage) ShortHelp() []key.Binding {
	keys := []key.Binding{Press("esc", "close")}
	if p.most() > 0 {
		keys = append(keys, KeyUp, KeyDown)
	}
	return keys
}

func (p *helpPage) SetSize(w, h int) {
	p.frame.SetSize(w, h)
	p.first = min(p.first, p.most())
}

func (p *helpPage) Update(msg tea.Msg) tea.Cmd {
	k, isKey := msg.(tea.KeyPressMsg)
	if !isKey {
		return nil
	}
	switch k.String() {
	case "esc", "q", "?", "enter":
		return Then(Back{})
	}
	p.first, _ = scrolled(k, p.first, p.body()-1, p.most())
	return nil
}

// body is how many lines there are for the text: a small screen has no head and no footer.
func (p *helpPage) body() int {
	if p.h < 8 {
		return p.h
	}
	return p.h - 3
}

// most is the last line that can be first.
func (p *helpPage) most() int { return max(0, len(p.lines())-max(1, p.body())) }

func (p *helpPage) View() string {
	th := p.env.Theme
	all := p.lines()
	first := min(p.first, max(0, len(all)-1))
	text := all[first:min(len(all), first+max(0, p.body()))]
	if p.h < 8 {
		return widget.Screen(th, text, p.w, p.h)
	}
	lines := []string{" " + th.Strong.Render("HELP") + " " + th.Dim.Render("for "+p.about.Title()), th.Line.Render(th.Rule("", p.w))}
	lines = append(lines, text...)
	for len(lines) < p.h-1 {
		lines = append(lines, "")
	}
	more := ""
	if below := len(all) - first - len(text); below > 0 {
		more = "more below "
	}
	return widget.Screen(th, append(lines, widget.Footer(th, p.ShortHelp(), more, p.w)), p.w, p.h)
}

// helpWide is where keys and signs stand side by side.
const helpWide = 76

func (p *helpPage) lines() []string {
	th := p.env.Theme
	if p.w < helpWide {
		return append(append(p.keys(p.w), ""), p.words(p.w)...)
	}
	half := (p.w - 2) / 2
	left, right := p.keys(half), p.words(p.w-half-2)
	out := make([]string, max(len(left), len(right)))
	for i := range out {
		l, r := "", ""
		if i < len(left) {
			l = left[i]
		}
		if i < len(right) {
			r = right[i]
		}
		out[i] = widget.Fit(th, l, half) + "  " + r
	}
	return out
}

// keys are those of the page and those that work on every page.
func (p *helpPage) keys(width int) []string {
	own := p.about.FullHelp()
	if len(own) == 0 {
		own = [][]key.Binding{p.about.ShortHelp()}
	}
	out := []string{p.head("KEYS HERE")}
	seen := map[string]bool{}
	for _, column := range own {
		for _, b := range column {
			if h := b.Help(); h.Key != "" && b.Enabled() && !seen[h.Key] {
				seen[h.Key] = true
				out = append(out, p.row(h.Key, h.Desc, width)...)
			}
		}
	}
	out = append(out, "", p.head("KEYS EVERYWHERE"))
	for _, b := range []key.Binding{KeyHelp, KeyGo, KeyBack, Press("ctrl+c", "leave lifeboat at once")} {
		out = append(out, p.row(b.Help().Key, b.Help().Desc, width)...)
	}
	return out
}

// words say what the signs mean, and what one would like to know before touching anything.
func (p *helpPage) words(width int) []string {
	th := p.env.Theme
	out := []string{p.head("SIGNS")}
	for _, s := range [][2]string{
		{th.Good.Render(th.Sign.Done), "done"},
		{th.Active.Render(th.Sign.Running), "running"},
		{th.Asking.Render(th.Sign.Holding), "holding: waits for a person"},
		{th.Asking.Render(th.Sign.Unknown), "unknown: it may have happened"},
		{th.Bad.Render(th.Sign.Failed), "failed"},
		{th.Dim.Render(th.Sign.Waiting), "waiting, or not needed"},
		{th.Warn.Render(th.Sign.Warn), "warn: late, or skipped"},
		{th.Dim.Render(th.Sign.Undone), "undone"},
	} {
		out = append(out, widget.Cut(th, "   "+s[0]+" "+th.Text.Render(s[1]), width))
	}
	out = append(out, "", p.head("GOOD TO KNOW"))
	for _, s := range []string{
		"Leaving never stops a run: it goes on without this screen, and lifeboat comes back to it.",
		"LIVE acts on production. DRILL acts on spare servers. REHEARSE acts on nothing.",
		"No single letter destroys anything: what matters is asked for.",
		":theme night for eyes used to the dark. Themes: " + goThemeNames() + ".",
	} {
		for _, l := range widget.Wrap(s, width-4) {
			out = append(out, "   "+th.Text.Render(l))
		}
	}
	return out
}

func (p *helpPage) head(s string) string { return " " + p.env.Theme.Head.Render(s) }

// helpKey is the column in which the words begin.
const helpKey = 10

func (p *helpPage) row(k, what string, width int) []string {
	th := p.env.Theme
	wrapped := widget.Wrap(what, max(1, width-helpKey-4))
	out := make([]string, 0, len(wrapped))
	for i, l := range wrapped {
		if i > 0 {
			k = ""
		}
		out = append(out, "   "+widget.Fit(th, th.Key.Render(k), helpKey)+" "+th.Text.Render(l))
	}
	return out
}
