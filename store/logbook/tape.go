package logbook

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"

	"lifeboat/runbook"
	"lifeboat/store"
)

const (
	version  = 1
	sumWidth = 43 // base64url of 32 bytes
	sector   = 512

	sumOpen    = `,"sum":"`
	prevOpen   = `,"prev":"`
	commitOpen = `,"commit":`
	lineClose  = `"}`
)

// tape is what has been read of a logbook: everything up to the last commit.
type tape struct {
	run   runbook.RunID
	lines [][]byte // of the events, whole, without the newline
	sum   string   // of the last line; the next one's prev
	epoch uint64   // the highest
	end   int64    // offset behind the last commit
	tail  string   // the last bytes before end, to see that they are still there
	torn  int64    // bytes behind end that a crash cut off, or that are being written
	batch int      // number of batches
}

func (t *tape) last() uint64 { return uint64(len(t.lines)) }

// fault is a line that does not fit.
type fault struct {
	line  int
	why   string
	newer string // it fits, and only a newer version understands it
}

func (f *fault) error(path string, t *tape) error {
	if f.newer != "" {
		return &store.ErrNewer{Path: path, What: f.newer}
	}
	return &store.ErrDamaged{Path: path, Line: f.line, LastGood: t.last(), Why: f.why}
}

func checksum(b []byte) string {
	sum := sha256.Sum256(b)
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// seal closes a line whose last `}` is left off.
func seal(open []byte) (line []byte, sum string) {
	sum = checksum(open)
	return append(append(append(append(open, sumOpen...), sum...), lineClose...), '\n'), sum
}

func header(run runbook.RunID) []byte {
	name, _ := json.Marshal(run) // a string always has an encoding
	line, _ := seal(fmt.Appendf(nil, `{"logbook":%d,"run":%s`, version, name))
	return line
}

// link turns an encoded event into a line behind the one whose sum is prev. Commit is the first event of the batch that
// ends with it, or 0.
func link(event []byte, prev string, commit uint64) (line []byte, sum string) {
	open := append(slices.Clip(event[:len(event)-1]), prevOpen+prev+`"`...)
	if commit > 0 {
		open = strconv.AppendUint(append(open, commitOpen...), commit, 10)
	}
	return seal(open)
}

// take adds committed lines. It leaves what follows the last commit alone, and returns a fault when that cannot be the
// beginning of a batch that is being written or that a crash cut off.
func (t *tape) take(b []byte) *fault {
	whole := b
	t.torn = int64(len(b))
	if t.end == 0 {
		rest, f := t.takeHeader(b)
		if f != nil || rest == nil {
			return f
		}
		b = rest
	}
	var lines [][]byte
	sum, epoch := t.sum, t.epoch
	for {
		nl := bytes.IndexByte(b, '\n')
		if nl < 0 {
			return t.judge(b, whole, int64(len(lines)))
		}
		line := b[:nl]
		next, commit, err := checkLine(line, sum)
		if err != "" {
			if t.cutOff(whole) {
				return nil
			}
			return &fault{line: t.lineNumber(len(lines)), why: err}
		}
		env, f := t.envelope(line, uint64(len(lines)))
		if f != nil {
			return f
		}
		lines, sum, epoch = append(lines, line), next, max(epoch, env.Epoch)
		b = b[nl+1:]
		if commit > 0 {
			if commit != t.last()+1 {
				return &fault{line: t.lineNumber(len(lines) - 1), why: fmt.Sprintf("it ends a batch that begins with event %d", commit)}
			}
			used := t.torn - int64(len(b))
			t.commit(lines, sum, epoch, used)
			lines = nil
		}
	}
}

// commit adds a batch of n bytes.
func (t *tape) commit(lines [][]byte, sum string, epoch uint64, n int64) {
	last := lines[len(lines)-1]
	t.lines = append(t.lines, lines...)
	t.sum, t.epoch = sum, epoch
	t.end, t.torn = t.end+n, t.torn-n
	t.tail = string(last[max(0, len(last)-sumWidth-len(lineClose)):]) + "\n"
	t.batch++
}

// lineNumber is that of the line after n uncommitted ones, from 1; the header is line 1.
func (t *tape) lineNumber(n int) int {
	if t.end == 0 {
		return 1
	}
	return len(t.lines) + n + 2
}

// takeHeader reads the first line and returns what follows. The file gets its name only when the header is durable, so a
// header that is not whole is damage.
func (t *tape) takeHeader(b []byte) ([]byte, *fault) {
	line, rest, ok := bytes.Cut(b, []byte("\n"))
	if !ok {
		return nil, &fault{line: 1, why: "the first line is not whole"}
	}
	_, sum, ok := cutSum(line)
	if !ok {
		return nil, &fault{line: 1, why: "its checksum does not match"}
	}
	var h struct {
		Logbook int           `json:"logbook"`
		Run     runbook.RunID `json:"run"`
	}
	if err := json.Unmarshal(line, &h); err != nil || h.Logbook < 1 {
		return nil, &fault{line: 1, why: "it is not a logbook"}
	}
	if h.Logbook > version {
		return nil, &fault{line: 1, newer: fmt.Sprintf("logbook format %d", h.Logbook)}
	}
	n := int64(len(line) + 1)
	t.run, t.sum, t.end, t.torn = h.Run, sum, n, t.torn-n
	t.tail = string(line[max(0, len(line)-sumWidth-len(lineClose)):]) + "\n"
	return rest, nil
}

// checkLine holds a line against its own checksum and the chain.
func checkLine(line []byte, prev string) (sum string, commit uint64, why string) {
	open, sum, ok := cutSum(line)
	if !ok {
		return "", 0, "its checksum does not match"
	}
	open, commit = cutCommit(open)
	if !bytes.HasSuffix(open, []byte(prevOpen+prev+`"`)) {
		return "", 0, "it does not follow the line above"
	}
	return sum, commit, ""
}

// cutCommit takes the commit mark off, if there is one.
func cutCommit(open []byte) (rest []byte, commit uint64) {
	i := bytes.LastIndex(open, []byte(commitOpen))
	if i < 0 {
		return open, 0
	}
	n, err := strconv.ParseUint(string(open[i+len(commitOpen):]), 10, 64)
	if err != nil {
		return open, 0
	}
	return open[:i], n
}

// cutSum splits a line at its checksum and checks it.
func cutSum(line []byte) (open []byte, sum string, ok bool) {
	at := len(line) - len(sumOpen) - sumWidth - len(lineClose)
	if at < 0 || !bytes.HasPrefix(line[at:], []byte(sumOpen)) || !bytes.HasSuffix(line, []byte(lineClose)) {
		return nil, "", false
	}
	sum = string(line[at+len(sumOpen) : at+len(sumOpen)+sumWidth])
	return line[:at], sum, checksum(line[:at]) == sum
}

type place struct {
	Seq   uint64        `json:"seq"`
	Run   runbook.RunID `json:"run"`
	Epoch uint64        `json:"epoch"`
}

// envelope reads what the tape itself must know of a line that is as it was written.
func (t *tape) envelope(line []byte, pending uint64) (place, *fault) {
	number := t.lineNumber(int(pending))
	env, ok := quickPlace(line)
	if !ok {
		if err := json.Unmarshal(line, &env); err != nil {
			return env, &fault{line: number, why: "it is not an event: " + err.Error()}
		}
	}
	if want := t.last() + pending + 1; env.Seq != want {
		return env, &fault{line: number, why: fmt.Sprintf("it is event %d where %d should be", env.Seq, want)}
	}
	if env.Run != t.run {
		return env, &fault{line: number, why: fmt.Sprintf("it is an event of run %q in the logbook of %q", env.Run, t.run)}
	}
	return env, nil
}

// quickPlace reads the fields at the beginning of a line in the order in which store.Encode writes them; a whole parse
// costs more than the checksum.
func quickPlace(line []byte) (p place, ok bool) {
	rest, ok := bytes.CutPrefix(line, []byte(`{"seq":`))
	if !ok {
		return p, false
	}
	if p.Seq, rest, ok = number(rest); !ok {
		return p, false
	}
	_, rest, ok = bytes.Cut(rest, []byte(`Z","run":"`))
	if !ok {
		return p, false
	}
	run, rest, ok := bytes.Cut(rest, []byte(`","type":"`))
	if !ok || bytes.ContainsAny(run, `\"`) {
		return p, false
	}
	p.Run = runbook.RunID(run)
	_, rest, ok = bytes.Cut(rest, []byte(`"`))
	if epoch, found := bytes.CutPrefix(rest, []byte(`,"epoch":`)); ok && found {
		p.Epoch, _, ok = number(epoch)
	}
	return p, ok
}

// number reads digits up to a comma.
func number(b []byte) (n uint64, rest []byte, ok bool) {
	digits, rest, ok := bytes.Cut(b, []byte(","))
	if !ok {
		return 0, nil, false
	}
	n, err := strconv.ParseUint(string(digits), 10, 64)
	return n, rest, err == nil
}

// judge looks at a last line without a newline: a crash leaves the beginning of a line, never one with a wrong end.
func (t *tape) judge(rest, whole []byte, pending int64) *fault {
	if len(rest) < 2 || t.cutOff(whole) {
		return nil
	}
	// The last byte of a committed file is a newline. Had another byte taken its place, the rest would still be whole.
	if _, _, ok := cutSum(rest[:len(rest)-1]); ok {
		return &fault{line: t.lineNumber(int(pending)), why: "the byte behind it is not the end of a line"}
	}
	return nil
}

// cutOff reports whether the bytes behind the last commit are one batch that a power cut left with a hole. The commit
// marks among them show whether they are: had a batch begun later, or more followed a commit, then what has the hole had
// been acknowledged, and the hole is damage.
func (t *tape) cutOff(whole []byte) bool {
	tail := whole[len(whole)-int(t.torn):]
	if !torn(tail, t.end) {
		return false
	}
	for line := range bytes.Lines(tail) {
		tail = tail[len(line):]
		open, _, _ := cutSum(bytes.TrimSuffix(line, []byte("\n"))) // its checksum may be wrong: the hole may be in it
		if _, first := cutCommit(open); first > 0 && (first != t.last()+1 || len(tail) > 0) {
			return false
		}
	}
	return true
}

// torn reports whether b, the bytes behind the last commit, which begin at an offset of the file, holds a hole that a
// power cut leaves: whole sectors of zeros, up to a sector's border or the end of the file. JSON has no zero bytes.
func torn(b []byte, offset int64) bool {
	for at := 0; at < len(b); {
		i := bytes.IndexByte(b[at:], 0)
		if i < 0 {
			return false
		}
		from := at + i
		to := from
		for to < len(b) && b[to] == 0 {
			to++
		}
		starts := from == 0 || (offset+int64(from))%sector == 0
		ends := to == len(b) || (offset+int64(to))%sector == 0
		if starts && ends {
			return true
		}
		at = to
	}
	return false
}
