package sim

import (
	"time"

	"lifeboat/providers"
)

// Entry is one line of a world's log: a change that was asked for, accepted or refused, a command that ran, or
// something that happened to the world. Reads leave no entry, unless a counted fault struck one.
type Entry struct {
	At     time.Time `json:"at"`
	Op     string    `json:"op"` // as IAM names it, "ssh:PROGRAM" for a command, "world:NAME" for what nobody asked for
	Region string    `json:"region,omitempty"`
	ID     string    `json:"id,omitempty"`    // what it is about: instance, volume, address, hosted zone, machine
	On     string    `json:"on,omitempty"`    // the other thing: the instance, the change
	Path   string    `json:"path,omitempty"`  // device or path
	Token  string    `json:"token,omitempty"` // the idempotency token
	About  string    `json:"about,omitempty"` // what a fault may match beside the operation

	Effect string    `json:"effect,omitempty"` // of a command: what it did to the machine
	Until  time.Time `json:"until,omitzero"`

	Launch    *providers.Launch       `json:"launch,omitempty"`
	Old       *providers.Record       `json:"old,omitempty"`
	New       *providers.Record       `json:"new,omitempty"`
	Argv      []string                `json:"argv,omitempty"`
	Text      string                  `json:"text,omitempty"`   // what was written
	Groups    []string                `json:"groups,omitempty"` // security groups
	Copied    int64                   `json:"copied,omitempty"` // bytes, of an rsync that was cut short
	Data      *Data                   `json:"data,omitempty"`
	Plan      *Fault                  `json:"plan,omitempty"` // world:fault: one more fault
	Volume    *providers.NewVolume    `json:"volume,omitempty"`
	Copy      *providers.SnapshotCopy `json:"copy,omitempty"`
	Image     *providers.Image        `json:"image,omitempty"`
	ImageCopy *providers.ImageCopy    `json:"image_copy,omitempty"`
	Tags      map[string]string       `json:"tags,omitempty"` // of what was made, where the request above does not bear them

	Body []byte `json:"body,omitempty"` // of an object

	Refused  providers.ErrorKind `json:"refused,omitempty"`  // nothing changed
	Fault    int                 `json:"fault,omitempty"`    // the fault that struck, from 1
	Stranded FaultKind           `json:"stranded,omitempty"` // accepted, and it never came true
	Replay   bool                `json:"replay,omitempty"`   // the token was known: nothing new was made
	Read     bool                `json:"read,omitempty"`     // a read that a fault struck
}
