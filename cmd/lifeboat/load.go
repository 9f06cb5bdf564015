package main

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"lifeboat/providers"
	"lifeboat/providers/actions"
	"lifeboat/runbook"
	"lifeboat/runbooks"
)

// files are a runbook and its estate as they stand on disk (or in the program), parsed.
type files struct {
	runbook, estate runbook.Source
	parsed          *runbook.Runbook
	parsedEstate    *runbook.Estate
	shipped         bool // the estate is the demo's own
}

// load finds and parses a runbook and its estate. When one of them cannot be read, every mistake of both comes back at once,
// also those that only compiling for the mode and the inputs finds.
func (a *app) load(name string, mode runbook.Mode, inputs map[string]string) (*files, error) {
	path, text, shipped, err := findRunbook(name)
	if err != nil {
		return nil, err
	}
	f := &files{runbook: runbook.NewSource(path, text)}
	var wrong error
	f.parsed, wrong = runbook.Parse(path, text)
	estatePath, estateText, estateShipped, err := a.findEstate(path, shipped, f.parsed)
	if err != nil {
		return nil, errors.Join(wrong, err)
	}
	f.shipped = estateShipped
	f.estate = runbook.NewSource(estatePath, estateText)
	var wrongEstate error
	f.parsedEstate, wrongEstate = runbook.ParseEstate(estatePath, estateText)
	if wrong == nil && wrongEstate == nil {
		return f, nil
	}
	_, all := runbook.CompileFiles(f.runbook, f.estate, runbook.CompileInput{
		Catalog: emptyCatalog(), Mode: mode, Inputs: inputs, Offline: true,
	})
	return nil, coded(exitUsage, "", cmp.Or(all, wrong, wrongEstate))
}

// findRunbook reads a file, or a runbook by its bare name: from ./runbooks, or one that is shipped.
func findRunbook(name string) (path string, text []byte, shipped bool, err error) {
	if name, is := strings.CutPrefix(name, shippedPrefix); is {
		text, err := fs.ReadFile(runbooks.FS, filepath.Base(name)+".yaml")
		if err != nil {
			err = usage("shipped are: "+strings.Join(runbooks.Names(), ", "), "no runbook %q is shipped", name)
		}
		return name + ".yaml", text, true, err
	}
	candidates := []string{name}
	bare := !strings.ContainsAny(name, `/\`) && !strings.HasSuffix(name, ".yaml") && !strings.HasSuffix(name, ".yml")
	if bare {
		candidates = []string{filepath.Join("runbooks", name+".yaml"), name + ".yaml"}
	}
	for _, c := range candidates {
		text, err := readLimited(c)
		if err == nil {
			abs, err := filepath.Abs(c)
			return abs, text, false, err
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return "", nil, false, coded(exitUsage, "name the runbook's file", fmt.Errorf("the runbook %q cannot be read: %w", c, unwrapPath(err)))
		}
	}
	if text, err := fs.ReadFile(runbooks.FS, strings.TrimSuffix(filepath.Base(name), ".yaml")+".yaml"); bare && err == nil {
		return name + ".yaml", text, true, nil
	}
	if info, err := os.Stat(name); err == nil && info.IsDir() {
		return "", nil, false, usage("name the runbook's file in it", "%q is a folder", name)
	}
	return "", nil, false, usage("name a file, or a shipped runbook: "+strings.Join(runbooks.Names(), ", "),
		"there is no runbook %q", name)
}

// readLimited reads a file of at most a little over the limit, so that the parser can say that it is too large.
func readLimited(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, errors.New("it is not a file")
	}
	if info.Size() > 4<<20 {
		return nil, fmt.Errorf("it has %d bytes; the limit is 1 MiB", info.Size())
	}
	return os.ReadFile(path)
}

func unwrapPath(err error) error {
	var p *fs.PathError
	if errors.As(err, &p) {
		return p.Err
	}
	return err
}

// demoEstate is the text of the estate that is shipped.
func demoEstate() string {
	text, err := fs.ReadFile(runbooks.FS, "estate.yaml")
	if err != nil {
		return "" // no estate is empty, so none is taken for it
	}
	return string(text)
}

// findEstate takes --estate, else the file that the runbook names, beside it.
func (a *app) findEstate(runbookPath string, shipped bool, rb *runbook.Runbook) (string, []byte, bool, error) {
	if a.Estate != "" {
		text, err := readLimited(a.Estate)
		if err != nil {
			return "", nil, false, usage("name the estate's file", "the estate %q cannot be read: %v", a.Estate, unwrapPath(err))
		}
		abs, err := filepath.Abs(a.Estate)
		return abs, text, false, err
	}
	name := "estate.yaml"
	if rb != nil && rb.Estate != "" {
		name = rb.Estate
	}
	if shipped {
		text, err := fs.ReadFile(runbooks.FS, name)
		return name, text, true, err
	}
	path := name
	if !filepath.IsAbs(path) {
		path = filepath.Join(filepath.Dir(runbookPath), name)
	}
	text, err := readLimited(path)
	if err != nil {
		return "", nil, false, usage("write it, or name another with --estate FILE",
			"the estate %q cannot be read: %v", path, unwrapPath(err))
	}
	return path, text, false, nil
}

// compile makes the plan. A set without providers is enough: compiling calls nothing.
func (f *files) compile(mode runbook.Mode, inputs, resolved map[string]string, set providers.Set, clock runbook.Clock, offline bool) (*runbook.Plan, error) {
	plan, err := runbook.Compile(runbook.CompileInput{
		Runbook: f.parsed, Estate: f.parsedEstate, Catalog: actions.Catalog(set, actions.Options{Clock: clock, Mode: mode}),
		Mode: mode, Inputs: inputs, Resolved: resolved, Offline: offline,
	})
	if err != nil {
		return nil, coded(exitUsage, "", err)
	}
	return plan, nil
}

// parseInputs reads --set KEY=VALUE.
func parseInputs(sets []string) (map[string]string, error) {
	out := map[string]string{}
	for _, s := range sets {
		k, v, ok := strings.Cut(s, "=")
		if !ok || k == "" {
			return nil, usage("write --set data=nightly", "--set %q is not KEY=VALUE", s)
		}
		if _, twice := out[k]; twice {
			return nil, usage("name it once", "--set %s stands twice", k)
		}
		out[k] = v
	}
	return out, nil
}
