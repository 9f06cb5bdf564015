package runbook

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strconv"
	"time"
)

// RunID names a run and its folder: letters, digits and dashes only.
type RunID string

// Mode says on what a run acts.
type Mode string

// The modes of a run.
const (
	Live     Mode = "live"     // production
	Drill    Mode = "drill"    // the estate's drill overlay, behind the drill fence
	Rehearse Mode = "rehearse" // the simulated cloud
)

// Outcome is how a run ended.
type Outcome string

// The outcomes of a run.
const (
	Done          Outcome = "done"
	DoneWithSkips Outcome = "done_with_skips"
	Failed        Outcome = "failed"
	Stopped       Outcome = "stopped"
)

// Confirm says how much a person must do to let something happen.
type Confirm string

// The levels of confirmation.
const (
	ConfirmNone Confirm = "none"
	ConfirmKey  Confirm = "key"
	ConfirmType Confirm = "type"
)

// StartStep is the name under which the run as a whole is approved, as in `--confirm start=us-east-1`. No step may
// bear it.
const StartStep = "start"

// Key identifies one intended effect to the far side: a client token, a tag value. The same run, step and generation
// give the same key in every process.
type Key string

// NewKey derives the key of a step's generation. It is 32 lower-case hexadecimal digits, which every AWS client token
// accepts.
func NewKey(run RunID, step string, generation int) Key {
	sum := sha256.Sum256(fmt.Appendf(nil, "lifeboat\x00%s\x00%s\x00%d", run, step, generation))
	return Key(hex.EncodeToString(sum[:16]))
}

// Target is something that a step reads or changes, named so that two spellings of the same thing are equal. ID is the
// provider's own: an instance, volume, allocation or image id; `ZONE/name./TYPE` for a record; the address for a host.
type Target struct {
	Kind   string `json:"kind"` // instance, volume, address, image, record, host
	ID     string `json:"id"`
	Region string `json:"region,omitempty"`
}

func (t Target) String() string { return t.Kind + " " + t.ID }

// Source is a file as it was when the run started.
type Source struct {
	Path   string `json:"path"`
	Text   string `json:"text"`
	Digest string `json:"digest"` // "sha256:" and 64 hexadecimal digits
}

// NewSource makes a Source and its digest.
func NewSource(path string, text []byte) Source {
	sum := sha256.Sum256(text)
	return Source{Path: path, Text: string(text), Digest: "sha256:" + hex.EncodeToString(sum[:])}
}

// Actor is who did something. The name comes from the account database by uid, never from an environment variable.
type Actor struct {
	UID  int    `json:"uid"`
	Name string `json:"name"`
	Host string `json:"host"`
	Via  string `json:"via,omitempty"` // "flag" when the answer was given in advance on the command line
}

func (a Actor) String() string {
	if a.Host == "" {
		return a.Name
	}
	return a.Name + "@" + a.Host
}

// Driver is the process that drives a run. PID and Began together name a process for ever: a reused pid has another
// Began.
type Driver struct {
	Epoch uint64 `json:"epoch"`
	Host  string `json:"host"`
	PID   int    `json:"pid"`
	Began string `json:"began"` // the kernel's start time of the process, opaque
	By    Actor  `json:"by"`
}

// Answer is a confirmation given in advance: `--confirm STEP=WORD`. Step "*" with no word answers every key
// confirmation (`--yes`); step "*" with word "*" answers everything and is refused outside rehearsals.
type Answer struct {
	Step string `json:"step"`
	Word string `json:"word,omitempty"`
}

// Duration is a time.Duration that is written as in Go ("1m30s") in files and events.
type Duration time.Duration

// MarshalText writes the duration as Go does.
func (d Duration) MarshalText() ([]byte, error) { return []byte(time.Duration(d).String()), nil }

// UnmarshalText reads what MarshalText wrote.
func (d *Duration) UnmarshalText(b []byte) error {
	v, err := time.ParseDuration(string(b))
	if err != nil {
		return fmt.Errorf("%q is not a duration such as 30s, 5m or 1h30m", b)
	}
	*d = Duration(v)
	return nil
}

func (d Duration) String() string { return time.Duration(d).String() }

// Seconds is a duration written as a JSON number of seconds with milliseconds.
type Seconds time.Duration

// MarshalJSON writes seconds.
func (s Seconds) MarshalJSON() ([]byte, error) {
	return strconv.AppendFloat(nil, time.Duration(s).Round(time.Millisecond).Seconds(), 'f', -1, 64), nil
}

// UnmarshalJSON reads seconds.
func (s *Seconds) UnmarshalJSON(b []byte) error {
	var f float64
	if err := json.Unmarshal(b, &f); err != nil {
		return err
	}
	*s = Seconds(time.Duration(f * float64(time.Second)).Round(time.Millisecond))
	return nil
}
