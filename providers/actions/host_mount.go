package actions

import (
	"context"
	"fmt"
	"path"
	"strings"
	"time"

	"lifeboat/providers"
	"lifeboat/runbook"
)

func hostMount(w world) runbook.Kind {
	return runbook.Kind{
		Name:    "host.mount",
		Summary: "mount a volume on a host",
		New:     func() runbook.Probe { return &mount{w: w} },
		Outputs: []runbook.Output{
			{Name: "source", Doc: "the device that was found", Type: "string"},
			{Name: "path", Doc: "where it is mounted", Type: "string"},
		},
		Settle:  2 * time.Second,
		Budget:  5 * time.Second,
		Timeout: 5 * time.Minute,
	}
}

// mount finds the device by the volume's id, or by what the file system says of itself: what EC2 calls /dev/sdf the kernel
// may call nvme1n1, and tomorrow otherwise. It never mounts over something else.
type mount struct {
	Host    providers.Host `with:"host,required" doc:"the host"`
	Volume  string         `with:"volume" doc:"id of the volume; this, uuid or label says what to mount"`
	UUID    string         `with:"uuid" doc:"UUID of the file system"`
	Label   string         `with:"label" doc:"label of the file system"`
	Device  string         `with:"device" default:"'/dev/sdf'" doc:"device name that EC2 gave the volume: the output of volume.attach; used on machines without NVMe"`
	Path    string         `with:"path,required" doc:"where to mount it"`
	FSType  string         `with:"fstype" doc:"type of the file system; found out when left out"`
	Options string         `with:"options" doc:"mount options, separated by commas, such as ro; nouuid for an xfs copy whose original is mounted too"`
	Verify  bool           `with:"check" doc:"check the file system first, changing nothing (e2fsck -n, xfs_repair -n), and mount it only when it is whole; give the step a timeout that lasts for it"`
	Sudo    bool           `with:"sudo" default:"estate.ssh.user != '' && estate.ssh.user != 'root'" doc:"become root with sudo; when left out, if the ssh user is not root"`

	w world
}

// mountBefore says whether it was mounted already.
type mountBefore struct {
	Mounted bool `json:"mounted"`
}

func (a *mount) on(call runbook.Call) remote {
	return remote{w: a.w, host: a.Host, sudo: a.Sudo, log: call.Log}
}

// what names what is mounted.
func (a *mount) what() string {
	switch {
	case a.UUID != "":
		return "UUID=" + a.UUID
	case a.Label != "":
		return "LABEL=" + a.Label
	}
	return a.Volume
}

// words holds the parameters against each other.
func (a *mount) words() error {
	given := 0
	for _, v := range []string{a.Volume, a.UUID, a.Label} {
		if v != "" {
			given++
		}
	}
	switch {
	case !path.IsAbs(a.Path):
		return runbook.Fail(fmt.Sprintf("path %q is not absolute", a.Path), "", "write the whole path, such as /srv/data")
	case given != 1:
		return runbook.Fail(fmt.Sprintf("%d of volume, uuid and label are given", given), "one of them says what to mount; nothing was changed", "write one of them")
	case strings.ContainsAny(a.Options, " \t\n") || strings.HasPrefix(a.Options, "-"):
		return runbook.Fail(fmt.Sprintf("the mount options are %q", a.Options), "they are words separated by commas; nothing was changed", "write them as in ro,noatime")
	}
	return nil
}

func (a *mount) Prepare(ctx context.Context, call runbook.Call) (runbook.Before, error) {
	if err := a.words(); err != nil {
		return nil, err
	}
	o, err := a.Observe(ctx, call)
	if err != nil {
		return nil, err
	}
	if o.State == runbook.Broken {
		return nil, runbook.Fail(o.Evidence, "mounting over it would hide what is there; nothing was changed", "unmount it, or choose another path: "+a.on(call).byHand("umount", path.Clean(a.Path)))
	}
	return runbook.Keep(mountBefore{Mounted: o.State == runbook.Holds})
}

func (a *mount) Observe(ctx context.Context, call runbook.Call) (runbook.Observation, error) {
	source, err := a.on(call).mounted(ctx, a.Path)
	if err != nil {
		return runbook.Observation{}, err
	}
	if source == "" {
		return seen(runbook.Absent, "nothing is mounted at %s on %s", a.Path, a.Host), nil
	}
	device, err := a.device(ctx, call)
	if err != nil {
		return runbook.Observation{}, err
	}
	if device == source {
		return a.done(source, ""), nil
	}
	return seen(runbook.Broken, "%s on %s is a mount of %s, not of %s (%s)", a.Path, a.Host, source, a.what(), orQuestion(device)), nil
}

func (a *mount) done(source, checked string) runbook.Observation {
	o := seen(runbook.Holds, "%s (%s) at %s on %s", a.what(), source, a.Path, a.Host)
	if checked != "" {
		o.Evidence += "; " + checked
	}
	o.Outputs = map[string]any{"source": source, "path": path.Clean(a.Path)}
	o.Changed = []runbook.Target{a.Host.Target()}
	return o
}

func (a *mount) Apply(ctx context.Context, call runbook.Call) (runbook.Observation, error) {
	var before mountBefore
	if err := runbook.Recall(call.Before, &before); err != nil {
		return runbook.Observation{}, err
	}
	if before.Mounted {
		return a.Observe(ctx, call)
	}
	device, err := a.appears(ctx, call)
	if err != nil {
		return runbook.Observation{}, err
	}
	r, at := a.on(call), path.Clean(a.Path)
	checked := ""
	if a.Verify {
		if checked, err = r.verify(ctx, call, device, a.FSType); err != nil {
			return runbook.Observation{}, err
		}
	}
	if _, err := r.must(ctx, "mkdir", "-p", "--", at); err != nil {
		return runbook.Observation{}, err
	}
	if err := r.mount(ctx, device, at, a.FSType, a.Options); err != nil {
		return runbook.Observation{}, err
	}
	return a.done(device, checked), nil
}

// appears waits for the device: udev may need a moment after EC2 says "attached".
func (a *mount) appears(ctx context.Context, call runbook.Call) (string, error) {
	const patience, pause = 20 * time.Second, 500 * time.Millisecond
	for waited := time.Duration(0); ; waited += pause {
		device, err := a.device(ctx, call)
		if err != nil || device != "" {
			return device, err
		}
		if waited >= patience {
			return "", runbook.Fail(
				fmt.Sprintf("%s does not appear on %s (looked for %s)", a.what(), a.Host, strings.Join(a.devices(), ", ")),
				"the volume is not attached to this machine, or its kernel calls it something else; nothing was changed",
				"see what is there: "+a.on(call).byHand("lsblk", "-o", "NAME,SERIAL,SIZE,MOUNTPOINT"))
		}
		call.Progress(runbook.Progress{Text: fmt.Sprintf("waiting for %s to appear", a.what())})
		if err := runbook.Sleep(ctx, a.w.clock, pause); err != nil {
			return "", err
		}
	}
}

// Undo unmounts what this step mounted. It is never lazy: a mount in use stays, and the volume with it.
func (a *mount) Undo(ctx context.Context, call runbook.Call) (runbook.Observation, error) {
	var before mountBefore
	if err := runbook.Recall(call.Before, &before); err != nil {
		return runbook.Observation{}, err
	}
	if before.Mounted {
		return seen(runbook.Holds, "%s was mounted before this step", a.Path), nil
	}
	source, err := a.on(call).mounted(ctx, a.Path)
	if err != nil {
		return runbook.Observation{}, err
	}
	did, _ := call.Did["source"].(string)
	switch {
	case source == "":
		return seen(runbook.Holds, "nothing is mounted at %s", a.Path), nil
	case did != "" && source != did:
		return seen(runbook.Holds, "%s is a mount of %s, not as this step left it; it was left alone", a.Path, source), nil
	}
	if err := a.on(call).unmount(ctx, a.Path); err != nil {
		return runbook.Observation{}, err
	}
	return seen(runbook.Holds, "%s is unmounted", a.Path), nil
}

func (a *mount) Targets(runbook.Call) []runbook.Target { return []runbook.Target{a.Host.Target()} }

func (a *mount) Permissions() []string { return nil }

// Check asks the host, where there is one already, what is mounted at the path.
func (a *mount) Check(ctx context.Context, call runbook.Call) []runbook.Check {
	what := fmt.Sprintf("%s can be mounted at %s", a.what(), a.Path)
	if c, open := notYet(what, a.Path, a.Volume, a.UUID, a.Label); open {
		return []runbook.Check{c}
	}
	if err := a.words(); err != nil {
		f := runbook.AsFailure(err)
		return []runbook.Check{notWell(what, "", f.Do, "%s", f.What)}
	}
	if c, open := notYet(what, a.Host.Address, a.Device); open {
		return []runbook.Check{c}
	}
	o, err := a.Observe(ctx, call)
	switch {
	case err != nil:
		return []runbook.Check{lookFailed(what, err)}
	case o.State == runbook.Broken:
		return []runbook.Check{notWell(what, "findmnt", "unmount it, or choose another path", "%s", o.Evidence)}
	}
	return []runbook.Check{well(what, "findmnt", "%s", o.Evidence)}
}

// Depends is the host.
func (a *mount) Depends() []runbook.Dependency { return onHost(a.Host) }

func (a *mount) ByHand(call runbook.Call) []string {
	argv := append(append([]string{"mount"}, flag("-t", a.FSType)...), flag("-o", a.Options)...)
	r := a.on(call)
	list := []string{}
	if a.Verify {
		list = append(list, r.byHand("fsck", "-n", a.devices()[0]))
	}
	return append(list, r.byHand("mkdir", "-p", a.Path), r.byHand(append(argv, a.devices()[0], a.Path)...))
}
