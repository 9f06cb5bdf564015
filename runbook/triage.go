package runbook

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Triage is the judgement of somebody who was woken up: from what was seen to what to do. It asks nothing itself.

// Subject is what a Clue is about.
type Subject string

// The subjects.
const (
	AboutPage    Subject = "page"    // Name: the region that answered, when it is known
	AboutRecord  Subject = "record"  // the service's name in the DNS
	AboutSSH     Subject = "ssh"     // of the production server
	AboutServer  Subject = "server"  // EC2's word on the production server; Zone says where it is
	AboutZone    Subject = "zone"    // Name: an availability zone of production's region
	AboutRegion  Subject = "region"  // Name: a region; its API
	AboutStandby Subject = "standby" // Name: image, volume or address that waits there
	AboutCopy    Subject = "copy"    // Name: replica, nightly or archive; Age: what it would lose
	AboutControl Subject = "control" // something that has nothing to do with the estate, such as a root name server
	AboutHere    Subject = "here"    // Name: the region in which this machine stands
	AboutFence   Subject = "fence"   // Faulty: the old primary runs beside the one that serves; Name: its id
	AboutData    Subject = "data"    // Faulty: somebody says that it is bad; Age: since when
)

// Found is what was found. The zero value is: it could not be asked, or nobody has.
type Found string

// What can be found.
const (
	NotSeen  Found = ""
	Fine     Found = "fine"
	Faulty   Found = "faulty"   // it answers, and is not well
	Refused  Found = "refused"  // something is there and refuses
	Silent   Found = "silent"   // no answer
	Dead     Found = "dead"     // the cloud answers, and says that it does not run or is not there
	Starting Found = "starting" // the cloud says so
)

// heard reports whether anything at all came back.
func (f Found) heard() bool { return f != NotSeen && f != Silent }

// Clue is one value that a probe brought, with where it is from and when.
type Clue struct {
	About    Subject       `json:"about"`
	Name     string        `json:"name,omitempty"`
	Found    Found         `json:"found,omitempty"`
	Zone     string        `json:"zone,omitempty"`
	Age      time.Duration `json:"-"`
	Measured bool          `json:"-"` // Age says something
	Value    string        `json:"value"`
	Source   string        `json:"source,omitempty"`
	At       time.Time     `json:"at,omitzero"`
}

// Case is what is known.
type Case struct {
	Service  string
	From, To string   // regions: production and standby
	Books    []string // names of the runbooks that can be run here
	Clues    []Clue
}

// Condition is how it stands, in a word.
type Condition string

// The conditions.
const (
	IsWell    Condition = "well"
	IsDown    Condition = "down"
	HasBad    Condition = "bad data"
	HasTwo    Condition = "two primaries" // the one that was failed over from is back
	IsUnclear Condition = "not known"     // whether it is down at all
)

// Remedy is something to do. Its word is the name of the runbook that does it, where one does.
type Remedy string

// The remedies.
const (
	Repair         Remedy = "repair"
	Relaunch       Remedy = "relaunch"
	Failover       Remedy = "failover"
	Fence          Remedy = "fence"
	RestoreArchive Remedy = "restore-archive"
	LookFirst      Remedy = "look" // for a person
	Wait           Remedy = "wait"
)

// byBook says that a runbook does it.
func (r Remedy) byBook() bool { return r != LookFirst && r != Wait }

// Way is one thing that could be done.
type Way struct {
	Remedy   Remedy            `json:"remedy"`
	Do       string            `json:"do"` // imperative
	Book     string            `json:"runbook,omitempty"`
	Inputs   map[string]string `json:"inputs,omitempty"`
	Possible bool              `json:"possible"`
	Why      string            `json:"why,omitempty"` // why it is best; or why it is not possible
	Loses    *Loss             `json:"loses,omitempty"`
}

// Loss is what goes with a copy: all that was written since.
type Loss struct {
	Copy    string  `json:"copy"`
	Seconds Seconds `json:"at_most,omitempty"` // on the clock
	Known   bool    `json:"known"`
}

func (l *Loss) String() string {
	switch {
	case l == nil:
		return ""
	case !l.Known:
		return "how much is lost is not measured"
	}
	return "up to " + SpanText(time.Duration(l.Seconds)) + " lost"
}

// Advice is what to do, the best first, and why.
type Advice struct {
	State    Condition `json:"state"`
	Broken   string    `json:"broken"` // what is, in a line
	Sure     bool      `json:"sure"`
	Why      string    `json:"why,omitempty"`   // how the evidence was read
	Doubt    string    `json:"doubt,omitempty"` // when it is not sure
	Ways     []Way     `json:"ways"`
	Evidence []Clue    `json:"evidence"`
	Notes    []string  `json:"notes,omitempty"`
}

// Triage says what to do. It prefers what changes least: a server that answers is repaired, one that is dead in a zone that
// lives is launched anew, and only a zone or a region that is dark is left. Where the evidence is not enough, or one part of
// it speaks against another, it says so and is not Sure.
func Triage(c Case) Advice {
	t := newTriage(c)
	var a Advice
	switch {
	case t.data.Found == Faulty:
		a = t.badData()
	case t.page.Found == Fine && t.fence.Found == Faulty:
		a = t.twoPrimaries()
	case t.page.Found == Fine:
		a = t.serving()
	case t.deaf():
		a = t.blind()
	case t.page.Found == NotSeen:
		a = t.unasked()
	default:
		a = t.down()
	}
	a.Sure = a.Doubt == ""
	a.Evidence = t.evidence(a.State)
	if t.here != "" && t.here == c.From && a.State != IsWell {
		a.Notes = append(a.Notes, fmt.Sprintf("this machine stands in %s itself: what does not answer from here may answer elsewhere, and it may go down with the rest. Go on from a machine outside of it", t.here))
	}
	a.Ways = t.doable(a.Ways)
	return a
}

// triage is a case, sorted.
type triage struct {
	Case
	page, record, ssh, server, data Clue
	fence                           Clue
	from, to, zone                  Clue
	here                            string
}

func newTriage(c Case) *triage {
	t := &triage{Case: c}
	first := func(about Subject, name string) Clue {
		for _, clue := range c.Clues {
			if clue.About == about && (name == "" || clue.Name == name) {
				return clue
			}
		}
		return Clue{About: about, Name: name}
	}
	t.page, t.record, t.ssh, t.server = first(AboutPage, ""), first(AboutRecord, ""), first(AboutSSH, ""), first(AboutServer, "")
	t.fence = first(AboutFence, "")
	t.data, t.here = first(AboutData, ""), first(AboutHere, "").Name
	t.from, t.to = first(AboutRegion, orQuestion(c.From)), first(AboutRegion, orQuestion(c.To))
	if t.server.Zone != "" {
		t.zone = first(AboutZone, t.server.Zone)
	}
	return t
}

func orQuestion(s string) string {
	if s == "" {
		return "?"
	}
	return s
}

// deaf reports whether nothing at all answers from here: then it is this machine that does not hear.
func (t *triage) deaf() bool {
	silent := false
	for _, c := range t.Clues {
		switch c.About {
		case AboutHere, AboutData:
			continue
		}
		if c.Found.heard() {
			return false
		}
		silent = silent || c.Found == Silent
	}
	return silent
}

// control is something beyond production that answers from here, and so proves that this machine hears.
func (t *triage) control() (Clue, bool) {
	if t.to.Found.heard() {
		return t.to, true
	}
	i := slices.IndexFunc(t.Clues, func(c Clue) bool { return c.About == AboutControl && c.Found.heard() })
	if i < 0 {
		return Clue{}, false
	}
	return t.Clues[i], true
}

func (t *triage) copy(kind string) Clue {
	for _, c := range t.Clues {
		if c.About == AboutCopy && c.Name == kind {
			return c
		}
	}
	return Clue{About: AboutCopy, Name: kind}
}

func (t *triage) loses(kind string) *Loss {
	c := t.copy(kind)
	return &Loss{Copy: kind, Seconds: Seconds(c.Age), Known: c.Measured}
}

// evidence is what the advice rests on. Of the copies, the standby and the controls nothing is said on a quiet day.
func (t *triage) evidence(state Condition) []Clue {
	order := []Subject{AboutFence, AboutPage, AboutSSH, AboutServer, AboutZone, AboutRegion, AboutRecord, AboutCopy, AboutControl, AboutData, AboutHere, AboutStandby}
	if state == IsWell {
		order = order[:7]
	}
	out := []Clue{}
	for _, about := range order {
		for _, c := range t.Clues {
			if c.About == about && (about != AboutStandby || c.Found != Fine) {
				out = append(out, c)
			}
		}
	}
	return out
}

// doable names the runbook of each way, and moves to the front what a runbook does where the best has none.
func (t *triage) doable(ways []Way) []Way {
	for i := range ways {
		w := &ways[i]
		if !w.Remedy.byBook() || !w.Possible {
			continue
		}
		if slices.Contains(t.Books, string(w.Remedy)) {
			w.Book = string(w.Remedy)
			continue
		}
		w.Why = join("; ", "by hand: there is no runbook "+string(w.Remedy)+" here that can be run", w.Why)
	}
	if len(ways) == 0 || !ways[0].Remedy.byBook() || ways[0].Book != "" {
		return ways
	}
	if i := slices.IndexFunc(ways, func(w Way) bool { return w.Book != "" }); i > 0 {
		w := ways[i]
		w.Why = join("; ", w.Why, fmt.Sprintf("%s would change less, and no runbook here does it", ways[0].Remedy))
		ways = slices.Insert(slices.Delete(ways, i, i+1), 0, w)
	}
	return ways
}

func join(sep string, parts ...string) string {
	return strings.Join(slices.DeleteFunc(parts, func(s string) bool { return s == "" }), sep)
}

// SpanText is a span of time in its two largest units: 12 s, 4 min, 5 h 04 min, 3 days.
func SpanText(d time.Duration) string {
	switch s := int(d.Seconds()); {
	case s < 120:
		return fmt.Sprintf("%d s", max(0, s))
	case s < 2*60*60:
		return fmt.Sprintf("%d min", s/60)
	case s < 48*60*60:
		return fmt.Sprintf("%d h %02d min", s/3600, s/60%60)
	default:
		return fmt.Sprintf("%d days", s/86400)
	}
}
