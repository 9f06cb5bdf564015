package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"lifeboat/runbook"
	"lifeboat/store"
	"lifeboat/store/bolt"
	"lifeboat/ui/page"
)

// appendNewer adds an event that only a later version knows, in a line as the logbook writes it.
func appendNewer(t *testing.T, path string, seq int) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	_, prev, _ := bytes.Cut(text[bytes.LastIndexByte(bytes.TrimSpace(text), '\n')+1:], []byte(`"sum":"`))
	prev, _, _ = bytes.Cut(prev, []byte(`"`))
	line := fmt.Sprintf(`{"seq":%d,"time":"2026-01-02T15:04:05.000Z","run":"newer","type":"step.paused","prev":"%s","commit":%d`, seq, prev, seq)
	sum := sha256.Sum256([]byte(line))
	line += `,"sum":"` + base64.RawURLEncoding.EncodeToString(sum[:]) + "\"}\n"
	if err := os.WriteFile(path, append(text, line...), 0o600); err != nil {
		t.Fatal(err)
	}
}

// A record that cannot be read to its end is shown as far as it can, and nothing is added to it.
func TestConsoleOpensWhatIsBroken(t *testing.T) {
	c := testConsole(t)
	dir := c.testStore(t)
	note := &runbook.NoteAdded{Text: "here it ends", By: thisActor()}
	record(t, dir, "damaged", recordedStart(t, runbook.Rehearse), note, &runbook.StepStarted{Step: "launch", Kind: "instance.launch", Attempt: 1})
	text, err := os.ReadFile(dir.Run("damaged").Logbook())
	if err != nil {
		t.Fatal(err)
	}
	text = bytes.Replace(text, []byte(`"kind":"instance.launch"`), []byte(`"kind":"instance.lounge"`), 1)
	if err := os.WriteFile(dir.Run("damaged").Logbook(), text, 0o600); err != nil {
		t.Fatal(err)
	}
	record(t, dir, "newer", recordedStart(t, runbook.Rehearse), note)
	appendNewer(t, dir.Run("newer").Logbook(), 3)
	other := recordedStart(t, runbook.Rehearse)
	other.Digest = "sha256:of-another-version"
	record(t, dir, "other", other, note)
	wrong := recordedStart(t, runbook.Rehearse)
	wrong.Runbook = runbook.NewSource("one.yaml", []byte(strings.Replace(driverlessRunbook, "instance.launch", "instance.lunch", 1)))
	record(t, dir, "wrong", wrong, note)

	for id, want := range map[runbook.RunID]struct{ damage, why string }{
		"damaged": {"damaged", ""}, "newer": {"newer", "newer"}, "other": {"", "is not the one that was started"}, "wrong": {"", "instance.lunch"},
	} {
		w := watch(t, c, id)
		o := w.Opened()
		if want.damage == "" && o.Damage != nil || want.damage != "" && (o.Damage == nil || !strings.Contains(o.Damage.What+o.Damage.Means, want.damage)) {
			t.Errorf("%s: damage %+v", id, o.Damage)
		}
		if want.why == "" && o.PlanWhy != nil || want.why != "" && (o.Plan != nil || o.PlanWhy == nil || !strings.Contains(o.PlanWhy.What+o.PlanWhy.Means, want.why)) {
			t.Errorf("%s: plan %v, because %+v", id, o.Plan != nil, o.PlanWhy)
		}
		if len(o.Events) != 2 || o.Wants(&w.state, "launch") != nil {
			t.Errorf("%s: %d events", id, len(o.Events))
		}
		if n, err := w.Next(t.Context(), w.state.Seq); err != nil || n.Driven || len(n.Events) != 0 {
			t.Errorf("%s: %+v %v", id, n, err)
		}
		if err := w.Tell(t.Context(), note); (err == nil) != (want.damage == "") {
			t.Errorf("%s: a note comes back with %v", id, err)
		}
		if want.damage != "" || want.why != "" {
			isTrouble(t, w.Drive(t.Context(), ""))
		}
	}
	o := c.Overview(t.Context())
	damaged := 0
	for _, l := range o.Open {
		if l.Damaged {
			damaged++
		}
	}
	if len(o.Open) != 4 || damaged != 1 {
		t.Errorf("open are %+v", o.Open)
	}
	_, err = c.OpenRun(t.Context(), "nosuch")
	if tr := isTrouble(t, err); !strings.Contains(tr.What, `there is no run "nosuch"`) || tr.Do == "" {
		t.Errorf("%+v", tr)
	}
}

// What was shown and then taken back comes anew.
func TestConsoleComesAnew(t *testing.T) {
	c := testConsole(t)
	dir := c.testStore(t)
	record(t, dir, "one", recordedStart(t, runbook.Rehearse), &runbook.NoteAdded{Text: "a", By: thisActor()})
	s, err := c.OpenRun(t.Context(), "one")
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if n, err := s.Next(t.Context(), 0); err != nil || n.Anew || len(n.Events) != 2 {
		t.Errorf("%+v %v", n, err)
	}
	if n, err := s.Next(t.Context(), 3); err != nil || !n.Anew || len(n.Events) != 2 {
		t.Errorf("an event that is not there any more: %+v %v", n, err)
	}
	s.(*runSession).last.Fact = &runbook.NoteAdded{Text: "b", By: thisActor()}
	if n, err := s.Next(t.Context(), 2); err != nil || !n.Anew || len(n.Events) != 2 {
		t.Errorf("an event that is another one now: %+v %v", n, err)
	}
}

// What lies beside the journal is told while somebody drives the run, and clean.
func TestConsoleTellsWhatLiesBeside(t *testing.T) {
	c := testConsole(t)
	id := startDemo(t, c)
	w := watch(t, c, id)
	w.asked(runbook.AskStart)
	text, err := json.Marshal(live{Progress: map[string]runbook.Progress{"launch": {Text: "half\x1b]0;x\x07 way"}}, Trouble: "no room\x07"})
	if err != nil {
		t.Fatal(err)
	}
	w.until("there is progress", func() bool { // its driver writes the file too: the last word counts
		if err := os.WriteFile(c.testStore(t).Run(id).Live(), text, 0o600); err != nil {
			t.Fatal(err)
		}
		return len(w.news.Progress) == 1
	})
	if p := w.news.Progress["launch"].Text; strings.ContainsAny(p+w.news.Record, "\x1b\x07") || !strings.Contains(w.news.Record, "no room") {
		t.Errorf("%q, %q", p, w.news.Record)
	}
}

// A store, a history or files that cannot be read are named with what to do, and the rest is told.
func TestConsoleOverviewNamesTroubles(t *testing.T) {
	c := testConsole(t)
	c.demo = false
	if o := c.Overview(t.Context()); !o.Demo || o.Estate != "shop" || len(o.Troubles) != 0 ||
		!slices.ContainsFunc(o.Runbooks, func(b page.RunbookLine) bool { return b.Ref == "shipped:failover" && b.Trouble == nil }) {
		t.Errorf("%+v", o)
	}
	if _, err := os.Stat(c.flags.Store); !os.IsNotExist(err) {
		t.Error("looking has made a store")
	}
	dir := c.testStore(t)
	fillHistory(t, dir, 30, runbook.Live)
	record(t, dir, "20260101-000000-one-22222", recordedStart(t, runbook.Rehearse), &runbook.RunFinished{Outcome: runbook.Failed, Refused: true})
	for name, text := range map[string]string{
		"estate.yaml": driverlessEstate, "one.yaml": driverlessRunbook, "broken.yaml": "kind: runbook\nname: [", "notes.yaml": "a: b\n",
		"failover.yaml": strings.Replace(driverlessRunbook, "name: one", "name: failover", 1),
	} {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	o := c.Overview(t.Context())
	if o.Demo || o.Estate != "mine" || o.From != "eu-central-1" || len(o.Troubles) != 0 || len(o.Recent) != recentRuns {
		t.Errorf("%+v", o)
	}
	byName := map[string]page.RunbookLine{}
	for _, b := range o.Runbooks {
		byName[b.Name] = b
	}
	// What is shipped and needs more than this estate has is no broken file.
	if b := byName["repair"]; !b.Unfit || b.Trouble == nil || byName["broken"].Unfit {
		t.Errorf("%+v", b)
	}
	if byName["broken"].Trouble == nil || byName["one"].Proved != nil || byName["failover"].Proved == nil || byName["failover"].Shipped {
		t.Errorf("%+v", o.Runbooks)
	}
	if err := os.WriteFile(dir.History(), bytes.Repeat([]byte("no library"), 4096), 0o600); err != nil {
		t.Fatal(err)
	}
	o = c.Overview(t.Context())
	if len(o.Troubles) != 1 || !strings.Contains(o.Troubles[0].Do, "lifeboat verify") || len(o.Recent) != 1 || !o.Recent[0].Refused {
		t.Errorf("%+v, recent %+v", o.Troubles, o.Recent)
	}
	if l := c.Runs(t.Context(), page.RunQuery{}); len(l.Troubles) == 0 || len(l.Runs) != 1 {
		t.Errorf("%+v", l)
	}
	if err := os.WriteFile(filepath.Join(string(dir), "format"), []byte("lifeboat store 9\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile("estate.yaml", []byte("name: ["), 0o600); err != nil {
		t.Fatal(err)
	}
	o = c.Overview(t.Context())
	if len(o.Troubles) != 2 || o.Estate != "" || o.Demo {
		t.Errorf("%+v", o.Troubles)
	}
	for _, tr := range o.Troubles {
		if tr.What == "" {
			t.Errorf("%+v", tr)
		}
	}
}

// The history is read in parts, and searched by words.
func TestConsoleRuns(t *testing.T) {
	c := testConsole(t)
	dir := c.testStore(t)
	fillHistory(t, dir, 130, runbook.Live, runbook.Drill)
	for _, find := range []string{"", "drill operator", "failed"} {
		var all []runbook.RunID
		q := page.RunQuery{Find: find, Limit: 7}
		for {
			l := c.Runs(t.Context(), q)
			if len(l.Troubles) > 0 || len(l.Runs) > 7 {
				t.Fatalf("%+v", l)
			}
			for _, r := range l.Runs {
				all = append(all, r.Run)
			}
			if q.Before = l.More; l.More == "" {
				break
			}
		}
		runs, err := bolt.New(dir.History()).Runs(t.Context(), store.Query{Limit: 1000})
		if err != nil {
			t.Fatal(err)
		}
		var want []runbook.RunID
		for _, s := range runs {
			if find == "" || find == "failed" && s.Outcome == runbook.Failed || strings.HasPrefix(find, "drill") && s.Mode == runbook.Drill {
				want = append(want, s.Run)
			}
		}
		if len(want) == 0 || strings.Join(idWords(all), " ") != strings.Join(idWords(want), " ") {
			t.Errorf("%q finds %d runs, not the %d that there are", find, len(all), len(want))
		}
	}
	if l := c.Runs(t.Context(), page.RunQuery{Before: "zz"}); len(l.Troubles) != 1 {
		t.Errorf("%+v", l)
	}
}

func idWords(ids []runbook.RunID) []string {
	var out []string
	for _, id := range ids {
		out = append(out, string(id))
	}
	return out
}
