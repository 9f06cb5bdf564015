package runbook

import (
	"encoding/json"
	"fmt"
	"io"
)

// Secret is a parameter that never shows itself: not when it is printed in any way, not in JSON, not in a log. Only
// Reveal gives it away, and only after it was bound with Secrets.
type Secret struct {
	name    string
	value   *string // a pointer, so that even printing a struct around it with %v shows an address at most
	missing string
}

// NewSecret makes a secret of a value; name is what is shown instead of it.
func NewSecret(name, value string) Secret { return Secret{name: name, value: &value} }

// Reveal returns the value: "" when the step was bound without Secrets.
func (s Secret) Reveal() string {
	if s.value == nil {
		return ""
	}
	return *s.value
}

// Missing says why a secret that may be missing (`with:"NAME,soft"`) could not be had; "" when it was, or was not asked for.
func (s Secret) Missing() string { return s.missing }

// IsZero reports a secret that was not given at all.
func (s Secret) IsZero() bool { return s.name == "" && s.value == nil }

// String names the secret.
func (s Secret) String() string {
	switch {
	case s.IsZero():
		return ""
	case s.name == "":
		return "[secret]"
	}
	return "[secret " + s.name + "]"
}

// GoString is String.
func (s Secret) GoString() string { return s.String() }

// Format prints String, whatever the verb.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, s.String()) }

// MarshalText gives String.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// MarshalJSON gives String.
func (s Secret) MarshalJSON() ([]byte, error) { return json.Marshal(s.String()) }
