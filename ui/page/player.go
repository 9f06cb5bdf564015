package page

import (
	"sort"
	"time"

	"lifeboat/runbook"
)

// playerSpeeds are the steps of + and -.
var playerSpeeds = [...]float64{1, 2, 5, 10, 20, 30, 60}

// Player is where a replay stands: a place on the run's own time, and how that moves with the wall clock. It reads no clock;
// every method is told what time it is. The same record and the same keys at the same moments lead to the same place.
type Player struct {
	events []runbook.Event
	offset []time.Duration // of each event from the first; never falls, for clocks may have jumped
	speed  float64
	paused bool
	from   time.Duration // the place at the moment at
	shown  int           // how many events had happened at that moment
	at     time.Time     // on the wall clock
}

// Place is one moment of a replay.
type Place struct {
	Events int           // the first so many have happened; at least 1 when there are any
	Offset time.Duration // since the first event
	Time   time.Time     // on the run's clock
	Over   bool          // nothing is left to play
}

// NewPlayer begins at the first event, playing. Speeds are held within 1 and 60; 0 is 1.
func NewPlayer(events []runbook.Event, speed float64, now time.Time) *Player {
	p := &Player{events: events, offset: make([]time.Duration, len(events)), speed: clampSpeed(speed), at: now}
	for i := 1; i < len(events); i++ {
		p.offset[i] = max(p.offset[i-1], events[i].Time.Sub(events[0].Time))
	}
	p.shown = p.upTo(0)
	return p
}

func clampSpeed(s float64) float64 {
	if !(s >= 1) { // NaN too
		return 1
	}
	return min(s, playerSpeeds[len(playerSpeeds)-1])
}

// upTo is how many events have happened at a place.
func (p *Player) upTo(offset time.Duration) int {
	return sort.Search(len(p.offset), func(i int) bool { return p.offset[i] > offset })
}

// Length is the time from the first to the last event.
func (p *Player) Length() time.Duration {
	if len(p.offset) == 0 {
		return 0
	}
	return p.offset[len(p.offset)-1]
}

// At is where the replay stands at that moment of the wall clock.
func (p *Player) At(now time.Time) Place {
	offset, shown := p.from, p.shown
	if passed := now.Sub(p.at); !p.paused && passed > 0 {
		// As far as there is something to play: no product of a long night and a high speed overflows.
		if left := float64(p.Length() - p.from); float64(passed)*p.speed < left {
			offset += time.Duration(float64(passed) * p.speed)
		} else {
			offset = max(offset, p.Length())
		}
		shown = max(shown, p.upTo(offset))
	}
	pl := Place{Events: shown, Offset: offset, Over: shown >= len(p.events)}
	if len(p.events) > 0 {
		pl.Time = p.events[0].Time.Add(offset)
	}
	return pl
}

// Speed is how many times as fast it plays.
func (p *Player) Speed() float64 { return p.speed }

// Paused reports whether it stands still.
func (p *Player) Paused() bool { return p.paused }

// hold makes the place of now the one that everything counts from.
func (p *Player) hold(now time.Time) Place {
	pl := p.At(now)
	p.from, p.shown, p.at = pl.Offset, pl.Events, now
	return pl
}

// Pause stands still, or goes on. At the end it begins again.
func (p *Player) Pause(now time.Time) {
	if pl := p.hold(now); pl.Over {
		p.Start(now)
		p.paused = false
		return
	}
	p.paused = !p.paused
}

// Faster and Slower change the speed, not the place.
func (p *Player) Faster(now time.Time) {
	p.hold(now)
	for _, s := range playerSpeeds {
		if s > p.speed {
			p.speed = s
			return
		}
	}
}

// Slower: see Faster.
func (p *Player) Slower(now time.Time) {
	p.hold(now)
	for i := len(playerSpeeds) - 1; i >= 0; i-- {
		if playerSpeeds[i] < p.speed {
			p.speed = playerSpeeds[i]
			return
		}
	}
}

// Seek goes forth, or back, on the run's time.
func (p *Player) Seek(by time.Duration, now time.Time) {
	p.hold(now)
	p.from = max(0, min(p.from+by, p.Length()))
	p.shown = p.upTo(p.from)
}

// Next goes to the event that comes next, however long that took; Prev takes the latest one back.
func (p *Player) Next(now time.Time) {
	p.hold(now)
	if p.shown < len(p.events) {
		p.shown++
		p.from = p.offset[p.shown-1]
	}
}

// Prev stands still: who looks at what came before wants to see it.
func (p *Player) Prev(now time.Time) {
	p.hold(now)
	p.paused = true
	if p.shown > 1 {
		p.shown--
		p.from = p.offset[p.shown-1]
	}
}

// Stop stands still.
func (p *Player) Stop(now time.Time) {
	p.hold(now)
	p.paused = true
}

// Start goes to the first event, End to the last one.
func (p *Player) Start(now time.Time) {
	p.hold(now)
	p.from, p.shown = 0, p.upTo(0)
}

// End: see Start.
func (p *Player) End(now time.Time) {
	p.hold(now)
	p.from, p.shown = p.Length(), len(p.events)
}

// GoTo goes to the first event for which is is true and reports whether there is one.
func (p *Player) GoTo(now time.Time, is func(runbook.Event) bool) bool {
	p.hold(now)
	for i, e := range p.events {
		if is(e) {
			p.from, p.shown = p.offset[i], i+1
			return true
		}
	}
	return false
}

// Every is how often the place should be looked at: some times for each second of the run, ten times a second at most.
func (p *Player) Every(now time.Time) time.Duration {
	if p.paused || p.At(now).Over {
		return 0
	}
	return max(100*time.Millisecond, min(250*time.Millisecond, time.Duration(float64(time.Second)/p.speed)))
}
