package actions

import (
	"context"
	"fmt"
	"path"
	"slices"
	"strings"
	"time"

	"lifeboat/providers"
	"lifeboat/runbook"
)

func hostUnmount(w world) runbook.Kind {
	return runbook.Kind{
		Name:    "host.unmount",
		Summary: "unmount a file system on a host",
		New:     func() runbook.Probe { return &unmount{w: w} },
		Outputs: []runbook.Output{
			{Name: "source", Doc: "the device that was mounted; empty when none was", Type: "string"},
			{Name: "path", Doc: "where it was mounted", Type: "string"},
		},
		Settle:  2 * time.Second,
		Budget:  5 * time.Second,
		Timeout: 5 * time.Minute,
	}
}

// unmount is never lazy and never forces: what is in use stays, and the failure names who uses it.
type unmount struct {
	Host providers.Host `with:"host,required" doc:"the host"`
	Path string         `with:"path,required" doc:"where it is mounted"`
	Sudo bool           `with:"sudo" default:"estate.ssh.user != '' && estate.ssh.user != 'root'" doc:"become root with sudo; when left out, if the ssh user is not root"`

	w world
}

// unmountBefore is how it was mounted.
type unmountBefore struct {
	Source  string `json:"source,omitempty"`
	FSType  string `json:"fstype,omitempty"`
	Options string `json:"options,omitempty"`
	UUID    string `json:"uuid,omitempty"`
}

func (a *unmount) on(call runbook.Call) remote {
	return remote{w: a.w, host: a.Host, sudo: a.Sudo, log: call.Log}
}

func (a *unmount) Prepare(ctx context.Context, call runbook.Call) (runbook.Before, error) {
	if !path.IsAbs(a.Path) || path.Clean(a.Path) == "/" {
		return nil, runbook.Fail(fmt.Sprintf("path %q cannot be unmounted", a.Path), "nothing was changed", "write the whole path, such as /srv/data")
	}
	r := a.on(call)
	argv := []string{"findmnt", "--noheadings", "--raw", "--output", "SOURCE,FSTYPE,OPTIONS", "--mountpoint", path.Clean(a.Path)}
	res, err := r.look(ctx, argv...)
	if err != nil {
		return nil, err
	}
	if res.Status > 1 {
		return nil, r.ended(argv, res)
	}
	var before unmountBefore
	if w := strings.Fields(lastLines(res.Stdout, 1)); len(w) >= 3 {
		before = unmountBefore{Source: w[0], FSType: w[1], Options: again(w[2])}
		// Names of devices change when volumes leave and come; the file system's own does not.
		if res, err = r.peek(ctx, "blkid", "-o", "value", "-s", "UUID", "--", before.Source); err != nil {
			return nil, err
		}
		before.UUID = strings.TrimSpace(res.Stdout)
	}
	return runbook.Keep(before)
}

// again leaves out of the options of a mount what the kernel shows and mount does not take.
func again(options string) string {
	list := strings.Split(options, ",")
	list = slices.DeleteFunc(list, func(o string) bool { return o == "seclabel" || o == "relatime" || o == "rw" })
	return strings.Join(list, ",")
}

func (a *unmount) Observe(ctx context.Context, call runbook.Call) (runbook.Observation, error) {
	source, err := a.on(call).mounted(ctx, a.Path)
	if err != nil {
		return runbook.Observation{}, err
	}
	if source != "" {
		return seen(runbook.Absent, "%s is mounted at %s on %s", source, a.Path, a.Host), nil
	}
	return a.done(call)
}

func (a *unmount) done(call runbook.Call) (runbook.Observation, error) {
	var before unmountBefore
	if err := runbook.Recall(call.Before, &before); err != nil {
		return runbook.Observation{}, err
	}
	o := seen(runbook.Holds, "nothing is mounted at %s on %s", a.Path, a.Host)
	if before.Source != "" {
		o.Evidence += "; it was " + before.Source + " (" + before.FSType + ")"
	}
	o.Outputs = map[string]any{"source": before.Source, "path": path.Clean(a.Path)}
	o.Changed = []runbook.Target{a.Host.Target()}
	return o, nil
}

func (a *unmount) Apply(ctx context.Context, call runbook.Call) (runbook.Observation, error) {
	if o, err := a.Observe(ctx, call); err != nil || o.State == runbook.Holds {
		return o, err
	}
	if err := a.on(call).unmount(ctx, a.Path); err != nil {
		return runbook.Observation{}, err
	}
	return a.Observe(ctx, call) // mounts can be stacked
}

// Undo mounts again what was mounted, where and as it was.
func (a *unmount) Undo(ctx context.Context, call runbook.Call) (runbook.Observation, error) {
	var before unmountBefore
	if err := runbook.Recall(call.Before, &before); err != nil {
		return runbook.Observation{}, err
	}
	if before.Source == "" {
		return seen(runbook.Holds, "nothing was mounted at %s before this step", a.Path), nil
	}
	r := a.on(call)
	source, err := r.mounted(ctx, a.Path)
	if err != nil {
		return runbook.Observation{}, err
	}
	if source != "" {
		return seen(runbook.Holds, "%s is mounted at %s", source, a.Path), nil
	}
	device, err := a.device(ctx, r, before)
	if err != nil {
		return runbook.Observation{}, err
	}
	if err := r.mount(ctx, device, path.Clean(a.Path), before.FSType, before.Options); err != nil {
		return runbook.Observation{}, err
	}
	return seen(runbook.Holds, "%s is mounted at %s again", device, a.Path), nil
}

// device is where the file system is now: under its old name, if that still is it, or where its UUID is.
func (a *unmount) device(ctx context.Context, r remote, before unmountBefore) (string, error) {
	if before.UUID == "" {
		return before.Source, nil
	}
	res, err := r.peek(ctx, "blkid", "-o", "value", "-s", "UUID", "--", before.Source)
	if err != nil || strings.TrimSpace(res.Stdout) == before.UUID {
		return before.Source, err
	}
	device, err := r.fileSystem(ctx, "UUID="+before.UUID)
	if err == nil && device == "" {
		err = runbook.Fail(fmt.Sprintf("no device on %s bears UUID=%s", a.Host, before.UUID), "the volume is not attached; nothing was mounted", "attach it again first")
	}
	return device, err
}

func (a *unmount) Targets(runbook.Call) []runbook.Target { return []runbook.Target{a.Host.Target()} }

// Check asks the host, where there is one already, what is mounted and who uses it.
func (a *unmount) Check(ctx context.Context, call runbook.Call) []runbook.Check {
	what := fmt.Sprintf("%s can be unmounted", a.Path)
	if c, open := notYet(what, a.Path, a.Host.Address); open {
		return []runbook.Check{c}
	}
	o, err := a.Observe(ctx, call)
	if err != nil {
		return []runbook.Check{lookFailed(what, err)}
	}
	if o.State == runbook.Absent {
		o.Evidence += ", used now " + a.on(call).holders(ctx, path.Clean(a.Path))
	}
	return []runbook.Check{well(what, "findmnt", "%s", o.Evidence)}
}

// Depends is the host.
func (a *unmount) Depends() []runbook.Dependency { return onHost(a.Host) }

func (a *unmount) Permissions() []string { return nil }

func (a *unmount) ByHand(call runbook.Call) []string {
	r := a.on(call)
	return []string{r.byHand("fuser", "-vm", a.Path), r.byHand("umount", a.Path)}
}
