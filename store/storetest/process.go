package storetest

import (
	"bufio"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"lifeboat/runbook"
	"lifeboat/store"
)

const (
	childPath = "STORETEST_CHILD_PATH" // set in a child: the journal to open
	childNote = "STORETEST_CHILD_NOTE" // the beginning of its notes
	childMany = "STORETEST_CHILD_MANY" // how many; 0: until it is killed
)

// Open opens the journal at a path.
type Open func(path string) (store.Journal, error)

// Child makes the test binary an appending process when TestProcesses has started it as one; otherwise it returns. Call
// it from TestMain.
func Child(open Open) {
	path := os.Getenv(childPath)
	if path == "" {
		return
	}
	if err := appendNotes(open, path, os.Getenv(childNote), os.Getenv(childMany)); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

// appendNotes prints a note's text as soon as its append was acknowledged.
func appendNotes(open Open, path, prefix, many string) error {
	j, err := open(path)
	if err != nil {
		return err
	}
	n, err := strconv.Atoi(many)
	if err != nil {
		return err
	}
	last := uint64(0)
	for i := 0; n == 0 || i < n; i++ {
		text := fmt.Sprintf("%s/%d/%s", prefix, i, strings.Repeat("x", i%700))
		e, err := AppendNote(context.Background(), j, last, text)
		if err != nil {
			return err
		}
		last = e.Seq
		fmt.Println(text)
	}
	return nil
}

// ChildEnv makes the test binary, started with it, a process that appends many notes (0: until it is killed).
func ChildEnv(path, prefix string, many int) []string {
	return []string{childPath + "=" + path, childNote + "=" + prefix, childMany + "=" + strconv.Itoa(many)}
}

func child(t *testing.T, path, prefix string, many int) (*exec.Cmd, *bufio.Scanner) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), ChildEnv(path, prefix, many)...)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	lines.Buffer(nil, 1<<20)
	return cmd, lines
}

// TestProcesses appends from several processes at once and then kills one after the other. Kills is their number.
func TestProcesses(t *testing.T, path string, open Open, kills int) {
	t.Run("processes append each fact once", func(t *testing.T) {
		const many, procs = 40, 3
		var cmds [procs]*exec.Cmd
		var outs [procs]*bufio.Scanner
		for p := range procs {
			cmds[p], outs[p] = child(t, path, fmt.Sprint("p", p), many)
		}
		var want []string
		for p := range procs {
			for outs[p].Scan() {
				want = append(want, outs[p].Text())
			}
			if err := cmds[p].Wait(); err != nil {
				t.Errorf("child: %v", err)
			}
		}
		if len(want) != many*procs {
			t.Errorf("%d notes were acknowledged, want %d", len(want), many*procs)
		}
		contains(t, path, open, want)
	})
	t.Run("a foreign append ends a wait", func(t *testing.T) {
		j := must(open(path))(t)
		last := lastSeq(t, j)
		cmd, lines := child(t, path, "wake", 1)
		if err := j.Wait(t.Context(), last); err != nil {
			t.Error(err)
		}
		for lines.Scan() {
		}
		if err := cmd.Wait(); err != nil {
			t.Error(err)
		}
	})
	t.Run("kill -9 loses nothing that was acknowledged", func(t *testing.T) {
		rng := rand.New(rand.NewPCG(1, uint64(kills)))
		var want []string
		for k := range kills {
			cmd, lines := child(t, path, fmt.Sprint("k", k), 0)
			for range 1 + rng.IntN(20) { // die in the middle of some later append
				if lines.Scan() {
					want = append(want, lines.Text())
				}
			}
			time.AfterFunc(time.Duration(rng.IntN(2000))*time.Microsecond, func() { cmd.Process.Kill() })
			for lines.Scan() {
				want = append(want, lines.Text())
			}
			if err := cmd.Wait(); err == nil {
				t.Error("the child ended by itself")
			}
			contains(t, path, open, want)
		}
		t.Logf("%d kills, %d acknowledged events, none lost", kills, len(want))
	})
}

func lastSeq(t *testing.T, j store.Journal) uint64 {
	t.Helper()
	events := read(t, j, 1)
	if len(events) == 0 {
		return 0
	}
	return events[len(events)-1].Seq
}

// contains opens the journal anew and looks for the notes; each must be there exactly once.
func contains(t *testing.T, path string, open Open, want []string) {
	t.Helper()
	j, err := open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer j.Close()
	events := read(t, j, 1)
	seen := map[string]int{}
	for i, e := range events {
		if e.Seq != uint64(i+1) {
			t.Fatalf("event %d has seq %d", i+1, e.Seq)
		}
		if n, ok := e.Fact.(*runbook.NoteAdded); ok {
			seen[n.Text]++
		}
	}
	for _, text := range want {
		if seen[text] != 1 {
			t.Fatalf("acknowledged note %.40q is there %d times", text, seen[text])
		}
	}
}
