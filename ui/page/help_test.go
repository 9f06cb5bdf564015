package page_test

import (
	"strings"
	"testing"

	tea "charm.land/bubbletea/v2"

	"lifeboat/ui/page"
	"lifeboat/ui/theme"
	"lifeboat/ui/uitest"
)

func TestHelpIsAboutThePageBelow(t *testing.T) {
	env := uitest.Env(uitest.Start, theme.Dark)
	about := page.NewHistory(t.Context(), env, &historian{runs: pastRuns(3)}, "")
	uitest.Load(about, 120, 40)
	p := page.NewHelp(env, about)
	p.SetSize(120, 40)
	for _, want := range []string{"HELP for history", "replay it", "✓ done", "‖ holding", "? unknown", "✗ failed", "Leaving never stops a run", ":theme night"} {
		if !strings.Contains(shownText(p), want) {
			t.Errorf("%q is missing:\n%s", want, shownText(p))
		}
	}
	for _, k := range []string{"esc", "q", "?", "enter"} {
		if cmd := p.Update(keyOf(k)); cmd == nil || cmd() != (page.Back{}) {
			t.Errorf("%s does not close it", k)
		}
	}
}

func TestHelpScrollsToItsEnd(t *testing.T) {
	env := uitest.Env(uitest.Start, theme.Mono)
	about := page.NewHistory(t.Context(), env, &historian{runs: pastRuns(3)}, "")
	p := page.NewHelp(env, about)
	p.SetSize(50, 12)
	if strings.Contains(shownText(p), "Themes:") {
		t.Fatal("all of it is on the screen already")
	}
	uitest.Press(p, "G")
	if !strings.Contains(strings.Join(strings.Fields(shownText(p)), " "), "Themes: dark, light, night, mono") {
		t.Errorf("the end is not there:\n%s", shownText(p))
	}
	p.SetSize(500, 200)
	uitest.Fits(t, p)
	uitest.Press(p, "down", "pgdown", "pgup", "g", "up")
	uitest.Fits(t, p)
}

// goSays are the messages of a command and of what follows it.
func goSays(cmd tea.Cmd) []tea.Msg {
	if cmd == nil {
		return nil
	}
	return flatten(cmd())
}

func TestGoUnderstands(t *testing.T) {
	env := uitest.Env(uitest.Start, theme.Dark)
	for line, want := range map[string]tea.Msg{
		"home":             page.Open{To: page.Route{Where: page.AtHome}},
		"history drill x":  page.Open{To: page.Route{Where: page.AtHistory, Find: "drill x"}},
		"his":              page.Open{To: page.Route{Where: page.AtHistory}},
		"run failover":     page.Open{To: page.Route{Where: page.AtRunbook, Choice: page.Choice{Runbook: "failover"}}},
		"runbook failover": page.Open{To: page.Route{Where: page.AtRunbook, Choice: page.Choice{Runbook: "failover"}}},
		"show a1":          page.Open{To: page.Route{Where: page.AtShow, Run: "a1"}},
		" replay  a1 10x ": page.Open{To: page.Route{Where: page.AtReplay, Run: "a1", Speed: 10}},
		"theme night":      page.SetTheme{Name: theme.Night},
		"help":             page.Open{To: page.Route{Where: page.AtHelp}},
		"q":                page.Leave{},
	} {
		p := page.NewGo(env)
		p.SetSize(80, 24)
		uitest.Press(p, "'"+line)
		got := goSays(p.Update(keyOf("enter")))
		if len(got) != 2 || got[0] != (page.Back{}) || !sameMsg(got[1], want) {
			t.Errorf("%q asks for %+v, want %+v", line, got, want)
		}
	}
}

func TestGoSaysWhatThereIs(t *testing.T) {
	for line, want := range map[string]string{
		"launch":      `there is no "launch": home, history,`,
		"h":           `"h" could be home or history or help`,
		"show":        "show which run?",
		"replay a 99": `"99" is no speed: 1 to 60`,
		"theme pink":  "which theme? dark, light, night, mono",
		"run":         "which runbook?",
	} {
		p := page.NewGo(uitest.Env(uitest.Start, theme.Dark))
		p.SetSize(80, 24)
		uitest.Press(p, "'"+line)
		if cmd := p.Update(keyOf("enter")); cmd != nil {
			t.Errorf("%q does something", line)
		}
		if !strings.Contains(shownText(p), want) {
			t.Errorf("%q: %q is not said:\n%s", line, want, shownText(p))
		}
		uitest.Fits(t, p)
	}
}

func TestGoCompletes(t *testing.T) {
	for typed, want := range map[string]string{
		"hi": ":history ", "r": ":r", "ru": ":run", "th": ":theme ", "theme n": ":theme night", "x": ":x", "": ": ",
	} {
		p := page.NewGo(uitest.Env(uitest.Start, theme.Dark))
		p.SetSize(80, 24)
		if typed != "" {
			uitest.Press(p, "'"+typed)
		}
		uitest.Press(p, "tab")
		lines := strings.Split(shownText(p), "\n")
		if got := strings.TrimSpace(lines[22]); got != strings.TrimSpace(want) {
			t.Errorf("%q becomes %q, want %q", typed, got, want)
		}
	}
}

func TestGoCloses(t *testing.T) {
	for _, k := range []string{"esc", "backspace", "enter"} {
		p := page.NewGo(uitest.Env(uitest.Start, theme.Dark))
		if got := goSays(p.Update(keyOf(k))); len(got) != 1 || got[0] != (page.Back{}) {
			t.Errorf("%s: %+v", k, got)
		}
	}
}

func TestHelpAndGoUnderRandomKeys(t *testing.T) {
	env := uitest.Env(uitest.Start, theme.Dark)
	g := page.NewGo(env)
	mashKeys(t, g, 10_000)
	mashKeys(t, page.NewHelp(env, g), 10_000)
}

func BenchmarkHelpView(b *testing.B) {
	env := uitest.Env(uitest.Start, theme.Dark)
	p := page.NewHelp(env, page.NewHistory(b.Context(), env, &historian{}, ""))
	p.SetSize(120, 40)
	for b.Loop() {
		p.Update(keyOf("down"))
		_ = p.View()
	}
}
