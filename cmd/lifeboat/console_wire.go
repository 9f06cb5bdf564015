package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"strings"
	"time"

	"github.com/alecthomas/kong"

	"lifeboat/runbook"
	"lifeboat/store/logbook"
	"lifeboat/ui"
	"lifeboat/ui/page"
	"lifeboat/ui/theme"
)

// screen reports whether the console can be shown: a terminal on both sides that can draw, and nobody asked for lines.
func (a *app) screen() bool {
	if a.Plain || a.JSON || !interactive(a.in) || terminalOut(a.out) == nil {
		return false
	}
	term := os.Getenv("TERM")
	return term != "" && term != "dumb"
}

// terminalOut is the terminal behind the sink; nil when the output goes elsewhere.
func terminalOut(out io.Writer) *os.File {
	sink, _ := out.(cleanSink)
	f, ok := sink.w.(*os.File)
	if !ok || !isTerminal(f) {
		return nil
	}
	return f
}

// themeName is the theme that was asked for; "" leaves it to the terminal's background.
func themeName(flag, noColor string) theme.Name {
	switch {
	case noColor != "":
		return theme.Mono
	case flag == "" || flag == "auto":
		return ""
	}
	return theme.Name(flag)
}

// onlyASCII reports whether the terminal draws nothing beyond ASCII: as POSIX has it, the first of these that is set counts.
func onlyASCII(env func(string) string) bool {
	if env("TERM") == "linux" {
		return true
	}
	for _, name := range []string{"LC_ALL", "LC_CTYPE", "LANG"} {
		if v := env(name); v != "" {
			v = strings.ToLower(v)
			return !strings.Contains(v, "utf-8") && !strings.Contains(v, "utf8")
		}
	}
	return true
}

// show puts the console on the terminal until the operator leaves it. The error is the exit code of the run that was on the
// screen then.
func (a *app) show(c ui.Console, to page.Route) error {
	id, err := runScreen(a, c, to)
	if err != nil {
		return a.lostScreen(id, err)
	}
	return a.left(cmp.Or(id, to.Run)) // of a run that is over the screen does not speak any more
}

// screenGC: a console lives for hours and makes garbage with every frame, so it stays small where a command would be fast.
const screenGC = 100

// runScreen turns a panic in the screen, from which the terminal has recovered already, into an error.
func runScreen(a *app, c ui.Console, to page.Route) (id runbook.RunID, err error) {
	defer func() {
		if r := recover(); r != nil {
			id, err = to.Run, fmt.Errorf("the screen failed: %v", r)
		}
	}()
	debug.SetGCPercent(screenGC)
	if holds, ok := c.(io.Closer); ok {
		defer holds.Close()
	}
	return ui.Run(context.Background(), c, a.in, terminalOut(a.out), ui.Options{
		Start: to, Theme: themeName(a.Theme, os.Getenv("NO_COLOR")), ASCII: a.ASCII || onlyASCII(os.Getenv),
		Motion: !a.ReducedMotion, SSH: os.Getenv("SSH_CONNECTION") != "", Actor: thisActor(), Now: time.Now,
	})
}

// goesOn is the last line when a run outlives its screen.
const goesOn = "the run goes on without this terminal; come back with: lifeboat"

// comeBack is goesOn, with the store where bare lifeboat would look in another one.
func (a *app) comeBack() string {
	if a.Store == "" || a.Store == os.Getenv("LIFEBOAT_STORE") {
		return goesOn
	}
	return goesOn + " --store " + a.Store
}

// lostScreen says that the screen has ended before its time, and that no run has.
func (a *app) lostScreen(id runbook.RunID, err error) error {
	if !errors.Is(err, context.Canceled) {
		tellTrouble(plainPrinter{out: a.errs, width: a.errColumns}, trouble{what: "the screen ended before its time: " + err.Error()})
	}
	if id == "" {
		fmt.Fprintln(a.errs, "runs go on without this terminal; come back with: lifeboat")
	} else {
		fmt.Fprintln(a.errs, a.comeBack())
	}
	return silentExit(exitGoesOn)
}

// left is what follows when the operator has left the screen: the way back to a run that goes on, else its exit code.
func (a *app) left(id runbook.RunID) error {
	if id == "" {
		return nil
	}
	dir, err := a.existingStore()
	if err != nil {
		return err
	}
	events, err := logbook.Read(dir.Run(id).Logbook())
	state := runbook.Fold(events)
	if state.Finished == nil {
		if err != nil {
			return err
		}
		fmt.Fprintln(a.errs, a.comeBack())
		return silentExit(exitGoesOn)
	}
	if code := exitOf(state.Finished); code != exitDone {
		return silentExit(code)
	}
	return nil
}

// atRun is the run's own page.
func atRun(id runbook.RunID) page.Route { return page.Route{Where: page.AtRun, Run: id} }

// homeCmd is what `lifeboat` alone does.
type homeCmd struct{}

// Run shows home, or the run that goes on. Without a terminal it is a list, or the help.
func (homeCmd) Run(a *app, k *kong.Context) error {
	switch {
	case a.screen():
		c := a.console()
		to := page.Route{Where: page.AtHome}
		if id := c.landing(nil); id != "" {
			to = atRun(id)
		}
		return a.show(c, to)
	case a.Plain || a.JSON:
		return a.overviewPlain()
	}
	return k.PrintUsage(false)
}

// landing is the newest run that has not ended and that fits; "" when there is none.
func (c *console) landing(fits func(*runbook.State) bool) runbook.RunID {
	dir, err := c.app().existingStore()
	if err != nil {
		return ""
	}
	open, _ := openRuns(dir)
	for _, o := range open {
		if !o.state.StartedAt.IsZero() && (fits == nil || fits(&o.state)) {
			return o.id
		}
	}
	return ""
}

// showDemo shows home on the demo's estate, or the demo's run that goes on. The flags are what runs begin with that are started
// there.
func (a *app) showDemo(sf simFlags, rf runFlags) error {
	inputs, err := parseInputs(rf.Set)
	if err != nil {
		return err
	}
	if err := sf.check(runbook.Rehearse); err != nil {
		return err
	}
	c := a.console()
	c.demo, c.sim, c.inputs, c.reference = true, sf, inputs, rf.Reference
	to := page.Route{Where: page.AtHome}
	if id := c.landing(onShippedEstate); id != "" {
		to = atRun(id)
	}
	return a.show(c, to)
}

// onShippedEstate reports whether a run is a rehearsal on the demo's estate.
func onShippedEstate(s *runbook.State) bool {
	return s.Start.Mode == runbook.Rehearse && s.Start.Estate.Digest == shippedEstate().Digest
}

type replayCmd struct {
	ID    string  `arg:"" name:"run" help:"The run, or the beginning of its id."`
	Speed float64 `default:"1" help:"How many times faster than it was: 1 to 60."`
}

// Run plays a run that is on record once more.
func (c *replayCmd) Run(a *app) error {
	if c.Speed < 1 || c.Speed > 60 {
		return usage("choose between 1 and 60", "--speed %v is impossible", c.Speed)
	}
	dir, err := a.readStore()
	if err != nil {
		return err
	}
	id, err := a.findRun(dir, c.ID)
	if err != nil {
		return err
	}
	if !a.screen() {
		return a.replayPlain(id, c.Speed)
	}
	return a.showOver(page.Route{Where: page.AtReplay, Run: id, Speed: c.Speed})
}

// showOver shows a page about a run that is only looked at: whatever became of it, looking has succeeded.
func (a *app) showOver(to page.Route) error {
	id, err := runScreen(a, a.console(), to)
	if err != nil {
		return a.lostScreen(id, err)
	}
	return nil
}

// attached shows the run's page at a terminal, and its lines elsewhere.
func (a *app) attached(t *target, from uint64) error {
	if a.screen() {
		return a.show(a.console(), atRun(t.id))
	}
	return a.follow(t, from)
}

// line reads what an operator types. At a terminal it takes no byte more than the line: what follows is the console's.
func (a *app) line() string {
	if !a.screen() {
		return <-a.operator().lines
	}
	var line []byte
	for b := make([]byte, 1); ; line = append(line, b[0]) {
		if n, err := a.in.Read(b); err != nil || n == 0 || b[0] == '\n' {
			return strings.TrimSpace(runbook.Clean(string(line)))
		}
	}
}

// needWord asks for a word through the screen.
func (a *app) needWord(name, word, what string) error {
	return &page.NeedWord{Name: name, Word: word, What: "a typed word is needed to " + what, Do: what}
}
