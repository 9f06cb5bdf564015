package page_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"

	"lifeboat/runbook"
	"lifeboat/ui/page"
	"lifeboat/ui/theme"
	"lifeboat/ui/uitest"
)

// historian answers from memory and writes down what it was asked.
type historian struct {
	runs     []page.RunLine
	troubles []page.Trouble
	asked    []page.RunQuery
}

func (h *historian) Runs(_ context.Context, q page.RunQuery) page.RunList {
	h.asked = append(h.asked, q)
	out := page.RunList{Troubles: h.troubles}
	from := 0
	for i := range h.runs {
		if q.Before != "" && string(h.runs[i].Run) == q.Before {
			from = i + 1
		}
	}
	for _, r := range h.runs[from:] {
		if !strings.Contains(string(r.Run)+string(r.Outcome), q.Find) {
			continue
		}
		if len(out.Runs) == q.Limit {
			out.More = string(out.Runs[len(out.Runs)-1].Run)
			break
		}
		out.Runs = append(out.Runs, r)
	}
	return out
}

func pastRuns(n int) []page.RunLine {
	out := make([]page.RunLine, n)
	for i := range out {
		out[i] = page.RunLine{
			Run: runbook.RunID(fmt.Sprintf("run-%05d", i)), Name: "failover", Title: "Fail over", Mode: runbook.Drill,
			Started: uitest.Start.Add(-time.Duration(i) * time.Hour), Outcome: runbook.Done, Elapsed: 232 * time.Second,
			Target: 5 * time.Minute, By: uitest.Operator,
		}
	}
	return out
}

func shownText(p page.Page) string { return ansi.Strip(p.View()) }

func keyOf(name string) tea.KeyPressMsg { return uitest.Keys(name)[0] }

func TestHistoryShowsHowRunsEnded(t *testing.T) {
	runs := pastRuns(6)
	runs[1].Outcome, runs[1].Skipped, runs[1].Elapsed = runbook.DoneWithSkips, 2, 312*time.Second
	runs[2].Outcome = runbook.Failed
	runs[3].Outcome, runs[3].Refused = runbook.Stopped, true
	runs[4].Outcome, runs[4].Asks, runs[4].Driven = "", "httpd failed", true
	runs[5].Outcome = ""
	p := page.NewHistory(t.Context(), uitest.Env(uitest.Start, theme.Dark), &historian{runs: runs}, "")
	uitest.Load(p, 120, 30)
	for _, want := range []string{
		"DRILL", "✓ done ", "1:08 inside", "! done with 2 skipped", "0:12 over", "✗ failed", "✗ refused", "‖ waits: httpd failed",
		"! nobody drives it", "operator@console", "6 runs",
	} {
		if !strings.Contains(shownText(p), want) {
			t.Errorf("%q is not on the screen:\n%s", want, shownText(p))
		}
	}
	for _, l := range strings.Split(shownText(p), "\n") {
		if strings.Contains(l, "✗ failed") && strings.Contains(l, "inside") {
			t.Errorf("what failed was in time: %s", l)
		}
	}
}

func TestHistoryDropsColumnsFromTheRight(t *testing.T) {
	p := page.NewHistory(t.Context(), uitest.Env(uitest.Start, theme.Dark), &historian{runs: pastRuns(3)}, "")
	uitest.Load(p, 60, 20)
	for _, want := range []string{"2 Jan 03:04", "failover", "✓ done", "3:52"} {
		if !strings.Contains(shownText(p), want) {
			t.Errorf("60 wide: %q is missing:\n%s", want, shownText(p))
		}
	}
	if strings.Contains(shownText(p), "inside") {
		t.Errorf("60 wide: there is a target:\n%s", shownText(p))
	}
}

func TestHistoryDropsLateAnswers(t *testing.T) {
	h := &historian{runs: pastRuns(20)}
	p := page.NewHistory(t.Context(), uitest.Env(uitest.Start, theme.Dark), h, "")
	uitest.Load(p, 80, 24)
	p.Update(keyOf("/"))
	first := p.Update(keyOf("7"))()
	second := p.Update(keyOf("x"))()
	p.Update(second)
	p.Update(first)
	if !strings.Contains(shownText(p), "no run has all of: 7x") {
		t.Errorf("the answer to the question before was taken:\n%s", shownText(p))
	}
	if !p.Typing() {
		t.Error("the field is gone")
	}
	uitest.Press(p, "esc")
	if got := shownText(p); p.Typing() || !strings.Contains(got, "20 runs") {
		t.Errorf("esc did not bring all runs back:\n%s", got)
	}
}

func TestHistoryFilterIsTypedAndPasted(t *testing.T) {
	h := &historian{runs: pastRuns(20)}
	p := page.NewHistory(t.Context(), uitest.Env(uitest.Start, theme.Dark), h, "")
	uitest.Load(p, 80, 24)
	uitest.Press(p, "/", "'run-")
	if cmd := p.Update(tea.PasteMsg{Content: "0001\x1b[31m\x00"}); cmd != nil {
		p.Update(cmd())
	}
	uitest.Press(p, "enter")
	if got := h.asked[len(h.asked)-1].Find; got != "run-0001" {
		t.Errorf("asked for %q", got)
	}
	if !strings.Contains(shownText(p), "10 runs") {
		t.Errorf("not filtered:\n%s", shownText(p))
	}
	if got := routeOf(t, p.Update(keyOf("enter"))); got.Where != page.AtShow || got.Run != "run-00010" {
		t.Errorf("enter opens %+v", got)
	}
}

// routeOf is the route that a command asks for.
func routeOf(t *testing.T, cmd tea.Cmd) page.Route {
	t.Helper()
	if cmd == nil {
		t.Fatal("nothing is opened")
	}
	o, ok := cmd().(page.Open)
	if !ok {
		t.Fatalf("%T does not open", cmd())
	}
	return o.To
}

func TestHistoryLoadsWhatComesNear(t *testing.T) {
	h := &historian{runs: pastRuns(1200)}
	p := page.NewHistory(t.Context(), uitest.Env(uitest.Start, theme.Dark), h, "")
	uitest.Load(p, 80, 24)
	if len(h.asked) != 1 {
		t.Fatalf("asked %d times before anything was pressed", len(h.asked))
	}
	uitest.Press(p, "pgdown", "pgdown")
	if len(h.asked) != 2 || h.asked[1].Before != "run-00049" {
		t.Fatalf("asked %+v", h.asked)
	}
	uitest.Press(p, "G")
	if got := routeOf(t, p.Update(keyOf("enter"))).Run; got != "run-01199" {
		t.Errorf("the end is %s", got)
	}
	uitest.Press(p, "g")
	if got := routeOf(t, p.Update(keyOf("p"))); got.Run != "run-00000" || got.Where != page.AtReplay {
		t.Errorf("the top is %+v", got)
	}
}

func TestHistoryKeepsTheFocusWhenNewRunsCome(t *testing.T) {
	h := &historian{runs: pastRuns(10)}
	p := page.NewHistory(t.Context(), uitest.Env(uitest.Start, theme.Dark), h, "")
	uitest.Load(p, 80, 24)
	uitest.Press(p, "down", "down")
	newer := pastRuns(1)
	newer[0].Run = "newer"
	h.runs = append(newer, h.runs...)
	p.Update(p.Update(page.Shown{})())
	if got := routeOf(t, p.Update(keyOf("enter"))).Run; got != "run-00002" {
		t.Errorf("the focus moved to %s", got)
	}
}

func TestHistorySaysWhyThereIsNothing(t *testing.T) {
	p := page.NewHistory(t.Context(), uitest.Env(uitest.Start, theme.Dark), &historian{}, "")
	uitest.Load(p, 80, 24)
	if !strings.Contains(shownText(p), "no runs yet: start one from home") {
		t.Error(shownText(p))
	}
	uitest.Press(p, "enter", "p", "y", "G", "down") // nothing is in focus: nothing happens
	h := &historian{troubles: []page.Trouble{{What: "the history is damaged", Means: "older runs are not listed", Do: "lifeboat verify"}}}
	p = page.NewHistory(t.Context(), uitest.Env(uitest.Start, theme.Dark), h, "")
	uitest.Load(p, 80, 24)
	if !strings.Contains(shownText(p), "! the history is damaged: older runs are not listed → lifeboat verify") {
		t.Error(shownText(p))
	}
}

// hostileRuns are names with wide, combining and very long characters.
func hostileRuns(n int) []page.RunLine {
	runs := pastRuns(n)
	for i := range runs {
		runs[i].Name = []string{"跳过的步骤", "e\u0301\u0327chec", strings.Repeat("long ", 40), ""}[i%4]
		runs[i].Asks = runs[i].Name
		runs[i].By.Name = runs[i].Name
		runs[i].Title = runs[i].Name
		if i%3 == 0 {
			runs[i].Outcome = ""
		}
	}
	return runs
}

func TestHistoryFitsEverySize(t *testing.T) {
	trouble := []page.Trouble{{What: strings.Repeat("damaged ", 30), Do: "lifeboat verify"}}
	for _, keys := range [][]string{nil, {"down", "down"}, {"/", "'跳过"}, {"G"}} {
		p := page.NewHistory(t.Context(), uitest.Env(uitest.Start, theme.Dark), &historian{runs: hostileRuns(60), troubles: trouble}, "")
		uitest.Load(p, 80, 24)
		uitest.Press(p, keys...)
		uitest.Fits(t, p)
	}
}

// mashKeys are pressed on pages that must not fall over whatever comes.
func mashKeys(t *testing.T, p page.Page, n int) {
	t.Helper()
	names := []string{
		"enter", "esc", "tab", "backspace", "up", "down", "left", "right", "home", "end", "pgup", "pgdown", "space", "shift+tab",
		"/", "g", "G", "p", "y", "f", "r", "c", "l", "1", "2", "3", "4", "+", "-", "[", "]", ">", "q", "?", ":", "x", "跳", "\u0301", "ctrl+w",
	}
	r := rand.New(rand.NewPCG(1, 2))
	for i := range n {
		name := names[r.IntN(len(names))]
		cmd := p.Update(keyOf(name))
		if cmd != nil && i%7 != 0 { // some answers never come
			if msg := cmd(); msg != nil {
				switch msg.(type) {
				case page.Open, page.Back, page.Leave, page.Copy, page.Replace, page.Say, tea.BatchMsg:
				default:
					p.Update(msg)
				}
			}
		}
		if i%50 == 0 {
			size := uitest.AnySize()[r.IntN(len(uitest.AnySize()))]
			p.SetSize(size.W, size.H)
		}
		if i%5 == 0 {
			p.View()
			p.Cursor()
		}
	}
	uitest.Fits(t, p)
}

func TestHistoryUnderRandomKeys(t *testing.T) {
	p := page.NewHistory(t.Context(), uitest.Env(uitest.Start, theme.Dark), &historian{runs: hostileRuns(300)}, "")
	uitest.Load(p, 80, 24)
	mashKeys(t, p, 10_000)
}

func TestHistoryClosesItsQuestion(t *testing.T) {
	h := &waiter{asked: make(chan struct{})}
	p := page.NewHistory(t.Context(), uitest.Env(uitest.Start, theme.Dark), h, "")
	p.SetSize(80, 24)
	load := p.(interface{ Init() tea.Cmd }).Init()
	done := make(chan tea.Msg)
	go func() { done <- load() }()
	<-h.asked
	uitest.Close(p)
	<-done // it would wait for ever
}

// waiter answers when nobody waits for it any more.
type waiter struct{ asked chan struct{} }

func (w *waiter) Runs(ctx context.Context, _ page.RunQuery) page.RunList {
	close(w.asked)
	<-ctx.Done()
	return page.RunList{}
}

func TestHistoryKeysAreExplained(t *testing.T) {
	p := page.NewHistory(t.Context(), uitest.Env(uitest.Start, theme.Dark), &historian{runs: pastRuns(3)}, "")
	uitest.Load(p, 80, 24)
	var all []string
	for _, column := range p.FullHelp() {
		for _, b := range column {
			all = append(all, b.Help().Key)
		}
	}
	for _, b := range p.ShortHelp() {
		if k := b.Help().Key; k != "?" && k != "esc" && !slices.Contains(all, k) {
			t.Errorf("%q is in the footer and not in the help", k)
		}
	}
}

func BenchmarkHistoryView(b *testing.B) {
	p := page.NewHistory(b.Context(), uitest.Env(uitest.Start, theme.Dark), &historian{runs: pastRuns(10_000)}, "")
	uitest.Load(p, 120, 40)
	uitest.Press(p, "G")
	for b.Loop() {
		p.Update(keyOf("up"))
		_ = p.View()
	}
}
