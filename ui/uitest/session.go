package uitest

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"sync"

	"lifeboat/runbook"
	"lifeboat/ui/page"
)

// Log of a step that is long enough to show that nothing renders it whole.
const longLog = 100_000

// logs are what the steps and the calls of a run have written. Nobody pays for the long one who does not read it.
func logs(events []runbook.Event) map[string][]string {
	out := map[string][]string{"": nil}
	for _, e := range events {
		f, is := e.Fact.(*runbook.StepStarted)
		if !is {
			continue
		}
		at := e.Time.UTC().Format("15:04:05.000")
		out[""] = append(out[""], fmt.Sprintf("%s %s apply %s attempt %d key %.8s", at, f.Step, f.Kind, f.Attempt, f.Key))
		out[f.Step] = []string{at + " attempt", at + " " + f.Kind + ": as the runbook says"}
	}
	return out
}

// Journal is a run in memory that any number of sessions follow: they behave as consoles in several terminals. It is safe for
// concurrent use.
type Journal struct {
	run Run

	mu      sync.Mutex
	events  []runbook.Event
	state   runbook.State
	news    page.News
	changed chan struct{}  // closed by the next change; nil when nobody waits
	Facts   []runbook.Fact // what sessions have decided and told, in order; read it when no session writes
	Driven  []string       // the words with which Drive was called
}

// NewJournal holds a run.
func NewJournal(run Run) *Journal {
	return &Journal{run: run, events: run.Opened.Events, state: run.State(), news: run.News}
}

// Session follows the run of a scene, alone.
func Session(run Run) page.Session { return NewJournal(run).Session() }

// Session follows the run.
func (j *Journal) Session() page.Session {
	return &session{j: j, done: make(chan struct{})}
}

// Append adds facts as the driver would; what follows them sees them.
func (j *Journal) Append(facts ...runbook.Fact) {
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, f := range facts {
		j.add(f)
	}
}

// Change changes what is beside the journal: progress, driver, trouble with the record.
func (j *Journal) Change(change func(*page.News)) {
	j.mu.Lock()
	defer j.mu.Unlock()
	change(&j.news)
	j.wake()
}

// State is the fold of what is on record now.
func (j *Journal) State() runbook.State {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.state.Clone()
}

func (j *Journal) add(f runbook.Fact) {
	e := runbook.Event{Seq: j.state.Seq + 1, Time: j.run.Now, Run: j.run.Opened.Run, Fact: f}
	j.events = append(j.events[:len(j.events):len(j.events)], e)
	j.state.Apply(e)
	j.wake()
}

func (j *Journal) wake() {
	if j.changed != nil {
		close(j.changed)
		j.changed = nil
	}
}

func (j *Journal) since(after uint64) (page.News, <-chan struct{}) {
	j.mu.Lock()
	defer j.mu.Unlock()
	n := j.news
	n.Events = nil
	if after < uint64(len(j.events)) {
		n.Events = j.events[after:len(j.events):len(j.events)]
	}
	if j.changed == nil {
		j.changed = make(chan struct{}) // made by who waits: a channel of a bubble cannot be waited for outside of it
	}
	return n, j.changed
}

type session struct {
	j    *Journal
	once sync.Once
	done chan struct{}
	told bool // what is beside the journal was told once
}

func (s *session) Opened() page.Opened {
	s.j.mu.Lock()
	defer s.j.mu.Unlock()
	o := s.j.run.Opened
	o.Events = s.j.events
	return o
}

// Next returns at once the first time, and later when something has changed.
func (s *session) Next(ctx context.Context, after uint64) (page.News, error) {
	news, changed := s.j.since(after)
	if len(news.Events) > 0 || !s.told {
		s.told = true
		return news, ctx.Err()
	}
	select {
	case <-changed:
		news, _ = s.j.since(after)
		return news, nil
	case <-s.done:
		return news, context.Canceled
	case <-ctx.Done():
		return page.News{}, ctx.Err()
	}
}

func (s *session) Answer(_ context.Context, state *runbook.State, q runbook.Question, r runbook.Reply) error {
	s.j.mu.Lock()
	defer s.j.mu.Unlock()
	if d, was := s.j.state.Decided[q.Seq]; was {
		return &page.Decided{By: d.By, At: d.At}
	}
	open, is := s.j.state.Open(q.Seq)
	if !is {
		return &page.Trouble{What: "the question is closed", Means: "the run was stopped, or somebody answered"}
	}
	f, err := open.Answer(r)
	if err != nil {
		return &page.Trouble{What: err.Error(), Means: "nothing was decided"}
	}
	if retry, is := f.(*runbook.StepRetried); is {
		state.Retry(retry)
	}
	s.j.add(f)
	s.j.Facts = append(s.j.Facts, f)
	return nil
}

func (s *session) Tell(_ context.Context, f runbook.Fact) error {
	s.j.mu.Lock()
	defer s.j.mu.Unlock()
	s.j.add(f)
	s.j.Facts = append(s.j.Facts, f)
	return nil
}

// Drive takes the run up when nobody drives it, else asks for the word TAKEOVER.
func (s *session) Drive(_ context.Context, word string) error {
	s.j.mu.Lock()
	defer s.j.mu.Unlock()
	s.j.Driven = append(s.j.Driven, word)
	if s.j.news.Driven && word != takeOver {
		return &page.NeedWord{
			Name: "driver", Word: takeOver, What: fmt.Sprintf("%s drives the run (pid %d)", s.j.news.Driver.By, s.j.news.Driver.PID),
			Do: "that process is ended and this one goes on",
		}
	}
	d := runbook.Driver{Epoch: s.j.state.Epoch + 1, Host: Operator.Host, PID: 4800, Began: "2", By: Operator}
	s.j.add(&runbook.RunResumed{Driver: &d})
	s.j.news.Driven, s.j.news.Driver, s.j.news.Since = true, d, s.j.run.Now
	s.j.wake()
	return nil
}

const takeOver = "TAKEOVER"

// Text reads a log; that of step sync has 100,000 lines.
func (s *session) Text(_ context.Context, q page.TextQuery) (page.Text, error) {
	return ReadLog(s.j.log(q.Step), q), nil
}

func (j *Journal) log(step string) string {
	if lines := j.run.Logs[step]; step != "sync" || len(lines) == 0 {
		if len(lines) == 0 {
			return ""
		}
		return strings.Join(lines, "\n") + "\n"
	}
	at := j.run.Now.UTC().Format("15:04:05.000")
	b := make([]byte, 0, longLog*45)
	for i := range longLog {
		b = append(b, at...)
		b = append(b, " >f.st...... srv/data/"...)
		b = strconv.AppendInt(b, int64(1_000_000+i), 10)
		b = append(b, ".dat\n"...)
	}
	return string(b)
}

// ReadLog answers a query from a log's whole text.
func ReadLog(text string, q page.TextQuery) page.Text {
	size := int64(len(text))
	most := int64(q.Max)
	if most <= 0 {
		most = 64 << 10
	}
	until := size
	if q.Until > 0 && q.Until < size {
		until = q.Until
	}
	from := min(q.From, until)
	if from < 0 {
		from = max(0, until-most)
		if from > 0 { // behind the next end of a line
			from = int64(strings.IndexByte(text[from-1:], '\n')) + from
		}
	}
	to := min(until, from+most)
	if cut := strings.LastIndexByte(text[from:to], '\n'); cut >= 0 {
		to = from + int64(cut) + 1
	}
	out := page.Text{From: from, To: to, Size: size}
	if part := strings.TrimSuffix(text[from:to], "\n"); to > from {
		out.Lines = strings.Split(part, "\n")
	}
	return out
}

func (s *session) Close() { s.once.Do(func() { close(s.done) }) }
