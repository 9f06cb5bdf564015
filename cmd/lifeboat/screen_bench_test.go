package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"lifeboat/runbook"
	"lifeboat/store"
	"lifeboat/store/bolt"
	"lifeboat/store/logbook"
	"lifeboat/store/storetest"
	"lifeboat/ui/uitest/ptytest"
)

// What the console costs a terminal and the one who sits at it. Every figure is taken from outside, of the program as it is
// shipped, on a pseudo terminal of 120x40. Nothing here passes or fails by time: the targets stand beside the figures.

// long is a run of which one step copies for eleven minutes, so that a console shows it with its countdown for as long as
// something is measured.
const long = `lifeboat: 1
kind: runbook
name: measured
title: Bring ${{ estate.service.name }} up in ${{ estate.standby.region }}
estate: estate.yaml
target: 15m
confirm: none
steps:
  - {id: look, title: Look at the volume, uses: wait, with: {for: 200ms}, needs: []}
  - {id: attach, title: Attach the backup volume, uses: wait, with: {for: 200ms}}
  - {id: mount, title: Mount it, uses: wait, with: {for: 200ms}}
  - id: sync
    title: Bring the volume up to date from the replica
    uses: rsync
    with:
      from: {host: "${{ estate.standby.replica.host }}", path: "${{ estate.standby.replica.path }}"}
      to: {host: "${{ estate.production.address }}", path: /srv/fresh}
    budget: 14m
  - {id: services, title: Start the services, uses: wait, with: {for: 1s}}
  - {id: serving, title: The service answers, uses: wait, with: {for: 1s}}
`

// bridge is a store with a run under way, and the program to look at it with.
type bridge struct {
	program, dir string
	store        store.Dir
	run          runbook.RunID
}

// measuredRun starts the long run. It is stopped with the benchmark.
func measuredRun(b *testing.B) *bridge {
	b.Helper()
	g := newBridge(b)
	plain := exec.Command(g.program, "run", "long.yaml", "--mode", "rehearse", "--scene", "serving", "--seed", "3", "--plain", "--store", string(g.store))
	plain.Dir = g.dir
	if err := plain.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { endDrivers(g.dir) })
	var log string
	for deadline := time.Now().Add(30 * time.Second); log == ""; time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			b.Fatal("the run has not come to its copying within 30 s")
		}
		ids, _ := g.store.RunIDs()
		for _, id := range ids {
			if path := g.store.Run(id).StepLog("sync"); exists(path) {
				g.run, log = id, path
			}
		}
	}
	_ = plain.Process.Kill() // the run goes on without its follower
	_ = plain.Wait()
	chatter(b, log)
	return g
}

// newBridge is a folder with the demo's estate, the long runbook and an empty store.
func newBridge(b *testing.B) *bridge {
	b.Helper()
	g := &bridge{program: buildProgram(b), dir: b.TempDir()}
	g.store = store.Dir(filepath.Join(g.dir, "store"))
	for name, text := range map[string]string{"long.yaml": long, "estate.yaml": shippedEstate().Text} {
		if err := os.WriteFile(filepath.Join(g.dir, name), []byte(text), 0o600); err != nil {
			b.Fatal(err)
		}
	}
	return g
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// chatter writes a line a second into a step's log, as a step with much to say would.
func chatter(b *testing.B, path string) {
	b.Helper()
	f, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		b.Fatal(err)
	}
	for n := range 60 { // the log is longer than any pane that shows its end
		fmt.Fprintf(f, ">f.st...... shop/orders/%06d.dat\n", n)
	}
	tick, stop, done := time.NewTicker(time.Second), make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		for n := 0; ; n++ {
			select {
			case <-tick.C:
				fmt.Fprintf(f, ">f.st...... shop/orders/%06d.dat\n", n*7919%1000003)
			case <-stop:
				return
			}
		}
	}()
	b.Cleanup(func() {
		tick.Stop()
		close(stop)
		<-done
		f.Close()
	})
}

// show opens the console and waits until that text is on it. Where there is no console the benchmark says so and is skipped.
func (g *bridge) show(b *testing.B, o ptytest.Options, text string, args ...string) *ptytest.Term {
	b.Helper()
	t := g.open(b, o, args...)
	t.Shows(text, 20*time.Second)
	return t
}

// open starts the program and waits until it has taken the screen.
func (g *bridge) open(b *testing.B, o ptytest.Options, args ...string) *ptytest.Term {
	b.Helper()
	o.Dir = g.dir
	o.Env = append(o.Env, "LIFEBOAT_STORE="+string(g.store), "HOME="+g.dir, "AWS_EC2_METADATA_DISABLED=true", "AWS_ENDPOINT_URL=http://127.0.0.1:1")
	if o.Link != (ptytest.Link{}) { // who sits at the other end of a slow line has come by ssh
		o.Env = append(o.Env, "SSH_TTY=/dev/pts/1", "SSH_CONNECTION=192.0.2.1 50000 192.0.2.2 22")
	}
	t := ptytest.Start(b, o, append([]string{g.program}, args...)...)
	if _, ok := t.Try(10*time.Second, (*ptytest.Screen).Full); !ok {
		b.Skipf("SKIPPED: lifeboat %v does not take the screen; it shows:\n%s", args, t.Text())
	}
	return t
}

// The texts by which a screen is known to be there.
const (
	runShows  = "Bring the volume up to date"
	homeShows = "measured"
)

func (g *bridge) showRun(b *testing.B, o ptytest.Options) *ptytest.Term {
	return g.show(b, o, runShows, "attach", string(g.run))
}

// window is how long bytes and processor time are counted.
const window = 30 * time.Second

// BenchmarkScreenIdle counts what a screen sends to the terminal, and what its process uses, while nobody types. Targets:
// the run screen 300 B/s with its clock running, progress, and a line a second in the step's log; home 60 B/s; 40 MiB; 1 % of a core.
func BenchmarkScreenIdle(b *testing.B) {
	g := measuredRun(b)
	b.Run("run", func(b *testing.B) { idle(b, g.showRun(b, ptytest.Options{})) })
	b.Run("home", func(b *testing.B) {
		if err := exec.Command(g.program, "stop", "--store", string(g.store)).Run(); err != nil {
			b.Logf("stop: %v", err)
		}
		letGo(b, g.store)
		idle(b, g.show(b, ptytest.Options{}, homeShows))
	})
	for _, other := range [][]string{{"top", "-d", "1"}, {"htop", "-d", "10"}, {"btop"}} {
		b.Run("beside-"+other[0], func(b *testing.B) {
			if _, err := exec.LookPath(other[0]); err != nil {
				b.Skipf("SKIPPED: no %s to compare with", other[0])
			}
			idle(b, ptytest.Start(b, ptytest.Options{}, other...))
		})
	}
}

func idle(b *testing.B, t *ptytest.Term) {
	t.Quiet(200*time.Millisecond, 3*time.Second)
	var bytes int64
	var spent, cpu time.Duration
	var peak int64
	for b.Loop() {
		before, err := ptytest.Used(t.PID())
		if err != nil {
			b.Logf("SKIPPED: memory and processor time: %v", err)
		}
		n, began := t.Bytes(), time.Now()
		t.Tape()
		time.Sleep(window)
		bytes += t.Bytes() - n
		spent += time.Since(began)
		after, err := ptytest.Used(t.PID())
		if err == nil {
			cpu += after.CPU - before.CPU
			peak = max(peak, after.Peak)
		}
	}
	if path := os.Getenv("LIFEBOAT_TAPE"); path != "" {
		if err := os.WriteFile(path+"-"+filepath.Base(b.Name()), t.Tape(), 0o600); err != nil {
			b.Error(err)
		}
	}
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(float64(bytes)/spent.Seconds(), "B/s")
	b.ReportMetric(100*cpu.Seconds()/spent.Seconds(), "%cpu")
	b.ReportMetric(float64(peak)/(1<<20), "MiB-peak")
}

// The lines that are slow: a bad hotel and a good modem.
var (
	hotel = ptytest.Link{Rate: 2400, Delay: 100 * time.Millisecond}
	modem = ptytest.Link{Rate: 64_000 / 8, Delay: 100 * time.Millisecond}
)

// BenchmarkScreenKey presses 200 keys that move the focus, at random gaps, while a run goes on, and takes the time until the
// focus is painted elsewhere. Targets: at most 7 ms (p50) and 12 ms (p99) without a line between; 400 ms (p99) over 2.4 kB/s
// and 100 ms each way; 1.2 round trips (p50) over 64 kbit/s and 100 ms each way.
func BenchmarkScreenKey(b *testing.B) {
	g := measuredRun(b)
	for _, c := range []struct {
		name string
		link ptytest.Link
	}{{"local", ptytest.Link{}}, {"2400Bps", hotel}, {"64kbps", modem}} {
		b.Run(c.name, func(b *testing.B) {
			trip := roundTrip(b, c.link)
			t := g.showRun(b, ptytest.Options{Link: c.link})
			t.Quiet(100*time.Millisecond, 5*time.Second)
			var first, whole []time.Duration
			var n int64
			for b.Loop() {
				n -= t.Bytes()
				f, w := pressKeys(b, t, 200)
				first, whole = append(first, f...), append(whole, w...)
				n += t.Bytes()
			}
			b.ReportMetric(0, "ns/op")
			b.ReportMetric(ms(ptytest.Percentile(whole, 0.5)), "ms-p50")
			b.ReportMetric(ms(ptytest.Percentile(whole, 0.99)), "ms-p99")
			b.ReportMetric(ms(ptytest.Percentile(first, 0.5)), "ms-first-p50")
			b.ReportMetric(float64(n)/float64(len(whole)), "B/key")
			if c.link != (ptytest.Link{}) {
				b.ReportMetric(ms(trip), "ms-trip")
				b.ReportMetric(float64(ptytest.Percentile(whole, 0.5))/float64(trip), "x-trip-p50")
			}
		})
	}
}

func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// pressKeys waits between two keys for 30 to 150 ms, always the same row of gaps.
func pressKeys(b *testing.B, t *ptytest.Term, count int) (first, whole []time.Duration) {
	b.Helper()
	rnd := rand.New(rand.NewPCG(1, 1))
	missed := 0
	for i := range count {
		p, moved := t.Key([]string{"j", "k"}[i%2], 5*time.Second)
		if !moved {
			if missed++; missed > 3 {
				b.Fatalf("keys do not move the focus; the screen:\n%s", t.Text())
			}
			continue
		}
		first, whole = append(first, p.First), append(whole, p.Whole)
		time.Sleep(time.Duration(30+rnd.IntN(121)) * time.Millisecond)
	}
	return first, whole
}

// roundTrip is the time of one byte to the other end of the line and back.
func roundTrip(b *testing.B, link ptytest.Link) time.Duration {
	b.Helper()
	t := ptytest.Start(b, ptytest.Options{Link: link}, "cat")
	defer t.Close()
	var all []time.Duration
	for range 15 {
		if took, ok := t.Echo("x", 5*time.Second); ok {
			all = append(all, took)
		}
	}
	if len(all) == 0 {
		b.Skip("SKIPPED: the pseudo terminal does not echo")
	}
	return ptytest.Percentile(all, 0.5)
}

// starts is how often a console is opened for one figure.
const starts = 20

// BenchmarkScreenStart takes the time from the start of the process to the first complete frame of home, on a terminal that
// answers every query and on one that answers none. Target: the second takes at most 1.2 times the first.
func BenchmarkScreenStart(b *testing.B) {
	g := newBridge(b)
	var answers, mute []time.Duration
	for b.Loop() {
		for range starts {
			answers = append(answers, g.firstFrame(b, ptytest.Options{}))
			mute = append(mute, g.firstFrame(b, ptytest.Options{Mute: true}))
		}
	}
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(ms(ptytest.Percentile(answers, 0.5)), "ms-answers")
	b.ReportMetric(ms(ptytest.Percentile(mute, 0.5)), "ms-mute")
	b.ReportMetric(float64(ptytest.Percentile(mute, 0.5))/float64(ptytest.Percentile(answers, 0.5)), "x-mute")
}

// firstFrame opens home, waits for its last line and what the store knows above it, and leaves.
func (g *bridge) firstFrame(b *testing.B, o ptytest.Options) time.Duration {
	b.Helper()
	t := g.open(b, o)
	defer t.Close()
	took := t.Await(20*time.Second, func(s *ptytest.Screen) bool { return s.Has(homeShows) && s.Line(-1) != "" })
	return took
}

// BenchmarkScreenStart10000 does the same with 10,000 runs on record, each with its folder. Target: 60 ms.
func BenchmarkScreenStart10000(b *testing.B) {
	g := newBridge(b)
	fillStore(b, g.store, 10_000)
	var all []time.Duration
	for b.Loop() {
		for range starts {
			all = append(all, g.firstFrame(b, ptytest.Options{}))
		}
	}
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(ms(ptytest.Percentile(all, 0.5)), "ms-p50")
	b.ReportMetric(ms(ptytest.Percentile(all, 0.95)), "ms-p95")
}

// fillStore makes a store of n finished runs: logbooks, and the history that was made of them.
func fillStore(b *testing.B, dir store.Dir, n int) {
	b.Helper()
	if _, err := store.OpenDir(string(dir)); err != nil {
		b.Fatal(err)
	}
	began := time.Now()
	for i, spec := range storetest.Specs(n) {
		if spec.Outcome == "" {
			spec.Outcome = runbook.Done
		}
		at := spec.At
		spec.Name = "failover"
		spec.ID = runbook.RunID(at.UTC().Format("20060102-150405") + fmt.Sprintf("-failover-%05d", i))
		folder, err := dir.MakeRun(spec.ID)
		if err != nil {
			b.Fatal(err)
		}
		book, err := logbook.Create(folder.Logbook(), spec.ID, func() time.Time { return at })
		if err != nil {
			b.Fatal(err)
		}
		var facts []runbook.Fact
		for _, e := range spec.Events() {
			facts = append(facts, e.Fact)
		}
		if _, err := book.Append(context.Background(), 0, 1, facts...); err != nil {
			b.Fatal(err)
		}
		if err := book.Close(); err != nil {
			b.Fatal(err)
		}
	}
	if err := bolt.New(dir.History()).Rebuild(b.Context(), logbook.All(dir)); err != nil {
		b.Fatal(err)
	}
	b.Logf("a store of %d runs was made in %s", n, time.Since(began).Round(time.Second))
}
