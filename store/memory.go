package store

import (
	"context"
	"sync"
	"time"

	"lifeboat/runbook"
)

// Memory is the reference of Journal: it does what the contract says and forgets everything when the process ends. It
// makes no system call and starts no goroutine, so it works under testing/synctest.
type Memory struct {
	run    runbook.RunID
	now    func() time.Time
	mu     sync.Mutex
	lines  [][]byte // encoded, so that nobody can change what was committed
	epoch  uint64
	grown  chan struct{} // closed, and made anew, when events were added
	closed chan struct{}
}

// NewMemory makes an empty journal. Events are stamped by now.
func NewMemory(run runbook.RunID, now func() time.Time) *Memory {
	return &Memory{run: run, now: now, grown: make(chan struct{}), closed: make(chan struct{})}
}

// Append is Journal's.
func (m *Memory) Append(ctx context.Context, after, epoch uint64, facts ...runbook.Fact) ([]runbook.Event, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.isClosed() {
		return nil, ErrClosed
	}
	if err := Admit(uint64(len(m.lines)), m.epoch, after, epoch); err != nil {
		return nil, err
	}
	if len(facts) == 0 {
		return nil, nil
	}
	events, lines, err := EncodeBatch(m.run, after, epoch, m.now(), facts)
	if err != nil {
		return nil, err
	}
	m.lines = append(m.lines, lines...)
	m.epoch = max(m.epoch, epoch)
	close(m.grown)
	m.grown = make(chan struct{})
	return events, nil
}

// Events is Journal's.
func (m *Memory) Events(ctx context.Context, from uint64) ([]runbook.Event, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	m.mu.Lock()
	lines := m.lines
	m.mu.Unlock()
	return DecodeFrom(lines, from)
}

// Wait is Journal's.
func (m *Memory) Wait(ctx context.Context, after uint64) error {
	for {
		m.mu.Lock()
		last, grown := uint64(len(m.lines)), m.grown
		m.mu.Unlock()
		if last > after {
			return nil
		}
		select {
		case <-grown:
		case <-ctx.Done():
			return ctx.Err()
		case <-m.closed:
			return ErrClosed
		}
	}
}

// Close is Journal's.
func (m *Memory) Close() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.isClosed() {
		close(m.closed)
	}
	return nil
}

func (m *Memory) isClosed() bool {
	select {
	case <-m.closed:
		return true
	default:
		return false
	}
}

// Admit holds an append against the journal's last event and highest epoch. The fence comes first: a driver that was
// replaced must learn that, and not that it should try again.
func Admit(last, highest, after, epoch uint64) error {
	if epoch != 0 && epoch < highest {
		return &runbook.ErrFenced{Epoch: highest}
	}
	if after != last {
		return &runbook.ErrConflict{Last: last}
	}
	return nil
}

// EncodeBatch makes events of facts. The events are decoded from their encoding, so that who appends folds exactly what
// who reads it back later will.
func EncodeBatch(run runbook.RunID, after, epoch uint64, at time.Time, facts []runbook.Fact) ([]runbook.Event, [][]byte, error) {
	events, lines := make([]runbook.Event, 0, len(facts)), make([][]byte, 0, len(facts))
	for i, f := range facts {
		line, err := Encode(runbook.Event{Seq: after + uint64(i) + 1, Time: at, Run: run, Epoch: epoch, Fact: f})
		if err != nil {
			return nil, nil, err
		}
		e, err := Decode(line)
		if err != nil {
			return nil, nil, err
		}
		events, lines = append(events, e), append(lines, line)
	}
	return events, lines, nil
}

// DecodeFrom decodes the lines of events 1, 2, ... from an event on.
func DecodeFrom(lines [][]byte, from uint64) ([]runbook.Event, error) {
	from = max(from, 1)
	if from > uint64(len(lines)) {
		return nil, nil
	}
	out := make([]runbook.Event, 0, uint64(len(lines))-from+1)
	for _, line := range lines[from-1:] {
		e, err := Decode(line)
		if err != nil {
			return out, err
		}
		out = append(out, e)
	}
	return out, nil
}
