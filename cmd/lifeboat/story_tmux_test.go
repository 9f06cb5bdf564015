package main

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"lifeboat/providers/providertest/labhost"
	"lifeboat/runbook"
	"lifeboat/store"
	"lifeboat/store/logbook"
)

// Stories are nights at the console, told through real terminals: tmux runs the program in one and says what is on it. A
// missing tmux skips them by name, and fails them where CI is true.

// room is a place with terminals and a store of its own. When the story is over, no terminal and no run is left.
type room struct {
	t       *testing.T
	dir     string
	socket  string
	program string
	opened  int
	env     []string // of the terminals, beside their own
	kept    string   // the store; "" is one in dir
}

// tmux.conf: what a terminal shows stays readable after its program has ended; an escape is an escape at once.
const tmuxConf = `set -g remain-on-exit on
set -g remain-on-exit-format ""
set -g status off
set -g escape-time 0
set -g default-terminal "screen-256color"
set -g exit-empty off
set -g history-limit 200
`

func inRoom(t *testing.T) *room {
	t.Helper()
	labhost.Need(t, "tmux")
	t.Parallel()
	dir, err := os.MkdirTemp("", "lb") // short: the name of a socket has at most 107 bytes
	if err != nil {
		t.Fatal(err)
	}
	r := &room{t: t, dir: dir, socket: filepath.Join(dir, "tmux"), program: built.program(t, "")}
	for name, text := range map[string]string{"tmux.conf": tmuxConf, "estate.yaml": shippedEstate().Text} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(r.leave)
	return r
}

// leave ends the terminals, waits until every executor has let go, and takes the room down.
func (r *room) leave() {
	_ = r.command("kill-server").Run() // it may never have been started, or be gone: a story kills it
	endDrivers(r.dir)
	if _, err := os.Stat(filepath.Join(r.store(), "runs")); err == nil {
		letGo(r.t, store.Dir(r.store()))
	}
	if err := os.RemoveAll(r.dir); err != nil {
		r.t.Error(err)
	}
}

func (r *room) store() string {
	if r.kept != "" {
		return r.kept
	}
	return filepath.Join(r.dir, "store")
}

func (r *room) command(args ...string) *exec.Cmd {
	cmd := exec.Command("tmux", append([]string{"-u", "-S", r.socket, "-f", filepath.Join(r.dir, "tmux.conf")}, args...)...)
	cmd.Env = slices.DeleteFunc(os.Environ(), func(v string) bool {
		name, _, _ := strings.Cut(v, "=")
		return strings.HasPrefix(name, "TMUX") || strings.HasPrefix(name, "LIFEBOAT") || strings.HasPrefix(name, "SSH_") || name == "NO_COLOR"
	})
	cmd.Env = append(cmd.Env, "LC_ALL=C.UTF-8", "LIFEBOAT_STORE="+r.store(), "HOME="+r.dir, "TERM=xterm-256color", "AWS_ENDPOINT_URL=http://127.0.0.1:1")
	cmd.Env = append(cmd.Env, r.env...)
	cmd.Dir = r.dir
	return cmd
}

func (r *room) tmux(args ...string) string {
	r.t.Helper()
	out, err := r.command(args...).CombinedOutput()
	if err != nil {
		r.t.Fatalf("tmux %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return string(out)
}

// write puts a file into the room, where the program is started.
func (r *room) write(name, text string) {
	r.t.Helper()
	if err := os.WriteFile(filepath.Join(r.dir, name), []byte(text), 0o600); err != nil {
		r.t.Fatal(err)
	}
}

// run runs the program without a terminal and returns what it prints.
func (r *room) run(args ...string) string {
	r.t.Helper()
	cmd := r.command()
	cmd.Path, cmd.Args = r.program, append([]string{r.program}, args...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		r.t.Fatalf("lifeboat %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return string(out)
}

// newest is the id of the run that was started last.
func (r *room) newest() string {
	r.t.Helper()
	ids, err := store.Dir(r.store()).RunIDs()
	if err != nil || len(ids) == 0 {
		r.t.Fatalf("there is no run: %v", err)
	}
	return string(slices.Max(ids))
}

// count is how many events of a type the newest run has on record, about a step or in all.
func (r *room) count(fact, step string) int {
	r.t.Helper()
	events, err := logbook.Read(store.Dir(r.store()).Run(runbook.RunID(r.newest())).Logbook())
	if err != nil {
		r.t.Fatal(err)
	}
	n := 0
	for _, e := range events {
		text, err := json.Marshal(e.Fact)
		if err != nil {
			r.t.Fatal(err)
		}
		if e.Fact.Type() == fact && (step == "" || strings.Contains(string(text), fmt.Sprintf("%q:%q", "step", step))) {
			n++
		}
	}
	return n
}

// driver is the process that drives the run; 0 when none does.
func (r *room) driver(run string) int {
	d, _, held, err := logbook.Holder(store.Dir(r.store()).Run(runbook.RunID(run)).Lock())
	if err != nil || !held {
		return 0
	}
	return d.PID
}

// killDriver ends the process that drives the newest run as a power cut would, and waits until it is gone.
func (r *room) killDriver() {
	r.t.Helper()
	run := r.newest()
	pid := r.driver(run)
	if pid == 0 {
		r.t.Fatalf("nobody drives %s", run)
	}
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		r.t.Fatal(err)
	}
	r.until("the driver is gone", func() bool { return r.driver(run) == 0 })
}

// patience is how long a story waits for one thing. It is long: machines are slow and stories are many.
const storyPatience = 30 * time.Second

// until waits until something is so.
func (r *room) until(what string, so func() bool) {
	r.t.Helper()
	for deadline := time.Now().Add(storyPatience); !so(); time.Sleep(15 * time.Millisecond) {
		if time.Now().After(deadline) {
			r.t.Fatalf("it did not come to this: %s", what)
		}
	}
}

// terminal is one window with the program in it.
type terminal struct {
	r    *room
	name string
}

// lifeboat opens a terminal of 80x24 and starts the program in it.
func (r *room) lifeboat(args ...string) *terminal {
	r.t.Helper()
	r.opened++
	w := &terminal{r: r, name: fmt.Sprintf("w%d", r.opened)}
	r.tmux(append([]string{"new-session", "-d", "-s", w.name, "-x", "80", "-y", "24", r.program}, args...)...)
	return w
}

// screen is what can be read on it now.
func (w *terminal) screen() string {
	out, err := w.r.command("capture-pane", "-p", "-t", w.name).Output()
	if err != nil {
		return fmt.Sprintf("(no terminal: %v)", err)
	}
	return string(out)
}

// wait waits until all of the texts are on the screen at once.
func (w *terminal) wait(texts ...string) *terminal {
	w.r.t.Helper()
	last := ""
	for deadline := time.Now().Add(storyPatience); ; time.Sleep(15 * time.Millisecond) {
		last = w.screen()
		if !slices.ContainsFunc(texts, func(text string) bool { return !strings.Contains(last, text) }) {
			return w
		}
		if time.Now().After(deadline) {
			w.r.t.Fatalf("%q did not come; the screen is:\n%s", texts, last)
		}
	}
}

// waitGone waits until a text is no longer on the screen.
func (w *terminal) waitGone(text string) *terminal {
	w.r.t.Helper()
	w.r.until(fmt.Sprintf("%q is gone from the screen", text), func() bool { return !strings.Contains(w.screen(), text) })
	return w
}

// choose moves to a row of the question on the screen, presses enter, and waits for what opens. Each key is pressed when the one
// before has done its work: a question that has just opened by itself takes none.
func (w *terminal) choose(row, opens string) *terminal {
	w.r.t.Helper()
	w.calm()
	before := ""
	defer func() {
		if w.r.t.Failed() {
			w.r.t.Logf("the screen was:\n%s", before)
		}
	}()
	w.r.until(fmt.Sprintf("%q opens after %q", opens, row), func() bool {
		before = w.screen()
		switch {
		case strings.Contains(before, opens):
			return true
		case strings.Contains(before, "▸ "+row):
			w.press("enter").soon(func(now string) bool { return strings.Contains(now, opens) })
		default:
			w.press("down").soon(func(now string) bool { return marked(now) != marked(before) })
		}
		return false
	})
	return w
}

// marked is the row that the keys act on: the last one with the mark.
func marked(screen string) string {
	i := strings.LastIndex(screen, "▸")
	if i < 0 {
		return ""
	}
	row, _, _ := strings.Cut(screen[i:], "\n")
	return row
}

// soon waits a little for the screen to be so.
func (w *terminal) soon(so func(screen string) bool) {
	for deadline := time.Now().Add(2 * time.Second); !so(w.screen()) && time.Now().Before(deadline); {
		time.Sleep(15 * time.Millisecond)
	}
}

// calm waits until no question refuses keys. A screen may be seen half drawn, so it has to look that way some times running.
func (w *terminal) calm() {
	w.r.t.Helper()
	seen := 0
	w.r.until("the question takes keys", func() bool {
		seen++
		if strings.Contains(w.screen(), stillHint) {
			seen = 0
		}
		return seen > 3
	})
}

// stillHint is what a question says that has opened by itself, until it takes keys.
const stillHint = "keys are taken when"

// press presses keys as a person does who sees what they do: not before a question takes them. A key is enter, esc, up, down,
// ctrl+c, one letter, or a text that begins with '.
func (w *terminal) press(keys ...string) *terminal {
	w.r.t.Helper()
	w.calm()
	names := map[string]string{"enter": "Enter", "esc": "Escape", "up": "Up", "down": "Down", "ctrl+c": "C-c", "tab": "Tab", "pgdown": "NPage"}
	for _, k := range keys {
		if text, is := strings.CutPrefix(k, "'"); is {
			w.r.tmux("send-keys", "-t", w.name, "-l", text)
			continue
		}
		if named, is := names[k]; is {
			k = named
		}
		w.r.tmux("send-keys", "-t", w.name, k)
	}
	return w
}

// erase takes back what was typed last.
func (w *terminal) erase(typed string) *terminal {
	w.r.t.Helper()
	for range typed {
		w.r.tmux("send-keys", "-t", w.name, "BSpace")
	}
	return w
}

// paste pastes as a terminal does, in brackets where the program asked for them.
func (w *terminal) paste(text string) *terminal {
	w.r.t.Helper()
	w.r.tmux("set-buffer", "-b", w.name, "--", text)
	w.r.tmux("paste-buffer", "-p", "-r", "-b", w.name, "-t", w.name)
	return w
}

func (w *terminal) resize(width, height int) {
	w.r.t.Helper()
	w.r.tmux("resize-window", "-t", w.name, "-x", strconv.Itoa(width), "-y", strconv.Itoa(height))
}

// server is the process that all terminals belong to.
func (r *room) server() int {
	r.t.Helper()
	pid, err := strconv.Atoi(strings.TrimSpace(r.tmux("display-message", "-p", "#{pid}")))
	if err != nil {
		r.t.Fatal(err)
	}
	return pid
}

// allGone ends every terminal at once, as the loss of the machine that they are on does. The next ones are of another server.
func (r *room) allGone() {
	r.t.Helper()
	r.tmux("kill-server")
	r.socket += "."
}

// close closes the window under the program, as a lost connection does.
func (w *terminal) close() { w.r.tmux("kill-session", "-t", w.name) }

// pid is the process of the program in the window.
func (w *terminal) pid() int {
	w.r.t.Helper()
	pid, err := strconv.Atoi(strings.TrimSpace(w.r.tmux("display-message", "-p", "-t", w.name, "#{pane_pid}")))
	if err != nil {
		w.r.t.Fatal(err)
	}
	return pid
}

// ended waits until the program has ended, with that exit code.
func (w *terminal) ended(code int) *terminal {
	w.r.t.Helper()
	state := ""
	for deadline := time.Now().Add(storyPatience); ; time.Sleep(15 * time.Millisecond) {
		state = strings.TrimSpace(w.r.tmux("display-message", "-p", "-t", w.name, "#{pane_dead} #{pane_dead_status}"))
		if strings.HasPrefix(state, "1 ") {
			break
		}
		if state == "1" { // it is gone, and not yet known how: the server may have missed the signal
			_ = syscall.Kill(w.r.server(), syscall.SIGCHLD)
		}
		if time.Now().After(deadline) {
			w.r.t.Fatalf("the program does not end; the screen is:\n%s", w.screen())
		}
	}
	if want := fmt.Sprintf("1 %d", code); state != want {
		w.r.t.Fatalf("the program ended with %q, not %q; the screen is:\n%s", state, want, w.screen())
	}
	return w
}
