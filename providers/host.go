package providers

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"lifeboat/runbook"
)

// FromValue reads a host as runbooks write it: an address, or an object with address (or host), id, region, user and
// port. The other words of a replica are allowed and left alone, so that `estate.standby.replica` is a host too.
func (h *Host) FromValue(v any) error {
	switch v := v.(type) {
	case Host:
		*h = v
		return nil
	case string:
		if v == "" {
			return fmt.Errorf("the host is empty")
		}
		*h = Host{Address: v}
		return nil
	case map[string]any:
		return h.fromMap(v)
	default:
		return fmt.Errorf("a host is an address, or an object with address, id, region, user and port; not %v", v)
	}
}

func (h *Host) fromMap(m map[string]any) error {
	var out Host
	for _, word := range slices.Sorted(maps.Keys(m)) {
		v := m[word]
		var err error
		switch word {
		case "address", "host":
			if nested, ok := v.(map[string]any); ok {
				err = out.fromMap(nested)
			} else if s, e := text(word, v); s != "" || e != nil {
				out.Address, err = s, e
			}
		case "id":
			out.ID, err = text(word, v)
		case "region":
			out.Region, err = text(word, v)
		case "user":
			out.User, err = text(word, v)
		case "port":
			out.Port, err = Whole(v)
		case "path", "identity", "pause", "paused", "resume", "promote", "promoted", "marker":
		default:
			err = fmt.Errorf("a host has no %q; it has address, id, region, user and port", word)
		}
		if err != nil {
			return err
		}
	}
	if out.Address == "" {
		return fmt.Errorf("the host has no address")
	}
	*h = out
	return nil
}

func text(word string, v any) (string, error) {
	switch v := v.(type) {
	case nil:
		return "", nil
	case string:
		return v, nil
	default:
		return "", fmt.Errorf("%s: %v is not text", word, v)
	}
}

// Whole reads a whole number from a value that YAML, JSON or an expression left; nil is 0.
func Whole(v any) (int, error) {
	switch v := v.(type) {
	case nil:
		return 0, nil
	case int:
		return v, nil
	case int64:
		return int(v), nil
	case uint64:
		return int(v), nil
	case float64:
		if v == float64(int(v)) {
			return int(v), nil
		}
	}
	return 0, fmt.Errorf("%v is not a whole number", v)
}

// Value is the host as an output, which FromValue reads again.
func (h Host) Value() map[string]any {
	m := map[string]any{"address": h.Address}
	for word, v := range map[string]string{"id": h.ID, "region": h.Region, "user": h.User} {
		if v != "" {
			m[word] = v
		}
	}
	if h.Port != 0 {
		m["port"] = h.Port
	}
	return m
}

// Target names the host for the drill fence: by the id under which its key is pinned, because addresses move.
func (h Host) Target() runbook.Target {
	if h.ID != "" {
		return runbook.Target{Kind: "host", ID: h.ID}
	}
	return runbook.Target{Kind: "host", ID: h.Address}
}

func (h Host) String() string {
	if h.ID != "" && h.ID != h.Address {
		return h.ID + " (" + h.Address + ")"
	}
	return h.Address
}

// RecordTarget names a record set for the drill fence. Two spellings of one name give one target.
func RecordTarget(zone, name, kind string) runbook.Target {
	name = strings.ToLower(strings.TrimSuffix(name, "."))
	return runbook.Target{Kind: "record", ID: zone + "/" + name + "./" + strings.ToUpper(kind)}
}
