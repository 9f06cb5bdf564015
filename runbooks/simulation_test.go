package runbooks_test

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"os"
	"testing"
	"testing/synctest"
	"time"

	"lifeboat/providers/sim"
	"lifeboat/runbook"
	"lifeboat/runbook/runbooktest"
	"lifeboat/store"
)

// seeds is how many nights are simulated: all of them in a soak, a part in every test run.
func seeds() int {
	if os.Getenv("LIFEBOAT_SOAK") != "" {
		return 10_000
	}
	return 150
}

// operator answers as a tired but sane person would: it looks again twice, retries three times, then skips what may be
// skipped and at last stops.
func operator() func(q runbook.Question) runbook.Reply {
	asked := map[string]int{}
	by := runbook.Actor{Name: "operator", Host: "console.example.com"}
	return func(q runbook.Question) runbook.Reply {
		asked[q.Step]++
		n := asked[q.Step]
		r := runbook.Reply{By: by, Word: q.Word}
		switch {
		case q.Kind == runbook.AskWaive && q.Confirm == runbook.ConfirmType:
			r.Choice = runbook.ChooseWaive
		case q.Kind == runbook.AskWaive && n < 4, q.Kind == runbook.AskUnknown && n < 3:
			r.Choice = runbook.ChooseLook
		case (q.Kind == runbook.AskFailed || q.Kind == runbook.AskUnknown) && n < 6:
			r.Choice = runbook.ChooseRetry
		default:
			r.Choice, r.Reason = runbook.ChooseStop, "it does not get better"
		}
		return r
	}
}

// night simulates one seed: a night drawn from it, and up to four drivers that die at moments drawn from it, in the middle
// of calls too. It returns the hash of the journal.
func night(t *testing.T, seed uint64) (hash string, s runbook.State, audit sim.Audit) {
	t.Helper()
	draw := rand.New(rand.NewPCG(seed, 1))
	synctest.Test(t, func(t *testing.T) {
		faults, err := sim.Night("random", seed)
		if err != nil {
			t.Fatal(err)
		}
		l, world := lab(t, faults, seed)
		l.Decide = operator()
		deaths := draw.IntN(5)
		for life := 1; life <= deaths && s.Finished == nil; life++ {
			die := time.Duration(1 + draw.Int64N(int64(4*time.Minute)))
			s, _ = l.Life(t, uint64(life), 0, runbooktest.Before, die)
		}
		if s.Finished == nil {
			s, _ = l.Life(t, uint64(deaths+1), 0, runbooktest.Before, 0)
		}
		hash, audit = hashOf(t, l), world.Audit()
	})
	return hash, s, audit
}

func hashOf(t *testing.T, l runbooktest.Lab) string {
	t.Helper()
	events, err := l.Journal.Events(t.Context(), 1)
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.New()
	for _, e := range events {
		text, err := store.Encode(e)
		if err != nil {
			t.Fatal(err)
		}
		sum.Write(text)
	}
	return hex.EncodeToString(sum.Sum(nil))
}

func TestSimulatedNights(t *testing.T) {
	outcomes := map[runbook.Outcome]int{}
	for seed := uint64(1); seed <= uint64(seeds()); seed++ {
		_, s, audit := night(t, seed)
		if s.Finished == nil {
			t.Errorf("seed %d: the run does not end", seed)
			continue
		}
		outcomes[s.Finished.Outcome]++
		for token, n := range audit.Launched {
			if n != 1 {
				t.Errorf("seed %d: %d machines for one token %s", seed, n, token)
			}
		}
		if len(audit.Running) > 1 {
			t.Errorf("seed %d: %d machines run: %v", seed, len(audit.Running), audit.Running)
		}
		if audit.RecordChanges > 1 {
			t.Errorf("seed %d: the record was changed %d times", seed, audit.RecordChanges)
		}
		if t.Failed() {
			t.FailNow()
		}
	}
	t.Log(fmt.Sprint(outcomes))
	if outcomes[runbook.Done] == 0 {
		t.Error("no night ended well: the simulation proves nothing")
	}
}

func TestSameSeedSameJournal(t *testing.T) {
	for seed := uint64(1); seed <= 20; seed++ {
		first, _, _ := night(t, seed)
		if again, _, _ := night(t, seed); again != first {
			t.Errorf("seed %d: two journals: %s and %s", seed, first, again)
		}
	}
}
