package page

import (
	"testing"
	"time"
)

func seconds(n float64) time.Duration { return time.Duration(n * float64(time.Second)) }

// A record was changed at 10 s; what share of caches has moved at some moment?
func TestShareOfCachesThatMoved(t *testing.T) {
	start := time.Date(2026, 3, 1, 3, 0, 0, 0, time.UTC)
	at := func(n float64) time.Time { return start.Add(seconds(n)) }
	changed := dnsClock{changed: at(10), was: 300 * time.Second, ttl: 60 * time.Second, known: true}
	served := changed
	served.measures, served.served = true, at(40)
	measuring := changed
	measuring.measures, measuring.servers = true, "4/4"
	half := measuring
	half.servers = "2/4"
	fresh := changed
	fresh.was = 0
	byHand := changed
	byHand.known = false
	cases := []struct {
		name string
		d    dnsClock
		now  float64
		want float64
	}{
		{"before the change", changed, 5, 0},
		{"at the change", changed, 10, 0},
		{"half the TTL later", changed, 160, 0.5},
		{"87 in a hundred", changed, 271, 0.87},
		{"at the TTL", changed, 310, 1},
		{"long after", changed, 4000, 1},
		{"while the servers come over: as if half-way", measuring, 40, 0.05},
		{"the moment they all have it nothing jumps", served, 40, 0.05},
		{"from then on 1/300 a second", served, 160, 0.45},
		{"the last ones late", served, 325, 0.9875},
		{"all of them", served, 340, 1},
		{"never more than the servers that have it", half, 3000, 0.5},
		{"no old answer", fresh, 11, 1},
		{"no TTL known", byHand, 100, 0},
		{"not changed", dnsClock{was: time.Minute, known: true}, 100, 0},
	}
	for _, c := range cases {
		if got := c.d.moved(at(c.now)); got < c.want-0.001 || got > c.want+0.001 {
			t.Errorf("%s: %.4f, not %.4f", c.name, got, c.want)
		}
	}
	last := -1.0
	for n := 0.0; n < 400; n++ {
		got := served.moved(at(n))
		if n >= 40 && got < last || got < 0 || got > 1 {
			t.Fatalf("at %v the share is %v after %v", n, got, last)
		}
		last = got
	}
}

func TestLastCache(t *testing.T) {
	start := time.Date(2026, 3, 1, 3, 0, 0, 0, time.UTC)
	at := func(n float64) time.Time { return start.Add(seconds(n)) }
	d := dnsClock{changed: at(8), was: 300 * time.Second, known: true}
	if got, measured := d.allBy(at(20)); !got.Equal(at(308)) || measured {
		t.Errorf("%s %v", got, measured)
	}
	d.measures, d.expected = true, at(68)
	if got, measured := d.allBy(at(20)); !got.Equal(at(368)) || measured {
		t.Errorf("while it is measured: %s %v", got, measured)
	}
	if got, _ := d.allBy(at(90)); !got.Equal(at(390)) {
		t.Errorf("while it takes longer: %s", got)
	}
	d.served = at(38)
	if got, measured := d.allBy(at(90)); !got.Equal(at(338)) || !measured {
		t.Errorf("measured: %s %v", got, measured)
	}
}

func TestServersInEvidence(t *testing.T) {
	for text, want := range map[string]string{
		"A = 198.51.100.7 on 3/4 name servers; 203.0.113.10 on 192.0.2.53": "3/4",
		"A = 198.51.100.7, TTL 60: set in Route 53, on 0/2 name servers":   "0/2",
		"0/1 name server":         "0/1",
		"on 5/4 name servers":     "",
		"on some name servers":    "",
		"on -1/4 name servers":    "",
		" name servers":           "",
		"":                        "",
		"3/4 of what was planned": "",
	} {
		if got := serversIn(text); got != want {
			t.Errorf("%q: %q, not %q", text, got, want)
		}
	}
}

func TestSecondsOfOutputs(t *testing.T) {
	for _, c := range []struct {
		in   any
		want time.Duration
		ok   bool
	}{
		{300, 5 * time.Minute, true},
		{int64(60), time.Minute, true},
		{300.0, 5 * time.Minute, true},
		{0.0, 0, true},
		{-1, 0, false},
		{1e300, 0, false},
		{"300", 0, false},
		{nil, 0, false},
	} {
		if got, ok := secondsOf(c.in); ok != c.ok || ok && got != c.want {
			t.Errorf("%v: %s %v", c.in, got, ok)
		}
	}
}

// Whatever the list and the room, the row in focus is one of those shown.
func TestFirstRowKeepsTheFocusInSight(t *testing.T) {
	for n := range 30 {
		for h := 1; h < 12; h++ {
			for focus := range n {
				first := firstRow(focus, n, h)
				if first < 0 || first > focus || focus >= first+h {
					t.Fatalf("focus %d of %d in %d lines: first %d", focus, n, h, first)
				}
			}
		}
	}
}
