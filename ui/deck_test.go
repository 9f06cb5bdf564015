package ui_test

import (
	"context"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"

	"lifeboat/ui"
	"lifeboat/ui/page"
	"lifeboat/ui/theme"
	"lifeboat/ui/uitest"
)

// deck is the whole app without a terminal. It lives in a bubble of synctest: commands run as they would, and settle waits
// until all of them have ended or wait for something that has not happened.
type deck struct {
	t     *testing.T
	c     *uitest.Console
	app   *ui.App
	inbox chan tea.Msg
	size  uitest.Size
	left  bool
}

// onDeck runs a test with an app that begins at the page of a route.
func onDeck(t *testing.T, console func() *uitest.Console, start page.Route, test func(d *deck)) {
	t.Helper()
	uitest.Still(t, func(ctx context.Context, t *testing.T) {
		c := console()
		time.Sleep(time.Until(c.Now)) // ticks tell the bubble's time: from here on it is the console's
		d := &deck{t: t, c: c, inbox: make(chan tea.Msg, 1000)}
		d.app = ui.New(ctx, c, ui.Options{
			Start: start, Theme: theme.Dark, Actor: uitest.Operator, Now: time.Now,
		})
		d.run(d.app.Init())
		d.resize(80, 24)
		d.settle()
		defer d.app.Close()
		test(d)
	})
}

// run lets a command run beside the app, as Bubble Tea does.
func (d *deck) run(cmd tea.Cmd) {
	if cmd == nil {
		return
	}
	go d.await(cmd)
}

// await hands over what a command answers: those of a batch in any order, those of a sequence one after the other.
func (d *deck) await(cmd tea.Cmd) {
	msg := cmd()
	cmds, is := several(msg)
	_, batch := msg.(tea.BatchMsg)
	switch {
	case is && batch:
		for _, c := range cmds {
			d.run(c)
		}
	case is:
		for _, c := range cmds {
			if c != nil {
				d.await(c)
			}
		}
	case msg != nil:
		d.inbox <- msg
	}
}

func several(msg tea.Msg) ([]tea.Cmd, bool) {
	v := reflect.ValueOf(msg)
	if !v.IsValid() || v.Kind() != reflect.Slice || v.Type().Elem() != reflect.TypeFor[tea.Cmd]() {
		return nil, false
	}
	out := make([]tea.Cmd, v.Len())
	for i := range out {
		out[i] = v.Index(i).Interface().(tea.Cmd)
	}
	return out, true
}

func (d *deck) send(msg tea.Msg) {
	if _, is := msg.(tea.QuitMsg); is {
		d.left = true
		return
	}
	_, cmd := d.app.Update(msg)
	d.run(cmd)
}

// settle hands the app what its commands have answered, until nothing more comes by itself.
func (d *deck) settle() {
	for range 1000 {
		synctest.Wait()
		select {
		case msg := <-d.inbox:
			d.send(msg)
		default:
			return
		}
	}
	d.t.Fatal("the app does not come to rest: each answer makes another question at once")
}

// pass lets time go by.
func (d *deck) pass(by time.Duration) {
	for end := time.Now().Add(by); time.Now().Before(end); d.settle() {
		time.Sleep(min(100*time.Millisecond, time.Until(end)))
	}
}

// press presses keys, as uitest.Keys writes them.
func (d *deck) press(keys ...string) {
	for _, k := range keys {
		for _, msg := range uitest.Keys(k) {
			d.send(msg)
		}
		d.settle()
	}
}

func (d *deck) resize(w, h int) {
	d.size = uitest.Size{W: w, H: h}
	d.send(tea.WindowSizeMsg{Width: w, Height: h})
}

func (d *deck) view() string { return d.app.View().Content }

// screen is what can be read.
func (d *deck) screen() string { return ansi.Strip(d.view()) }

func (d *deck) title() string { return strings.TrimPrefix(d.app.View().WindowTitle, "lifeboat ") }

func (d *deck) fits() {
	d.t.Helper()
	if why := uitest.Misfit(d.view(), d.size); why != "" {
		d.t.Fatalf("%s at %dx%d: %s\n%s", d.title(), d.size.W, d.size.H, why, d.screen())
	}
}
