package page

import (
	"context"
	"maps"
	"slices"
	"time"

	"charm.land/bubbles/v2/key"
	tea "charm.land/bubbletea/v2"

	"lifeboat/runbook"
	"lifeboat/ui/widget"
)

// How often home asks. The record of this machine is cheap to read; probing the estate is not.
const (
	overviewEvery = 5 * time.Second
	readingsEvery = 10 * time.Second
)

// home answers, on the first paint: what is broken, what runs, what do I do next. It is complete before the first probe has
// answered, and never empty: what cannot be known is said in words.
type home struct {
	frame
	ctx    context.Context
	cancel context.CancelFunc
	over   Overviewer
	reader Reader

	overview   Overview
	known      bool // an overview has come
	overviewAt time.Time
	asked      uint64 // counts questions for the overview; an answer to an older one is dropped
	askingOver bool

	readings   []Reading // sorted: what is not well first
	looked     bool      // readings have come
	readAt     time.Time
	probed     uint64
	askingRead bool
	probedAt   time.Time

	word    estateWord
	since   time.Time // when this page first saw the state as it is
	advice  []advice
	covered bool // another page lies on top
	focus   string
	rows    []homeRow
	first   int // row at the top
	detail  bool
	down    int // first line of the evidence
}

// The answers. They name who asked, for every page on the stack gets them.
type (
	homeOverview struct {
		to *home
		n  uint64
		o  Overview
	}
	homeReadings struct {
		to *home
		n  uint64
		rs []Reading
	}
)

// NewHome makes the first page. It asks nothing before Init.
func NewHome(ctx context.Context, env *Env, o Overviewer, r Reader) Page {
	ctx, cancel := context.WithCancel(ctx)
	h := &home{frame: frame{env: env}, ctx: ctx, cancel: cancel, over: o, reader: r, word: isUnknown, focus: focusAdvice}
	h.since = env.Now()
	h.settle()
	return h
}

// Init asks for everything once. Below another page only this machine is asked: what can be named in the line of `:` is known then.
func (h *home) Init() tea.Cmd {
	if h.covered {
		return h.askOverview()
	}
	return tea.Batch(h.askOverview(), h.askReadings())
}

// Close ends what is being asked.
func (h *home) Close() { h.cancel() }

func (h *home) askOverview() tea.Cmd {
	h.asked++
	h.askingOver, h.overviewAt = true, h.env.Now()
	n := h.asked
	return func() tea.Msg { return homeOverview{h, n, h.over.Overview(h.ctx)} }
}

// tell hands the app the names of what was found, when they are other ones.
func (h *home) tell() tea.Cmd {
	names := Names{Books: map[string]string{}}
	for _, b := range h.overview.Runbooks {
		names.Books[b.Name] = b.Ref
	}
	for _, r := range slices.Concat(h.overview.Open, h.overview.Recent) {
		names.Runs = append(names.Runs, r.Run)
	}
	if maps.Equal(names.Books, h.env.Names.Books) && slices.Equal(names.Runs, h.env.Names.Runs) {
		return nil
	}
	return Then(Known{names})
}

func (h *home) askReadings() tea.Cmd {
	h.probed++
	h.askingRead, h.probedAt = true, h.env.Now()
	n := h.probed
	return func() tea.Msg { return homeReadings{h, n, h.reader.Readings(h.ctx)} }
}

// Update takes a message.
func (h *home) Update(msg tea.Msg) tea.Cmd {
	var cmd tea.Cmd
	switch msg := msg.(type) {
	case homeOverview:
		if msg.to != h || msg.n != h.asked {
			return nil
		}
		h.overview, h.known, h.askingOver = msg.o, true, false
		cmd = h.tell()
	case homeReadings:
		if msg.to != h || msg.n != h.probed {
			return nil
		}
		h.readings, h.looked, h.askingRead, h.readAt = sortReadings(msg.rs), true, false, h.env.Now()
	case Tick:
		if h.covered {
			return nil
		}
		cmd = h.due()
	case Covered:
		h.covered = true
	case Shown:
		h.covered = false
		cmd = h.askOverview()
		if !h.askingRead {
			cmd = tea.Batch(cmd, h.askReadings())
		}
	case tea.KeyPressMsg:
		cmd = h.key(msg)
	default:
		return nil
	}
	h.settle()
	return cmd
}

// due asks again what has become old. One question of a kind is under way at a time.
func (h *home) due() tea.Cmd {
	var cmds []tea.Cmd
	now := h.env.Now()
	if !h.askingOver && now.Sub(h.overviewAt) >= overviewEvery {
		cmds = append(cmds, h.askOverview())
	}
	if !h.askingRead && now.Sub(h.probedAt) >= readingsEvery {
		cmds = append(cmds, h.askReadings())
	}
	return tea.Batch(cmds...)
}

// settle works out everything that View draws from, so that View has nothing to decide.
func (h *home) settle() {
	word := isUnknown
	if h.looked && !h.stale() {
		word = judge(h.readings)
	}
	if word != h.word {
		h.word, h.since = word, h.env.Now()
	}
	h.advice = advise(&h.overview, h.readings, h.looked)
	h.rows = h.lay()
	at := h.at()
	h.focus = h.rows[at].key
	h.first = widget.Scroll(h.first, at, len(h.rows), h.body())
	if h.body() > at { // from the top as long as the focus is in sight there
		h.first = 0
	}
}

// SetSize takes the terminal's size.
func (h *home) SetSize(width, height int) {
	h.frame.SetSize(width, height)
	h.settle()
}

func (h *home) stale() bool { return h.looked && h.env.Now().Sub(h.readAt) > staleAfter }

// at is the row that has the focus; when what had it is gone, the advice gets it.
func (h *home) at() int {
	advice, first := -1, -1
	for i := range h.rows {
		switch k := h.rows[i].key; {
		case k == "":
			continue
		case k == h.focus:
			return i
		case k == focusAdvice:
			advice = i
		case first < 0:
			first = i
		}
	}
	return max(0, max(advice, min(first, advice)))
}

// move puts the focus on the next row that can have it.
func (h *home) move(by int) {
	for i := h.at() + by; i >= 0 && i < len(h.rows); i += by {
		if h.rows[i].key != "" {
			h.focus = h.rows[i].key
			return
		}
	}
}

func (h *home) key(msg tea.KeyPressMsg) tea.Cmd {
	if h.detail {
		return h.detailKey(msg)
	}
	switch {
	case key.Matches(msg, KeyUp):
		h.move(-1)
	case key.Matches(msg, KeyDown):
		h.move(1)
	case key.Matches(msg, KeyTop):
		h.focus = focusAdvice
	case key.Matches(msg, KeyBottom):
		for range h.rows {
			h.move(1)
		}
	case key.Matches(msg, KeyPgUp), key.Matches(msg, KeyPgDown):
		by := 1
		if key.Matches(msg, KeyPgUp) {
			by = -1
		}
		for range max(1, h.body()/2) {
			h.move(by)
		}
	case key.Matches(msg, KeyEnter):
		return h.enter()
	default:
		return h.letter(msg.String())
	}
	return nil
}

func (h *home) letter(k string) tea.Cmd {
	switch k {
	case "f":
		if b, ok := bookAway(&h.overview); ok {
			return h.book(b.Ref, runbook.Live)
		}
	case "d":
		if b, ok := h.drillable(); ok {
			return h.book(b.Ref, runbook.Drill)
		}
	case "h":
		return To(Route{Where: AtHistory})
	case "/":
		return To(Route{Where: AtHistory, Filter: true})
	case "e":
		h.detail, h.down = true, 0
	case "r":
		if h.askingRead {
			return h.askOverview()
		}
		return tea.Batch(h.askOverview(), h.askReadings())
	case "q":
		return Then(Leave{})
	}
	return nil
}

func (h *home) book(ref string, mode runbook.Mode) tea.Cmd { return h.bookWith(ref, mode, nil) }

// bookWith opens a runbook with some answers chosen. On a simulated estate there is nothing but rehearsals.
func (h *home) bookWith(ref string, mode runbook.Mode, inputs map[string]string) tea.Cmd {
	for _, b := range h.overview.Runbooks {
		if b.Ref == ref && (b.Shipped || h.overview.Demo) {
			mode = runbook.Rehearse
		}
	}
	return To(Route{Where: AtRunbook, Choice: Choice{Runbook: ref, Mode: mode, Inputs: inputs}})
}

// drillable is the runbook to drill: the one in focus, else failover. What is simulated can only be rehearsed.
func (h *home) drillable() (RunbookLine, bool) {
	books := h.overview.Runbooks
	b, ok := bookAway(&h.overview)
	if r := h.rows[h.at()]; r.kind == rowBook {
		b, ok = books[r.i], true
	} else if !ok && len(books) > 0 {
		b, ok = books[0], true
	}
	return b, ok && !b.Shipped && !h.overview.Demo
}

// enter opens what has the focus.
func (h *home) enter() tea.Cmd {
	switch r := h.rows[h.at()]; r.kind {
	case rowAdvice:
		switch a := h.advice[r.i]; {
		case a.Run != "":
			return To(Route{Where: AtRun, Run: a.Run})
		case a.Book != "":
			return h.bookWith(a.Book, runbook.Live, a.Inputs)
		case a.Look:
			h.detail, h.down = true, 0
		}
	case rowOpen:
		return To(Route{Where: AtRun, Run: h.overview.Open[r.i].Run})
	case rowBook:
		return h.book(h.overview.Runbooks[r.i].Ref, runbook.Live)
	case rowPast:
		return To(Route{Where: AtShow, Run: h.overview.Recent[r.i].Run})
	}
	return nil
}

// Moving asks for a tick a second only while an age on the screen changes that often.
func (h *home) Moving() time.Duration {
	if !h.known || h.looked && h.env.Now().Sub(h.readAt) < 10*time.Second {
		return time.Second
	}
	return overviewEvery
}

// Title names the page.
func (h *home) Title() string { return "home" }
