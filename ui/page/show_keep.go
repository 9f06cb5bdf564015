package page

import "sync"

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
