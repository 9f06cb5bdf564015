package actions

import (
	"testing"
	"time"

	"lifeboat/providers/sim"
	"lifeboat/runbook"
)

func TestHTTP(t *testing.T) {
	transcript(t, "http", func(s *stage) {
		d := &down{URL: "https://www.example.com/", Address: "203.0.113.10", Tries: 3, w: s.w}
		u := &up{URL: "https://www.example.com/", Address: address, Status: 200, w: s.w}
		s.hand(d)
		s.hand(u)
		s.observe(d)
		s.observe(u)
		s.mounted()
		if err := s.w.Addresses.Associate(s.ctx, region, address, server, ""); err != nil {
			s.Fatal(err)
		}
		a := s.start()
		s.prepare(a)
		s.apply(a)
		s.observe(u)
		u.Contains = "no such text"
		s.observe(u)
		u.Contains, u.Status = "", 204
		s.observe(u)
		s.say("-- one good answer is proof that it is up")
		s.observe(&down{URL: "https://www.example.com/", Address: address, Tries: 3, w: s.w})
	})
	transcript(t, "http_blip", func(s *stage) {
		s.mounted()
		if err := s.w.Addresses.Associate(s.ctx, region, address, server, ""); err != nil {
			s.Fatal(err)
		}
		a := s.start()
		s.prepare(a)
		s.apply(a)
		s.call.Progress = func(p runbook.Progress) { s.say("progress %s", p.Text) }
		s.observe(&down{URL: "https://www.example.com/", Address: address, Tries: 3, w: s.w})
	}, sim.Fault{Op: "http:Get", Kind: sim.FaultRefused, Times: 2})
}

func TestHTTPLook(t *testing.T) {
	transcript(t, "http_look", func(s *stage) {
		l := &look{URL: "https://www.example.com/", Address: address, For: runbook.Duration(10 * time.Second), w: s.w}
		s.hand(l)
		s.call.Since = time.Now()
		s.observe(l)
		s.say("after %s", time.Since(s.call.Since))
		time.Sleep(7 * time.Second)
		s.observe(l)
		s.say("-- a good page needs no patience")
		s.mounted()
		if err := s.w.Addresses.Associate(s.ctx, region, address, server, ""); err != nil {
			s.Fatal(err)
		}
		a := s.start()
		s.prepare(a)
		s.apply(a)
		s.call.Since = time.Now()
		s.observe(l)
	})
}

func TestWait(t *testing.T) {
	transcript(t, "wait", func(s *stage) {
		a := &pass{For: runbook.Duration(10 * time.Second), w: s.w}
		s.hand(a)
		s.observe(a)
		s.call.Since = time.Now()
		s.observe(a)
		time.Sleep(4 * time.Second)
		s.observe(a)
		time.Sleep(5500 * time.Millisecond)
		s.observe(a)
		s.say("after %s", time.Since(s.call.Since))
	})
}

func TestManual(t *testing.T) {
	transcript(t, "manual", func(s *stage) {
		a := &byPerson{Text: "call the bank"}
		s.hand(a)
		s.observe(a)
	})
}
