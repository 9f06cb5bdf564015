package emulator

import (
	"maps"
	"slices"
	"strings"
	"time"
)

// Request is one entry of the log.
type Request struct {
	At      time.Time
	Service string
	Region  string // from the signature
	Action  string
	Params  map[string]string // of the query protocol, secrets and user data left out
	Status  int               // of the answer that was made; 0 when there was none
	Code    string            // error code of the answer
	Fault   FaultKind         // what befell it
	Changes bool              // the action is one that changes something
	Applied bool              // it took effect, whether or not its answer arrived
	Effect  string            // what happened, such as "launched i-0123" or "replayed i-0123"
}

// Requests returns the log so far, oldest first.
func (e *Emulator) Requests() []Request {
	e.logMu.Lock()
	defer e.logMu.Unlock()
	return slices.Clone(e.log)
}

// Mutations are the requests that took effect.
func (e *Emulator) Mutations() []Request {
	return slices.DeleteFunc(e.Requests(), func(r Request) bool { return !r.Applied })
}

// Forget empties the log.
func (e *Emulator) Forget() {
	e.logMu.Lock()
	defer e.logMu.Unlock()
	e.log = nil
}

func (e *Emulator) record(c *call, a *answer, fault FaultKind) {
	r := Request{
		At: c.at, Service: c.service, Region: c.region, Action: c.action, Params: redact(c), Fault: fault,
		Changes: changes(c.action), Effect: c.effect,
	}
	if a != nil {
		r.Status, r.Code = a.status, a.code
		r.Applied = r.Changes && a.status < 300 && !a.injected
	}
	e.logMu.Lock()
	defer e.logMu.Unlock()
	e.log = append(e.log, r)
}

func changes(action string) bool {
	for _, reads := range []string{"Describe", "Get", "List", "Search"} {
		if strings.HasPrefix(action, reads) {
			return false
		}
	}
	return true
}

func redact(c *call) map[string]string {
	out := map[string]string{}
	for _, k := range slices.Sorted(maps.Keys(c.form)) {
		switch {
		case k == "Action" || k == "Version":
		case k == "UserData" || strings.Contains(k, "Secret") || strings.Contains(k, "Password"):
			out[k] = "[left out]"
		default:
			out[k] = c.form.Get(k)
		}
	}
	return out
}
