package providers

import "time"

// CopyMarker is what the marker in a copy says. It is written, durably, before the first file of a copy changes and again
// when the last one has: whatever dies in between leaves one that says so. Times are those of the machine on which
// lifeboat ran.
type CopyMarker struct {
	Started   time.Time `json:"started"`
	Completed time.Time `json:"completed,omitzero"` // zero: it has not come to its end
	Source    string    `json:"source"`
	Files     int64     `json:"files,omitempty"` // without folders
	Bytes     int64     `json:"bytes,omitempty"`
	By        string    `json:"by,omitempty"`           // the run and the step
	Last      time.Time `json:"last_complete,omitzero"` // when it was complete before
	// Replaced says that something else was copied over it: it is no longer the copy that it was.
	Replaced bool `json:"replaced,omitempty"`
}

// MarkerFile is the marker's name, at the root of the copy.
const MarkerFile = ".lifeboat-copy"
