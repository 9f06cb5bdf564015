package page_test

import (
	"reflect"
	"testing"
	"time"

	"lifeboat/runbook"
	"lifeboat/ui/page"
	"lifeboat/ui/uitest"
)

// wall is when the player was started; wallAt is a moment so many seconds later.
var wall = time.Date(2026, 11, 22, 3, 4, 5, 0, time.UTC)

func wallAt(s float64) time.Time { return wall.Add(time.Duration(s * float64(time.Second))) }

// notesAt are events at these seconds of the run.
func notesAt(seconds ...float64) []runbook.Event {
	var out []runbook.Event
	for i, s := range seconds {
		out = append(out, runbook.Event{
			Seq: uint64(i + 1), Run: "run", Time: uitest.Start.Add(time.Duration(s * float64(time.Second))),
			Fact: &runbook.NoteAdded{Text: "note"},
		})
	}
	return out
}

func playsAt(t *testing.T, p *page.Player, now time.Time, events int, offset float64) {
	t.Helper()
	got := p.At(now)
	if want := time.Duration(offset * float64(time.Second)); got.Events != events || got.Offset != want {
		t.Errorf("%d events at %v, want %d at %v", got.Events, got.Offset, events, want)
	}
}

func TestPlayerPlays(t *testing.T) {
	p := page.NewPlayer(notesAt(0, 1, 10, 100), 10, wall)
	playsAt(t, p, wallAt(0), 1, 0)
	playsAt(t, p, wallAt(0.05), 1, 0.5)
	playsAt(t, p, wallAt(0.1), 2, 1)
	playsAt(t, p, wallAt(1), 3, 10)
	playsAt(t, p, wallAt(9.9), 3, 99)
	playsAt(t, p, wallAt(1e6), 4, 100)
	if !p.At(wallAt(10)).Over || p.At(wallAt(9)).Over {
		t.Error("it is over at another time")
	}
	if got := p.At(wallAt(1)).Time; !got.Equal(uitest.Start.Add(10 * time.Second)) {
		t.Errorf("the run's clock shows %v", got)
	}
}

func TestPlayerPauseAndSpeedKeepThePlace(t *testing.T) {
	p := page.NewPlayer(notesAt(0, 10, 20, 100), 1, wall)
	p.Pause(wallAt(12))
	playsAt(t, p, wallAt(50), 2, 12)
	p.Faster(wallAt(60)) // 2
	playsAt(t, p, wallAt(61), 2, 12)
	p.Pause(wallAt(70))
	playsAt(t, p, wallAt(74), 3, 20)
	p.Faster(wallAt(74)) // 5
	playsAt(t, p, wallAt(74), 3, 20)
	playsAt(t, p, wallAt(75), 3, 25)
	p.Slower(wallAt(75)) // 2
	playsAt(t, p, wallAt(76), 3, 27)
	for range 20 {
		p.Faster(wallAt(76))
	}
	if p.Speed() != 60 {
		t.Errorf("the fastest is %v", p.Speed())
	}
	playsAt(t, p, wallAt(77), 3, 87)
	for range 20 {
		p.Slower(wallAt(77))
	}
	if p.Speed() != 1 {
		t.Errorf("the slowest is %v", p.Speed())
	}
}

func TestPlayerSteps(t *testing.T) {
	p := page.NewPlayer(notesAt(0, 0, 5, 5, 3000), 1, wall)
	playsAt(t, p, wallAt(0), 2, 0)
	p.Next(wallAt(1))
	playsAt(t, p, wallAt(1), 3, 5) // the second event of that moment is another step
	p.Next(wallAt(1))
	playsAt(t, p, wallAt(1), 4, 5)
	p.Prev(wallAt(1))
	playsAt(t, p, wallAt(30), 3, 5) // it stands still
	p.Next(wallAt(30))
	p.Next(wallAt(30)) // over a long hold
	playsAt(t, p, wallAt(30), 5, 3000)
	p.Next(wallAt(30))
	playsAt(t, p, wallAt(30), 5, 3000)
	for range 9 {
		p.Prev(wallAt(31))
	}
	playsAt(t, p, wallAt(31), 1, 0)
}

func TestPlayerSeeks(t *testing.T) {
	p := page.NewPlayer(notesAt(0, 10, 20), 1, wall)
	p.Seek(15*time.Second, wallAt(0))
	playsAt(t, p, wallAt(0), 2, 15)
	p.Seek(-10*time.Second, wallAt(1))
	playsAt(t, p, wallAt(1), 1, 6)
	p.Seek(-10*time.Second, wallAt(1))
	playsAt(t, p, wallAt(1), 1, 0)
	p.Seek(time.Hour, wallAt(1))
	playsAt(t, p, wallAt(1), 3, 20)
	p.Pause(wallAt(2)) // at the end: again
	playsAt(t, p, wallAt(3), 1, 1)
	p.End(wallAt(4))
	playsAt(t, p, wallAt(5), 3, 20)
	p.Start(wallAt(6))
	playsAt(t, p, wallAt(6), 1, 0)
	if !p.GoTo(wallAt(7), func(e runbook.Event) bool { return e.Seq == 2 }) {
		t.Error("there is an event 2")
	}
	playsAt(t, p, wallAt(7), 2, 10)
}

func TestPlayerTakesClocksThatJump(t *testing.T) {
	p := page.NewPlayer(notesAt(0, 30, 10, 40), 1, wall)
	playsAt(t, p, wallAt(20), 1, 20)
	playsAt(t, p, wallAt(30), 3, 30)
	playsAt(t, p, wallAt(10), 1, 10) // the wall clock was set back: nothing is lost
	playsAt(t, p, wallAt(-10), 1, 0)
	empty := page.NewPlayer(nil, 1000, wall)
	playsAt(t, empty, wallAt(10), 0, 0)
	empty.Next(wallAt(1))
	empty.Prev(wallAt(1))
	empty.Pause(wallAt(1))
	if empty.Speed() != 60 || empty.Every(wallAt(2)) != 0 {
		t.Error("nothing is played for ever, or too fast")
	}
}

// Wherever the keys lead, the state is the fold of the events up to there.
func TestSeekingIsFolding(t *testing.T) {
	events := uitest.Scene("done-with-skips").Opened.Events
	p := page.NewPlayer(events, 30, wall)
	var s runbook.State
	played := 0
	keys := []func(time.Time){
		p.Next, p.Next, p.Prev, p.Faster, p.Pause, p.Prev, p.End, p.Slower, p.Start, p.Pause,
		func(now time.Time) { p.Seek(40*time.Second, now) }, func(now time.Time) { p.Seek(-10*time.Second, now) },
	}
	for i := range 500 {
		now := wallAt(float64(i) * 0.7)
		keys[(i*i+i/3)%len(keys)](now)
		pl := p.At(now)
		if pl.Events < played {
			s, played = runbook.State{}, 0
		}
		for _, e := range events[played:pl.Events] {
			s.Apply(e)
		}
		played = pl.Events
		if want := runbook.Fold(events[:pl.Events]); !reflect.DeepEqual(s, want) {
			t.Fatalf("key %d: the state at event %d is another one", i, pl.Events)
		}
	}
}
