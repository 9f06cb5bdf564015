package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"lifeboat/runbook"
	"lifeboat/store"
)

type failbackCmd struct {
	ID  string `arg:"" name:"run" help:"The failover to go back from, or the beginning of its id."`
	Out string `short:"o" placeholder:"FILE" help:"Write the runbook here, and its estate beside it where there is none (default: print it)."`
}

// Run writes the runbook that goes back. It calls nothing and changes no run.
func (c *failbackCmd) Run(a *app) error {
	t, err := a.target(c.ID)
	if err != nil {
		return err
	}
	text, err := runbook.Failback(t.plan, &t.state)
	if err != nil {
		return usage("see what it did: lifeboat show "+string(t.id), "%v", err)
	}
	if c.Out == "" {
		_, err := fmt.Fprint(a.out, text)
		return err
	}
	estate, err := c.write(t, text)
	if err != nil {
		return err
	}
	fmt.Fprintf(a.out, "wrote %s, the way back from %s\n", c.Out, t.id)
	if estate != "" {
		fmt.Fprintf(a.out, "wrote %s, the estate as that run had it\n", estate)
	}
	at := ""
	if a.Store != "" && a.Store != os.Getenv("LIFEBOAT_STORE") {
		at = " --store " + a.Store
	}
	fmt.Fprintf(a.out, "read it, then: lifeboat run %s --mode rehearse --after %s%s\n", c.Out, t.id, at)
	return nil
}

// write makes the file, and never goes over one that is there.
func (c *failbackCmd) write(t *target, text string) (estate string, err error) {
	if err := writeNew(c.Out, text); err != nil {
		return "", err
	}
	path := t.state.Start.Estate.Path
	if !filepath.IsAbs(path) {
		path = filepath.Join(filepath.Dir(c.Out), path)
	}
	if _, err := os.Stat(path); err == nil {
		return "", nil
	}
	return path, writeNew(path, t.state.Start.Estate.Text)
}

func writeNew(path, text string) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o644)
	if errors.Is(err, fs.ErrExist) {
		return usage("name another file, or remove it", "%s is there already; nothing was written", path)
	}
	if err != nil {
		return usage("name a file in a folder that can be written", "%s cannot be written: %v", path, unwrapPath(err))
	}
	_, err = f.WriteString(text)
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return store.DiskError(path, err)
	}
	return nil
}

// readAfter finds what the run of --after has left.
func (a *app) readAfter(mode runbook.Mode, sf *simFlags) error {
	if sf.After == "" {
		return nil
	}
	if mode != runbook.Rehearse {
		return usage("leave --after out", "--after chooses a simulated world, and only a rehearsal has one")
	}
	t, err := a.target(sf.After)
	if err != nil {
		return err
	}
	if sf.aftermath, err = runbook.After(t.plan, &t.state); err != nil {
		return usage("name a failover that has ended: lifeboat history", "%v", err)
	}
	return nil
}
