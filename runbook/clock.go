package runbook

import (
	"context"
	"time"
)

// Clock is the time of a run. Everything that waits, stamps or gives up asks it and nothing else, so that a simulated
// night can pass in seconds and a test under testing/synctest in none.
type Clock interface {
	Now() time.Time
	// After sends once when d has passed on this clock; stop releases it early.
	After(d time.Duration) (fired <-chan time.Time, stop func())
	// WithTimeout is context.WithTimeout on this clock.
	WithTimeout(ctx context.Context, d time.Duration) (context.Context, context.CancelFunc)
}

// ClockSpec is a clock as written in run.started, so that every process that touches the run reads the same time. The
// zero value is the wall clock. Otherwise it shows World when the wall shows Wall, and runs Speed times as fast.
type ClockSpec struct {
	Wall  time.Time `json:"wall,omitzero"`
	World time.Time `json:"world,omitzero"`
	Speed float64   `json:"speed,omitempty"`
}

// Clock makes the clock that the spec describes.
func (c ClockSpec) Clock() Clock {
	if c.Speed == 0 {
		return WallClock{}
	}
	// One reading of wall and monotonic time together: from here on only the monotonic part counts, so a wall clock
	// that is set back while the process lives moves no deadline.
	now := time.Now()
	return &scaledClock{base: now, world: c.World.Add(scale(now.Sub(c.Wall), c.Speed)), speed: c.Speed}
}

// WallClock is the machine's clock. Its deadlines are monotonic.
type WallClock struct{}

// Now is time.Now.
func (WallClock) Now() time.Time { return time.Now() }

// After is a timer of package time.
func (WallClock) After(d time.Duration) (<-chan time.Time, func()) {
	t := time.NewTimer(d)
	return t.C, func() { t.Stop() }
}

// WithTimeout is context.WithTimeout.
func (WallClock) WithTimeout(ctx context.Context, d time.Duration) (context.Context, context.CancelFunc) {
	return context.WithTimeout(ctx, d)
}

type scaledClock struct {
	base, world time.Time
	speed       float64
}

func scale(d time.Duration, by float64) time.Duration { return time.Duration(float64(d) * by) }

func (c *scaledClock) Now() time.Time { return c.world.Add(scale(time.Since(c.base), c.speed)) }

func (c *scaledClock) After(d time.Duration) (<-chan time.Time, func()) {
	t := time.NewTimer(scale(d, 1/c.speed))
	return t.C, func() { t.Stop() }
}

func (c *scaledClock) WithTimeout(ctx context.Context, d time.Duration) (context.Context, context.CancelFunc) {
	return context.WithTimeout(ctx, scale(d, 1/c.speed))
}

// Sleep waits for d on the clock, or until ctx ends, whose error it returns.
func Sleep(ctx context.Context, c Clock, d time.Duration) error {
	fired, stop := c.After(d)
	defer stop()
	select {
	case <-fired:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
