package duplicity

import (
	"regexp"
	"strconv"
	"strings"
	"time"

	"lifeboat/providers"
	"lifeboat/runbook"
)

// output reads what the program writes for machines: records of a line with level, code and words, perhaps further lines,
// then the text for people with a dot before each line, then an empty line (duplicity's log.py, MachineFormatter). They
// come on standard error, between tracebacks.
type output struct {
	watch      providers.ArchiveWatch
	open       *message
	collection *providers.Collection
	verified   *providers.Verified
	ignored    int // differences that are no differences of the data
	failed     *message
	said       string // the last line that is in no record
}

// message is one record.
type message struct {
	level   string
	code    int
	extra   string
	control []string
	text    []string
}

// Codes of duplicity's log.py: of its infos, and of what it notices.
const (
	codeProgress   = 2
	codeCollection = 3
	codeUpload     = 16
)

var header = regexp.MustCompile(`^(ERROR|WARNING|NOTICE|INFO|DEBUG) (\d+)(?: (.*))?$`)

// line takes a line of either stream. The records are on standard error.
func (o *output) line(stream, l string) {
	if stream != "stderr" {
		return
	}
	if m := header.FindStringSubmatch(l); m != nil {
		o.finish()
		code, _ := strconv.Atoi(m[2])
		o.open = &message{level: m[1], code: code, extra: strings.TrimSpace(m[3])}
		return
	}
	switch {
	case o.open == nil:
		if l = strings.TrimSpace(l); l != "" {
			o.said = l
		}
	case l == "":
		o.finish()
	case l[0] == '.':
		o.open.text = append(o.open.text, strings.TrimPrefix(l[1:], " "))
	case len(o.open.text) == 0:
		o.open.control = append(o.open.control, strings.TrimSpace(l))
	}
}

// finish acts on the record that has come to its end.
func (o *output) finish() {
	m := o.open
	if m == nil {
		return
	}
	o.open = nil
	switch {
	case m.level == "ERROR":
		if o.failed == nil { // what follows the first is clearing up
			o.failed = m
		}
		o.tell(m)
	case m.level == "INFO" && m.code == codeCollection:
		c := collectionOf(m.control)
		o.collection = &c
	case m.level == "INFO" && m.code == codeProgress:
		o.volumes(m.extra)
	case m.code == codeUpload:
		o.upload(m.extra)
	case m.level == "NOTICE", m.level == "WARNING":
		o.notice(m)
	}
}

func (o *output) tell(m *message) {
	if o.watch.Line == nil {
		return
	}
	for _, l := range m.text {
		if strings.Trim(l, "-= ") != "" {
			o.watch.Line(runbook.Clean(l))
		}
	}
}

// volumes is "DONE TOTAL".
func (o *output) volumes(words string) {
	f := strings.Fields(words)
	if len(f) == 0 || o.watch.Progress == nil {
		return
	}
	done, _ := strconv.ParseFloat(f[0], 64)
	total := 0.0
	if len(f) > 1 {
		total, _ = strconv.ParseFloat(f[1], 64)
	}
	o.watch.Progress(done, total, "volumes")
}

// upload is "BYTES ELAPSED PERCENT ETA SPEED STALLED".
func (o *output) upload(words string) {
	f := strings.Fields(words)
	if len(f) < 3 || o.watch.Progress == nil {
		return
	}
	done, _ := strconv.ParseFloat(f[0], 64)
	percent, _ := strconv.ParseFloat(f[2], 64)
	total := 0.0
	if percent > 0 {
		total = done * 100 / percent
	}
	o.watch.Progress(done, total, "B")
}

var complete = regexp.MustCompile(`^Verify complete: (\d+) files? compared, (\d+) differences? found`)

// notice reads what verify has found, and tells the rest.
func (o *output) notice(m *message) {
	for _, l := range m.text {
		if what, ok := strings.CutPrefix(l, "Difference found: "); ok {
			o.difference(what)
			return
		}
		if f := complete.FindStringSubmatch(l); f != nil {
			if o.verified == nil {
				o.verified = &providers.Verified{}
			}
			o.verified.Compared, _ = strconv.Atoi(f[1])
			o.verified.Different, _ = strconv.Atoi(f[2])
		}
	}
	o.tell(m)
}

// difference counts one. What every new file system has, what a restore leaves, and the time at which either was put
// there is no difference of the data.
func (o *output) difference(what string) {
	name, isNew := strings.CutPrefix(what, "New file ")
	if isNew && (name == "lost+found" || name == providers.RestoreFolder || strings.HasPrefix(name, providers.RestoreFolder+"/")) || strings.HasPrefix(what, "File . has mtime ") {
		o.ignored++
		return
	}
	if o.verified == nil {
		o.verified = &providers.Verified{}
	}
	if len(o.verified.Differences) < 20 {
		o.verified.Differences = append(o.verified.Differences, runbook.Clean(what))
	}
}

// compared is the result without what is no difference.
func (o *output) compared() providers.Verified {
	v := *o.verified
	v.Different = max(0, v.Different-o.ignored, len(v.Differences))
	return v
}

// collectionOf reads the lines of collection-status. Chains come with the ones that have lost their signatures first; they
// can be restored, and are put in the order of their time.
func collectionOf(lines []string) providers.Collection {
	var c providers.Collection
	for _, l := range lines {
		f := strings.Fields(l)
		if len(f) == 0 {
			continue
		}
		switch f[0] {
		case "chain-complete", "chain-no-sig":
			c.Chains = append(c.Chains, providers.Chain{})
		case "full", "inc":
			if s, ok := setOf(f); ok && len(c.Chains) > 0 {
				last := &c.Chains[len(c.Chains)-1]
				last.Sets = append(last.Sets, s)
			}
		case "orphaned-sets-num":
			c.Orphans = number(f)
		case "incomplete-sets-num":
			c.Incomplete = number(f)
		}
	}
	sortChains(&c)
	return c
}

// setOf reads "full 20260102T030405Z 3 enc".
func setOf(f []string) (providers.BackupSet, bool) {
	if len(f) < 3 {
		return providers.BackupSet{}, false
	}
	at, err := time.Parse("20060102T150405Z", f[1])
	if err != nil {
		return providers.BackupSet{}, false
	}
	volumes, err := strconv.Atoi(f[2])
	return providers.BackupSet{Full: f[0] == "full", At: at, Volumes: volumes, Encrypted: len(f) > 3 && f[3] == "enc"}, err == nil
}

func number(f []string) int {
	if len(f) < 2 {
		return 0
	}
	n, _ := strconv.Atoi(f[1])
	return n
}
