package page

import (
	"context"
	"maps"
	"time"

	tea "charm.land/bubbletea/v2"

	"lifeboat/runbook"
	"lifeboat/ui/widget"
)

// previewEvery is how often the files are read again while they are shown: somebody may be editing them.
const previewEvery = 5 * time.Second

// runbookPage shows what a run would be before there is one: what it does, how long that takes, with which calls; and it
// starts one. It acts on nothing itself.
type runbookPage struct {
	frame
	ctx     context.Context
	cancel  context.CancelFunc
	from    Previewer
	starter Starter

	choice  Choice
	asked   uint64 // counts questions; an answer to an older one is dropped
	askedAt time.Time
	asking  bool
	loud    bool // the operator waits for the answer: the old one does not stand any more
	preview Preview
	known   bool // an answer has come
	outline outline
	changed string // what has become of the files since they were first shown
	digests [2]string

	focus  string
	rows   []rbRow
	first  int
	detail bool // the details of a step cover the rows
	down   int

	editing string // the key of the row whose text is being typed
	field   widget.Field
	need    *NeedWord
	needBad string // what was typed was not the word

	starting bool
	attempts uint64
	trouble  *Trouble // why it did not start
	words    map[string]string
	covered  bool
}

type (
	rbPreview struct {
		to *runbookPage
		n  uint64
		p  Preview
	}
	rbStarted struct {
		to  *runbookPage
		n   uint64
		run runbook.RunID
		err error
	}
)

// NewRunbook makes the page of a runbook. With an empty mode it is the one that the preview proposes.
func NewRunbook(ctx context.Context, env *Env, p Previewer, s Starter, c Choice) Page {
	ctx, cancel := context.WithCancel(ctx)
	r := &runbookPage{
		frame: frame{env: env}, ctx: ctx, cancel: cancel, from: p, starter: s, choice: c, focus: rbFocusStart,
		words: maps.Clone(c.Words),
	}
	r.settle()
	return r
}

// Init reads the runbook.
func (p *runbookPage) Init() tea.Cmd { return p.ask(true) }

// Close ends what is being asked. A start that is under way goes on: it may have made a run by now.
func (p *runbookPage) Close() {
	if !p.starting {
		p.cancel()
	}
}

// SetSize takes the terminal's size, or another theme.
func (p *runbookPage) SetSize(width, height int) {
	p.frame.SetSize(width, height)
	p.outline = outlineOf(p.env.Theme, &p.preview)
	p.settle()
}

// ask reads the runbook with what is chosen now. Loud: the operator has changed something and waits; otherwise the old answer
// stays on the screen as it is.
func (p *runbookPage) ask(loud bool) tea.Cmd {
	p.asked++
	p.asking, p.askedAt, p.loud = true, p.env.Now(), p.loud || loud
	n, c := p.asked, p.choice
	return func() tea.Msg { return rbPreview{p, n, p.from.Preview(p.ctx, c)} }
}

// Update takes a message.
func (p *runbookPage) Update(msg tea.Msg) tea.Cmd {
	var cmd tea.Cmd
	switch msg := msg.(type) {
	case rbPreview:
		if msg.to != p || msg.n != p.asked {
			return nil
		}
		p.take(msg.p)
	case rbStarted:
		if msg.to != p || msg.n != p.attempts {
			return nil
		}
		cmd = p.started(msg.run, msg.err)
	case Tick:
		if p.covered || p.asking || p.starting || p.Typing() || p.env.Now().Sub(p.askedAt) < previewEvery {
			return nil
		}
		cmd = p.ask(false)
	case Covered:
		p.covered = true
	case Shown:
		p.covered = false
		cmd = p.ask(false)
	case tea.PasteMsg:
		if p.Typing() {
			p.field.Insert(msg.Content)
		}
	case tea.KeyPressMsg:
		cmd = p.key(msg)
	default:
		return nil
	}
	p.settle()
	return cmd
}

// take puts a new answer in the place of the old one, and says when the files are not what they were.
func (p *runbookPage) take(next Preview) {
	digests := [2]string{}
	if next.Plan != nil {
		digests = [2]string{next.Plan.RunbookSource.Digest, next.Plan.EstateSource.Digest}
	}
	switch before := p.preview.Plan != nil; {
	case !p.known:
	case before && next.Plan == nil:
		p.changed = "the files have changed while this was shown, and are wrong now"
	case before && digests[0] != p.digests[0]:
		p.changed = "the runbook has changed while it was shown: this is how it is now"
	case before && digests[1] != p.digests[1]:
		p.changed = "the estate file has changed while this was shown: this is how it is now"
	case !before && next.Plan != nil:
		p.changed, p.focus = "the files are good again", rbFocusStart
	}
	p.preview, p.known, p.asking, p.loud, p.digests = next, true, false, false, digests
	if p.choice.Mode == "" {
		p.choice.Mode = next.Choice.Mode
		if next.Plan != nil {
			p.choice.Mode = next.Plan.Mode
		}
	}
	p.outline = outlineOf(p.env.Theme, &p.preview)
}

// choose changes what is wanted and reads the runbook with it.
func (p *runbookPage) choose(change func(c *Choice)) tea.Cmd {
	c := p.choice
	c.Inputs = maps.Clone(c.Inputs) // the old ones may still be read by a command
	if c.Inputs == nil {
		c.Inputs = map[string]string{}
	}
	change(&c)
	p.choice, p.trouble, p.changed = c, nil, ""
	return p.ask(true)
}

// settle works out what View draws from.
func (p *runbookPage) settle() {
	p.rows = p.lay()
	at := p.at()
	p.focus = p.rows[at].key
	p.first = widget.Scroll(p.first, at, len(p.rows), p.body())
	if p.body() > at {
		p.first = 0
	}
	p.down = max(0, min(p.down, p.detailEnd()))
}

// at is the row in focus: the one that had it, else the line that starts, else the first that can have it.
func (p *runbookPage) at() int {
	start, first := -1, 0
	for i := len(p.rows) - 1; i >= 0; i-- {
		switch p.rows[i].key {
		case "":
		case p.focus:
			return i
		case rbFocusStart:
			start = i
		default:
			first = i
		}
	}
	if start >= 0 {
		return start
	}
	return first
}

func (p *runbookPage) row() rbRow { return p.rows[p.at()] }

// why says why the mode that is chosen cannot run; "" when it can.
func (p *runbookPage) why(m runbook.Mode) string {
	switch m {
	case runbook.Live:
		return p.preview.WhyNotLive
	case runbook.Drill:
		return p.preview.WhyNoDrill
	}
	return ""
}

// Moving is slow: nothing moves but what somebody else changes.
func (p *runbookPage) Moving() time.Duration { return previewEvery }

// Typing reports whether letters go into a field.
func (p *runbookPage) Typing() bool { return p.editing != "" || p.need != nil }

// Title names the page.
func (p *runbookPage) Title() string { return "runbook " + p.name() }

func (p *runbookPage) name() string {
	if p.preview.Plan != nil {
		return p.preview.Plan.Name
	}
	return runbook.Clean(p.choice.Runbook)
}
