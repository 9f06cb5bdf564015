package ptytest

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Paint is how long a key took.
type Paint struct {
	First time.Duration // until something came; it may have come for another reason
	Whole time.Duration // until the cursor stood elsewhere on a screen that was not half drawn
}

// Key presses a key that moves the focus, and with it the cursor, and waits until that is painted. It reports false when
// the cursor has not moved within the limit.
func (t *Term) Key(key string, limit time.Duration) (Paint, bool) {
	t.mu.Lock()
	rest := t.rest
	t.mu.Unlock()
	t.expect(func(s *Screen) bool { return s.Whole() && !s.hidden && rest != [2]int{s.x, s.y} })
	began := time.Now()
	t.Type(key)
	at, ok := t.until(limit)
	if !ok {
		return Paint{}, false
	}
	t.mu.Lock()
	first := t.first
	t.mu.Unlock()
	return Paint{First: first.Sub(began), Whole: at.Sub(began)}, true
}

// Echo presses a key and waits for the first byte that comes back: over a line, to a program that echoes, the round trip.
func (t *Term) Echo(key string, limit time.Duration) (time.Duration, bool) {
	n := t.Bytes()
	t.expect(func(*Screen) bool { return t.bytes > n }) // called with the lock held
	began := time.Now()
	t.Type(key)
	at, ok := t.until(limit)
	return at.Sub(began), ok
}

// Percentile is the value below which that share (0 to 1) of the values lies; 0 without values. It sorts them.
func Percentile(values []time.Duration, share float64) time.Duration {
	if len(values) == 0 {
		return 0
	}
	slices.Sort(values)
	return values[min(len(values)-1, int(share*float64(len(values))))]
}

// Usage is what a process has used so far.
type Usage struct {
	CPU  time.Duration // user and system, in steps of 10 ms
	Peak int64         // bytes of memory at its highest (VmHWM)
}

// Used reads the usage of a process from /proc; elsewhere than on Linux it is an error.
func Used(pid int) (u Usage, err error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return u, err
	}
	_, rest, _ := strings.Cut(string(text), ") ") // the name before it may hold anything
	fields := strings.Fields(rest)
	if len(fields) < 13 {
		return u, fmt.Errorf("proc/%d/stat has %d fields", pid, len(fields))
	}
	for _, f := range fields[11:13] { // utime, stime; proc(5) counts them as 14 and 15
		n, err := strconv.Atoi(f)
		if err != nil {
			return u, err
		}
		u.CPU += time.Duration(n) * 10 * time.Millisecond // USER_HZ is 100
	}
	text, err = os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return u, err
	}
	for line := range strings.Lines(string(text)) {
		if v, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			kib, err := strconv.ParseInt(strings.Fields(v)[0], 10, 64)
			if err != nil {
				return u, err
			}
			u.Peak = kib << 10
		}
	}
	return u, nil
}
