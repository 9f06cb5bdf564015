package actions

import (
	"cmp"
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"lifeboat/providers"
	"lifeboat/runbook"
)

func rsync(w world) runbook.Kind {
	return runbook.Kind{
		Name:    "rsync",
		Summary: "bring a folder up to date from another",
		New:     func() runbook.Probe { return &copyTree{w: w} },
		Outputs: []runbook.Output{
			{Name: "summary", Doc: "what rsync said at its end", Type: "string"},
		},
		Settle:        2 * time.Second,
		Budget:        2 * time.Minute,
		Timeout:       30 * time.Minute,
		Interruptible: true,
	}
}

// copyTree copies what is inside one folder into another. It runs on one of the two hosts, so that the data does not
// pass through this machine; or on this machine, where one of the folders is. Running it again is harmless: after a crash
// it is simply run once more, unless the note that it leaves at its end says that it was done.
type copyTree struct {
	From     Place    `with:"from,required" doc:"where the data is: a path, or an object with host and path (a replica is one)"`
	To       Place    `with:"to,required" doc:"where it goes: a path, or an object with host and path"`
	On       string   `with:"on" default:"'target'" doc:"who runs rsync: target (it pulls) or source (it pushes), which reaches the other host with a key of its own (the place's identity); or console, this machine, where one of the two is a folder: it uses ssh.identity or the agent"`
	Delete   bool     `with:"delete" default:"false" doc:"delete what the source does not have, once a dry run has shown that the source is not empty and not under the floor"`
	Floor    int      `with:"floor" default:"50" doc:"with delete: the share in per cent of the target's files, and of its bytes, that the source must have at least; 0 deletes whatever the source lacks, unless it has nothing"`
	Marker   string   `with:"marker" doc:"file at the root of the target that says whether the copy is whole, such as .lifeboat-copy: probe copy.complete reads it. Left out, a marker that is there says from then on that the copy was replaced"`
	Exclude  []string `with:"exclude" doc:"patterns of what to leave out"`
	Options  []string `with:"options" doc:"more rsync options: --checksum, --compress, --hard-links, --acls, --xattrs, --numeric-ids, --sparse, --inplace, --whole-file, --bwlimit=RATE"`
	User     string   `with:"user" default:"estate.ssh.user" doc:"ssh user on the other host, when the place names none"`
	Port     int      `with:"port" default:"estate.ssh.port" doc:"ssh port of the other host, when the place names none"`
	Identity string   `with:"identity" default:"estate.ssh.identity" doc:"private key with which this machine reaches the other host, when the place names none"`
	HostKeys HostKeys `with:"host_keys" default:"estate.ssh.host_keys" doc:"pinned host keys; the other host's are handed to the one that runs rsync"`
	Sudo     bool     `with:"sudo" default:"estate.ssh.user != '' && estate.ssh.user != 'root'" doc:"become root with sudo; when left out, if the ssh user is not root"`

	w world
}

// scratch is where rsync's helpers live: in the home of the ssh user on the host that runs it, because nobody else can
// put something there first, as they could in /tmp.
type scratch struct {
	dir string
	key runbook.Key
}

func (s scratch) knownHosts() string { return s.dir + "/" + string(s.key) + ".known_hosts" }

func (s scratch) note() string { return s.dir + "/" + string(s.key) + ".done" }

// scratch asks the host for its HOME; where that cannot be used, commands start in it anyway.
func (a *copyTree) scratch(ctx context.Context, call runbook.Call) (scratch, error) {
	s := scratch{dir: ".lifeboat", key: call.Key}
	res, err := a.on(call).look(ctx, "printenv", "HOME")
	if err != nil {
		return s, err
	}
	if home := strings.TrimSpace(res.Stdout); strings.HasPrefix(home, "/") && !strings.ContainsAny(home, blanks) {
		s.dir = home + "/.lifeboat"
	}
	return s, nil
}

// blanks are what rsync would split its ssh command at.
const blanks = " '\"\\\t\n"

// runs is the place whose host runs rsync, other the one that it reaches over ssh.
func (a *copyTree) runs() (runs, other Place) {
	runs, other = a.To, a.From
	if a.On == "source" || a.On == onConsole && a.From.Host.Address == "" {
		runs, other = a.From, a.To
	}
	if a.On == onConsole {
		runs.Host = providers.Console()
	}
	return runs, other
}

const onConsole = "console"

func (a *copyTree) on(call runbook.Call) remote {
	runs, _ := a.runs()
	return remote{w: a.w, host: runs.Host, sudo: a.Sudo, log: call.Log}
}

func (a *copyTree) valid() error {
	switch runs, _ := a.runs(); {
	case a.On != "target" && a.On != "source" && a.On != onConsole:
		return runbook.Fail(fmt.Sprintf("on: %q is neither target nor source nor console", a.On), "", "write target, source or console")
	case a.From.Path == "":
		return runbook.Fail("there is nowhere to copy from", "the estate may have no such replica; nothing was changed", "write standby.replica in the estate, or choose another copy of the data")
	case a.To.Path == "":
		return runbook.Fail("there is nowhere to copy to", "", "name it in the step's `to`")
	case !strings.HasPrefix(a.From.Path, "/") || !strings.HasPrefix(a.To.Path, "/"):
		return runbook.Fail(fmt.Sprintf("%q and %q must both be absolute paths", a.From.Path, a.To.Path), "", "write whole paths, such as /srv/data")
	case a.On == onConsole && (a.From.Host.Address == "") == (a.To.Host.Address == ""):
		return runbook.Fail("on: console copies between a folder of this machine and a host", "rsync does not copy from one host to another through a third", "leave the host out of `from` or of `to`; or write target or source")
	case a.Floor < 0 || a.Floor > 100:
		return runbook.Fail(fmt.Sprintf("floor %d is no share in per cent", a.Floor), "", "write a number from 0 to 100")
	case strings.ContainsAny(a.Marker, "/*?[") || strings.HasPrefix(a.Marker, "-") || a.Marker == "." || a.Marker == "..":
		return runbook.Fail(fmt.Sprintf("marker %q is not the plain name of a file", a.Marker), "it lies at the root of the copy", "write a name, such as "+providers.MarkerFile)
	case runs.Host.Address == "":
		return runbook.Fail("no host is named to run rsync on", "lifeboat does not pass data through its own machine", "name a host in `"+map[string]string{"target": "to", "source": "from"}[a.On]+"`")
	}
	for _, o := range a.Options {
		if !allowed(o) {
			return runbook.Fail(fmt.Sprintf("option %q is not one of those that a step may use", o), "others could delete, or run programs", "see the kind's parameter `options`")
		}
	}
	for _, p := range []Place{a.From, a.To, {Path: "identity", Identity: a.Identity}} {
		if strings.ContainsAny(p.Identity+p.Host.ID+p.Host.User+p.Host.Address, blanks) {
			return runbook.Fail(fmt.Sprintf("%s: identity, id, user and address may hold neither blanks nor quotes", p), "rsync splits its ssh command at them", "")
		}
	}
	return nil
}

func allowed(option string) bool {
	switch option {
	case "--checksum", "--compress", "--hard-links", "--acls", "--xattrs", "--numeric-ids", "--sparse", "--inplace", "--whole-file":
		return true
	}
	rate, ok := strings.CutPrefix(option, "--bwlimit=")
	return ok && rate != "" && strings.Trim(rate, "0123456789.kmgKMG") == ""
}

// alias is the name under which the other host's key is pinned, and its keys.
func (a *copyTree) alias() (string, []string) {
	_, other := a.runs()
	for _, name := range []string{other.Host.ID, other.Host.Address} {
		if keys := a.HostKeys[name]; name != "" && len(keys) > 0 {
			return name, keys
		}
	}
	return "", nil
}

// ssh is the command with which rsync reaches the other host. With pinned keys it trusts them and nothing else; without,
// the host that runs rsync must know the other one already.
func (a *copyTree) ssh(place scratch) string {
	_, other := a.runs()
	words := []string{"ssh", "-oBatchMode=yes", "-oConnectTimeout=10", "-oServerAliveInterval=5", "-oServerAliveCountMax=3", "-oStrictHostKeyChecking=yes"}
	if alias, keys := a.alias(); alias != "" {
		words = append(words, "-oHostKeyAlias="+alias, "-oGlobalKnownHostsFile=/dev/null")
		if place.dir != "" {
			words = append(words, "-oUserKnownHostsFile="+place.knownHosts())
		} else {
			words = append(words, "-oUserKnownHostsFile=/dev/null", knownCommand(alias, keys))
		}
	}
	identity := other.Identity
	if identity == "" && a.On == onConsole {
		identity = a.Identity
	}
	if identity != "" {
		words = append(words, "-oIdentitiesOnly=yes", "-i", identity)
	}
	port := other.Host.Port
	if port == 0 {
		port = a.Port
	}
	if port != 0 {
		words = append(words, "-p", strconv.Itoa(port))
	}
	return strings.Join(words, " ")
}

func (a *copyTree) argv(place scratch, more ...string) []string {
	// -s keeps the far shell away from the paths; the last exclude matches nothing and carries the key, so that a rsync
	// of this attempt can be told from others.
	argv := append([]string{"rsync", "-a", "-s", "--info=progress2", "--stats", "--partial", "--timeout=60"}, more...)
	argv = append(a.words(argv), "--exclude=/.lifeboat-"+string(place.key))
	return append(append(argv, a.rsh(place)...), "--", a.end(a.From), a.end(a.To))
}

// words are the options of every rsync of the step, the dry ones too. What is excluded is neither copied nor deleted: the
// marker is the target's own.
func (a *copyTree) words(argv []string) []string {
	if a.Delete {
		argv = append(argv, "--delete")
	}
	for _, e := range a.Exclude {
		argv = append(argv, "--exclude="+e)
	}
	return append(append(argv, "--exclude=/"+cmp.Or(a.Marker, providers.MarkerFile)), a.Options...)
}

func (a *copyTree) rsh(place scratch) []string {
	if _, other := a.runs(); other.Host.Address == "" {
		return nil
	}
	return []string{"-e", a.ssh(place)}
}

// end is a place as the rsync that runs writes it: folders end in a slash, so that what is inside is copied.
func (a *copyTree) end(p Place) string {
	_, other := a.runs()
	dir := strings.TrimRight(p.Path, "/") + "/"
	if p.Host != other.Host || p.Host.Address == "" {
		return dir
	}
	address, user := p.Host.Address, p.Host.User
	if strings.Contains(address, ":") {
		address = "[" + address + "]"
	}
	if user == "" {
		user = a.User
	}
	if user != "" {
		address = user + "@" + address
	}
	return address + ":" + dir
}

// Prepare looks whether there is anything to copy: an unmounted source looks like an empty one, and would empty the copy.
func (a *copyTree) Prepare(ctx context.Context, call runbook.Call) (runbook.Before, error) {
	if err := a.valid(); err != nil {
		return nil, err
	}
	looked, err := a.lookAtSource(ctx, call)
	if err == nil || looked || a.Delete {
		return nil, err
	}
	// This machine cannot look at the source; the one that runs rsync may. Without --delete nothing can be lost.
	logf(call.Log, "could not look at %s beforehand: %v", a.From, err)
	return nil, nil
}

// source is the host of the data as this machine reaches it, target that of the copy.
func (a *copyTree) source(call runbook.Call) remote { return a.reach(a.From, call) }

func (a *copyTree) target(call runbook.Call) remote { return a.reach(a.To, call) }

func (a *copyTree) reach(p Place, call runbook.Call) remote {
	host := p.Host
	if host.Address == "" {
		runs, _ := a.runs()
		host = runs.Host
	}
	if host.User == "" && !host.Local {
		host.User = a.User
	}
	return remote{w: a.w, host: host, sudo: a.Sudo, log: call.Log}
}

// lookAtSource fails when there is nothing to copy; looked says that this was seen, and not only that nobody could look.
func (a *copyTree) lookAtSource(ctx context.Context, call runbook.Call) (looked bool, err error) {
	short, cancel := a.w.clock.WithTimeout(ctx, answerWithin)
	defer cancel()
	source := a.source(call)
	argv := source.asRoot([]string{"ls", "-A", "--", a.From.Path})
	res, err := source.look(short, argv...)
	switch {
	case err != nil:
		return false, err
	case res.Status == 0 && a.holdsData(res.Stdout):
		return true, nil
	case res.Status == 0:
		return true, runbook.Fail(fmt.Sprintf("%s is empty", a.From), "its disk may not be mounted; nothing was copied and nothing deleted", "look: "+source.byHand("findmnt", "--target", a.From.Path))
	case strings.Contains(res.Stderr, "No such file"):
		return true, runbook.Fail(fmt.Sprintf("%s does not exist", a.From), "nothing was copied", "check the path in the estate")
	}
	return false, source.ended(argv, res)
}

// holdsData reads a list of names: what every new disk has, and a copy's own marker, are no data.
func (a *copyTree) holdsData(names string) bool {
	for name := range strings.SplitSeq(names, "\n") {
		switch name = strings.TrimSpace(name); name {
		case "", "lost+found", providers.MarkerFile, a.Marker:
		default:
			return true
		}
	}
	return false
}

// Observe reads the note of the end. Absent means "run it again", which is harmless once no rsync of this key runs any more.
func (a *copyTree) Observe(ctx context.Context, call runbook.Call) (runbook.Observation, error) {
	if err := a.valid(); err != nil {
		return runbook.Observation{}, err
	}
	r := a.on(call)
	place, err := a.scratch(ctx, call)
	if err != nil {
		return runbook.Observation{}, err
	}
	res, err := r.look(ctx, "cat", "--", place.note())
	if err != nil {
		return runbook.Observation{}, err
	}
	if res.Status == 0 {
		return a.done(strings.TrimSpace(res.Stdout)), nil
	}
	// The brackets keep the pattern from finding the shell that was asked to look for it.
	key := string(call.Key)
	if key == "" {
		return seen(runbook.Absent, "it has not run"), nil
	}
	if res, err = r.look(ctx, "pgrep", "-f", "lifeboat-["+key[:1]+"]"+key[1:]); err != nil {
		return runbook.Observation{}, err
	}
	if pid := lastLines(res.Stdout, 1); res.Status == 0 && pid != "" {
		return seen(runbook.Pending, "an rsync of this step still runs on %s (pid %s)", r.host, pid), nil
	}
	return seen(runbook.Absent, "%s has not been copied to the end; running it again is harmless", a.From), nil
}

func (a *copyTree) done(summary string) runbook.Observation {
	o := seen(runbook.Holds, "%s → %s", a.From, a.To)
	if summary != "" {
		o.Evidence += ": " + summary
	}
	o.Outputs = map[string]any{"summary": summary}
	o.Changed = []runbook.Target{a.target(runbook.Call{}).host.Target()}
	return o
}

func (a *copyTree) Apply(ctx context.Context, call runbook.Call) (runbook.Observation, error) {
	if err := a.valid(); err != nil {
		return runbook.Observation{}, err
	}
	r := a.on(call)
	place, err := a.scratch(ctx, call)
	if err != nil {
		return runbook.Observation{}, err
	}
	a.learn(ctx, call)
	if err := a.prepareHost(ctx, r, place); err != nil {
		return runbook.Observation{}, err
	}
	limit, err := a.guarded(ctx, call, place)
	if err != nil {
		return runbook.Observation{}, err
	}
	marker, err := a.begin(ctx, call)
	if err != nil {
		return runbook.Observation{}, err
	}
	res, done, err := a.copy(ctx, call, a.argv(place, limit...))
	if err != nil {
		return runbook.Observation{}, err
	}
	summary, err := verdict(res, a, done)
	if err != nil {
		return runbook.Observation{}, err
	}
	if t, ok := stats(res.Stdout); ok && t.empty {
		return runbook.Observation{}, a.refuses(t)
	}
	if err := a.complete(ctx, call, marker, res.Stdout); err != nil {
		return runbook.Observation{}, err
	}
	a.leave(ctx, r, call, place, summary)
	return a.done(summary), nil
}

// copy runs rsync, and says how much has come.
func (a *copyTree) copy(ctx context.Context, call runbook.Call, argv []string) (providers.Result, float64, error) {
	r := a.on(call)
	logf(call.Log, "%s (on %s)", line(argv), r.host)
	var meter meter
	res, err := a.w.Shell.Run(ctx, r.host, providers.Command{
		Argv: r.asRoot(argv), Log: call.Log, Hang: 5 * time.Minute,
		Line: func(_, l string) {
			if p, ok := meter.read(l); ok {
				call.Progress(p)
			}
		},
	})
	return res, meter.done, err
}

// leave notes the end and takes the keys away. The copy is whole by then: what fails here costs one harmless run
// after a crash, or leaves a small file, and is no failure of the step.
func (a *copyTree) leave(ctx context.Context, r remote, call runbook.Call, place scratch, summary string) {
	if _, err := a.write(ctx, r, place.note(), summary+"\n"); err != nil {
		logf(call.Log, "could not leave the note %s: %v", place.note(), err)
	}
	if alias, _ := a.alias(); alias == "" {
		return
	}
	r.sudo = false
	if _, err := r.change(ctx, "rm", "-f", "--", place.knownHosts()); err != nil {
		logf(call.Log, "could not remove %s: %v", place.knownHosts(), err)
	}
}

// prepareHost makes the scratch folder and hands the pinned keys over.
func (a *copyTree) prepareHost(ctx context.Context, r remote, place scratch) error {
	r.sudo = false
	if _, err := r.must(ctx, "mkdir", "-p", "-m", "0700", "--", place.dir); err != nil {
		return err
	}
	alias, keys := a.alias()
	if alias == "" {
		return nil
	}
	for _, k := range keys {
		if strings.ContainsAny(k, "\r\n") {
			return runbook.Fail(fmt.Sprintf("the pinned host key of %s is more than one line", alias), "", "write one line of TYPE BASE64 for each key")
		}
	}
	res, err := a.write(ctx, r, place.knownHosts(), strings.Join(knownLines(alias, keys), "\n")+"\n")
	if err != nil {
		return err
	}
	return r.ended([]string{"tee", place.knownHosts()}, res)
}

// knownLines are the lines of a known_hosts file.
func knownLines(alias string, keys []string) []string {
	lines := make([]string, len(keys))
	for i, k := range keys {
		lines[i] = alias + " " + k
	}
	return lines
}

// write puts text into a file by way of standard input, so that nothing in it is ever a command line.
func (a *copyTree) write(ctx context.Context, r remote, file, text string) (providers.Result, error) {
	return a.w.Shell.Run(ctx, r.host, providers.Command{Argv: []string{"tee", "--", file}, Stdin: text, Hang: silence})
}

// Targets is the host that is written to, and the one that runs rsync.
func (a *copyTree) Targets(runbook.Call) []runbook.Target {
	runs, _ := a.runs()
	targets := []runbook.Target{runs.Host.Target()}
	if to := a.To.Host; to.Address != "" && to.Target() != targets[0] {
		targets = append(targets, to.Target())
	}
	return targets
}

// Check looks at the source itself: the step puts up with a source that this machine cannot look at, readiness does not.
func (a *copyTree) Check(ctx context.Context, call runbook.Call) []runbook.Check {
	what := fmt.Sprintf("%s holds data", a.From)
	if c, open := notYet(what, a.From.Path, a.From.Host.Address); open {
		return []runbook.Check{c}
	}
	if err := a.valid(); err != nil {
		f := runbook.AsFailure(err)
		return []runbook.Check{notWell("the copy is well described", "", f.Do, "%s", f.What)}
	}
	var checks []runbook.Check
	if _, open := notYet(what, a.source(call).host.Address); open {
		checks = append(checks, unknowable(what, "it is on a machine that is not there yet"))
	} else if _, err := a.lookAtSource(ctx, call); err != nil {
		checks = append(checks, lookFailed(what, err))
	} else {
		checks = append(checks, well(what, "ls over ssh", "it is there and not empty"))
	}
	runs, other := a.runs()
	if c, open := notYet(fmt.Sprintf("%s is reached with %s", other, cmp.Or(other.Identity, "the key of the one that copies")), runs.Host.Address, other.Host.Address); open {
		checks = append(checks, c)
	}
	return append(checks, a.foresee(ctx, call))
}

// Depends is both hosts.
func (a *copyTree) Depends() []runbook.Dependency { return onHost(a.From.Host, a.To.Host) }

// ByHand hands the pinned keys over as the step does.
func (a *copyTree) ByHand(call runbook.Call) []string {
	r, place := a.on(call), scratch{dir: ".lifeboat", key: call.Key}
	if place.key == "" {
		place.key = "by-hand"
	}
	var lines []string
	if alias, keys := a.alias(); alias != "" {
		plain := r
		plain.sudo = false
		lines = append(lines, plain.byHand("mkdir", "-p", "-m", "0700", place.dir),
			line(words("printf", `%s\n`), knownLines(alias, keys))+" | "+plain.byHand("tee", place.knownHosts()))
	}
	if a.Marker == "" {
		return append(lines, r.byHand(a.argv(place)...))
	}
	return append(lines, a.markByHand(call, false), r.byHand(a.argv(place)...), a.markByHand(call, true))
}
