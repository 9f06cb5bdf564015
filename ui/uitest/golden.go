package uitest

import (
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"

	"lifeboat/ui/page"
	"lifeboat/ui/theme"
)

var update = flag.Bool("update", false, "write the golden files anew")

// Size is a terminal's.
type Size struct{ W, H int }

// Sizes are those that golden files hold.
func Sizes() []Size { return []Size{{80, 24}, {120, 40}, {60, 20}, {40, 12}} }

// Maker makes a page anew, for an environment.
type Maker func(env *page.Env) page.Page

// Picture is a page in a state, at all four sizes, in colour and without. Styles are written so that a diff can be read.
func Picture(now time.Time, make Maker, keys ...string) string {
	var b strings.Builder
	for _, name := range []theme.Name{theme.Mono, theme.Dark} {
		for _, size := range Sizes() {
			env := Env(now, name)
			p := make(env)
			Pose(env, p, size.W, size.H, keys...)
			fmt.Fprintf(&b, "=== %s %dx%d%s\n%s\n", name, size.W, size.H, cursor(p), Readable(p.View()))
			Close(p)
		}
	}
	return b.String()
}

func cursor(p page.Page) string {
	if x, y, shown := p.Cursor(); shown {
		return fmt.Sprintf(" cursor %d,%d", x, y)
	}
	return ""
}

// Readable writes styles as ␛[...m and marks spaces at a line's end.
func Readable(s string) string {
	lines := strings.Split(strings.ReplaceAll(s, "\x1b", "␛"), "\n")
	for i, l := range lines {
		if strings.HasSuffix(l, " ") {
			lines[i] = strings.TrimRight(l, " ") + strings.Repeat("·", len(l)-len(strings.TrimRight(l, " ")))
		}
	}
	return strings.Join(lines, "\n")
}

// Golden compares a picture with testdata/NAME.golden; with -update it writes the file.
func Golden(t *testing.T, name, picture string) {
	t.Helper()
	path := filepath.Join("testdata", filepath.FromSlash(name)+".golden")
	if *update {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(picture), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatalf("%v (write it with -update)", err)
	}
	if got := strings.Split(picture, "\n"); picture != string(want) {
		old := strings.Split(string(want), "\n")
		section := ""
		for i := range max(len(got), len(old)) {
			a, b := line(old, i), line(got, i)
			if strings.HasPrefix(b, "=== ") {
				section = b
			}
			if a != b {
				t.Fatalf("%s, line %d, %s:\n  was %s\n  is  %s\n(write it anew with -update, and look at the diff)", path, i+1, section, a, b)
			}
		}
	}
}

func line(lines []string, i int) string {
	if i < len(lines) {
		return lines[i]
	}
	return "(nothing)"
}

// AnySize are the sizes at which everything has to draw.
func AnySize() []Size {
	return []Size{
		{1, 1},
		{2, 1},
		{1, 2},
		{3, 3},
		{5, 2},
		{8, 4},
		{10, 1},
		{1, 30},
		{12, 6},
		{16, 8},
		{20, 5},
		{20, 40},
		{30, 10},
		{40, 12},
		{50, 15},
		{60, 20},
		{72, 18},
		{79, 23},
		{80, 24},
		{81, 25},
		{100, 30},
		{120, 40},
		{200, 12},
		{500, 200},
	}
}

// Fits holds a page against what every page promises: as many lines as the terminal has, none wider, nothing that a terminal
// obeys but colours, the cursor inside, and a View that changes nothing.
func Fits(t *testing.T, p page.Page) {
	t.Helper()
	for _, size := range AnySize() {
		p.SetSize(size.W, size.H)
		view := p.View()
		if why := Misfit(view, size); why != "" {
			t.Errorf("%s at %dx%d: %s", p.Title(), size.W, size.H, why)
		}
		if again := p.View(); again != view {
			t.Errorf("%s at %dx%d: the second View is another", p.Title(), size.W, size.H)
		}
		if x, y, shown := p.Cursor(); shown && (x < 0 || y < 0 || x > size.W || y >= size.H) {
			t.Errorf("%s at %dx%d: the cursor is at %d,%d", p.Title(), size.W, size.H, x, y)
		}
	}
}

// Misfit says what is wrong with a screen of that size; "" when nothing is.
func Misfit(view string, size Size) string {
	lines := strings.Split(view, "\n")
	if len(lines) != size.H {
		return fmt.Sprintf("%d lines", len(lines))
	}
	for i, l := range lines {
		if w := ansi.StringWidth(l); w > size.W {
			return fmt.Sprintf("line %d is %d wide: %q", i+1, w, ansi.Strip(l))
		}
		if c := obeyed(l); c != "" {
			return fmt.Sprintf("line %d has %s: %q", i+1, c, l)
		}
	}
	return ""
}

// obeyed finds what a terminal obeys beside SGR.
func obeyed(l string) string {
	for i := 0; i < len(l); i++ {
		switch {
		case l[i] == 0x1b:
			end := sgr(l[i:])
			if end == 0 {
				return "an escape sequence that is not a colour"
			}
			i += end - 1
		case l[i] < 0x20 || l[i] == 0x7f:
			return fmt.Sprintf("a control character %#02x", l[i])
		case l[i] == 0xc2 && i+1 < len(l) && l[i+1] >= 0x80 && l[i+1] <= 0x9f:
			return fmt.Sprintf("a control character U+%04X", l[i+1])
		}
	}
	return ""
}

// sgr is the length of the colour that s begins with, or 0.
func sgr(s string) int {
	if len(s) < 3 || s[1] != '[' {
		return 0
	}
	for i := 2; i < len(s); i++ {
		switch {
		case s[i] == 'm':
			return i + 1
		case (s[i] < '0' || s[i] > '9') && s[i] != ';' && s[i] != ':':
			return 0
		}
	}
	return 0
}

// Load puts a page on a screen of that size and lets its first commands come to their end. Within Still it takes no time.
func Load(p page.Page, w, h int) {
	p.SetSize(w, h)
	if p, ok := p.(interface{ Init() tea.Cmd }); ok {
		drain(p.Init(), p.(page.Page))
	}
}

// Pose loads a page, lets a second go by, so that a question that has opened by itself takes keys, and presses some.
func Pose(env *page.Env, p page.Page, w, h int, keys ...string) {
	Load(p, w, h)
	at := env.Now().Add(time.Second)
	env.Now = func() time.Time { return at }
	p.Update(page.Tick{At: at})
	Press(p, keys...)
}

// Press presses keys and lets what follows come to its end. A key is written as its String: "enter", "ctrl+f", "A"; one that
// begins with ' is typed letter by letter.
func Press(p page.Page, keys ...string) {
	for _, k := range keys {
		for _, msg := range Keys(k) {
			drain(p.Update(msg), p)
		}
	}
}

// Close lets go of what the page holds.
func Close(p page.Page) {
	if p, ok := p.(interface{ Close() }); ok {
		p.Close()
	}
}

// Still runs a test in a bubble of synctest, where waiting costs nothing and a command that waits for ever is known to. When the
// test is over its context ends, and every command that it left must come to its end within an hour of the bubble: a page that
// holds something on for ever is found here.
func Still(t *testing.T, test func(ctx context.Context, t *testing.T)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(context.Background())
		defer time.Sleep(time.Hour)
		defer cancel()
		test(ctx, t)
	})
}

// patience is how long a command of a page may take in a test. The pages of a run ask its session for
// news, and may wait for ever; every other page's commands come to their end, however busy the machine is.
const (
	patience = 50 * time.Millisecond
	trust    = time.Minute
)

func patienceWith(p any) time.Duration {
	switch p.(type) {
	case *page.Run, *page.Replay, *page.Show:
		return patience
	}
	return trust
}

// drain runs commands, and those that follow from their messages, until nothing is left but what waits. It carries no message
// that the app is asked with.
func drain(cmd tea.Cmd, p page.Page) {
	queue := []tea.Cmd{cmd}
	for n := 0; len(queue) > 0 && n < 200; n++ {
		next := queue[0]
		queue = queue[1:]
		msg, ended := await(next, patienceWith(p))
		if !ended || msg == nil {
			continue
		}
		if more := batch(msg); more != nil {
			queue = append(queue, more...)
			continue
		}
		switch msg.(type) {
		case page.Open, page.Replace, page.Back, page.Leave, page.Say, page.SetTheme, page.Copy:
			continue
		}
		queue = append(queue, p.Update(msg))
	}
}

// Await runs one command for as long as tests have patience.
func Await(cmd tea.Cmd) (msg tea.Msg, ended bool) { return await(cmd, patience) }

func await(cmd tea.Cmd, most time.Duration) (msg tea.Msg, ended bool) {
	if cmd == nil {
		return nil, true
	}
	out := make(chan tea.Msg, 1)
	go func() { out <- cmd() }()
	timer, cancel := context.WithTimeout(context.Background(), most)
	defer cancel()
	select {
	case msg = <-out:
		return msg, true
	case <-timer.Done():
		return nil, false
	}
}

// batch are the commands of a tea.Batch or tea.Sequence.
func batch(msg tea.Msg) []tea.Cmd {
	v := reflect.ValueOf(msg)
	if v.Kind() != reflect.Slice || v.Type().Elem() != reflect.TypeFor[tea.Cmd]() {
		return nil
	}
	out := make([]tea.Cmd, v.Len())
	for i := range out {
		out[i] = v.Index(i).Interface().(tea.Cmd)
	}
	return out
}
