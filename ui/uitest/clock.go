package uitest

import (
	"context"
	"time"

	"lifeboat/runbook"
	"lifeboat/ui/page"
	"lifeboat/ui/theme"
)

// Start is when every scene's run was started.
var Start = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

// The people of the scenes. Operator is who sits at the console under test.
var (
	Operator = runbook.Actor{UID: 1000, Name: "operator", Host: "console"}
	Second   = runbook.Actor{UID: 1001, Name: "second", Host: "desk"}
)

// Frozen is a clock that stands still: what waits on it waits until its context ends.
type Frozen struct{ At time.Time }

// Now is always the same.
func (f Frozen) Now() time.Time { return f.At }

// After never comes.
func (f Frozen) After(time.Duration) (<-chan time.Time, func()) { return nil, func() {} }

// WithTimeout ends with its parent only.
func (f Frozen) WithTimeout(ctx context.Context, _ time.Duration) (context.Context, context.CancelFunc) {
	return context.WithCancel(ctx)
}

// Env is what pages are made with: the wall clock stands at now, and nothing moves.
func Env(now time.Time, name theme.Name) *page.Env {
	return &page.Env{Theme: theme.New(name, false), Now: func() time.Time { return now }, Actor: Operator}
}
