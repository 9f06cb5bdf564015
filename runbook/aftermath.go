package runbook

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Aftermath is how a failover has left the world, as far as going back, or rehearsing that, has to know it. It is read from
// the run's own journal: what was undone is not in it.
type Aftermath struct {
	Run      RunID
	Name     string // of the runbook
	Estate   string // its name
	Server   string // the machine that the run launched
	Image    string
	Type     string
	Region   string
	Zone     string
	Host     map[string]any // how it is reached, as the value of a host
	Address  string         // its public address
	Records  []MovedRecord
	Volume   string // that hangs on it
	Device   string
	Path     string // where it is mounted
	Paused   bool   // the replica takes no writes
	Synced   bool   // data was copied onto the volume
	Services []any
	Fenced   []string // instances that were cut off without being stopped: somebody has to let them back
}

// MovedRecord is a record set that the run has changed. Was is empty when there was none.
type MovedRecord struct {
	Name, Type, Now, Was string // values with commas between them
	TTL, WasTTL          int    // seconds
}

// After reads what a run that is over has left. A run that launched no server that still stands, or whose server has no
// address, is an error: there is nothing to bring back.
func After(p *Plan, s *State) (*Aftermath, error) {
	if s.Finished == nil {
		return nil, fmt.Errorf("run %s is not over yet: end it first, or stop it and undo it", s.Run)
	}
	a := &Aftermath{Run: s.Run, Name: p.Name}
	if p.Estate != nil {
		a.Estate = p.Estate.Name
	}
	var launched []string
	for i := range p.Steps {
		step := &p.Steps[i]
		st := s.Step(step.ID)
		if st.Status != StatusDone && st.Status != StatusByHand || st.Undo == UndoDone {
			continue
		}
		if step.Kind.Name == "instance.launch" {
			launched = append(launched, step.ID)
		}
		a.read(step, st, p.Parameters(step.ID, s))
	}
	strange := slices.IndexFunc(a.Records, func(r MovedRecord) bool { return p.Estate == nil || !sameName(r.Name, p.Estate.Service.Name) })
	switch {
	case len(launched) > 1:
		return nil, fmt.Errorf("run %s launched several servers (%s): which of them is to go back where cannot be told from it", s.Run, strings.Join(launched, ", "))
	case strange >= 0:
		return nil, fmt.Errorf("run %s moved %s, which is not the service's own name: its way back is not known", s.Run, a.Records[strange].Name)
	case p.Estate != nil && a.Server != "" && a.Region == p.Estate.Production.Region:
		return nil, fmt.Errorf("run %s left nothing: its server is in %s, where production is", s.Run, a.Region)
	case a.Server == "":
		return nil, fmt.Errorf("run %s launched no server that still stands: there is nothing to bring back (lifeboat undo %s takes back single steps)", s.Run, s.Run)
	case a.Address == "":
		return nil, fmt.Errorf("run %s gave its server no address: it cannot be said where the data is", s.Run)
	}
	return a, nil
}

// read takes what one step did.
func (a *Aftermath) read(step *PlannedStep, st StepState, with map[string]any) {
	text := func(m map[string]any, key string) string { v, _ := m[key].(string); return v }
	switch step.Kind.Name {
	case "instance.launch":
		if a.Server == "" {
			a.Server, a.Region, a.Zone = text(st.Outputs, "instance"), text(st.Outputs, "region"), text(st.Outputs, "zone")
			a.Image, a.Type = text(with, "image"), text(with, "type")
		}
	case "address.associate":
		if text(with, "instance") == a.Server {
			a.Address = text(st.Outputs, "address")
			a.Host, _ = st.Outputs["host"].(map[string]any)
		}
	case "dns.record":
		a.Records = append(a.Records, MovedRecord{
			Name: cmp.Or(text(st.Outputs, "name"), text(with, "name")), Type: cmp.Or(text(with, "type"), "A"),
			Now: text(st.Outputs, "value"), Was: text(st.Outputs, "was"),
			TTL: seconds(st.Outputs["ttl"]), WasTTL: seconds(st.Outputs["was_ttl"]),
		})
	case "volume.attach":
		if text(with, "instance") == a.Server {
			a.Volume, a.Device = text(with, "volume"), cmp.Or(text(st.Outputs, "device"), "/dev/sdf")
		}
	case "host.mount":
		if a.isServer(with["host"]) {
			a.Path = cmp.Or(a.Path, text(with, "path"))
		}
	case "replica.pause":
		a.Paused = true
	case "replica.resume":
		a.Paused = false
	case "rsync":
		a.Synced = true
	case "service.start":
		if list, ok := with["services"].([]any); ok && a.Services == nil && a.isServer(with["host"]) {
			a.Services = list
		}
	case "instance.fence":
		if how := text(st.Outputs, "how"); how != "" && how != "stop" && how != "stopped" {
			a.Fenced = append(a.Fenced, text(with, "instance"))
		}
	}
}

// isServer reports whether the value of a host is the machine that the run launched.
func (a *Aftermath) isServer(host any) bool {
	switch h := host.(type) {
	case string:
		return h == a.Address || h == a.Server
	case map[string]any:
		return h["id"] == a.Server || h["address"] == a.Address
	}
	return false
}

// sameName compares DNS names.
func sameName(a, b string) bool {
	return strings.EqualFold(strings.TrimSuffix(a, "."), strings.TrimSuffix(b, "."))
}

func seconds(v any) int {
	switch v := v.(type) {
	case int:
		return v
	case float64:
		return int(v)
	}
	return 0
}
