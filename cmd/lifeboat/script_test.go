package main

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/rogpeppe/go-internal/testscript"

	"lifeboat/store/logbook"
)

// TestScripts runs the program as its users do. Every script has a folder and a store of its own; each call of the program
// must end by itself, with the exit code that the script names, without a stack trace and without a byte that a terminal
// obeys. The commands of the scripts, beside testscript's own:
//
//	lb CODE ARGS...        run lifeboat to its end; its output is there for stdout and stderr; CODE may be 0|3
//	start NAME ARGS...     run lifeboat with standard input open, in the background
//	expect NAME REGEXP     wait until it has written that, after what was expected before
//	send NAME WORDS...     type a line
//	closein NAME           end its standard input
//	signal NAME INT        send it a signal
//	ended NAME CODE        wait for its end; NAME.out and NAME.err are what it wrote
//	runid VAR [RUNBOOK]    the id of the newest run, or of the newest of a runbook
//	driver VAR             the process that drives the newest run
//	killdriver             kill -9 it, and wait until it is gone
//	until FILE REGEXP      wait until a file holds that
//	events FILE TYPE...    the file is a stream of events, one JSON object a line, and has these types in this order
//	document FILE          the file is one JSON document
//	damage FILE TEXT       change one bit where TEXT stands in a file
//	account ID             AWS calls reach a server that knows one thing: the account of the caller
//	hits COUNT WORD        so many files below the working folder hold that word, and no command line does
func TestScripts(t *testing.T) {
	program := scriptProgram(t)
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		ContinueOnError:     true,
		Setup: func(e *testscript.Env) error {
			e.Setenv("PATH", filepath.Dir(program)+string(filepath.ListSeparator)+os.Getenv("PATH"))
			e.Setenv("LIFEBOAT_STORE", filepath.Join(e.WorkDir, "store"))
			e.Setenv("HOME", filepath.Join(e.WorkDir, "home"))
			e.Setenv("AWS_EC2_METADATA_DISABLED", "true")
			// Where a test could reach AWS by mistake, it reaches nothing.
			e.Setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
			e.Values["program"] = program
			e.Values["sessions"] = &sessions{open: map[string]*session{}}
			e.Defer(func() {
				e.Values["sessions"].(*sessions).killAll()
				endDrivers(e.WorkDir)
			})
			return os.Mkdir(filepath.Join(e.WorkDir, "home"), 0o700)
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"lb": scriptLB, "start": scriptStart, "expect": scriptExpect, "send": scriptSend, "closein": scriptCloseIn,
			"signal": scriptSignal, "ended": scriptEnded, "runid": scriptRunID, "driver": scriptDriver,
			"killdriver": scriptKillDriver, "until": scriptUntil, "events": scriptEvents, "document": scriptDocument,
			"damage": scriptDamage, "account": scriptAccount, "hits": scriptHits,
		},
		Condition: scriptCondition,
	})
}

// scriptProgram makes the program: scripts run it itself, and it starts itself as the executor, as it does for its users.
func scriptProgram(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "lifeboat")
	if out, err := exec.Command("go", "build", "-o", path, ".").CombinedOutput(); err != nil {
		t.Fatalf("build the program: %v\n%s", err, out)
	}
	return path
}

// endDrivers ends what a script has left running. Only the holder of a run's lock is meant, by its process.
func endDrivers(dir string) {
	locks, _ := filepath.Glob(filepath.Join(dir, "*", "runs", "*", "lock"))
	for _, lock := range locks {
		if d, _, held, err := logbook.Holder(lock); err == nil && held && d.PID > 0 {
			_ = syscall.Kill(d.PID, syscall.SIGKILL)
		}
	}
}

func scriptCondition(name string) (bool, error) {
	switch name {
	case "root":
		return os.Getuid() == 0, nil
	case "mount": // a file system of our own can be mounted
		dir, err := os.MkdirTemp("", "lifeboat-mount-")
		if err != nil {
			return false, err
		}
		defer os.RemoveAll(dir)
		if exec.Command("mount", "-t", "tmpfs", "none", dir).Run() != nil {
			return false, nil
		}
		return true, exec.Command("umount", dir).Run()
	case "netns": // a network of our own, with nothing in it
		return exec.Command("unshare", "-n", "true").Run() == nil, nil
	}
	return false, errors.New("no such condition")
}

// scriptPatience bounds whatever a script waits for; a program that needs it hangs.
const scriptPatience = 45 * time.Second

// harmless refuses what must never be on a screen: stack traces, and bytes that a terminal obeys.
func harmless(text []byte) error {
	for _, trace := range []string{"panic:", "goroutine ", "runtime error", "SIGSEGV"} {
		if bytes.Contains(text, []byte(trace)) {
			return errors.New("it wrote a stack trace: " + trace)
		}
	}
	if !utf8.Valid(text) {
		return errors.New("it wrote what is not UTF-8")
	}
	for _, r := range string(text) {
		if r != '\n' && (unicode.IsControl(r) || unicode.Is(unicode.Cf, r)) {
			return errors.New("it wrote the control character " + string([]rune{'U', '+'}) + hex(r))
		}
	}
	return nil
}

func hex(r rune) string {
	const digits = "0123456789ABCDEF"
	return string([]byte{digits[r>>12&15], digits[r>>8&15], digits[r>>4&15], digits[r&15]})
}
