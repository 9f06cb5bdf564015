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
		Timeout: time.Minute,
	}
}

// mount finds the device by the volume's id: what EC2 calls /dev/sdf the kernel may call nvme1n1, and tomorrow
// otherwise. It never mounts over something else.
type mount struct {
	Host    providers.Host `with:"host,required" doc:"the host"`
	Volume  string         `with:"volume,required" doc:"id of the volume"`
	Device  string         `with:"device" default:"'/dev/sdf'" doc:"device name that EC2 gave it: the output of volume.attach; used on machines without NVMe"`
	Path    string         `with:"path,required" doc:"where to mount it"`
	FSType  string         `with:"fstype" doc:"type of the file system; found out when left out"`
	Options string         `with:"options" doc:"mount options, separated by commas"`
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

// devices are the names under which the volume may appear, the surest first.
func (a *mount) devices() []string {
	list := []string{"/dev/disk/by-id/nvme-Amazon_Elastic_Block_Store_" + strings.ReplaceAll(a.Volume, "-", "")}
	if a.Device != "" {
		list = append(list, a.Device)
		if rest, ok := strings.CutPrefix(a.Device, "/dev/sd"); ok {
			list = append(list, "/dev/xvd"+rest)
		}
	}
	return list
}

// device asks the host which of the names exists, and returns what it stands for; "" is none. On a machine with NVMe the
// id is the only name that counts: there /dev/sdf, where it exists, may stand for another volume.
func (a *mount) device(ctx context.Context, call runbook.Call) (string, error) {
	names := a.devices()
	byID, rest := names[0], names[1:]
	res, err := a.on(call).look(ctx, "readlink", "-e", "--", byID)
	if err != nil || res.Status == 0 || len(rest) == 0 {
		return strings.TrimSpace(res.Stdout), err
	}
	// readlink -e prints one line for each name that exists, in order. Its status says only that one was missing.
	if res, err = a.on(call).look(ctx, append([]string{"readlink", "-e", "--"}, rest...)...); err != nil {
		return "", err
	}
	first, _, _ := strings.Cut(res.Stdout, "\n")
	if first = strings.TrimSpace(first); strings.HasPrefix(first, "/dev/nvme") {
		return "", nil
	}
	return first, nil
}

// mounted returns the source that is mounted at the path; "" is none.
func (a *mount) mounted(ctx context.Context, call runbook.Call) (string, error) {
	argv := []string{"findmnt", "--noheadings", "--output", "SOURCE", "--mountpoint", path.Clean(a.Path)}
	res, err := a.on(call).look(ctx, argv...)
	if err != nil {
		return "", err
	}
	if res.Status > 1 {
		return "", a.on(call).ended(argv, res)
	}
	// Mounts can be stacked; the last line is the one that is seen.
	return lastLines(res.Stdout, 1), nil
}

func (a *mount) Prepare(ctx context.Context, call runbook.Call) (runbook.Before, error) {
	if !path.IsAbs(a.Path) {
		return nil, runbook.Fail(fmt.Sprintf("path %q is not absolute", a.Path), "", "write the whole path, such as /srv/data")
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
	source, err := a.mounted(ctx, call)
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
		return a.done(source), nil
	}
	return seen(runbook.Broken, "%s on %s is a mount of %s, not of %s (%s)", a.Path, a.Host, source, a.Volume, orQuestion(device)), nil
}

func (a *mount) done(source string) runbook.Observation {
	o := seen(runbook.Holds, "%s (%s) at %s on %s", a.Volume, source, a.Path, a.Host)
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
	if _, err := r.must(ctx, "mkdir", "-p", "--", at); err != nil {
		return runbook.Observation{}, err
	}
	argv := append(append([]string{"mount"}, flag("-t", a.FSType)...), flag("-o", a.Options)...)
	if _, err := r.must(ctx, append(argv, "--", device, at)...); err != nil {
		return runbook.Observation{}, err
	}
	return a.done(device), nil
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
				fmt.Sprintf("%s does not appear on %s (looked for %s)", a.Volume, a.Host, strings.Join(a.devices(), ", ")),
				"the volume is not attached to this machine, or its kernel calls it something else; nothing was changed",
				"see what is there: "+a.on(call).byHand("lsblk", "-o", "NAME,SERIAL,SIZE,MOUNTPOINT"))
		}
		call.Progress(runbook.Progress{Text: fmt.Sprintf("waiting for %s to appear", a.Volume)})
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
	source, err := a.mounted(ctx, call)
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
	argv := []string{"umount", "--", path.Clean(a.Path)}
	res, err := a.on(call).change(ctx, argv...)
	if err != nil {
		return runbook.Observation{}, err
	}
	if err := a.on(call).ended(argv, res); err != nil {
		f := runbook.AsFailure(err)
		f.Do = "see who uses it: " + a.on(call).byHand("fuser", "-vm", path.Clean(a.Path))
		return runbook.Observation{}, &f
	}
	return seen(runbook.Holds, "%s is unmounted", a.Path), nil
}

func (a *mount) Targets(runbook.Call) []runbook.Target { return []runbook.Target{a.Host.Target()} }

func (a *mount) Permissions() []string { return nil }

// Check asks the host, where there is one already, what is mounted at the path.
func (a *mount) Check(ctx context.Context, call runbook.Call) []runbook.Check {
	what := fmt.Sprintf("%s can be mounted at %s", a.Volume, a.Path)
	if c, open := notYet(what, a.Path, a.Volume); open {
		return []runbook.Check{c}
	}
	if !path.IsAbs(a.Path) {
		return []runbook.Check{notWell(what, "", "write the whole path, such as /srv/data", "the path is not absolute")}
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
	return []string{
		r.byHand("mkdir", "-p", a.Path),
		r.byHand(append(argv, a.devices()[0], a.Path)...),
	}
}
