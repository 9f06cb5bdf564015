package actions

import (
	"context"
	"crypto/sha256"
	"fmt"
	"strings"
	"time"

	"lifeboat/providers"
	"lifeboat/runbook"
)

func hostFormat(w world) runbook.Kind {
	return runbook.Kind{
		Name:    "host.format",
		Summary: "make a file system on an empty volume",
		New:     func() runbook.Probe { return &makeFS{w: w} },
		Outputs: []runbook.Output{
			{Name: "uuid", Doc: "UUID of the file system", Type: "string"},
			{Name: "source", Doc: "the device that was found", Type: "string"},
		},
		Settle: 2 * time.Second, Budget: 10 * time.Second, Timeout: 10 * time.Minute,
	}
}

// makeFS formats what holds nothing, and nothing else: a volume on which blkid finds a file system or a partition table is
// refused, always. The UUID is made of the run and the step, so that after a crash its own file system is known.
type makeFS struct {
	Host   providers.Host `with:"host,required" doc:"the host"`
	Volume string         `with:"volume,required" doc:"id of the volume"`
	Device string         `with:"device" default:"'/dev/sdf'" doc:"device name that EC2 gave the volume: the output of volume.attach"`
	FSType string         `with:"fstype" default:"'ext4'" doc:"ext4 or xfs"`
	Label  string         `with:"label" doc:"label of the file system"`
	Sudo   bool           `with:"sudo" default:"estate.ssh.user != '' && estate.ssh.user != 'root'" doc:"become root with sudo; when left out, if the ssh user is not root"`

	w world
}

func (a *makeFS) on(call runbook.Call) remote {
	return remote{w: a.w, host: a.Host, sudo: a.Sudo, log: call.Log}
}

// uuid is the file system's, of this step of this run.
func (a *makeFS) uuid(call runbook.Call) string {
	sum := sha256.Sum256([]byte(owner(call)))
	sum[6], sum[8] = sum[6]&0x0f|0x40, sum[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", sum[:4], sum[4:6], sum[6:8], sum[8:10], sum[10:16])
}

// holds says what is on the device: its UUID and its type; both are "" on one that is empty.
func (a *makeFS) holds(ctx context.Context, call runbook.Call) (device, uuid, what string, err error) {
	device, err = (&mount{Host: a.Host, Volume: a.Volume, Device: a.Device, Sudo: a.Sudo, w: a.w}).device(ctx, call)
	if err != nil {
		return "", "", "", err
	}
	if device == "" {
		return "", "", "", providers.Errorf(providers.NotReady, "find the device", a.Host.String(), "%s is not visible on the host yet", a.Volume)
	}
	r := a.on(call)
	argv := r.asRoot([]string{"blkid", "-p", "-o", "export", device})
	res, err := r.look(ctx, argv...)
	switch {
	case err != nil:
		return "", "", "", err
	case res.Status == 2: // nothing that it knows
		return device, "", "", nil
	case res.Status != 0:
		return "", "", "", r.ended(argv, res)
	}
	for l := range strings.Lines(res.Stdout) {
		name, value, _ := strings.Cut(strings.TrimSpace(l), "=")
		switch name {
		case "UUID":
			uuid = value
		case "TYPE", "PTTYPE":
			what = value
		}
	}
	return device, uuid, what, nil
}

// empty refuses a device with anything on it that is not this step's.
func (a *makeFS) empty(ctx context.Context, call runbook.Call) (device string, done bool, err error) {
	switch a.FSType {
	case "ext4", "xfs":
	default:
		return "", false, runbook.Fail(fmt.Sprintf("fstype %q is neither ext4 nor xfs", a.FSType), "nothing was changed", "write ext4 or xfs")
	}
	device, uuid, what, err := a.holds(ctx, call)
	switch {
	case err != nil:
		return "", false, err
	case uuid == a.uuid(call):
		return device, true, nil
	case uuid+what != "":
		return "", false, runbook.Fail(fmt.Sprintf("%s on %s is not empty: it holds %s %s", a.Volume, a.Host, what, uuid), "formatting would destroy it; nothing was changed",
			"make a new volume, or format this one by hand if nobody needs what is on it")
	}
	return device, false, nil
}

func (a *makeFS) Prepare(ctx context.Context, call runbook.Call) (runbook.Before, error) {
	_, _, err := a.empty(ctx, call)
	return nil, err
}

func (a *makeFS) Observe(ctx context.Context, call runbook.Call) (runbook.Observation, error) {
	device, uuid, what, err := a.holds(ctx, call)
	switch {
	case err != nil:
		return runbook.Observation{}, err
	case uuid == a.uuid(call):
		return a.made(device, call), nil
	case uuid+what != "":
		return seen(runbook.Broken, "%s holds %s %s, which is not of this step", a.Volume, what, uuid), nil
	}
	return seen(runbook.Absent, "%s (%s) has no file system", a.Volume, device), nil
}

func (a *makeFS) made(device string, call runbook.Call) runbook.Observation {
	o := seen(runbook.Holds, "%s (%s) on %s has the %s that this step made, UUID %s", a.Volume, device, a.Host, a.FSType, a.uuid(call))
	o.Outputs = map[string]any{"uuid": a.uuid(call), "source": device}
	o.Changed = a.Targets(call)
	return o
}

func (a *makeFS) argv(device string, call runbook.Call) []string {
	if a.FSType == "xfs" {
		return mkfsWords("mkfs.xfs", "-q", "-m", "uuid="+a.uuid(call), a.Label, device)
	}
	return mkfsWords("mkfs.ext4", "-q", "-U", a.uuid(call), a.Label, device)
}

// mkfsWords is the common shape of both programs' command lines.
func mkfsWords(program, quiet, option, value, label, device string) []string {
	return append(append([]string{program, quiet, option, value}, flag("-L", label)...), device)
}

func (a *makeFS) Apply(ctx context.Context, call runbook.Call) (runbook.Observation, error) {
	device, done, err := a.empty(ctx, call)
	if err != nil {
		return runbook.Observation{}, err
	}
	if !done {
		if _, err := a.on(call).must(ctx, a.argv(device, call)...); err != nil {
			return runbook.Observation{}, err
		}
	}
	return a.made(device, call), nil
}

// Targets are the volume, and the host that formats it.
func (a *makeFS) Targets(runbook.Call) []runbook.Target {
	return []runbook.Target{a.Host.Target(), {Kind: "volume", ID: a.Volume, Region: a.Host.Region}}
}

// Check cannot look at a volume that is not attached yet.
func (a *makeFS) Check(ctx context.Context, call runbook.Call) []runbook.Check {
	const what = "the volume is empty"
	if c, open := notYet(what, a.Host.Address, a.Volume); open {
		return []runbook.Check{c}
	}
	if _, _, err := a.empty(ctx, call); err != nil {
		return []runbook.Check{lookFailed(what, err)}
	}
	return []runbook.Check{well(what, "blkid", "%s holds nothing", a.Volume)}
}

// Depends is the host.
func (a *makeFS) Depends() []runbook.Dependency { return onHost(a.Host) }

func (a *makeFS) Permissions() []string { return nil }

func (a *makeFS) ByHand(call runbook.Call) []string {
	r := a.on(call)
	device := (&mount{Volume: orQuestion(a.Volume)}).devices()[0]
	return []string{r.byHand("blkid", "-p", device), r.byHand(a.argv(device, call)...)}
}
