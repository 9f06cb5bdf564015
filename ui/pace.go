package ui

import (
	"reflect"
	"sync"
	"time"
	"unsafe"

	tea "charm.land/bubbletea/v2"
)

// Bubble Tea looks for something to draw at a fixed rate. At the highest it allows a key still waits 4 ms on average, and a
// console on which nothing happens wakes up 120 times a second, which was most of what it used. So the rate follows what
// happens: fast for a moment after each message, slow else.
const (
	paceFast = 2 * time.Millisecond
	paceSlow = 50 * time.Millisecond // also bounds what a frame waits that was missed
	paceCalm = 12 * time.Millisecond // without a message
)

// pacer sets the rate of one program. The library keeps its ticker to itself and has no option for this: where the field is
// not found, everything stays at frameRate. A test says so when a new version has moved it.
type pacer struct {
	program *tea.Program
	mu      sync.Mutex
	ticker  *time.Ticker
	calm    *time.Timer
	fast    bool
	over    bool
}

// stir is called with every message, from the loop of the program, whose renderer runs by then.
func (p *pacer) stir() {
	if p == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.over {
		return
	}
	if p.ticker == nil {
		if p.ticker = tickerOf(p.program); p.ticker == nil {
			p.over = true
			return
		}
		p.calm = time.AfterFunc(paceCalm, p.slow)
	}
	if !p.fast {
		p.fast = true
		p.ticker.Reset(paceFast)
	}
	p.calm.Reset(paceCalm)
}

func (p *pacer) slow() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.over {
		p.fast = false
		p.ticker.Reset(paceSlow)
	}
}

// stop leaves the ticker alone from now on.
func (p *pacer) stop() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.over = true
	if p.calm != nil {
		p.calm.Stop()
	}
}

func tickerOf(p *tea.Program) *time.Ticker {
	f := reflect.ValueOf(p).Elem().FieldByName("ticker")
	if !f.IsValid() || f.Type() != reflect.TypeFor[*time.Ticker]() {
		return nil
	}
	return *(**time.Ticker)(unsafe.Pointer(f.UnsafeAddr()))
}
