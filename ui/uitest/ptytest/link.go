package ptytest

import (
	"sync"
	"time"
)

// Link is a line between a program and the person who uses it: so many bytes a second and so much delay, in each
// direction. Like a cheap line it has a long queue: nothing is lost, everything waits. The zero value is no line at all.
type Link struct {
	Rate  int           // bytes a second; 0: no limit
	Delay time.Duration // one way
}

// piece is how many bytes arrive at once on a line with a limit: small against a frame, so that the time at which a frame
// is complete is known to a few milliseconds.
const piece = 16

// pipe is one direction of a link.
type pipe struct {
	link    Link
	deliver func([]byte)

	mu     sync.Mutex
	more   *sync.Cond
	queue  []parcel
	free   time.Time // when the line has sent all that is queued
	closed bool
	done   chan struct{}
}

type parcel struct {
	data []byte
	due  time.Time
}

func newPipe(link Link, deliver func([]byte)) *pipe {
	p := &pipe{link: link, deliver: deliver, done: make(chan struct{})}
	p.more = sync.NewCond(&p.mu)
	if link == (Link{}) {
		close(p.done)
		return p
	}
	go p.run()
	return p
}

// send puts bytes on the line and returns at once. It keeps no hold of them.
func (p *pipe) send(data []byte) {
	if p.link == (Link{}) {
		p.deliver(data)
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if now := time.Now(); p.free.Before(now) {
		p.free = now
	}
	data = append([]byte(nil), data...)
	for len(data) > 0 {
		n := len(data)
		if p.link.Rate > 0 {
			n = min(n, piece)
			p.free = p.free.Add(time.Duration(n) * time.Second / time.Duration(p.link.Rate))
		}
		p.queue = append(p.queue, parcel{data[:n], p.free.Add(p.link.Delay)})
		data = data[n:]
	}
	p.more.Signal()
}

func (p *pipe) run() {
	defer close(p.done)
	for {
		p.mu.Lock()
		for len(p.queue) == 0 && !p.closed {
			p.more.Wait()
		}
		if p.closed {
			p.mu.Unlock()
			return
		}
		next := p.queue[0]
		p.queue = p.queue[1:]
		p.mu.Unlock()
		time.Sleep(time.Until(next.due)) // the line's own time: this is what a link is
		p.deliver(next.data)
	}
}

// close drops what is still on the way.
func (p *pipe) close() {
	p.mu.Lock()
	p.closed = true
	p.more.Signal()
	p.mu.Unlock()
	<-p.done
}
