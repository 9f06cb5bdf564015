package main

import (
	"bytes"
	"errors"
	"os"
	"strings"
	"testing"

	"lifeboat/runbook"
	"lifeboat/ui/page"
	"lifeboat/ui/theme"
)

func TestOnlyASCII(t *testing.T) {
	for env, want := range map[string]bool{
		"LANG=en_US.UTF-8": false, "LANG=C": true, "": true, "LC_ALL=C LANG=en_US.UTF-8": true, "LC_CTYPE=de_DE.utf8 LANG=C": false,
		"TERM=linux LANG=en_US.UTF-8": true, "LC_ALL= LC_CTYPE=C.UTF-8": false,
	} {
		vars := map[string]string{}
		for _, v := range strings.Fields(env) {
			name, value, _ := strings.Cut(v, "=")
			vars[name] = value
		}
		if got := onlyASCII(func(name string) string { return vars[name] }); got != want {
			t.Errorf("%s: %v", env, got)
		}
	}
}

func TestThemeName(t *testing.T) {
	for _, c := range []struct {
		flag, noColor string
		want          theme.Name
	}{{"auto", "", ""}, {"", "", ""}, {"light", "", theme.Light}, {"light", "1", theme.Mono}, {"auto", "1", theme.Mono}} {
		if got := themeName(c.flag, c.noColor); got != c.want {
			t.Errorf("%+v: %q", c, got)
		}
	}
}

// Without a terminal there is no screen, whatever is asked for.
func TestNoScreenWithoutTerminal(t *testing.T) {
	t.Setenv("TERM", "xterm-256color")
	null, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	for _, a := range []*app{
		{in: null, out: cleanSink{w: null}}, {in: strings.NewReader(""), out: cleanSink{w: &bytes.Buffer{}}}, {in: null, out: jsonSink{null}},
	} {
		if a.screen() {
			t.Errorf("%+v", a)
		}
	}
}

// Leaving a run says how to come back, and how it ended when it is over.
func TestLeft(t *testing.T) {
	c := testConsole(t)
	dir := c.testStore(t)
	record(t, dir, "goes-on", recordedStart(t, runbook.Rehearse))
	record(t, dir, "refused", recordedStart(t, runbook.Rehearse), &runbook.RunFinished{Outcome: runbook.Failed, Refused: true})
	record(t, dir, "done", recordedStart(t, runbook.Rehearse), &runbook.RunFinished{Outcome: runbook.Done})
	for id, want := range map[runbook.RunID]int{"goes-on": exitGoesOn, "refused": exitRefused, "done": exitDone, "": exitDone} {
		var errs bytes.Buffer
		a := &app{global: c.flags, errs: &errs}
		if code := a.exit(a.left(id)); code != want || (errs.String() == a.comeBack()+"\n") != (id == "goes-on") {
			t.Errorf("%s: %d, %q", id, code, errs.String())
		}
	}
	var errs bytes.Buffer
	a := &app{global: c.flags, errs: &errs}
	if code := a.exit(a.lostScreen("goes-on", errors.New("it broke"))); code != exitGoesOn || !strings.Contains(errs.String(), goesOn) {
		t.Errorf("%d, %q", code, errs.String())
	}
}

// A second live run beside one that goes on, a mode that there is not, and mistakes in the files: nothing is started.
func TestConsoleStartRefuses(t *testing.T) {
	c := testConsole(t)
	for _, ch := range []page.Choice{
		{Mode: runbook.Live},
		{Mode: runbook.Drill},
		{Mode: runbook.Rehearse, Night: "nosuch"},
		{Mode: runbook.Rehearse, Speed: 5000},
		{Mode: runbook.Rehearse, Runbook: "nosuch"},
		{Mode: runbook.Rehearse, Inputs: map[string]string{"data": "none"}},
		{Mode: runbook.Rehearse, Words: map[string]string{secondStart: "second"}},
	} {
		_, err := c.Start(t.Context(), ch)
		if tr := isTrouble(t, err); tr.What == "" || tr.Do == "" && !strings.Contains(tr.What, "data") {
			t.Errorf("%+v: %+v", ch, tr)
		}
	}
	if p := c.Preview(t.Context(), page.Choice{Runbook: shippedPrefix + "nosuch"}); p.Trouble == nil || p.Plan != nil {
		t.Errorf("%+v", p)
	}
	dir := c.testStore(t)
	record(t, dir, "first", recordedStart(t, runbook.Live))
	a := c.app()
	_, err := a.onlyOne(dir, "one")
	var need *page.NeedWord
	if !errors.As(err, &need) || need.Name != secondStart || need.Word != secondWord || !strings.Contains(need.What, "first") {
		t.Fatalf("%v", err)
	}
	release, err := c.with(&notes{}, map[string]string{need.Name: need.Word}).onlyOne(dir, "one")
	if err != nil {
		t.Fatal(err)
	}
	release()
	if err := a.typed(agentQuestion, agentWord, "depend on it"); !errors.As(err, &need) || need.Word != agentWord {
		t.Errorf("%v", err)
	}
}
