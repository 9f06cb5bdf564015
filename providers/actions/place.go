package actions

import (
	"fmt"
	"maps"
	"slices"

	"lifeboat/providers"
	"lifeboat/runbook"
)

// Place is a folder on a host, or, without a host, on the machine that does the work.
type Place struct {
	Host     providers.Host
	Path     string
	Identity string // private key, on the machine that does the work, with which it reaches the host
}

// FromValue reads a path, or an object with host and path. host may itself be a host; the words of a replica beside it
// (id, user, port, identity) are read too, so that `estate.standby.replica` is a place. Nothing at all is an empty place.
func (p *Place) FromValue(v any) error {
	switch v := v.(type) {
	case nil:
		*p = Place{}
		return nil
	case string:
		*p = Place{Path: v}
		return nil
	case *runbook.Replica:
		if v == nil {
			*p = Place{}
			return nil
		}
		*p = Place{Host: replicaHost(*v), Path: v.Path, Identity: v.Identity}
		return nil
	case map[string]any:
		return p.fromMap(v)
	}
	return fmt.Errorf("a place is a path, or an object with host and path; not %v", v)
}

func (p *Place) fromMap(m map[string]any) error {
	out := Place{}
	var err error
	if out.Path, err = word(m, "path"); err != nil {
		return err
	}
	if out.Path == "" {
		return fmt.Errorf("the place has no path")
	}
	if out.Identity, err = word(m, "identity"); err != nil {
		return err
	}
	rest := maps.Clone(m)
	delete(rest, "path")
	delete(rest, "identity")
	if rest["host"] != nil || rest["address"] != nil {
		if err := out.Host.FromValue(rest); err != nil {
			return err
		}
	}
	*p = out
	return nil
}

// String is the place as rsync writes it.
func (p Place) String() string {
	if p.Host.Address == "" {
		return p.Path
	}
	return p.Host.Address + ":" + p.Path
}

// Replica is a host with a live copy, and the commands that stop and start its intake and make it the one that is written
// to.
type Replica struct {
	Place
	Pause, Paused, Resume, Promote, Promoted []string
}

// FromValue reads a replica as the estate has it. Nothing at all is an empty one: an estate may have none.
func (r *Replica) FromValue(v any) error {
	switch v := v.(type) {
	case nil:
		*r = Replica{}
		return nil
	case *runbook.Replica:
		if v == nil {
			*r = Replica{}
			return nil
		}
		*r = Replica{Place: Place{Host: replicaHost(*v), Path: v.Path, Identity: v.Identity}, Pause: v.Pause, Paused: v.Paused, Resume: v.Resume, Promote: v.Promote, Promoted: v.Promoted}
		return nil
	case map[string]any:
		out := Replica{}
		if err := out.Place.FromValue(v); err != nil {
			return err
		}
		for name, to := range map[string]*[]string{
			"pause": &out.Pause, "paused": &out.Paused, "resume": &out.Resume, "promote": &out.Promote, "promoted": &out.Promoted,
		} {
			if v[name] == nil {
				continue
			}
			argv, err := list(v[name])
			if err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
			*to = argv
		}
		*r = out
		return nil
	}
	return fmt.Errorf("a replica is an object with host, path, pause, paused and resume, such as estate.standby.replica; not %v", v)
}

func replicaHost(r runbook.Replica) providers.Host {
	return providers.Host{Address: r.Host, ID: r.ID, User: r.User, Port: r.Port}
}

// HostKeys are pinned host keys, by the name under which a host is pinned: lines of TYPE BASE64.
type HostKeys map[string][]string

// FromValue reads an object of lists.
func (k *HostKeys) FromValue(v any) error {
	switch v := v.(type) {
	case nil:
		*k = nil
		return nil
	case map[string][]string:
		*k = maps.Clone(v)
		return nil
	case map[string]any:
		out := HostKeys{}
		for _, name := range slices.Sorted(maps.Keys(v)) {
			keys, err := list(v[name])
			if err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
			out[name] = keys
		}
		*k = out
		return nil
	}
	return fmt.Errorf("host keys are an object of lists, by host; not %v", v)
}

func word(m map[string]any, name string) (string, error) {
	switch v := m[name].(type) {
	case nil:
		return "", nil
	case string:
		return v, nil
	default:
		return "", fmt.Errorf("%s: %v is not text", name, v)
	}
}

func list(v any) ([]string, error) {
	switch v := v.(type) {
	case nil:
		return nil, nil
	case []string:
		return slices.Clone(v), nil
	case []any:
		out := make([]string, 0, len(v))
		for _, e := range v {
			s, ok := e.(string)
			if !ok {
				return nil, fmt.Errorf("%v is not text", e)
			}
			out = append(out, s)
		}
		return out, nil
	}
	return nil, fmt.Errorf("%v is not a list of text", v)
}
