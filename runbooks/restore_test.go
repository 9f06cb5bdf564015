package runbooks_test

import (
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"lifeboat/providers"
	"lifeboat/providers/actions"
	"lifeboat/providers/sim"
	"lifeboat/runbook"
	"lifeboat/runbook/runbooktest"
)

// restored asks the world what a restore must have left: one server, one new volume with the day on it, and nothing of
// production touched.
func restored(world *sim.World) func(t *testing.T, s runbook.State) {
	return func(t *testing.T, s runbook.State) {
		t.Helper()
		if s.Finished == nil || s.Finished.Outcome != runbook.Done {
			t.Errorf("the run ended as %+v, not done: %s", s.Finished, s.Step("restore").Evidence)
			return
		}
		audit := world.Audit()
		if len(audit.Instances) != 1 || audit.Attachments != 1 || audit.RecordChanges != 0 || audit.Associations != 0 {
			t.Errorf("%d servers, %d attachments, %d record changes, %d associations", len(audit.Instances), audit.Attachments, audit.RecordChanges, audit.Associations)
		}
		volume, _ := s.Step("volume").Outputs["volume"].(string)
		at, _ := s.Step("restore").Outputs["at"].(string)
		moment, err := time.Parse(time.RFC3339, at)
		if err != nil {
			t.Fatal(err)
		}
		data := world.VolumeData(volume)
		if data.Version != "archive "+moment.Format("20060102T150405Z") || data.Torn {
			t.Errorf("%s holds %+v, not the backup of %s", volume, data, at)
		}
	}
}

func TestADayIsRestored(t *testing.T) {
	for _, day := range []string{"newest", "7d", "30d"} {
		synctest.Test(t, func(t *testing.T) {
			l, world := shipped(t, "restore-archive.yaml", "", map[string]string{"day": day})
			s, _ := l.Life(t, 1, 0, runbooktest.Before, 0)
			restored(world)(t, s)
			if took := time.Duration(s.Finished.Elapsed); took > l.Plan.Target {
				t.Errorf("%s: it took %s", day, took)
			}
			if got := told(t, s, "verify"); !strings.Contains(got, "0 different") {
				t.Errorf("%s: %s", day, got)
			}
		})
	}
}

func TestARestoreSurvivesACrashAtEveryBoundary(t *testing.T) {
	runbooktest.CrashEverywhere(t, synctest.Test, func(t *testing.T) runbooktest.Lab {
		l, world := shipped(t, "restore-archive.yaml", "", map[string]string{"day": "12d"})
		l.Check = restored(world)
		return l
	})
}

// A driver that dies in the middle of the restore itself leaves a part of it, which the next one restores over.
func TestARestoreThatIsCutShort(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, world := shipped(t, "restore-archive.yaml", "", map[string]string{"day": "12d"})
		l.Decide = operator()
		s, _ := l.Life(t, 1, 0, runbooktest.Before, 4*time.Minute)
		if st := s.Step("restore"); s.Finished != nil || st.Settled() || st.Attempt != 1 {
			t.Fatalf("it was not in the middle of the restore when it was cut: %+v", st)
		}
		s, _ = l.Life(t, 2, 0, runbooktest.Before, 0)
		restored(world)(t, s)
	})
}

// What cannot be restored is said before a server is launched, as far as the archive shows it.
func TestAnArchiveThatCannotBeRestored(t *testing.T) {
	for name, c := range map[string]struct {
		chain, day string
		servers    int
		says       string
	}{
		"broken":       {sim.ChainBroken, "newest", 0, "broken"},
		"before it":    {"", "90d", 0, "begins at"},
		"empty":        {sim.ChainEmpty, "newest", 0, "empty"},
		"damaged":      {sim.ChainTorn, "newest", 1, "read back"},
		"sealed":       {sim.ChainSealed, "newest", 1, "passphrase"},
		"before a gap": {sim.ChainBroken, "25d", 1, ""},
	} {
		synctest.Test(t, func(t *testing.T) {
			l, world := labWith(t, string(read(t, "restore-archive.yaml")), sim.Faults{Chain: c.chain}, 1, map[string]string{"day": c.day})
			l.Secrets = vault{}
			l.Start.Answers = []runbook.Answer{{Step: runbook.StartStep, Word: l.Plan.Word}} // nothing is waived
			words := ""
			l.Decide = func(q runbook.Question) runbook.Reply {
				words += q.Text + " "
				return runbook.Reply{Choice: runbook.ChooseStop, Reason: "it cannot be restored", By: runbook.Actor{Name: "operator", Host: "console.example.com"}}
			}
			s, _ := l.Life(t, 1, 0, runbooktest.Before, 0)
			if n := len(world.Audit().Instances); n != c.servers {
				t.Errorf("%s: %d servers were launched, not %d: %s %+v", name, n, c.servers, words, s.Guard("reachable"))
			}
			if done := s.Finished != nil && s.Finished.Outcome == runbook.Done; done != (c.says == "") {
				t.Errorf("%s: it ended as %+v", name, s.Finished)
			}
			words += " " + s.Guard("reachable").Evidence + " " + told(t, s, "restore")
			if !strings.Contains(words, c.says) {
				t.Errorf("%s: %q does not say %q", name, words, c.says)
			}
		})
	}
}

// TestArchiveRunbooksPlan compiles them in every mode; an estate without an archive proves what it has, and cannot restore.
func TestArchiveRunbooksPlan(t *testing.T) {
	bare := string(read(t, "estate.yaml"))
	from, to := strings.Index(bare, "  archive:"), strings.Index(bare, "  subnet:")
	bare = bare[:from] + bare[to:]
	for _, name := range []string{"restore-archive.yaml", "prove-backups.yaml"} {
		rb, err := runbook.Parse(name, read(t, name))
		if err != nil {
			t.Fatal(err)
		}
		for estate, text := range map[string]string{"with": string(read(t, "estate.yaml")), "without": bare} {
			e, err := runbook.ParseEstate("estate.yaml", []byte(text))
			if err != nil {
				t.Fatal(err)
			}
			for _, mode := range []runbook.Mode{runbook.Live, runbook.Drill, runbook.Rehearse} {
				_, err := runbook.Compile(runbook.CompileInput{Runbook: rb, Estate: e, Catalog: actions.Catalog(providers.Set{}, actions.Options{}), Mode: mode})
				refused := estate == "without" && name == "restore-archive.yaml"
				if (err != nil) != refused || refused && !strings.Contains(err.Error(), "standby.archive") {
					t.Errorf("%s, %s an archive, %s: %v", name, estate, mode, err)
				}
			}
		}
	}
}

// TestFailoverToTheArchive fails over to a day of the archive: the standby volume is left as it is, and the server serves
// from a new one.
func TestFailoverToTheArchive(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, world := shipped(t, "failover.yaml", "", map[string]string{"data": "archive", "day": "3d"})
		s, _ := l.Life(t, 1, 0, runbooktest.Before, 0)
		exactlyOne(world)(t, s)
		volume, _ := s.Step("fresh").Outputs["volume"].(string)
		if got := world.VolumeData(volume).Version; !strings.HasPrefix(got, "archive ") {
			t.Errorf("the new volume holds %q", got)
		}
		if got := world.VolumeData("vol-0b2c3d4e5f6071829").Version; got != "nightly" {
			t.Errorf("the standby volume holds %q now", got)
		}
		for _, id := range []string{"attach", "mount", "quiesce", "sync"} {
			if st := s.Step(id); st.Status != runbook.StatusNotNeeded {
				t.Errorf("%s is %s", id, st.Status)
			}
		}
	})
}

// The replica's way asks for no secret of the archive: it works where there is none, and without an archive at all.
func TestFailoverNeedsNoSecretOfTheArchive(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, world := labWith(t, string(read(t, "failover.yaml")), sim.Faults{}, 1, map[string]string{"data": "replica"})
		l.Secrets = empty{}
		s, _ := l.Life(t, 1, 0, runbooktest.Before, 0)
		exactlyOne(world)(t, s)
	})
}

// empty is a vault without secrets.
type empty struct{}

func (empty) Secret(name string) (string, error) { return "", errors.New("it is not here: " + name) }

// TestFailoverToLastNightsCopy serves from what the night has left on the volume, and reads first whether that is whole. One
// that is not asks, and nothing starts on it meanwhile. An estate that knows of no nightly copy is not asked for its marker.
func TestFailoverToLastNightsCopy(t *testing.T) {
	nightly := map[string]string{"data": "nightly"}
	synctest.Test(t, func(t *testing.T) {
		l, world := shipped(t, "failover.yaml", "", nightly)
		s, _ := l.Life(t, 1, 0, runbooktest.Before, 0)
		exactlyOne(world)(t, s)
		if got := told(t, s, "proved"); !strings.Contains(got, "/srv/data is whole since") {
			t.Error(got)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		l, _ := shipped(t, "failover.yaml", "incomplete-nightly", nightly)
		var asked []string
		l.Decide = func(q runbook.Question) runbook.Reply {
			asked = append(asked, q.Step)
			return runbook.Reply{Choice: runbook.ChooseStop, By: runbook.Actor{Name: "operator"}}
		}
		s, _ := l.Life(t, 1, 0, runbooktest.Before, 0)
		if got := told(t, s, "proved"); !strings.Contains(got, "is not whole") || strings.Join(asked, " ") != "proved" {
			t.Errorf("%v asked: %s", asked, got)
		}
		if st := s.Step("services"); !st.First.IsZero() {
			t.Errorf("services is %s", st.Status)
		}
	})
	plan := compile(t, withoutNightly(t), runbook.Live, "nightly")
	if needed, err := plan.Needed("proved", &runbook.State{}); needed || err != nil {
		t.Errorf("without a nightly copy in the estate: %v, %v", needed, err)
	}
}

// withoutNightly is the demo's estate without its standby.nightly.
func withoutNightly(t *testing.T) string {
	text := string(read(t, "estate.yaml"))
	from := strings.Index(text, "  nightly:")
	to := strings.Index(text, "  heartbeat: /srv/data/.heartbeat     #")
	if from < 0 || to < from {
		t.Fatal("the estate's nightly copy is not where it was")
	}
	return text[:from] + text[to:]
}
