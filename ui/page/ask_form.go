package page

import (
	"cmp"
	"slices"
	"time"

	"charm.land/bubbles/v2/key"
	tea "charm.land/bubbletea/v2"

	"lifeboat/ui/theme"
	"lifeboat/ui/widget"
)

// row is one thing that the focus can stand on: a choice, or a field.
type row struct {
	name  string         // short, at the left
	words string         // what follows from it
	field *widget.Field  // nil: a choice
	do    func() tea.Cmd // what enter does; nil: on to the next row
}

// form is text with rows below it. What was typed into its fields stays as long as the form does.
type form struct {
	sign  string
	title string
	style func() theme.Style
	body  func(width int) []string // may be nil
	rows  []row
	mark  func(i int) string // a sign before each row; may be nil
	copy  func() Copy        // what y copies; may be nil
	focus int
	first int    // the line of the body that is shown first
	said  string // why the last answer was not taken
}

func (f *form) row() row {
	if f.focus < len(f.rows) {
		return f.rows[f.focus]
	}
	return row{}
}

func (f *form) hasField() bool {
	return slices.ContainsFunc(f.rows, func(r row) bool { return r.field != nil })
}

func (f *form) move(n int) { f.focus = max(0, min(len(f.rows)-1, f.focus+n)) }

// focusOn puts the focus on the row with that name.
func (f *form) focusOn(name string) {
	for i, r := range f.rows {
		if r.name == name {
			f.focus = i
		}
	}
}

// scroll moves the text, not beyond its end.
func (d *dialog) scroll(n int) {
	f := d.top()
	f.first = max(0, min(d.lastFirst(), f.first+n))
}

// fit tells a sheet how much room it has on the screen.
func (d *dialog) fit(w, h int) { d.w, d.h = w, h }

// dialog is every sheet: a stack of forms of which the top one is seen. Esc takes one off, the last esc hides the sheet.
type dialog struct {
	v      *runView
	stack  []*form
	subs   map[string]*form // forms that were opened before, with what was typed
	corner func() string    // at the right of the title; may be nil
	still  time.Time        // when the keyboard was used last, while keys are not taken
	awake  bool             // keys are taken
	later  string           // what esc does to the whole sheet, in words
	w, h   int              // the room that it has on the screen
}

func (d *dialog) top() *form { return d.stack[len(d.stack)-1] }

// open puts a form on top: the one of that name that was there before, or a new one.
func (d *dialog) open(name string, make func() *form) tea.Cmd {
	if d.subs == nil {
		d.subs = map[string]*form{}
	}
	f, seen := d.subs[name]
	if !seen {
		f = make()
		d.subs[name] = f
	}
	f.said = ""
	d.stack = append(d.stack, f)
	return nil
}

func (d *dialog) back() tea.Cmd {
	if len(d.stack) > 1 {
		d.stack = d.stack[:len(d.stack)-1]
		return nil
	}
	return Then(Hide{})
}

// waiting reports whether keys are not taken yet.
func (d *dialog) waiting() bool { return !d.awake && d.v.env.Now().Sub(d.still) < quiet }

// Wake redraws the screen when the keyboard may have been still for long enough. Any message does.
func (d *dialog) Wake() tea.Cmd {
	if d.awake {
		return nil
	}
	return tea.Tick(quiet, func(time.Time) tea.Msg { return woken{} })
}

type woken struct{}

func (d *dialog) Wants(msg tea.KeyPressMsg) bool {
	if d.waiting() || d.Typing() { // letters that were meant for a field are no keys
		return true
	}
	switch msg.String() {
	case "esc", "enter", "up", "down", "j", "k", "tab", "shift+tab", "pgup", "pgdown", "space", "home", "end", "g", "G":
		return true
	case "y":
		return d.top().copy != nil
	}
	return false
}

func (d *dialog) Update(msg tea.Msg) tea.Cmd {
	switch msg := msg.(type) {
	case NotTaken:
		d.top().said = msg.Why
	case tea.KeyPressMsg:
		if d.startled() {
			return d.Wake()
		}
		return d.key(msg)
	case tea.PasteMsg:
		if d.startled() {
			return d.Wake()
		}
		if f := d.top(); f.row().field != nil && f.row().field.Insert(msg.Content) {
			f.said = cutShort
		}
	}
	return nil
}

const cutShort = "that is too long: only the first 500 characters are kept"

// startled restarts the wait when the keyboard has not been quiet yet.
func (d *dialog) startled() bool {
	if d.waiting() {
		d.still = d.v.env.Now()
		return true
	}
	d.awake = true
	return false
}

func (d *dialog) key(msg tea.KeyPressMsg) tea.Cmd {
	f := d.top()
	field := f.row().field
	switch k := msg.String(); k {
	case "esc":
		return d.back()
	case "enter":
		return d.enter()
	case "up", "shift+tab":
		f.move(-1)
	case "down", "tab":
		f.move(1)
	case "pgup":
		d.scroll(-scrollBy)
	case "pgdown":
		d.scroll(scrollBy)
	default:
		switch {
		case field == nil && f.hasField() && msg.Text != "":
			return d.stray(f, k)
		case field == nil:
			return d.letter(f, k)
		}
		if _, cut := field.Key(msg); cut {
			f.said = cutShort
		}
	}
	return nil
}

const scrollBy = 4

// stray is a letter typed while the focus is on a choice of a form with fields. It may have been meant for a field, so it does
// nothing that matters: copying harms nobody.
func (d *dialog) stray(f *form, k string) tea.Cmd {
	if k == "y" && f.copy != nil {
		return d.letter(f, k)
	}
	f.said = "no letter was taken: tab goes to the field"
	return nil
}

// letter is a key that is no text now. None of them chooses anything.
func (d *dialog) letter(f *form, k string) tea.Cmd {
	switch k {
	case "k":
		f.move(-1)
	case "j":
		f.move(1)
	case "home", "g":
		f.focus = 0
	case "end", "G":
		f.move(len(f.rows))
	case "space":
		d.scroll(scrollBy)
	case "y":
		if f.copy != nil {
			return Then(f.copy())
		}
	}
	return nil
}

func (d *dialog) enter() tea.Cmd {
	f := d.top()
	r := f.row()
	if r.do == nil {
		f.move(1)
		return nil
	}
	f.said = ""
	return r.do()
}

// Typing reports whether letters are text: they are on every row of a form that has a field, so that none that was meant for the
// field is a key. They are even while keys are not taken: then they are lost, and choose nothing.
func (d *dialog) Typing() bool { return d.top().hasField() }

func (d *dialog) ShortHelp() []key.Binding {
	f := d.top()
	back := Named(KeyBack, cmp.Or(d.later, "back"))
	if len(d.stack) > 1 {
		back = Named(KeyBack, "back")
	}
	if d.waiting() {
		return nil
	}
	if f.row().field != nil {
		if f.row().do == nil {
			return []key.Binding{Named(KeyEnter, "next"), back}
		}
		if len(f.rows) == 1 {
			return []key.Binding{Named(KeyEnter, "confirm"), back}
		}
		return []key.Binding{Named(KeyEnter, "confirm"), Press("tab", "next"), back}
	}
	move := Press("j/k", "move")
	if f.hasField() {
		move = Press("tab", "next")
	}
	out := []key.Binding{Named(KeyEnter, "choose"), move}
	if f.copy != nil {
		out = append(out, Press("y", "copy the commands"))
	}
	return append(out, back)
}
