package uitest

import (
	"strings"

	tea "charm.land/bubbletea/v2"
)

var named = map[string]rune{
	"enter": tea.KeyEnter, "esc": tea.KeyEscape, "tab": tea.KeyTab, "backspace": tea.KeyBackspace, "delete": tea.KeyDelete,
	"up": tea.KeyUp, "down": tea.KeyDown, "left": tea.KeyLeft, "right": tea.KeyRight, "home": tea.KeyHome, "end": tea.KeyEnd,
	"pgup": tea.KeyPgUp, "pgdown": tea.KeyPgDown, "space": tea.KeySpace,
}

// Keys are the messages of a key by its name ("enter", "ctrl+c", "shift+tab", "A"), or of a text that begins with '.
func Keys(name string) []tea.KeyPressMsg {
	if text, is := strings.CutPrefix(name, "'"); is && text != "" {
		var out []tea.KeyPressMsg
		for _, r := range text {
			out = append(out, letter(r))
		}
		return out
	}
	var mod tea.KeyMod
	base := name
	for prefix, m := range map[string]tea.KeyMod{"ctrl+": tea.ModCtrl, "shift+": tea.ModShift, "alt+": tea.ModAlt} {
		if rest, is := strings.CutPrefix(base, prefix); is && rest != "" {
			base, mod = rest, mod|m
		}
	}
	if code, is := named[base]; is {
		k := tea.KeyPressMsg{Code: code, Mod: mod}
		if code == tea.KeySpace && mod == 0 {
			k.Text = " "
		}
		return []tea.KeyPressMsg{k}
	}
	r := []rune(base)[0]
	if mod != 0 {
		return []tea.KeyPressMsg{{Code: r, Mod: mod}}
	}
	return []tea.KeyPressMsg{letter(r)}
}

func letter(r rune) tea.KeyPressMsg { return tea.KeyPressMsg{Code: r, Text: string(r)} }
