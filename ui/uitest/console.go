package uitest

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"lifeboat/runbook"
	"lifeboat/ui/page"
)

// Mood is how things stand when the console is opened.
type Mood string

// The moods.
const (
	Quiet    Mood = "quiet"        // all is well
	Down     Mood = "down"         // production does not answer, and its region is dark
	Sick     Mood = "sick"         // the server answers, the page is bad
	Torn     Mood = "torn"         // the evidence speaks against itself
	Empty    Mood = "empty"        // nothing was ever run
	Broken   Mood = "broken"       // the files are wrong
	OpenRun  Mood = "open-run"     // a run waits for a person
	Damaged  Mood = "damaged"      // the history is
	Demo     Mood = "demo"         // the estate is simulated
	AskStart Mood = "asks-a-word"  // a start needs a typed word
	NoStart  Mood = "cannot-start" // a start is refused
)

// Moods lists them all.
func Moods() []Mood {
	return []Mood{Quiet, Down, Sick, Torn, Empty, Broken, OpenRun, Damaged, Demo, AskStart, NoStart}
}

// Console serves pages from memory. It is safe for concurrent use.
type Console struct {
	Mood    Mood
	Now     time.Time
	History int // how many runs there were; moods quiet and demo have 12

	mu       sync.Mutex
	journals map[runbook.RunID]*Journal
	Started  []page.Choice // what Start was called with and has begun
}

// NewConsole makes a console in which those runs can be opened.
func NewConsole(mood Mood, runs ...Run) *Console {
	c := &Console{Mood: mood, Now: Start.Add(time.Hour), History: 12, journals: map[runbook.RunID]*Journal{}}
	if mood == Empty {
		c.History = 0
	}
	for _, r := range runs {
		c.Add(r)
		c.Now = r.Now
	}
	return c
}

// Add makes a run known and returns what its sessions share.
func (c *Console) Add(r Run) *Journal {
	c.mu.Lock()
	defer c.mu.Unlock()
	j := NewJournal(r)
	c.journals[r.Opened.Run] = j
	return j
}

// Journal is what the sessions of a run share; nil when there is no such run.
func (c *Console) Journal(id runbook.RunID) *Journal {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.journals[id]
}

// Overview is known at once.
func (c *Console) Overview(context.Context) page.Overview {
	o := page.Overview{
		Estate: "shop", Account: "123456789012", Service: "www.example.com", From: "us-west-1", To: "us-east-1", Demo: c.Mood == Demo,
		Runbooks: []page.RunbookLine{c.failover()},
	}
	lines := c.lines()
	o.Recent = lines[:min(5, len(lines))]
	switch c.Mood {
	case Down, Sick, Torn:
		for _, name := range []string{"relaunch", "repair"} {
			o.Runbooks = append(o.Runbooks, page.RunbookLine{
				Ref: name, Name: name, Title: name + " in us-west-1", Target: 3 * time.Minute,
				Forecast: page.Forecast{P50: 101 * time.Second, P90: 101 * time.Second, Source: "budget"},
			})
		}
	case Broken:
		t := wrongFile()
		o.Runbooks = append(o.Runbooks, page.RunbookLine{Ref: "relaunch", Name: "relaunch", Title: "relaunch.yaml", Trouble: t})
	case Damaged:
		o.Troubles = append(o.Troubles, page.Trouble{
			What: "the history is damaged after 20260101-211005", Means: "older runs are not listed; runs can be started", Do: "lifeboat verify",
		})
	case OpenRun:
		o.Open = append(o.Open, c.open()...)
	}
	return o
}

func wrongFile() *page.Trouble {
	return &page.Trouble{
		What:  `relaunch.yaml:14:11: there is no step "lanch"`,
		Means: "the runbook cannot run", Do: `write "launch"`,
	}
}

func (c *Console) failover() page.RunbookLine {
	l := page.RunbookLine{
		Ref: "failover", Name: "failover", Title: "Fail production over to us-east-1", Target: 5 * time.Minute, Shipped: c.Mood == Demo,
		Forecast: page.Forecast{P50: 219 * time.Second, P90: 219 * time.Second, Source: "budget"},
	}
	for _, r := range c.lines() {
		if r.Mode != runbook.Rehearse && r.Outcome == runbook.Done {
			l.Proved, l.Forecast = &r, page.Forecast{P50: 201 * time.Second, P90: 232 * time.Second, Source: "history of 4 runs"}
			break
		}
	}
	return l
}

func (c *Console) open() []page.RunLine {
	c.mu.Lock()
	defer c.mu.Unlock()
	var out []page.RunLine
	for _, id := range slices.Sorted(maps.Keys(c.journals)) {
		s := c.journals[id].state
		l := page.RunLine{
			Run: id, Name: s.Start.Name, Title: s.Start.Title, Mode: s.Start.Mode, Started: s.StartedAt, Elapsed: s.Elapsed(c.Now),
			Target: time.Duration(s.Start.Target), By: s.Start.By, Driven: c.journals[id].news.Driven,
			Driver: "operator@console, pid 4711, since 03:04:05",
		}
		if q := s.Questions(); len(q) > 0 {
			l.Asks = q[0].Step + ": " + q[0].Text
		}
		out = append(out, l)
	}
	return out
}

// lines is the history, newest first.
func (c *Console) lines() []page.RunLine {
	modes := []runbook.Mode{runbook.Rehearse, runbook.Drill, runbook.Rehearse, runbook.Live}
	outcomes := []runbook.Outcome{runbook.Done, runbook.Done, runbook.Failed, runbook.DoneWithSkips, runbook.Stopped, runbook.Done}
	out := make([]page.RunLine, 0, c.History)
	for i := range c.History {
		began := Start.Add(-time.Duration(i*i+i+1) * 7 * time.Hour)
		took := 3*time.Minute + time.Duration(i*37%151)*time.Second
		l := page.RunLine{
			Run: runbook.RunID(began.Format("20060102-150405") + fmt.Sprintf("-failover-%05d", i)), Name: "failover",
			Title: "Fail production over to us-east-1", Mode: modes[i%len(modes)], Started: began, Finished: began.Add(took),
			Outcome: outcomes[i%len(outcomes)], Elapsed: took, Target: 5 * time.Minute, By: []runbook.Actor{Operator, Second}[i%2],
		}
		if l.Outcome == runbook.DoneWithSkips {
			l.Skipped = 1
		}
		if l.Outcome == runbook.Failed && i%4 == 2 {
			l.Refused = true
		}
		l.Damaged = c.Mood == Damaged && i == 2
		out = append(out, l)
	}
	return out
}

// Readings are taken at the console's Now.
func (c *Console) Readings(context.Context) []page.Reading {
	at := c.Now.Add(-3 * time.Second)
	clue := func(about runbook.Subject, name string, age time.Duration) []runbook.Clue {
		return []runbook.Clue{{About: about, Name: name, Found: runbook.Fine, Zone: "us-west-1a", Age: age, Measured: age > 0}}
	}
	well := []page.Reading{
		{Group: "service", Name: "www.example.com", Value: "200 in 84 ms from 203.0.113.10", Source: "HTTP GET", Limit: "a good answer in 3 s", At: at, Verdict: page.Well, Clues: clue(runbook.AboutPage, "us-west-1", 0)},
		{Group: "region", Name: "us-west-1", Value: "answers in 61 ms", Source: "DescribeInstances", At: at, Verdict: page.Well, Clues: clue(runbook.AboutRegion, "us-west-1", 0)},
		{Group: "region", Name: "us-east-1", Value: "answers in 12 ms", Source: "DescribeInstances", At: at, Verdict: page.Well, Clues: clue(runbook.AboutRegion, "us-east-1", 0)},
		{Group: "server", Name: "i-0a1b2c3d4e5f60718", Value: "running", Source: "DescribeInstances", At: at, Verdict: page.Well, Clues: clue(runbook.AboutServer, "", 0)},
		{Group: "backup", Name: "live replica", Value: "12 s behind", Source: "replica", Limit: "1m", At: at, Verdict: page.Well, Clues: clue(runbook.AboutCopy, "replica", 12*time.Second)},
		{Group: "backup", Name: "nightly copy", Value: "5 h 04 min old", Source: "mark on the volume", Limit: "26h", At: at, Verdict: page.Well, Clues: clue(runbook.AboutCopy, "nightly", 304*time.Minute)},
		{Group: "backup", Name: "month of increments", Value: "not measured", Source: "no probe for archives", Limit: "26h", At: at, Verdict: page.Unknown, Do: "duplicity collection-status"},
		{Group: "standby", Name: "volume vol-0b2c3d4e5f6071829", Value: "free, in us-east-1a", Source: "DescribeVolumes", At: at, Verdict: page.Well, Clues: clue(runbook.AboutStandby, "volume", 0)},
		{Group: "standby", Name: "address 198.51.100.7", Value: "held, unused", Source: "DescribeAddresses", At: at, Verdict: page.Well, Clues: clue(runbook.AboutStandby, "address", 0)},
		{Group: "standby", Name: "image ami-0b2c3d4e5f6071829", Value: "made 3 days ago", Source: "DescribeImages", At: at, Verdict: page.Well, Clues: clue(runbook.AboutStandby, "image", 0)},
	}
	set := func(i int, value string, v page.Verdict, found runbook.Found, do string) {
		well[i].Value, well[i].Verdict, well[i].Clues[0].Found, well[i].Do = value, v, found, do
	}
	ssh := page.Reading{Group: "ssh", Name: "203.0.113.10", Source: "port 22", At: at, Verdict: page.Unknown, Clues: clue(runbook.AboutSSH, "", 0)}
	switch c.Mood {
	case Down:
		set(0, "no good answer in 3 tries over 6.3 s", page.Bad, runbook.Silent, "fail over to us-east-1")
		set(1, "no answer", page.Bad, runbook.Silent, "its API is dark: this is the region, not the server")
		set(3, "not known: us-west-1 gives no answer", page.Unknown, runbook.NotSeen, "")
		set(4, "4 min behind", page.Warn, runbook.Fine, "what was written since is only on the old server")
		well[4].Clues[0].Age = 4 * time.Minute
		ssh.Value, ssh.Clues[0].Found = "no answer in 5 s", runbook.Silent
		return append(well, ssh)
	case Sick:
		set(0, "503 in 12 ms from 203.0.113.10", page.Bad, runbook.Faulty, "look at the server's services")
		ssh.Value, ssh.Verdict = "answers in 9 ms", page.Well
		return append(well, ssh)
	case Torn:
		set(0, "no answer in 5 s", page.Bad, runbook.Silent, "look at the server and its region")
		set(3, "running, its status checks are well", page.Well, runbook.Fine, "")
		ssh.Value, ssh.Clues[0].Found = "no answer in 5 s", runbook.Silent
		here := page.Reading{Group: "here", Name: "this machine", Value: "stands in us-west-1", Source: "instance metadata", At: at, Verdict: page.Well, Clues: clue(runbook.AboutHere, "us-west-1", 0)}
		return append(well, ssh, here)
	}
	return well
}

// Preview compiles the shipped runbook.
func (c *Console) Preview(_ context.Context, choice page.Choice) page.Preview {
	if choice.Mode == "" {
		choice.Mode = runbook.Live
	}
	out := page.Preview{Choice: choice, Path: "failover.yaml", Past: c.lines()}
	if c.Mood == Broken || choice.Runbook == "relaunch" {
		out.Path, out.Trouble = "relaunch.yaml", wrongFile()
		return out
	}
	plan := compile(choice.Mode, choice.Inputs)
	out.Plan, out.Estimates, out.Calls, out.Never = plan, estimates(plan), calls(plan), never(plan)
	out.Inputs = []page.Input{{
		Name: "data", Title: "Which copy of the data is good?", Value: plan.Inputs["data"], Options: []page.Option{
			{Name: "nightly", Title: "Last night's rsync copy, already on the volume (up to a day old)"},
			{Name: "replica", Title: "The live replica (seconds old)"},
		},
	}}
	out.Nights = []page.Option{
		{Name: "quiet", Title: "nothing goes wrong"},
		{Name: "no-capacity", Title: "the standby region has no machine of the type for a while"},
		{Name: "region-dark", Title: "the production region gives no answer at all"},
		{Name: "random", Title: "two or three of these, drawn by the seed"},
	}
	out.Scenes = []page.Option{
		{Name: "stopped", Title: "production is stopped"}, {Name: "serving", Title: "production serves"}, {Name: "dark", Title: "its whole region is dark"},
	}
	if c.Mood == Demo {
		out.WhyNotLive = "the shipped estate is an example: it can only be rehearsed"
		out.WhyNoDrill = out.WhyNotLive
	}
	return out
}

// Start begins a run that waits for its guards.
func (c *Console) Start(_ context.Context, choice page.Choice) (runbook.RunID, error) {
	switch {
	case c.Mood == NoStart:
		return "", &page.Trouble{What: "the record cannot be written: no space left on device", Means: "no run was started", Do: "make room, or choose another store"}
	case c.Mood == AskStart && choice.Words["open"] != "SECOND":
		return "", &page.NeedWord{
			Name: "open", Word: "SECOND", What: "a live failover ended 41 min ago", Do: "a second one within 60 minutes needs the word",
		}
	}
	mode := choice.Mode
	if mode == "" {
		mode = runbook.Live
	}
	r := Scene("guards@" + string(mode))
	c.Add(r)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.Started = append(c.Started, choice)
	return r.Opened.Run, nil
}

// OpenRun opens a run that was given to NewConsole, Add or Start.
func (c *Console) OpenRun(_ context.Context, id runbook.RunID) (page.Session, error) {
	if j := c.Journal(id); j != nil {
		return j.Session(), nil
	}
	return nil, &page.Trouble{What: fmt.Sprintf("there is no run %q", id), Do: "lifeboat history lists them"}
}

// Runs pages through the history.
func (c *Console) Runs(_ context.Context, q page.RunQuery) page.RunList {
	limit := q.Limit
	if limit <= 0 {
		limit = 50
	}
	var out page.RunList
	past := q.Before == ""
	for _, l := range append(c.open(), c.lines()...) {
		switch {
		case !past:
			past = string(l.Run) == q.Before
		case !matches(l, q.Find):
		case len(out.Runs) == limit:
			out.More = string(out.Runs[limit-1].Run)
			return out
		default:
			out.Runs = append(out.Runs, l)
		}
	}
	if c.Mood == Damaged {
		out.Troubles = []page.Trouble{{What: "the history is damaged after 20260101-211005", Means: "older runs are not listed", Do: "lifeboat verify"}}
	}
	return out
}

func matches(l page.RunLine, find string) bool {
	text := strings.ToLower(fmt.Sprint(l.Run, l.Name, l.Mode, l.Outcome, l.By))
	for _, w := range strings.Fields(strings.ToLower(find)) {
		if !strings.Contains(text, w) {
			return false
		}
	}
	return true
}
