package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"time"

	"lifeboat/runbook"
	"lifeboat/store"
	"lifeboat/store/bolt"
	"lifeboat/store/logbook"
)

type verifyCmd struct {
	ID      string `arg:"" name:"run" optional:"" help:"The run, or the beginning of its id (default: all runs, and the history)."`
	Salvage string `placeholder:"FILE" help:"Write the events that can be trusted to this file, one JSON object a line."`
}

// verified is what was found about one record.
type verified struct {
	Run    runbook.RunID `json:"run,omitempty"`
	Path   string        `json:"path"`
	OK     bool          `json:"ok"`
	Events uint64        `json:"events"`
	Head   string        `json:"head,omitempty"` // the hash at the end of the chain
	Error  string        `json:"error,omitempty"`
	Do     string        `json:"do,omitempty"`
}

// Run checks checksums and chains. A damaged history is made again from the logbooks.
func (c *verifyCmd) Run(a *app) error {
	dir, err := a.readStore()
	if err != nil {
		return err
	}
	ids, err := dir.RunIDs()
	if c.ID != "" {
		var id runbook.RunID
		if id, err = dir.FindRun(c.ID); err == nil {
			ids = []runbook.RunID{id}
		}
	}
	if err != nil {
		return err
	}
	if c.Salvage != "" {
		return c.salvage(a, dir, ids)
	}
	var all []verified
	for _, id := range ids {
		all = append(all, verifyRun(dir, id))
	}
	if c.ID == "" {
		all = append(all, verifyHistory(a, dir))
	}
	bad := 0
	for _, v := range all {
		if !v.OK {
			bad++
		}
		if !a.JSON {
			printVerified(a, v)
		}
	}
	if a.JSON {
		printJSON(a.out, all)
	} else if bad == 0 {
		fmt.Fprintln(a.out, "the chain shows damage, not forgery: whoever can write the files can write a new chain")
	}
	if bad > 0 {
		return silentExit(exitDamaged)
	}
	return nil
}

func verifyRun(dir store.Dir, id runbook.RunID) verified {
	path := dir.Run(id).Logbook()
	report, err := logbook.Verify(path)
	v := verified{Run: id, Path: path, OK: err == nil, Events: report.Events, Head: report.Head}
	if err != nil {
		v.Error = err.Error()
		v.Do = classify(err).do
	}
	return v
}

// verifyHistory checks the library in a child process, since damage in it can end the one that looks.
func verifyHistory(a *app, dir store.Dir) verified {
	v := verified{Path: dir.History()}
	err := verifyInChild(dir)
	if err == nil {
		v.OK = true
		return v
	}
	var damaged *store.ErrDamaged
	if !errors.As(err, &damaged) {
		v.Error = err.Error()
		v.Do = classify(err).do
		return v
	}
	ctx, cancel := background(10 * time.Minute)
	defer cancel()
	fmt.Fprintf(a.errs, "note: %v\n  it is made again from the logbooks\n", err)
	if err := rebuildLibrary(ctx, dir); err != nil {
		v.Error = err.Error()
		v.Do = classify(err).do
		return v
	}
	v.OK = true
	return v
}

// verifyLibraryCmd is the child process that reads a history which may be damaged. Nobody types it.
type verifyLibraryCmd struct {
	Path string `arg:""`
}

// Run verifies the file.
func (c *verifyLibraryCmd) Run(*app) error {
	ctx, cancel := background(10 * time.Minute)
	defer cancel()
	_, err := bolt.Verify(ctx, c.Path)
	return err
}

// verifyInChild reports damage as *store.ErrDamaged: also when the child did not live to say so.
func verifyInChild(dir store.Dir) error {
	if _, err := os.Stat(dir.History()); errors.Is(err, os.ErrNotExist) {
		return nil
	}
	ctx, cancel := background(11 * time.Minute)
	defer cancel()
	self := executorArgs()[0]
	cmd := exec.CommandContext(ctx, self, "verify-library", dir.History())
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	switch {
	case err == nil:
		return nil
	case !errors.As(err, &exit):
		return err
	case exit.ExitCode() == exitDamaged || exit.ExitCode() < 0 || exit.ExitCode() == 2:
		return &store.ErrDamaged{Path: dir.History(), Why: firstLine(string(out)), Library: true}
	}
	return errors.New(firstLine(string(out)))
}

func firstLine(s string) string {
	line, _, _ := strings.Cut(strings.TrimPrefix(s, "lifeboat: "), "\n")
	return runbook.Clean(line)
}

func printVerified(a *app, v verified) {
	name := string(v.Run)
	if name == "" {
		name = "history"
	}
	if v.OK {
		fmt.Fprintf(a.out, "✓ %-40s whole", name)
		if v.Run != "" {
			fmt.Fprintf(a.out, ", %s, head %.16s", plural(int(v.Events), "event", "events"), v.Head)
		}
		fmt.Fprintln(a.out)
		return
	}
	fmt.Fprintf(a.out, "✗ %-40s %s\n", name, v.Error)
	if v.Do != "" {
		fmt.Fprintf(a.out, "  do: %s\n", v.Do)
	}
}

// salvage writes what can be trusted of one run to a new file.
func (c *verifyCmd) salvage(a *app, dir store.Dir, ids []runbook.RunID) error {
	if len(ids) != 1 || c.ID == "" {
		return usage("lifeboat verify RUN --salvage FILE", "--salvage needs one run")
	}
	events, err := logbook.Read(dir.Run(ids[0]).Logbook())
	var damaged *store.ErrDamaged
	if err != nil && !errors.As(err, &damaged) {
		return err
	}
	n, err := writeEvents(c.Salvage, events)
	if err != nil {
		return err
	}
	fmt.Fprintf(a.out, "%s written to %s\n", plural(n, "event", "events"), c.Salvage)
	if damaged != nil {
		return silentExit(exitDamaged)
	}
	return nil
}
