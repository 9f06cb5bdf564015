package ptytest

import (
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"
)

// frames is a program that shows frame after frame, each when the one before has been seen.
type frames struct {
	all  []string
	next int
}

type show int

func (f *frames) Init() tea.Cmd { return nil }

func (f *frames) Update(msg tea.Msg) (tea.Model, tea.Cmd) {
	if n, ok := msg.(show); ok {
		f.next = int(n)
		if f.next == len(f.all) {
			return f, tea.Quit
		}
	}
	return f, nil
}

func (f *frames) View() tea.View {
	n := min(f.next, len(f.all)-1)
	v := tea.NewView(f.all[n])
	v.AltScreen = true
	v.Cursor = tea.NewCursor(n%40, n/40) // names the frame
	return v
}

// seen is a writer into a screen that tells the cursor whenever the screen is whole.
type seen struct {
	screen *Screen
	where  chan int
}

func (s seen) Write(p []byte) (int, error) {
	for _, b := range p { // byte by byte: a sequence may be cut anywhere
		if b == '\n' { // without a terminal for input the renderer takes it that a line feed returns, too
			_, _ = s.screen.Write([]byte{'\r'})
		}
		_, _ = s.screen.Write([]byte{b})
	}
	if x, y, shown := s.screen.Cursor(); shown && s.screen.Whole() {
		s.where <- y*40 + x
	}
	return len(p), nil
}

// What the renderer draws, with all its short cuts, must come out as the text that the program meant.
func TestScreenShowsWhatWasDrawn(t *testing.T) {
	const cols, rows, count = 60, 20, 300
	rnd := rand.New(rand.NewPCG(1, 2))
	f := &frames{all: randomFrames(rnd, cols, rows, count)}
	out := seen{NewScreen(cols, rows), make(chan int, 100)}
	in, typed := io.Pipe()
	p := tea.NewProgram(f, tea.WithInput(in), tea.WithOutput(out), tea.WithWindowSize(cols, rows), tea.WithoutSignals(), tea.WithFPS(120),
		tea.WithEnvironment([]string{"TERM=xterm-256color", "SSH_TTY=none"})) // over ssh it asks for no synchronised output
	ended := make(chan error, 1)
	go func() {
		_, err := p.Run()
		ended <- err
	}()
	for n := range f.all {
		for at := range out.where {
			if at == n {
				break
			}
		}
		if got, want := out.screen.Text(), plain(f.all[n], rows); got != want {
			t.Fatalf("frame %d is\n%s\nand not\n%s", n, got, want)
		}
		p.Send(show(n + 1))
	}
	typed.Close()
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
}

// randomFrames differ from each other in a little or in much, with runs of the same character, wide and combining ones.
func randomFrames(rnd *rand.Rand, cols, rows, count int) []string {
	words := []string{"launch", "✓ done", "─────────────", "        ", "日本", "e\u0301t\u0301", "\x1b[1;32m▸ sync\x1b[m", "0:44 left", "████████████░░░░"}
	line := func() string {
		var b strings.Builder
		for range rnd.IntN(9) {
			b.WriteString(words[rnd.IntN(len(words))] + " ")
		}
		return ansi.Truncate(b.String(), cols, "")
	}
	lines := make([]string, rows)
	var out []string
	for range count {
		switch rnd.IntN(4) {
		case 0:
			for y := range lines {
				lines[y] = line()
			}
		case 1: // scrolled
			lines = append(append([]string(nil), lines[1:]...), line())
		case 2:
			lines = append([]string{line()}, lines[:rows-1]...)
		default:
			lines[rnd.IntN(rows)] = line()
		}
		out = append(out, strings.Join(lines, "\n"))
	}
	return out
}

func plain(frame string, rows int) string {
	lines := strings.Split(ansi.Strip(frame), "\n")
	for y := range lines {
		lines[y] = strings.TrimRight(lines[y], " ")
	}
	return strings.Join(lines[:rows], "\n")
}

func TestScreenAnswers(t *testing.T) {
	s := NewScreen(80, 24)
	fmt.Fprint(s, "\x1b[c\x1b[>q\x1b[?2026$p\x1b]11;?\x07\x1b[?u\x1b[18t\x1b[3;5H\x1b[6n\x1bP+q524742\x1b\\")
	want := "\x1b[?62;22c\x1bP>|ptytest 1\x1b\\\x1b[?2026;2$y\x1b]11;rgb:1010/1414/1818\x1b\\\x1b[?0u\x1b[8;24;80t\x1b[3;5R\x1bP0+r\x1b\\"
	if got := string(s.Replies()); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got := s.Replies(); len(got) != 0 {
		t.Errorf("answered twice: %q", got)
	}
}

func TestWhole(t *testing.T) {
	s := NewScreen(20, 4)
	for _, c := range []struct {
		sent string
		want bool
	}{
		{"", false},
		{"text", true},
		{"\x1b[?25l", false},
		{"more\x1b[?25", false},
		{"h", true},
		{"\x1b[?2026h", false},
		{"\x1b[?25ltext", false},
		{"\x1b[?2026l", true},
	} {
		if _, _ = s.Write([]byte(c.sent)); s.Whole() != c.want {
			t.Errorf("after %q: whole is %t", c.sent, s.Whole())
		}
	}
}

// Nothing is lost on a line, and nothing overtakes.
func TestLinkKeepsOrder(t *testing.T) {
	var got []byte
	all := make(chan struct{})
	want := strings.Repeat("0123456789", 100)
	p := newPipe(Link{Rate: 100_000, Delay: time.Millisecond}, func(b []byte) {
		if got = append(got, b...); len(got) == len(want) {
			close(all)
		}
	})
	for i := 0; i < len(want); i += 125 {
		p.send([]byte(want[i : i+125]))
	}
	<-all
	p.close()
	if string(got) != want {
		t.Errorf("got %q", got)
	}
}

func TestTermTypesAndReads(t *testing.T) {
	for _, link := range []Link{{}, {Rate: 8000, Delay: 5 * time.Millisecond}} {
		p := Start(t, Options{Cols: 40, Rows: 5, Link: link}, "sh", "-c", `stty size; read line; echo "got $line"; stty size`)
		p.Shows("5 40", 10*time.Second)
		p.Resize(60, 7)
		if _, moved := p.Key("h", 10*time.Second); !moved {
			t.Errorf("the echo of a key has not moved the cursor")
		}
		p.Type("ello\r")
		p.Shows("got hello", 10*time.Second)
		p.Shows("7 60", 10*time.Second)
		if err := p.Wait(10 * time.Second); err != nil {
			t.Error(err)
		}
	}
}

func TestKeyWithoutEffect(t *testing.T) {
	p := Start(t, Options{Cols: 40, Rows: 5}, "sh", "-c", "stty -echo; echo ready; read line")
	p.Shows("ready", 10*time.Second)
	if _, moved := p.Key("x", time.Millisecond); moved {
		t.Error("a key that does nothing was seen to move the cursor")
	}
}

func TestUsed(t *testing.T) {
	p := Start(t, Options{Cols: 40, Rows: 5}, "sh", "-c", "echo ready; read line")
	p.Shows("ready", 10*time.Second)
	u, err := Used(p.PID())
	if err != nil {
		t.Skipf("SKIPPED: %v", err)
	}
	if u.Peak < 1<<18 || u.Peak > 1<<30 {
		t.Errorf("a shell uses %d bytes", u.Peak)
	}
	if _, err := Used(1 << 30); err == nil {
		t.Error("a process that does not exist was measured")
	}
}

func TestPercentile(t *testing.T) {
	values := []time.Duration{5, 1, 4, 2, 3, 10, 9, 8, 7, 6}
	for share, want := range map[float64]time.Duration{0: 1, 0.5: 6, 0.99: 10, 1: 10} {
		if got := Percentile(values, share); got != want {
			t.Errorf("p%v is %d, not %d", share*100, got, want)
		}
	}
	if Percentile(nil, 0.5) != 0 {
		t.Error("nothing has a percentile")
	}
}
