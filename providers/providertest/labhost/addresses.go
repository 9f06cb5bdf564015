package labhost

import (
	"fmt"
	"io"
	"net"
	"strconv"
	"sync"
	"testing"
)

// Addresses are public addresses of the lab: each is an address of the loopback that leads to a machine's own address,
// port by port, and can be moved. Moving it cuts what was connected, as a real one does; pointing nowhere refuses.
type Addresses struct {
	t     testing.TB
	ports []int

	mu     sync.Mutex
	routes map[string]*route
}

// route is one address while it points somewhere.
type route struct {
	listeners []net.Listener
	mu        sync.Mutex
	conns     map[net.Conn]bool
	frozen    chan struct{} // closed to thaw; nil when it flows
	closed    bool
	wait      sync.WaitGroup
}

// NewAddresses makes addresses that carry the given ports.
func NewAddresses(t testing.TB, ports ...int) *Addresses {
	a := &Addresses{t: t, ports: ports, routes: map[string]*route{}}
	t.Cleanup(func() {
		a.mu.Lock()
		defer a.mu.Unlock()
		for _, r := range a.routes {
			r.close()
		}
		clear(a.routes)
	})
	return a
}

// Point makes address lead to host, another address of the loopback, and away from where it led; an empty host makes it
// lead nowhere.
func (a *Addresses) Point(address, host string) error {
	if err := onLoopback(address); err != nil {
		return err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if old := a.routes[address]; old != nil {
		old.close()
		delete(a.routes, address)
	}
	if host == "" {
		return nil
	}
	if err := onLoopback(host); err != nil {
		return err
	}
	if host == address {
		return fmt.Errorf("%s cannot lead to itself", address)
	}
	r := &route{conns: map[net.Conn]bool{}}
	for _, port := range a.ports {
		p := strconv.Itoa(port)
		l, err := net.Listen("tcp", net.JoinHostPort(address, p))
		if err != nil {
			r.close()
			return err
		}
		r.listeners = append(r.listeners, l)
		r.wait.Go(func() { r.accept(l, net.JoinHostPort(host, p)) })
	}
	a.routes[address] = r
	return nil
}

// Cut resets what is connected through the address and lets it lead on.
func (a *Addresses) Cut(address string) {
	if r := a.route(address); r != nil {
		r.cut()
	}
}

// Freeze makes the address swallow everything: connections open and nothing passes, until Thaw.
func (a *Addresses) Freeze(address string) {
	if r := a.route(address); r != nil {
		r.mu.Lock()
		defer r.mu.Unlock()
		if r.frozen == nil {
			r.frozen = make(chan struct{})
		}
	}
}

// Thaw lets a frozen address flow again. What was swallowed arrives.
func (a *Addresses) Thaw(address string) {
	if r := a.route(address); r != nil {
		r.thaw()
	}
}

func (a *Addresses) route(address string) *route {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.routes[address]
}

func (r *route) accept(l net.Listener, to string) {
	for {
		in, err := l.Accept()
		if err != nil {
			return
		}
		if !r.keep(in) {
			continue
		}
		out, err := net.Dial("tcp", to)
		if err != nil {
			r.drop(in) // nobody listens behind it
			continue
		}
		if !r.keep(out) {
			r.drop(in)
			continue
		}
		r.wait.Go(func() { r.pipe(in, out) })
		r.wait.Go(func() { r.pipe(out, in) })
	}
}

// pipe carries one direction. The end of one is the end of both: that is enough for ssh and for a page.
func (r *route) pipe(from, to net.Conn) {
	buf := make([]byte, 32<<10)
	for {
		n, err := from.Read(buf)
		if frozen := r.ice(); frozen != nil {
			<-frozen
		}
		if n > 0 {
			if _, e := to.Write(buf[:n]); e != nil {
				r.drop(from, to)
				return
			}
		}
		if err == io.EOF {
			if half, ok := to.(*net.TCPConn); ok {
				_ = half.CloseWrite()
			}
			return
		}
		if err != nil {
			r.drop(from, to)
			return
		}
	}
}

func (r *route) ice() chan struct{} {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.frozen
}

func (r *route) thaw() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.frozen != nil {
		close(r.frozen)
		r.frozen = nil
	}
}

func (r *route) keep(c net.Conn) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		reset(c)
		return false
	}
	r.conns[c] = true
	return true
}

func (r *route) drop(conns ...net.Conn) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, c := range conns {
		reset(c)
		delete(r.conns, c)
	}
}

func (r *route) cut() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for c := range r.conns {
		reset(c)
	}
	clear(r.conns)
}

func (r *route) close() {
	r.mu.Lock()
	r.closed = true
	r.mu.Unlock()
	for _, l := range r.listeners {
		l.Close()
	}
	r.cut()
	r.thaw()
	r.wait.Wait()
}

// reset closes with a reset, as a connection ends whose far side is gone.
func reset(c net.Conn) {
	if tcp, ok := c.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	c.Close()
}
