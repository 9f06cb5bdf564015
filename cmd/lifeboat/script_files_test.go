package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"lifeboat/store"
	"lifeboat/store/logbook"
)

// newestRun is the folder of the newest run of the script's store, or of the newest of a runbook.
func newestRun(ts *testscript.TestScript, runbook string) string {
	runs, err := filepath.Glob(filepath.Join(ts.Getenv("LIFEBOAT_STORE"), "runs", "*"+runbook+"*"))
	ts.Check(err)
	slices.Sort(runs)
	if len(runs) == 0 {
		ts.Fatalf("there is no run of %q", runbook)
	}
	return runs[len(runs)-1]
}

// scriptRunID is `runid VAR [RUNBOOK]`.
func scriptRunID(ts *testscript.TestScript, _ bool, args []string) {
	ts.Setenv(args[0], filepath.Base(newestRun(ts, strings.Join(args[1:], ""))))
}

// scriptDriver is `driver VAR`.
func scriptDriver(ts *testscript.TestScript, _ bool, args []string) {
	ts.Setenv(args[0], strconv.Itoa(driverOf(ts, newestRun(ts, ""))))
}

func driverOf(ts *testscript.TestScript, run string) int {
	d, _, held, err := logbook.Holder(store.RunDir(run).Lock())
	if err != nil || !held || d.PID == 0 {
		ts.Fatalf("nobody drives %s (%v)", run, err)
	}
	return d.PID
}

// scriptKillDriver is `killdriver`.
func scriptKillDriver(ts *testscript.TestScript, _ bool, _ []string) {
	run := newestRun(ts, "")
	ts.Check(syscall.Kill(driverOf(ts, run), syscall.SIGKILL))
	for deadline := time.Now().Add(scriptPatience); ; time.Sleep(10 * time.Millisecond) {
		if _, _, held, err := logbook.Holder(store.RunDir(run).Lock()); err == nil && !held {
			return
		}
		if time.Now().After(deadline) {
			ts.Fatalf("the driver of %s does not die", run)
		}
	}
}

// scriptUntil is `until FILE REGEXP`. FILE may be a pattern that one file matches, in time.
func scriptUntil(ts *testscript.TestScript, _ bool, args []string) {
	want := regexp.MustCompile("(?m)" + args[1])
	var text []byte
	for deadline := time.Now().Add(scriptPatience); ; time.Sleep(20 * time.Millisecond) {
		if names, _ := filepath.Glob(ts.MkAbs(args[0])); len(names) == 1 {
			text, _ = os.ReadFile(names[0]) // not there yet is what we wait for
		}
		if want.Match(text) {
			return
		}
		if time.Now().After(deadline) {
			ts.Fatalf("%s never held %q:\n%s", args[0], args[1], text)
		}
	}
}

// scriptEvents is `events FILE TYPE...`.
func scriptEvents(ts *testscript.TestScript, _ bool, args []string) {
	dec := json.NewDecoder(strings.NewReader(ts.ReadFile(args[0])))
	want, last := args[1:], 0.0
	for {
		var e map[string]any
		if err := dec.Decode(&e); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			ts.Fatalf("%s: %v", args[0], err)
		}
		ts.Check(checkEvent(e, &last))
		if len(want) > 0 && e["type"] == want[0] {
			want = want[1:]
		}
	}
	if len(want) > 0 {
		ts.Fatalf("%s: no %s where it should be", args[0], want[0])
	}
	for line := range strings.Lines(ts.ReadFile(args[0])) {
		if !json.Valid([]byte(line)) {
			ts.Fatalf("%s: not one object a line: %s", args[0], line)
		}
	}
}

func checkEvent(e map[string]any, last *float64) error {
	kind, _ := e["type"].(string)
	run, _ := e["run"].(string)
	stamp, _ := e["time"].(string)
	if _, err := time.Parse(time.RFC3339Nano, stamp); err != nil || kind == "" || run == "" {
		return fmt.Errorf("an event lacks type, run or time: %v", e)
	}
	seq, has := e["seq"].(float64)
	switch {
	case kind == "step.progress" && has:
		return fmt.Errorf("a step.progress has a seq: %v", e)
	case kind == "step.progress":
		return nil
	case !has || seq != *last+1:
		return fmt.Errorf("seq %v after %v: %v", e["seq"], *last, e)
	}
	*last = seq
	return nil
}

// scriptDocument is `document FILE`.
func scriptDocument(ts *testscript.TestScript, _ bool, args []string) {
	dec := json.NewDecoder(strings.NewReader(ts.ReadFile(args[0])))
	var v any
	ts.Check(dec.Decode(&v))
	if err := dec.Decode(&v); !errors.Is(err, io.EOF) {
		ts.Fatalf("%s holds more than one document", args[0])
	}
}

// scriptDamage is `damage FILE TEXT`.
func scriptDamage(ts *testscript.TestScript, _ bool, args []string) {
	path := ts.MkAbs(args[0])
	text, err := os.ReadFile(path)
	ts.Check(err)
	i := bytes.LastIndex(text, []byte(args[1]))
	if i < 0 {
		ts.Fatalf("%s does not hold %q", args[0], args[1])
	}
	text[i] ^= 1
	ts.Check(os.WriteFile(path, text, 0o600))
}

// scriptHits is `hits COUNT WORD`.
func scriptHits(ts *testscript.TestScript, _ bool, args []string) {
	var found []string
	err := filepath.WalkDir(ts.Getenv("WORK"), func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		text, err := os.ReadFile(path)
		if bytes.Contains(text, []byte(args[1])) {
			found = append(found, path)
		}
		return err
	})
	ts.Check(err)
	lines, _ := filepath.Glob("/proc/[0-9]*/cmdline")
	for _, path := range lines {
		if text, err := os.ReadFile(path); err == nil && bytes.Contains(text, []byte(args[1])) {
			ts.Fatalf("%q stands in %s: %q", args[1], path, text)
		}
	}
	if strconv.Itoa(len(found)) != args[0] {
		ts.Fatalf("%d files hold %q, want %s: %s", len(found), args[1], args[0], strings.Join(found, ", "))
	}
}

// scriptAccount is `account ID`.
func scriptAccount(ts *testscript.TestScript, _ bool, args []string) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if !bytes.Contains(body, []byte("Action=GetCallerIdentity")) {
			w.WriteHeader(http.StatusNotImplemented)
			return
		}
		w.Header().Set("Content-Type", "text/xml")
		fmt.Fprintf(w, `<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetCallerIdentityResult>`+
			`<Arn>arn:aws:iam::%[1]s:user/operator</Arn><UserId>AIDAEXAMPLE</UserId><Account>%[1]s</Account>`+
			`</GetCallerIdentityResult></GetCallerIdentityResponse>`, args[0])
	}))
	ts.Defer(server.Close)
	ts.Setenv("AWS_ENDPOINT_URL", server.URL)
	ts.Setenv("AWS_ACCESS_KEY_ID", "AKIAEXAMPLE")
	ts.Setenv("AWS_SECRET_ACCESS_KEY", "example")
}
