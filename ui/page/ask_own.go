package page

import (
	"fmt"
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"

	"lifeboat/runbook"
	"lifeboat/ui/theme"
	"lifeboat/ui/widget"
)

// The sheets in this file are begun by the operator, so they take keys at once. The page takes them away when what they sent
// is on record.

func (d *dialog) tell(fact, then runbook.Fact) tea.Cmd {
	return Then(Fact{Run: d.v.state.Run, Fact: fact, Then: then})
}

func strong(v *runView) func() theme.Style {
	return func() theme.Style { return v.env.Theme.Strong }
}

// newNote writes a remark into the record.
func newNote(v *runView) sheet {
	d := &dialog{v: v, awake: true}
	field := &widget.Field{}
	f := &form{sign: v.env.Theme.Sign.Dot, title: "a note for the record", style: strong(v)}
	f.rows = []row{{name: "note", field: field, do: func() tea.Cmd {
		text := strings.TrimSpace(field.Text())
		switch {
		case text == "":
			return Then(Hide{})
		case v.replayed:
			f.said = "this is a replay: nothing can be added to it"
			return nil
		}
		return d.tell(&runbook.NoteAdded{Text: text, By: v.env.Actor}, nil)
	}}}
	d.stack = []*form{f}
	return d
}

// newStop ends the run at the next safe point. Who opened it by accident goes on with enter.
func newStop(v *runView) sheet {
	d := &dialog{v: v, awake: true}
	f := stopForm(d, func(_ *form, reason string) tea.Cmd {
		return d.tell(&runbook.StopRequested{By: v.env.Actor, Reason: reason}, nil)
	})
	d.stack = []*form{f}
	return d
}

func stopForm(d *dialog, stop func(f *form, reason string) tea.Cmd) *form {
	v := d.v
	f := &form{sign: v.env.Theme.Sign.Warn, title: "stop the run?", style: failing(v)}
	f.body = func(w int) []string {
		th := v.env.Theme
		out := textLines(th.Text, "Nothing new starts. The clock ends. What was done stays as it is, and can be undone later.", w)
		if v.state.ClockFrom.IsZero() {
			out = textLines(th.Text, "Nothing was done yet, so nothing is left behind. The run ends here.", w)
		}
		ends, cut := underWay(v)
		out = append(out, para(th, "Comes to its end", strings.Join(ends, ", "), w)...)
		return append(out, para(th, "Is cut short", strings.Join(cut, ", "), w)...)
	}
	reason := &widget.Field{}
	f.rows = []row{
		{name: "go on", words: "nothing changes", do: func() tea.Cmd { return d.back() }},
		{name: "reason", words: "for the record; may be empty", field: reason},
		{name: "stop", words: "the run ends", do: func() tea.Cmd {
			switch {
			case v.replayed:
				f.said = "this is a replay: nothing can be stopped in it"
			case v.state.Finished != nil:
				f.said = "the run is over already"
			case v.state.Stop != nil:
				f.said = "it was asked to stop already, by " + v.state.Stop.By.String()
			default:
				return stop(f, strings.TrimSpace(reason.Text()))
			}
			return nil
		}},
	}
	return f
}

// underWay are the steps that act now: those that a stop waits for, and those that it cuts short.
func underWay(v *runView) (ends, cut []string) {
	if v.opened.Plan == nil {
		return nil, nil
	}
	for i := range v.opened.Plan.Steps {
		step := &v.opened.Plan.Steps[i]
		if st := v.state.Step(step.ID); st.Status != runbook.StatusRunning {
			continue
		}
		if step.Kind.Interruptible {
			cut = append(cut, step.ID)
		} else {
			ends = append(ends, step.ID)
		}
	}
	return ends, cut
}

// driveSheet asks once more when the run turns out to have a driver: the session's answer to the first try is a word.
type driveSheet struct{ *dialog }

// newDrive takes the run up when nobody drives it, or over when somebody does and the word was typed.
func newDrive(v *runView) sheet {
	d := driveSheet{&dialog{v: v, awake: true}}
	f := &form{sign: v.env.Theme.Sign.Warn, title: "nobody drives this run", style: failing(v)}
	f.body = func(w int) []string { return textLines(v.env.Theme.Text, driverless, w) }
	f.rows = []row{{name: "take it up", words: "what was under way is looked at first", do: func() tea.Cmd { return d.drive(f, "") }}, d.leave()}
	if v.driven {
		f.title = drivenTitle
		f.body = func(w int) []string {
			out := para(v.env.Theme, "Driver", driverText(v), w)
			return append(out, textLines(v.env.Theme.Text, "It goes on by itself, and you can answer its questions from here.", w)...)
		}
		f.rows = []row{d.leave(), {name: "take it over…", words: "ends that driver; asks for a word first", do: func() tea.Cmd { return d.drive(f, "") }}}
	}
	d.stack = []*form{f}
	return d
}

const drivenTitle = "somebody drives this run"

func (d driveSheet) leave() row {
	return row{name: "leave it", words: "nothing changes", do: func() tea.Cmd { return Then(Hide{}) }}
}

func (d driveSheet) Update(msg tea.Msg) tea.Cmd {
	if need, is := msg.(*NeedWord); is {
		d.stack = []*form{d.takeOver(need)}
		return nil
	}
	return d.dialog.Update(msg)
}

// takeOver says who drives the run, and asks for the word.
func (d driveSheet) takeOver(need *NeedWord) *form {
	v := d.v
	f := &form{sign: v.env.Theme.Sign.Warn, title: drivenTitle, style: failing(v)}
	f.body = func(w int) []string {
		out := textLines(v.env.Theme.Text, need.What, w)
		if v.driven {
			out = append(out, para(v.env.Theme, "Driver", driverText(v), w)...)
		}
		return append(out, para(v.env.Theme, "The word", need.Do, w)...)
	}
	field := &widget.Field{}
	f.rows = []row{{name: "type " + need.Word, field: field, do: func() tea.Cmd {
		if f.said = wrongWord(need.Word, field.Text()); f.said != "" {
			return nil
		}
		return d.drive(f, need.Word)
	}}, d.leave()}
	return f
}

const driverless = "The process that drove it has ended. Nothing new starts until somebody takes the run up; what was under way is not known before that."

func (d *dialog) drive(f *form, word string) tea.Cmd {
	if d.v.replayed {
		f.said = "this is a replay: nobody drives it"
		return nil
	}
	return Then(Drive{Run: d.v.state.Run, Word: word})
}

func driverText(v *runView) string {
	since := ""
	if !v.since.IsZero() {
		since = ", since " + v.since.Format(time.TimeOnly) + " (" + agoText(v.env.Now().Sub(v.since)) + ")"
	}
	return fmt.Sprintf("%s, pid %d on %s%s", v.driver.By, v.driver.PID, v.driver.Host, since)
}

// agoText is an age in words.
func agoText(d time.Duration) string {
	if age := widget.Age(d); age != "now" {
		return age + " ago"
	}
	return "now"
}
