package page

import (
	"context"
	"time"

	"charm.land/bubbles/v2/key"
	tea "charm.land/bubbletea/v2"

	"lifeboat/runbook"
	"lifeboat/ui/widget"
)

const (
	historyFirst = 50  // runs asked for first: more than a screen
	historyMore  = 500 // and then
	historyNear  = 25  // rows from the end at which the next part is asked for
)

// historyPage lists runs, newest first. It holds what it was given so far; only the rows on the screen are drawn.
type historyPage struct {
	frame
	ctx     context.Context
	from    Historian
	cancel  context.CancelFunc // of the question under way
	asked   int                // counts questions: an answer to an older one is dropped
	loading bool
	loaded  bool // there was an answer
	runs    []RunLine
	more    string
	trouble []Trouble
	focus   int
	first   int  // the first row on the screen
	toEnd   bool // G: the focus stays at the end while more comes
	find    string
	typing  bool
	field   widget.Field
}

// historyLoaded is an answer.
type historyLoaded struct {
	to    *historyPage
	asked int
	after bool // it goes on where the list ended
	list  RunList
}

// NewHistory makes the list of runs, filtered by find to begin with.
func NewHistory(ctx context.Context, env *Env, h Historian, find string) Page {
	return &historyPage{frame: frame{env: env}, ctx: ctx, from: h, find: runbook.Clean(find), cancel: func() {}}
}

// NewHistoryFilter is NewHistory that begins in the field of the filter.
func NewHistoryFilter(ctx context.Context, env *Env, h Historian, find string) Page {
	p := &historyPage{frame: frame{env: env}, ctx: ctx, from: h, find: runbook.Clean(find), cancel: func() {}, typing: true}
	p.field.Set(p.find)
	return p
}

func (p *historyPage) Init() tea.Cmd { return p.ask("", historyFirst) }
func (p *historyPage) Close()        { p.cancel() }
func (p *historyPage) Title() string { return "history" }
func (p *historyPage) Typing() bool  { return p.typing }

// ask asks for runs; before is the cursor to go on from. What was asked before is not waited for any more.
func (p *historyPage) ask(before string, limit int) tea.Cmd {
	p.cancel()
	ctx, cancel := context.WithCancel(p.ctx)
	p.cancel = cancel
	p.asked++
	p.loading = true
	asked, q, from := p.asked, RunQuery{Find: p.find, Before: before, Limit: limit}, p.from
	return func() tea.Msg {
		defer cancel()
		return historyLoaded{to: p, asked: asked, after: before != "", list: from.Runs(ctx, q)}
	}
}

func (p *historyPage) Update(msg tea.Msg) tea.Cmd {
	switch msg := msg.(type) {
	case historyLoaded:
		if msg.to == p && msg.asked == p.asked {
			return p.take(msg)
		}
	case Shown: // a run may have gone on meanwhile
		return p.ask("", max(historyFirst, len(p.runs)))
	case tea.PasteMsg:
		if p.typing {
			p.field.Insert(msg.Content)
			return p.filter(p.field.Text())
		}
	case tea.KeyPressMsg:
		if p.typing {
			return p.typed(msg)
		}
		return p.pressed(msg)
	}
	return nil
}

func (p *historyPage) take(m historyLoaded) tea.Cmd {
	p.loading, p.loaded = false, true
	if m.after {
		p.runs = append(p.runs, m.list.Runs...)
	} else {
		at := p.focused().Run
		p.runs, p.focus = m.list.Runs, min(p.focus, max(0, len(m.list.Runs)-1))
		for i := range p.runs { // the same run stays in focus when newer ones have come
			if p.runs[i].Run == at {
				p.focus = i
			}
		}
	}
	if !m.after || len(m.list.Troubles) > 0 {
		p.trouble = m.list.Troubles
	}
	p.more = m.list.More
	if p.toEnd {
		p.focus = max(0, len(p.runs)-1)
	}
	return p.moved()
}

// focused is the run that the keys act on; the zero one when there is none.
func (p *historyPage) focused() RunLine {
	if p.focus < len(p.runs) {
		return p.runs[p.focus]
	}
	return RunLine{}
}

// moved keeps the focus on the screen, and asks for more when the end comes near.
func (p *historyPage) moved() tea.Cmd {
	p.focus = max(0, min(p.focus, len(p.runs)-1))
	p.first = widget.Scroll(p.first, p.focus, len(p.runs), p.layout().rows)
	if p.more == "" || p.loading || p.focus < len(p.runs)-historyNear {
		return nil
	}
	return p.ask(p.more, historyMore)
}

func (p *historyPage) SetSize(w, h int) {
	p.frame.SetSize(w, h)
	p.first = widget.Scroll(p.first, p.focus, len(p.runs), p.layout().rows)
}

// filter asks anew. The old rows stay until the answer is there, so that nothing flickers.
func (p *historyPage) filter(find string) tea.Cmd {
	p.find, p.focus, p.first, p.toEnd = find, 0, 0, false
	return p.ask("", historyFirst)
}

func (p *historyPage) typed(msg tea.KeyPressMsg) tea.Cmd {
	switch msg.String() {
	case "esc":
		p.typing = false
		p.field.Set("")
		if p.find == "" {
			return p.moved()
		}
		return p.filter("")
	case "enter":
		p.typing = false
		return p.moved()
	case "up":
		return p.move(-1)
	case "down":
		return p.move(1)
	}
	before := p.field.Text()
	if p.field.Key(msg); p.field.Text() != before {
		return p.filter(p.field.Text())
	}
	return nil
}

func (p *historyPage) move(by int) tea.Cmd {
	p.toEnd = false
	p.focus += by
	return p.moved()
}

func (p *historyPage) pressed(msg tea.KeyPressMsg) tea.Cmd {
	page := max(1, p.layout().rows-1)
	switch {
	case key.Matches(msg, KeyUp):
		return p.move(-1)
	case key.Matches(msg, KeyDown):
		return p.move(1)
	case key.Matches(msg, KeyPgUp):
		return p.move(-page)
	case key.Matches(msg, KeyPgDown):
		return p.move(page)
	case key.Matches(msg, KeyTop):
		return p.move(-len(p.runs))
	case key.Matches(msg, KeyBottom):
		p.toEnd = true
		p.focus = len(p.runs) - 1
		return p.moved()
	case key.Matches(msg, KeyFind):
		p.typing = true
		p.field.Set(p.find)
		return p.moved()
	case key.Matches(msg, KeyQuit):
		return Then(Leave{})
	case key.Matches(msg, KeyBack) && p.find != "":
		return p.filter("")
	case key.Matches(msg, KeyBack):
		return Then(Back{})
	case msg.String() == "r":
		return p.ask("", max(historyFirst, len(p.runs)))
	}
	return p.act(msg)
}

// act does something with the run in focus.
func (p *historyPage) act(msg tea.KeyPressMsg) tea.Cmd {
	run := p.focused()
	if run.Run == "" {
		return nil
	}
	switch msg.String() {
	case "enter":
		return To(Route{Where: AtShow, Run: run.Run})
	case "p":
		return To(Route{Where: AtReplay, Run: run.Run})
	case "y":
		return Then(Copy{Text: string(run.Run), What: "the id " + string(run.Run)})
	case "f":
		if run.Outcome == "" {
			return To(Route{Where: AtRun, Run: run.Run})
		}
	}
	return nil
}

func (p *historyPage) ShortHelp() []key.Binding {
	if p.typing {
		return []key.Binding{Named(KeyEnter, "keep the filter"), Named(KeyBack, "all runs")}
	}
	back := KeyBack
	if p.find != "" {
		back = Named(KeyBack, "all runs")
	}
	var keys []key.Binding
	if run := p.focused(); run.Run != "" {
		keys = append(keys, Named(KeyEnter, "show"), Press("p", "replay"))
		if run.Outcome == "" {
			keys = append(keys, Press("f", "follow"))
		}
		return append(keys, KeyFind, back, Press("y", "copy id"))
	} else if p.find != "" {
		keys = append(keys, KeyFind)
	}
	return append(keys, back)
}

func (p *historyPage) FullHelp() [][]key.Binding {
	return [][]key.Binding{
		{
			Named(KeyEnter, "show the run: what happened when"), Press("p", "replay it"), Press("f", "follow one that goes on"),
			Press("y", "copy its id"),
		},
		{
			Named(KeyFind, "find: words that all stand in id, runbook, mode, outcome or person"), Press("r", "look again"),
		},
		{KeyUp, KeyDown, KeyPgUp, KeyPgDown, KeyTop, Named(KeyBottom, "the oldest"), KeyQuit},
	}
}

// historyWhen is how a moment is written in a list: on the clock of who reads it, with the year when it is another one.
func historyWhen(at, now time.Time) string {
	if at.IsZero() {
		return "?"
	}
	at = at.In(now.Location())
	if at.Year() != now.Year() {
		return at.Format("2 Jan 2006")
	}
	return at.Format("2 Jan 15:04")
}
