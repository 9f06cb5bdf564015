package runbook

import (
	"cmp"
	"fmt"
	"strings"
	"time"
)

// Failback writes the runbook that takes back what a failover did: the servers, the volume, the record, the replica and the
// fence as the run's journal names them, in the order in which going back is safe. Data comes home twice, once while
// everybody still works and once, small, after the writes have stopped; the name moves last; what the run made goes at the
// very end, and only after a typed word. It is a file like any other: read it, plan it, rehearse it, change it.
//
// A run that moved no server is an error: there is nothing to bring back.
func Failback(p *Plan, s *State) (string, error) {
	f, err := After(p, s)
	if err != nil {
		return "", err
	}
	if p.Estate.Production.Address.ID == "" {
		return "", fmt.Errorf("the estate names no production.address: it cannot be said where the name goes back to")
	}
	w := &failbackWriter{f: f, plan: p, at: s.FinishedAt}
	w.head()
	w.bringUp()
	w.moveData()
	w.moveName()
	w.proveReplica()
	w.cleanUp()
	return w.b.String(), nil
}

// failbackWriter writes YAML line by line: the comments are half of what the file is for.
type failbackWriter struct {
	f    *Aftermath
	plan *Plan
	at   time.Time
	b    strings.Builder
}

func (w *failbackWriter) line(format string, args ...any) { fmt.Fprintf(&w.b, format+"\n", args...) }

// q is a value as YAML reads it back byte for byte.
func q(v any) string {
	switch v := v.(type) {
	case []any:
		words := make([]string, len(v))
		for i, e := range v {
			words[i] = q(e)
		}
		return "[" + strings.Join(words, ", ") + "]"
	case map[string]any:
		var words []string
		for _, k := range sortedKeys(v) {
			words = append(words, k+": "+q(v[k]))
		}
		return "{" + strings.Join(words, ", ") + "}"
	case int, bool:
		return fmt.Sprint(v)
	}
	return quoteYAML(fmt.Sprint(v))
}

// quoteYAML writes a text in double quotes. An expression's braces in a value of the run are taken apart, so that they
// stay text.
func quoteYAML(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range strings.ReplaceAll(s, "${{", "$ {{") {
		switch {
		case r == '"' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r < 0x20 || r == 0x7f:
			fmt.Fprintf(&b, "\\x%02x", r)
		default:
			b.WriteRune(r)
		}
	}
	b.WriteByte('"')
	return b.String()
}

func (w *failbackWriter) head() {
	f, e := w.f, w.plan.Estate
	w.line("# yaml-language-server: $schema=./lifeboat.schema.json")
	w.line("# The way back from run %s (%s, %s), written from what it did.", f.Run, f.Name, w.at.UTC().Format("2006-01-02 15:04 MST"))
	w.line("# It reads of the estate: service, production.{region, instance, image, type, address, volume}, standby.replica, ssh.")
	w.line("lifeboat: 1")
	w.line("kind: runbook")
	w.line("name: failback")
	w.line("title: %s", q("Bring "+e.Service.Name+" back to "+e.Production.Region))
	w.line("summary: %s", q("Use when "+e.Production.Region+" is well again. The inverse of run "+string(f.Run)+"; clients notice from `freeze` to `name`."))
	w.line("estate: %s", q(w.plan.EstateSource.Path))
	w.line("confirm: type")
	w.line("word: %s", q(e.Production.Region))
	w.line("inputs:")
	w.line("  server:")
	w.line("    title: What has become of the old server?")
	w.line("    default: start")
	w.line("    options:")
	w.line("      start: %s", q("It is there: start it ("+cmp.Or(e.Production.Instance.ID, "the estate names none")+")"))
	w.line("      launch: It is gone; a new one is launched from production's image")
	w.line("guards:")
	w.line("  - id: here")
	w.line("    title: %s", q(e.Service.Name+" answers from the server that the run launched"))
	w.line("    uses: http.up")
	w.line("    with: {url: \"${{ estate.service.url }}\", address: %s}", q(f.Address))
	for i, r := range f.Records {
		w.line("  - id: record%s", nth(i))
		w.line("    title: %s", q(r.Name+" still says what the run wrote"))
		w.line("    uses: dns.answers")
		w.line("    with: {name: %s, type: %s, value: %s}", q(r.Name), r.Type, values(r.Now))
		w.line("    waive: key")
	}
	w.line("steps:")
}

// values are the values of a record as a list.
func values(joined string) string {
	var list []any
	for v := range strings.SplitSeq(joined, ",") {
		list = append(list, v)
	}
	return q(list)
}

func nth(i int) string {
	if i == 0 {
		return ""
	}
	return fmt.Sprintf("-%d", i+1)
}

// step writes a step: its id, title, kind, parameters, and further lines.
func (w *failbackWriter) step(id, title, kind, with string, more ...string) {
	w.line("")
	w.line("  - id: %s", id)
	w.line("    title: %s", q(title))
	w.line("    uses: %s", kind)
	if with != "" {
		w.line("    with: {%s}", with)
	}
	for _, m := range more {
		w.line("    %s", m)
	}
}

// oldServer is production's machine, whichever way it came up.
const oldServer = `"${{ inputs.server == 'launch' ? steps.launch.instance : estate.production.instance }}"`

func (w *failbackWriter) bringUp() {
	f, e := w.f, w.plan.Estate
	region := q(e.Production.Region)
	for i, r := range f.Records {
		w.step("ttl"+nth(i), "Let caches keep "+r.Name+" for a minute only", "dns.ttl",
			fmt.Sprintf("name: %s, type: %s, ttl: 60", q(r.Name), r.Type), "needs: []",
			"why: The old TTL still counts for its whole length after this, so it is lowered before anything else.")
	}
	w.step("power", "Start the old server", "instance.start", `instance: "${{ estate.production.instance }}", region: `+region,
		"needs: []", "if: inputs.server == \"start\"")
	up := "needs: [power, launch]"
	if len(f.Fenced) > 0 {
		w.step("let-back", "Let the old server back: it was cut off, not stopped", "manual",
			"text: "+q("The fence of run "+string(f.Run)+" cut off "+strings.Join(f.Fenced, ", ")+" by its security groups or its address. Give it back what it had (lifeboat show "+string(f.Run)+" has it), and see that its services do not write yet."),
			"needs: []", "if: inputs.server == \"start\"")
		up = "needs: [power, launch, let-back]"
	}
	volume := ""
	if e.Production.Volume.ID.ID != "" {
		volume = `, volume: "${{ estate.production.volume.id }}"`
	}
	w.step("launch", "Launch a server from production's image", "instance.launch",
		`image: "${{ estate.production.image }}", type: "${{ estate.production.type }}", zone: "${{ estate.production.volume.zone != '' ? estate.production.volume.zone : estate.production.zone }}", region: `+region+volume+
			`, subnet: "${{ estate.production.subnet }}", security_groups: "${{ estate.production.security_groups }}", key_name: "${{ estate.production.key_name }}", profile: "${{ estate.production.profile }}", name: "${{ estate.service.name }}"`,
		"needs: []", "if: inputs.server == \"launch\"")
	w.step("running", "The old server runs", "instance.ready", "instance: "+oldServer+", region: "+region+", ssh: false", up, "timeout: 10m")
	w.step("address", "It has the address that the name goes back to", "address.associate",
		`address: "${{ estate.production.address }}", instance: `+oldServer+", region: "+region, "needs: [running]")
	ready := "needs: [address]"
	if volume != "" {
		w.step("attach", "Production's volume hangs on it", "volume.attach", `volume: "${{ estate.production.volume.id }}", instance: `+oldServer+", region: "+region, "needs: [running]")
		ready = "needs: [address, attach]"
	}
	w.step("ready", "It answers ssh", "instance.ready", "instance: "+oldServer+", region: "+region+`, address: "${{ estate.production.address }}"`, ready, "timeout: 10m", "budget: 45s")
	if volume != "" {
		w.step("mount", "Mount production's volume", "host.mount",
			`host: "${{ steps.ready.host }}", volume: "${{ estate.production.volume.id }}", path: "${{ estate.production.volume.path }}"`, "needs: [ready]")
	}
	if len(f.Services) > 0 {
		w.step("quiet", "The old server serves nothing yet", "service.stop", `host: "${{ steps.ready.host }}", services: `+q(f.Services), "needs: [ready]",
			"why: Its services may have started with it; two servers that take writes are two truths.")
	}
}

// data says whether there is data to bring home.
func (w *failbackWriter) data() bool {
	return w.f.Path != "" && w.plan.Estate.Production.Volume.Path != ""
}

func (w *failbackWriter) moveData() {
	f := w.f
	last := []string{"ready"}
	if w.has("mount") {
		last = []string{"mount"}
	}
	if w.has("quiet") {
		last = append(last, "quiet")
	}
	switch {
	case w.data() && w.plan.Estate.Production.Volume.ID.ID != "":
		w.step("keep", "Keep what the old volume holds", "volume.snapshot",
			`volume: "${{ estate.production.volume.id }}", region: `+q(w.plan.Estate.Production.Region)+", description: "+q("before the failback from "+string(f.Run)),
			"needs: ["+strings.Join(last, ", ")+"]", "budget: 2m", "timeout: 2h",
			"why: The copy home overwrites it, and deletes what the standby does not have. What was written there last, and had not been copied when it failed, is in this snapshot alone.")
		last = []string{"keep"}
	case w.data():
		w.step("keep", "Keep what the old folder holds", "manual",
			"text: "+q("The copy home overwrites "+w.plan.Estate.Production.Volume.Path+" on the old server, and deletes what the standby does not have. Keep what was written there last, such as by a snapshot."),
			"needs: ["+strings.Join(last, ", ")+"]", "confirm: type", "word: KEPT")
		last = []string{"keep"}
	}
	if w.data() {
		w.step("copy", "Bring the data home while everybody still works", "rsync", w.rsync(), "needs: ["+strings.Join(last, ", ")+"]",
			"budget: 5m", "timeout: 2h", "why: Only what has changed since the failover is copied; what is written meanwhile follows in `sync`.")
		last = []string{"copy"}
	}
	if len(f.Services) > 0 {
		w.step("freeze", "Stop the services: from here clients wait", "service.stop", "host: "+q(f.Host)+", services: "+q(f.Services),
			"needs: ["+strings.Join(append(last, w.ids("ttl")...), ", ")+"]", "confirm: type", "word: FREEZE")
		last = []string{"freeze"}
	} else {
		w.step("freeze", "Stop what writes: from here clients wait", "manual",
			"text: "+q("The run started no services that lifeboat could stop. Stop by hand what writes on "+f.Server+" ("+f.Address+")."),
			"needs: ["+strings.Join(append(last, w.ids("ttl")...), ", ")+"]", "confirm: type", "word: FREEZE")
		last = []string{"freeze"}
	}
	if !w.data() {
		w.step("data", "Bring home what was written since", "manual",
			"text: "+q("Neither the run nor the estate says where the data is (production.volume.path, and a mounted volume on the standby). Bring home by hand what was written on "+f.Server+" since the failover; this runbook does not."),
			"needs: ["+strings.Join(last, ", ")+"]", "confirm: type", "word: BROUGHT HOME")
		last = []string{"data"}
	}
	if w.data() {
		w.step("sync", "Copy what was written since", "rsync", w.rsync(), "needs: ["+strings.Join(last, ", ")+"]", "budget: 30s", "timeout: 30m")
		last = []string{"sync"}
	}
	if len(f.Services) > 0 {
		w.step("services", "Start the services where they were", "service.start", `host: "${{ steps.ready.host }}", services: `+q(f.Services), "needs: ["+strings.Join(last, ", ")+"]", "budget: 1m")
		last = []string{"services"}
	}
	w.step("proof", "The old server serves the page", "http.up", `url: "${{ estate.service.url }}", address: "${{ estate.production.address }}"`, "needs: ["+strings.Join(last, ", ")+"]")
}

// rsync is the copy home: the old server pulls, with the key with which the new one pulled from the replica.
func (w *failbackWriter) rsync() string {
	from := map[string]any{"path": w.f.Path}
	for k, v := range w.f.Host {
		from[k] = v
	}
	if r := w.plan.Estate.Standby.Replica; r != nil && r.Identity != "" {
		from["identity"] = r.Identity
	}
	return "from: " + q(from) + `, to: {host: "${{ steps.ready.host }}", path: "${{ estate.production.volume.path }}"}, delete: true`
}

func (w *failbackWriter) moveName() {
	needs := "needs: [proof]"
	for i, r := range w.f.Records {
		was := cmp.Or(r.Was, w.plan.Estate.Production.Address.ID)
		value := values(was)
		w.step("name"+nth(i), "Point "+r.Name+" back at "+was, "dns.record",
			fmt.Sprintf("name: %s, type: %s, value: %s, ttl: 60", q(r.Name), r.Type, value), needs, "retry: {attempts: 6}")
		w.step("converged"+nth(i), "Every authoritative name server says so", "dns.answers",
			fmt.Sprintf("name: %s, type: %s, value: %s", q(r.Name), r.Type, value), "budget: 1m", "timeout: 10m")
		ttl := cmp.Or(r.WasTTL, r.TTL)
		if e := w.plan.Estate; r.Name == e.Service.Name { // a planned move has lowered it first: its own time is the estate's
			ttl = int(e.Service.ttl() / time.Second)
		}
		if ttl > 0 {
			w.step("ttl-back"+nth(i), "Let caches keep it for "+(time.Duration(ttl)*time.Second).String()+" again", "dns.ttl",
				fmt.Sprintf("name: %s, type: %s, ttl: %d, restore: true", q(r.Name), r.Type, ttl))
		}
	}
	w.step("serving", w.plan.Estate.Service.Name+" answers", "http.up", `url: "${{ estate.service.url }}", address: "${{ estate.production.address }}"`,
		"needs: ["+strings.Join(append([]string{"proof"}, w.ids("converged")...), ", ")+"]")
}

func (w *failbackWriter) proveReplica() {
	e := w.plan.Estate
	if !w.f.Paused {
		return
	}
	w.step("replicate", "Let the replica take writes again", "replica.resume", `replica: "${{ estate.standby.replica }}"`, "needs: [proof]")
	if e.Production.Heartbeat != "" || e.Standby.Heartbeat != "" {
		w.step("lag", "The replica follows production again", "replica.lag", `replica: "${{ estate.standby.replica }}"`, "timeout: 30m",
			"why: Without it the next failover loses what was written since the last one.")
	}
}

// cleanUp removes what the run made. It is the last thing, asks for a word, and never comes before the page is proved.
func (w *failbackWriter) cleanUp() {
	f := w.f
	needs := []string{"serving"}
	for _, id := range []string{"replicate", "lag"} {
		if w.has(id) {
			needs = append(needs, id)
		}
	}
	region := q(f.Region)
	gone := "needs: [" + strings.Join(needs, ", ") + "]"
	if f.Path != "" {
		w.step("unmount", "Unmount the standby volume", "host.unmount", "host: "+q(f.Host)+", path: "+q(f.Path), gone)
		gone = "needs: [unmount]"
	}
	if f.Volume != "" {
		w.step("detach", "Free the standby volume for the next time", "volume.detach", "volume: "+q(f.Volume)+", instance: "+q(f.Server)+", region: "+region, gone)
		gone = "needs: [detach]"
	}
	w.step("release", "Free the standby address for the next time", "address.disassociate", "address: "+q(f.Address)+", instance: "+q(f.Server)+", region: "+region, gone)
	if !w.data() {
		w.line("")
		w.line("  # %s is left as it is: its data may be there alone. Terminate it when you are sure.", f.Server)
		return
	}
	w.step("terminate", "Terminate the server that the run launched", "instance.terminate", "instance: "+q(f.Server)+", region: "+region, "confirm: type", "word: "+q(f.Server))
}

// ids are the steps written so far whose id is the word, or the word with a number.
func (w *failbackWriter) ids(word string) []string {
	var out []string
	for i := range w.f.Records {
		if id := word + nth(i); w.has(id) {
			out = append(out, id)
		}
	}
	return out
}

func (w *failbackWriter) has(id string) bool {
	return strings.Contains(w.b.String(), "\n  - id: "+id+"\n")
}
