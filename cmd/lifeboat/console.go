package main

import (
	"bytes"
	"strings"
	"sync"
	"time"

	"lifeboat/runbook"
)

// console serves the screens (ui.Console). It holds nothing open; every method may be called from many goroutines at once.
type console struct {
	flags global
	demo  bool     // on the demo's estate alone
	deep  bool     // what takes long is asked as well
	fresh bool     // its world is a new one, whatever was rehearsed before
	sim   simFlags // what a rehearsal is made with when the screen does not say
	memo  memo

	inputs    map[string]string // of runs that are started here, when the screen does not say
	reference string
	began     time.Time
}

// console makes the program's side of the screens.
func (a *app) console() *console {
	return &console{flags: a.global, sim: simFlags{Night: "quiet", Scene: "stopped", Speed: 1}, began: time.Now()}
}

// notes collects what the commands would have written to the terminal, on which the console is.
type notes struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (n *notes) Write(p []byte) (int, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.b.Write(p)
}

// lines are what was written, without the word that says that it is a note.
func (n *notes) lines() []string {
	n.mu.Lock()
	defer n.mu.Unlock()
	var out []string
	for line := range strings.Lines(n.b.String()) {
		if line = strings.TrimSpace(strings.TrimPrefix(runbook.Clean(line), "note: ")); line != "" {
			out = append(out, line)
		}
	}
	return out
}

// app is the program as a command sees it, with no terminal: what it says is lost, what it would ask comes back as an error.
func (c *console) app() *app { return c.with(&notes{}, nil) }

func (c *console) with(said *notes, words map[string]string) *app {
	g := c.flags
	g.Confirm = append([]string(nil), g.Confirm...)
	for _, name := range sortedKeys(words) {
		g.Confirm = append(g.Confirm, name+"="+words[name])
	}
	return &app{global: g, in: strings.NewReader(""), out: said, errs: said, mute: true}
}
