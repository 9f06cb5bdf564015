package page

import (
	"context"
	"sync"

	"lifeboat/runbook"
)

// sessionKeep holds a session that a command opens and a page closes, whichever comes last.
type sessionKeep struct {
	mu   sync.Mutex
	s    Session
	gone bool
}

func (k *sessionKeep) put(s Session) (kept bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.gone {
		s.Close()
		return false
	}
	k.s = s
	return true
}

func (k *sessionKeep) close() {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.gone = true; k.s != nil {
		k.s.Close()
		k.s = nil
	}
}

// session is the one that is held; nil before it is open and after the page is gone.
func (k *sessionKeep) session() Session {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.s
}

// open opens a run and holds its session. Kept is false when the page has gone meanwhile: then nobody waits for the answer.
func (k *sessionKeep) open(ctx context.Context, from Opener, run runbook.RunID) (o Opened, kept bool, err error) {
	s, err := from.OpenRun(ctx, run)
	if err != nil {
		return o, true, err
	}
	if !k.put(s) {
		return o, false, nil
	}
	return s.Opened(), true, nil
}

// read reads a part of a log; ok is false when there is no session any more.
func (k *sessionKeep) read(ctx context.Context, l *textLog, q TextQuery, where direction) (m logRead, ok bool) {
	s := k.session()
	if s == nil {
		return m, false
	}
	t, err := s.Text(ctx, q)
	return logRead{log: l, where: where, text: t, err: err}, true
}
