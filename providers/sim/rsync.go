package sim

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// transfer is what an rsync command line asks for.
type transfer struct {
	from, to      string
	dry, progress bool
	delete        bool
	maxDelete     int64 // -1: as many as there are
	list, stats   bool  // itemize or verbose; stats
}

// parseRsync reads the options that matter here; of the words that are left, the last is the target.
func parseRsync(argv []string) transfer {
	t := transfer{maxDelete: -1}
	var words []string
	valued := []string{"-e", "--rsh", "--timeout", "--contimeout", "--bwlimit", "--exclude", "--include", "--files-from", "-f", "--filter", "--log-file", "--partial-dir", "--temp-dir", "-T", "--rsync-path", "--max-delete", "--out-format", "--chmod"}
	for i := 1; i < len(argv); i++ {
		a := argv[i]
		short := strings.HasPrefix(a, "-") && !strings.HasPrefix(a, "--")
		switch {
		case slices.Contains(valued, a):
			i++
		case a == "--":
		case strings.HasPrefix(a, "-"):
			t.dry = t.dry || a == "--dry-run" || short && strings.Contains(a, "n")
			t.progress = t.progress || strings.Contains(a, "progress") || short && strings.Contains(a, "P")
			t.list = t.list || a == "--itemize-changes" || short && strings.ContainsAny(a, "iv")
			t.stats = t.stats || a == "--stats"
			t.delete = t.delete || a == "--delete"
			if n, ok := strings.CutPrefix(a, "--max-delete="); ok {
				t.maxDelete, _ = strconv.ParseInt(n, 10, 64)
			}
		default:
			words = append(words, a)
		}
	}
	if n := len(words); n >= 2 {
		t.from, t.to = words[n-2], words[n-1]
	}
	return t
}

// place splits HOST:PATH; a path without a host is on the machine itself.
func (c *shell) place(word string) (*machine, string) {
	host, at, remote := strings.Cut(word, ":")
	if !remote || strings.Contains(host, "/") {
		return c.m, strings.TrimSuffix(word, "/")
	}
	if _, h, ok := strings.Cut(host, "@"); ok {
		host = h
	}
	m := c.s.machineAt(host, c.now)
	if m == nil {
		m = c.s.machineAt(c.s.lookUp(host, c.now), c.now)
	}
	if m != nil && (!m.now(c.now).up || c.s.dark(m.region(), c.now)) {
		m = nil
	}
	return m, strings.TrimSuffix(at, "/")
}

func (c *shell) rsync() outcome {
	t := parseRsync(c.argv)
	if t.to == "" {
		return c.fail(1, "syntax or usage error (code 1)")
	}
	from, source := c.place(t.from)
	to, target := c.place(t.to)
	if from == nil || to == nil {
		o := c.fail(255, "connection unexpectedly closed (0 bytes received so far) [Receiver]")
		o.takes = sshConnect
		return o
	}
	have, want := c.s.data(to, target), c.s.data(from, source)
	if want.Version == "" && (&shell{s: c.s, m: from, now: c.now}).kind(source) == "" {
		return c.fail(23, "change_dir %q failed: No such file or directory (2)", source)
	}
	scan := c.takes(c.s.spec.Delays.Scan, "rsync")
	differs := have.Version != want.Version || have.Torn
	size := toSend(have, want)
	if t.dry {
		return dryRun(t, scan/4, differs, have, want, size)
	}
	rate := int64(c.s.spec.Delays.Rate)
	copying := time.Duration(float64(size) / float64(rate) * float64(time.Second))
	o := outcome{takes: scan + copying}
	if t.progress {
		o.progress = func(elapsed time.Duration) string { return progress(size, rate, max(0, elapsed-scan)) }
		o.out = progress(size, rate, copying) + " (xfr#412, to-chk=0/9120)\n"
	}
	gone := have.files() - want.files()
	if t.stats {
		o.out += statistics(t, have, want, size)
	}
	if t.delete && t.maxDelete >= 0 && gone > t.maxDelete {
		o.status, o.err = 25, "rsync error: the --max-delete limit stopped deletions (code 25) at main.c(1394) [sender=3.5.0]\n"
		return o
	}
	want.Torn = c.s.writing(c.now) && from.host != nil && from.paused.IsZero()
	if want.Version == "" && !t.delete {
		return o // there is nothing to copy
	}
	o.finish = func(elapsed time.Duration) *Entry {
		e := &Entry{Effect: "rsync", ID: to.id, Path: target, Data: &want}
		if elapsed < scan+copying {
			e.Copied = max(0, int64((elapsed-scan).Seconds()*float64(rate)))
			e.Text = "cut short"
		}
		return e
	}
	return o
}

// toSend is how much of the source the target lacks.
func toSend(have, want Data) int64 {
	size := want.Delta
	switch {
	case have.Version == want.Version && !have.Torn:
		return 0
	case have.Version == "":
		size = want.Bytes
	}
	if have.part == want.Version {
		size = max(0, size-have.copied)
	}
	return min(size, want.Bytes)
}

func dryRun(t transfer, takes time.Duration, differs bool, have, want Data, size int64) outcome {
	o := outcome{takes: takes}
	if differs && t.list {
		for i := range 3 {
			o.out += fmt.Sprintf(">f.st...... shop/orders-%04d.dat\n", i+1)
		}
	}
	if t.stats {
		o.out += statistics(t, have, want, size)
	}
	return o
}

// statistics is what rsync --stats says. The folder itself is counted as one more.
func statistics(t transfer, have, want Data, size int64) string {
	files, there := want.files(), have.files()
	parts := func(all, folders int64) string {
		switch {
		case all == 0:
			return "0"
		case all == folders:
			return fmt.Sprintf("%s (dir: %s)", commas(all), commas(folders))
		case folders == 0:
			return fmt.Sprintf("%s (reg: %s)", commas(all), commas(all))
		}
		return fmt.Sprintf("%s (reg: %s, dir: %s)", commas(all), commas(all-folders), commas(folders))
	}
	deleted, sent := int64(0), int64(0)
	if t.delete {
		deleted = max(0, there-files)
	}
	if want.Bytes > 0 {
		sent = min(files, (size*files+want.Bytes-1)/want.Bytes)
	}
	return fmt.Sprintf("\nNumber of files: %s\nNumber of created files: %s\nNumber of deleted files: %s\n"+
		"Number of regular files transferred: %s\nTotal file size: %s bytes\nTotal transferred file size: %s bytes\n\n"+
		"sent 201,344 bytes  received %s bytes  61,000,000 bytes/sec\ntotal size is %s  speedup is 10.69\n",
		parts(files+1, 1), parts(max(0, files-there), 0), parts(deleted, 0), commas(sent), commas(want.Bytes), commas(size), commas(size), commas(want.Bytes))
}

// synced is the effect of an rsync at its end. One that was cut short has left part of the work for the next.
func (s *state) synced(e Entry) {
	m := s.machines[e.ID]
	s.draw("command " + m.id + " rsync")
	data := s.peek(m, e.Path)
	if data == nil {
		data = &Data{}
		m.local[e.Path] = data
	}
	if e.Text != "" {
		if data.part != e.Data.Version {
			data.part, data.copied = e.Data.Version, 0
		}
		data.copied += e.Copied
		return
	}
	*data = *e.Data
}

// progress is a line of rsync --info=progress2.
func progress(size, rate int64, elapsed time.Duration) string {
	done := min(size, int64(elapsed.Seconds()*float64(rate)))
	percent, left := int64(100), time.Duration(0)
	if size > 0 {
		percent = done * 100 / size
		left = time.Duration(float64(size-done) / float64(rate) * float64(time.Second))
	}
	speed := 0.0
	if done > 0 {
		speed = float64(rate) / 1e6
	}
	secs := int(left.Round(time.Second).Seconds())
	return fmt.Sprintf("%15s %3d%% %7.2fMB/s %4d:%02d:%02d", commas(done), percent, speed, secs/3600, secs/60%60, secs%60)
}

// commas writes a number as rsync does.
func commas(n int64) string {
	s := fmt.Sprint(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
