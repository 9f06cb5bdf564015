package actions

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"lifeboat/providers"
	"lifeboat/runbook"
)

// progressLine is a line of --info=progress2: bytes, per cent, rate and time left. At the end of each file it says in
// brackets how many are still to check, and its time is then what has passed. While it says ir-chk, rsync is still finding
// files, and its per cent are of what it has found so far.
var progressLine = regexp.MustCompile(`^\s*([\d,.]+)\s+(\d+)%\s+([\d.,]+)([kMGT]?)B/s\s+(\d+):(\d\d):(\d\d)(?:\s+\(xfr#\d+, (ir|to)-chk=\d+/\d+\))?`)

// meter turns rsync's lines into progress, and remembers how much has come.
type meter struct {
	done    float64
	finding bool
}

func (m *meter) read(l string) (runbook.Progress, bool) {
	// A terminal would overwrite the line; what counts is behind the last carriage return.
	l = strings.TrimRight(l, "\r")
	if i := strings.LastIndexByte(l, '\r'); i >= 0 {
		l = l[i+1:]
	}
	f := progressLine.FindStringSubmatch(l)
	if f == nil {
		return runbook.Progress{}, false
	}
	done, err := strconv.ParseFloat(strings.NewReplacer(",", "", ".", "").Replace(f[1]), 64)
	if err != nil {
		return runbook.Progress{}, false
	}
	m.done = done
	if f[8] != "" {
		m.finding = f[8] == "ir"
	}
	percent, _ := strconv.ParseFloat(f[2], 64)
	rate := f[3] + " " + f[4] + "B/s"
	p := runbook.Progress{Text: fmt.Sprintf("%s · %s", size(done), rate), Done: done, Unit: "B"}
	if percent > 0 && !m.finding {
		p.Total = done * 100 / percent
		p.Text = fmt.Sprintf("%s of %s · %s", size(done), size(p.Total), rate)
	}
	if p.Total > 0 && percent < 100 && f[8] == "" {
		p.Left = runbook.Seconds(clock(f[5], f[6], f[7]))
		p.Text += " · " + short(time.Duration(p.Left)) + " left"
	}
	return p, true
}

func clock(h, m, s string) time.Duration {
	hours, _ := strconv.Atoi(h)
	minutes, _ := strconv.Atoi(m)
	seconds, _ := strconv.Atoi(s)
	return time.Duration(hours)*time.Hour + time.Duration(minutes)*time.Minute + time.Duration(seconds)*time.Second
}

// short writes 0:44 or 1:02:03.
func short(d time.Duration) string {
	s := int(d.Seconds())
	if s >= 3600 {
		return fmt.Sprintf("%d:%02d:%02d", s/3600, s/60%60, s%60)
	}
	return fmt.Sprintf("%d:%02d", s/60, s%60)
}

// size writes a size in the units of rsync's own rates, powers of ten.
func size(n float64) string {
	for _, unit := range []string{"B", "kB", "MB", "GB"} {
		if n < 1000 {
			if unit == "B" {
				return fmt.Sprintf("%.0f B", n)
			}
			return fmt.Sprintf("%.1f %s", n, unit)
		}
		n /= 1000
	}
	return fmt.Sprintf("%.1f TB", n)
}

// Lines of rsync --stats.
var (
	movedLine = regexp.MustCompile(`Total transferred file size: ([\d,.]+) bytes`)
	totalLine = regexp.MustCompile(`(?i)total (?:file )?size(?: is|:) ([\d,.]+)`)
	filesLine = regexp.MustCompile(`Number of files: ([\d,.]+)`)
)

// verdict says what rsync's end means (the exit values of rsync(1)), with a summary when it is good.
func verdict(res providers.Result, a *copyTree, done float64) (string, error) {
	summary := summarise(res.Stdout, done)
	switch res.Status {
	case 0:
		return summary, nil
	case 24:
		// Files that go away while they are copied are normal on a live tree; everything else arrived.
		return summary + "; some files vanished while they were copied", nil
	}
	said := lastLines(res.Stderr, 3)
	f := &runbook.Failure{
		What:    fmt.Sprintf("rsync %s → %s ended with status %d: %s", a.From, a.To, res.Status, said),
		Means:   "the copy is not whole; what has arrived stays, and the next attempt goes on from there",
		Code:    "rsync " + strconv.Itoa(res.Status),
		Verdict: runbook.Definitive,
	}
	_, other := a.runs()
	if refusal(f, said, other) {
		return "", f
	}
	switch res.Status {
	case 11:
		f.Do = "a file could not be read or written: look for a full or read-only disk at the target (df, findmnt), then retry"
	case 23:
		f.Do = "some files could not be copied; read the step's log for their names, set right what it says, then retry"
	case 25:
		f.Means = "it deleted as much as it may and stopped: the source has shrunk since it was counted"
		f.Do = "look whether the disk of " + a.From.String() + " is still mounted there, before anything else is copied over the target"
	case 10, 12, 20, 30, 35:
		// Nothing that a repeat could harm: it ended, and it takes up where it stopped.
		f.Verdict = runbook.Transient
		f.Do = map[int]string{
			12: "the connection broke, or there is no rsync on " + other.Host.String(),
			30: "no data came for 60 s: look at the network and at the load of " + other.Host.String(),
		}[res.Status]
	case 127:
		f.Do = "install rsync on the host that runs it, or correct its PATH"
	case 255:
		f.Verdict = runbook.Transient
		f.Do = "ssh between the two hosts failed; look at security groups and routes"
		if a.On == onConsole {
			f.Do = "ssh from this machine to " + other.Host.String() + " failed; look at security groups and routes"
		}
	default:
		f.Do = "see rsync(1), EXIT VALUES, and the step's log"
	}
	return "", f
}

// refusal finds an ssh under rsync that was refused for good: trying again would not help. rsync ends with 12 or 255 then,
// whichever it notices first.
func refusal(f *runbook.Failure, said string, other Place) bool {
	switch {
	case strings.Contains(said, "Host key verification failed"), strings.Contains(said, "REMOTE HOST IDENTIFICATION"):
		f.Means = "the machine that answered is not proved to be " + other.Host.String() + "; nothing was copied"
		f.Do = "pin its key in the estate: ssh.host_keys, under its id or its address"
	case strings.Contains(said, "Bad configuration option: knownhostscommand"):
		f.Means, f.Do = "nothing was copied", "a dry run with pinned keys needs OpenSSH 8.5 or newer on the host that runs it; the copy itself does not"
	case strings.Contains(said, "Permission denied (publickey"):
		f.Means = "nothing was copied"
		f.Do = "let the host that runs rsync log in on " + other.Host.String() + ": its key is the replica's `identity` in the estate"
	default:
		return false
	}
	return true
}

// summarise reads --stats; done is what the progress lines counted, for an rsync that says less.
func summarise(out string, done float64) string {
	s := size(done) + " copied"
	if m := movedLine.FindStringSubmatch(out); m != nil {
		s = count(m[1]) + " copied"
	}
	if m := totalLine.FindStringSubmatch(out); m != nil {
		s += " of " + count(m[1])
	}
	if m := filesLine.FindStringSubmatch(out); m != nil {
		s += " in " + strings.TrimRight(m[1], ".,") + " files"
	}
	return s
}

func count(s string) string {
	n, err := strconv.ParseFloat(strings.NewReplacer(",", "", ".", "").Replace(s), 64)
	if err != nil {
		return s
	}
	return size(n)
}
