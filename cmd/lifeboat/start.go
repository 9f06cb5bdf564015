package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"syscall"
	"time"

	"lifeboat/runbook"
	"lifeboat/store"
)

// startExecutor starts the process that drives the run, cut loose from this terminal, and returns when the run is in its
// hands, or with the reason why not.
func startExecutor(o order) error {
	text, err := json.Marshal(o)
	if err != nil {
		return err
	}
	if argv := scopeCommand(); argv != nil {
		err := spawn(append(argv, string(o.Run)), o, text)
		if !errors.Is(err, errSilent) {
			return err
		}
		// systemd-run did not get as far as the executor: without a scope it is still its own session.
	}
	return spawn(append(executorArgs(), string(o.Run)), o, text)
}

// executorArgs names this very program, even when its file was replaced since it started.
func executorArgs() []string {
	if runtime.GOOS == "linux" {
		return []string{"/proc/self/exe", "executor"}
	}
	exe, err := os.Executable()
	if err != nil {
		exe = os.Args[0]
	}
	return []string{exe, "executor"}
}

// scopeCommand puts the executor into a scope of its own where systemd would otherwise end it with the login session.
func scopeCommand() []string {
	if _, err := os.Stat("/run/systemd/system"); err != nil || os.Getenv("XDG_RUNTIME_DIR") == "" {
		return nil
	}
	path, err := exec.LookPath("systemd-run")
	if err != nil {
		return nil
	}
	exe, err := os.Executable()
	if err != nil {
		return nil
	}
	return []string{path, "--user", "--scope", "--quiet", "--collect", "--", exe, "executor"}
}

var (
	errSilent = errors.New("the executor ended without a word")
	errLate   = errors.New("the executor did not answer")
)

// spawn starts argv with the order on its standard input and waits for its answer.
func spawn(argv []string, o order, text []byte) error {
	logPath := store.Dir(o.Store).Run(o.Run).ExecutorLog()
	log, err := os.OpenFile(logPath, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return store.DiskError(logPath, err)
	}
	defer log.Close()
	reader, writer, err := os.Pipe()
	if err != nil {
		return err
	}
	defer reader.Close()
	cmd := exec.Command(argv[0], argv[1:]...)
	if argv[0] == executorArgs()[0] {
		cmd.Args[0] = "lifeboat" // what ps shows: lifeboat executor RUN
	}
	cmd.Dir = "/"
	cmd.Env = append(os.Environ(), tellerVar+"=3")
	cmd.Stdin, cmd.Stdout, cmd.Stderr = bytes.NewReader(text), log, log
	cmd.ExtraFiles = []*os.File{writer}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := cmd.Start(); err != nil {
		writer.Close()
		return fmt.Errorf("start the executor: %w", err)
	}
	writer.Close()
	ended := make(chan struct{})
	go func() {
		_ = cmd.Wait() // it outlives us; waiting only reaps it when it does not
		close(ended)
	}()
	err = hear(reader, logPath)
	if errors.Is(err, errLate) {
		// It must not start the run when nobody expects it any more.
		_ = cmd.Process.Kill()
		<-ended
	}
	return err
}

// startTimeout is how long the executor may take until the run is in the journal.
const startTimeout = 30 * time.Second

func hear(reader *os.File, logPath string) error {
	_ = reader.SetReadDeadline(time.Now().Add(startTimeout))
	text, err := io.ReadAll(reader)
	var ans answer
	if json.Unmarshal(text, &ans) != nil {
		if errors.Is(err, os.ErrDeadlineExceeded) {
			return fmt.Errorf("%w within %s and was ended; its log is %s", errLate, startTimeout, logPath)
		}
		return fmt.Errorf("%w; its log is %s", errSilent, logPath)
	}
	if !ans.OK {
		return &exitError{code: max(ans.Code, exitFailed), err: errors.New(ans.What), means: ans.Means, do: ans.Do}
	}
	return nil
}

// newRunID names a run so that a list of names is in order of time: the second before the runbook's name, the millisecond
// behind it, in two letters.
func newRunID(now time.Time, name string, random func() string) runbook.RunID {
	n := len(tailLetters)
	part := int(int64(now.Nanosecond()) * int64(n*n) / int64(time.Second))
	fraction := string([]byte{tailLetters[part/n], tailLetters[part%n]})
	return runbook.RunID(now.UTC().Format("20060102-150405") + "-" + name + "-" + fraction + random())
}
