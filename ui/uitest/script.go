package uitest

import (
	"math"
	"strings"
	"time"

	"lifeboat/runbook"
)

// beat is one line of the good run: what happens, seconds after the first step could start.
type beat struct {
	at       float64
	step     string
	evidence string // "": the step starts
	outputs  map[string]any
	made     []runbook.Target
	changed  []runbook.Target
}

const server = "i-0d25d9bdf8d1e27fa"

var (
	theServer = runbook.Target{Kind: "instance", ID: server, Region: "us-east-1"}
	theHost   = map[string]any{"address": "198.51.100.7", "id": server, "region": "us-east-1"}
	onHost    = []runbook.Target{{Kind: "host", ID: server}}
)

// script is a run of the shipped failover in which all goes well, as a rehearsal of a quiet night writes it.
func script() []beat {
	return []beat{
		{at: 0, step: "launch"},
		{
			at: 2.1, step: "launch", evidence: server + " is pending in us-east-1a", made: []runbook.Target{theServer},
			outputs: map[string]any{"address": "", "instance": server, "region": "us-east-1", "zone": "us-east-1a"},
		},
		{at: 2.3, step: "running"},
		{at: 2.8, step: "quiesce"},
		{at: 2.9, step: "dns"},
		{
			at: 4.1, step: "dns", evidence: "A = 198.51.100.7, TTL 300: set in Route 53, was A = 203.0.113.10, TTL 300",
			outputs: map[string]any{"change": "C0B1109AF364780EC8", "name": "www.example.com", "ttl": 300, "value": "198.51.100.7", "was_ttl": 300},
		},
		{at: 4.3, step: "converged"},
		{at: 6.7, step: "quiesce", evidence: "198.51.100.21 says that it is paused", changed: []runbook.Target{{Kind: "host", ID: "198.51.100.21"}}},
		{
			at: 12.9, step: "running", evidence: server + " runs at 203.0.113.21 after 10.5s",
			outputs: map[string]any{"address": "203.0.113.21", "host": map[string]any{"address": "203.0.113.21", "id": server, "region": "us-east-1"}},
		},
		{at: 13.4, step: "address"},
		{at: 13.5, step: "attach"},
		{
			at: 14.3, step: "address", evidence: "198.51.100.7 → " + server, outputs: map[string]any{"address": "198.51.100.7", "host": theHost},
			changed: []runbook.Target{{Kind: "address", ID: "198.51.100.7", Region: "us-east-1"}},
		},
		{at: 14.5, step: "ready"},
		{
			at: 18.6, step: "attach", evidence: "vol-0b2c3d4e5f6071829 on " + server + " as /dev/sdf",
			outputs: map[string]any{"device": "/dev/sdf", "volume": "vol-0b2c3d4e5f6071829"},
			changed: []runbook.Target{{Kind: "volume", ID: "vol-0b2c3d4e5f6071829", Region: "us-east-1"}},
		},
		{at: 38.1, step: "converged", evidence: "A = 198.51.100.7 on 4/4 name servers"},
		{
			at: 45.6, step: "ready", evidence: server + " answers ssh at 198.51.100.7 after 31s",
			outputs: map[string]any{"address": "198.51.100.7", "host": theHost},
		},
		{at: 46.2, step: "mount"},
		{
			at: 50.4, step: "mount", evidence: "vol-0b2c3d4e5f6071829 (/dev/nvme5n1) at /srv/data on " + server + " (198.51.100.7)",
			outputs: map[string]any{"path": "/srv/data", "source": "/dev/nvme5n1"}, changed: onHost,
		},
		{at: 51, step: "sync"},
		{
			at: 134, step: "sync", evidence: "198.51.100.21:/srv/data → 198.51.100.7:/srv/data: 3.9 GB copied of 41.0 GB",
			outputs: map[string]any{"summary": "3.9 GB copied of 41.0 GB"}, changed: onHost,
		},
		{at: 134.6, step: "services"},
		{at: 180, step: "services", evidence: "bbj active, httpd active on " + server + " (198.51.100.7)", changed: onHost},
		{at: 180.2, step: "serving"},
		{at: 180.7, step: "serving", evidence: "200 in 452 ms from 198.51.100.7"},
	}
}

// drillWords turns the evidence of production into that of the drill overlay.
func (t *teller) words(s string) string {
	if t.plan.Mode != runbook.Drill {
		return s
	}
	return strings.NewReplacer("198.51.100.7", "198.51.100.9", "vol-0b2c3d4e5f6071829", "vol-0c3d4e5f607182930",
		"www.example.com", "drill.example.com").Replace(s)
}

// play tells the script up to that many seconds after the first step could start; steps named in without are left to the
// scene.
func (t *teller) play(until float64) {
	beats := script()
	for ; t.played < len(beats) && beats[t.played].at <= until; t.played++ {
		b := beats[t.played]
		at := t.began.Add(time.Duration(b.at * float64(time.Second)))
		if t.without[b.step] || t.never(b.step) {
			continue
		}
		after := math.Max(0, at.Sub(t.now).Seconds())
		if b.evidence == "" {
			t.start(after, b.step)
			continue
		}
		t.fact(after, &runbook.StepSucceeded{
			Step: b.step, Attempt: t.state.Step(b.step).Attempt, Evidence: t.words(b.evidence), Outputs: b.outputs, Made: b.made,
			Changed: b.changed, Elapsed: runbook.Seconds(at.Sub(t.state.Step(b.step).First)),
		})
	}
	if end := t.began.Add(time.Duration(until * float64(time.Second))); until < 1000 && end.After(t.now) {
		t.now = end
	}
}

func (t *teller) never(step string) bool { return never(t.plan)[step] }

// except leaves steps out of the script.
func (t *teller) except(steps ...string) {
	for _, s := range steps {
		t.without[s] = true
	}
}

// guards lets the guards hold; in a drill they are not asked.
func (t *teller) guards() {
	if t.plan.Mode == runbook.Drill {
		t.fact(0.1, &runbook.GuardNotApplicable{Guard: "down", Reason: "not asked in drill mode"})
		t.fact(0, &runbook.GuardNotApplicable{Guard: "fenced", Reason: "not asked in drill mode"})
		return
	}
	t.fenced()
	t.down()
}

func (t *teller) fenced() {
	t.fact(0.7, &runbook.GuardPassed{Guard: "fenced", Evidence: "i-0a1b2c3d4e5f60718 is stopped in us-west-1"})
}

func (t *teller) down() {
	t.fact(5.8, &runbook.GuardPassed{Guard: "down", Evidence: "no good answer in 3 tries over 6.3 s: no connection before the deadline"})
}

// ask asks for the start; approve gives it.
func (t *teller) ask() {
	t.fact(0.1, &runbook.ApprovalAsked{Step: runbook.StartStep, Confirm: t.plan.Confirm, Word: t.plan.Word, Text: t.plan.Title})
}

func (t *teller) approve() {
	t.guards()
	t.ask()
	t.answer(11.4, runbook.StartStep, runbook.Reply{Choice: runbook.ChooseApprove, Word: t.plan.Word})
	t.began = t.now.Add(600 * time.Millisecond)
}
