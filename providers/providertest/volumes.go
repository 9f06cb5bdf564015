package providertest

import (
	"context"

	"lifeboat/providers"
)

var volumeChecks = []check{
	{"a volume is attached and detached", canAttach, attachAndDetach},
	{"a volume that hangs elsewhere is a conflict", canAttach, attachConflict},
	{"a machine that is not ready is said to be so", canAttach, attachPending},
	{"a volume of another zone is a mismatch", canAttachFar, attachFar},
	{"an unknown volume is not found", canAttach, unknownVolume},
}

func canAttach(l Lab) map[string]bool {
	needs := canLaunch(l)
	needs["volume"] = l.Set.Volumes != nil && l.Volume != ""
	return needs
}

func canAttachFar(l Lab) map[string]bool {
	needs := canLaunch(l)
	needs["volume in another zone"] = l.Set.Volumes != nil && l.FarVolume != ""
	return needs
}

const device = "/dev/sdf"

// attach attaches the volume and waits for it; it is free again when the check ends.
func (l lab) attach(instance string) {
	l.t.Helper()
	l.ok("attach", l.Set.Volumes.Attach(l.ctx(), l.Region, l.Volume, instance, device))
	l.t.Cleanup(func() { l.free(instance) })
	l.eventually("attached", func(ctx context.Context) (bool, error) {
		v, err := l.Set.Volumes.Volume(ctx, l.Region, l.Volume)
		if err == nil && v.Instance != instance {
			l.t.Fatalf("accepted, and then %+v", v)
		}
		return v.Attachment == "attached" && v.State == "in-use", err
	})
}

func (l lab) free(instance string) {
	l.t.Helper()
	l.eventually("detach", func(ctx context.Context) (bool, error) {
		err := l.Set.Volumes.Detach(ctx, l.Region, l.Volume, instance)
		return err == nil, err
	})
	l.eventually("free", func(ctx context.Context) (bool, error) {
		v, err := l.Set.Volumes.Volume(ctx, l.Region, l.Volume)
		return v.Instance == "" && v.State == "available", err
	})
}

func attachAndDetach(l lab) {
	i := l.launch(l.spec(l.token("a")))
	l.running(i.ID)
	l.attach(i.ID)
	v, err := l.Set.Volumes.Volume(l.ctx(), l.Region, l.Volume)
	l.ok("volume", err)
	if v.Device != device || v.Zone != l.Zone {
		l.t.Errorf("attached as %+v", v)
	}
	l.ok("attach where it hangs", l.Set.Volumes.Attach(l.ctx(), l.Region, l.Volume, i.ID, device))
	l.free(i.ID)
	l.ok("detach what is free", l.Set.Volumes.Detach(l.ctx(), l.Region, l.Volume, i.ID))
}

func attachConflict(l lab) {
	one, two := l.launch(l.spec(l.token("a"))), l.launch(l.spec(l.token("b")))
	l.running(one.ID)
	l.running(two.ID)
	l.attach(one.ID)
	l.want(providers.Conflict, "a volume that hangs elsewhere", l.Set.Volumes.Attach(l.ctx(), l.Region, l.Volume, two.ID, device))
	l.ok("detach from where it does not hang", l.Set.Volumes.Detach(l.ctx(), l.Region, l.Volume, two.ID))
	v, err := l.Set.Volumes.Volume(l.ctx(), l.Region, l.Volume)
	l.ok("volume", err)
	if v.Instance != one.ID {
		l.t.Errorf("after a refusal the volume hangs on %q, not on %s", v.Instance, one.ID)
	}
}

// attachPending asks as long as the machine is pending: nothing but NotReady (or NotFound, reads lag) is an answer then.
func attachPending(l lab) {
	i := l.launch(l.spec(l.token("a")))
	for {
		err := l.Set.Volumes.Attach(l.ctx(), l.Region, l.Volume, i.ID, device)
		now, read := l.Set.Instances.Instance(l.ctx(), l.Region, i.ID)
		switch {
		case providers.Is(err, providers.NotFound): // it was not visible yet when it was asked for; it may be now
			continue
		case read == nil && now.State == providers.InstancePending:
			l.want(providers.NotReady, "attach to a pending machine", err)
			if err == nil {
				l.free(i.ID)
			}
		case err == nil:
			l.running(i.ID)
			l.free(i.ID)
		}
		return
	}
}

func attachFar(l lab) {
	i := l.launch(l.spec(l.token("a")))
	l.running(i.ID)
	l.want(providers.Mismatch, "a volume of another zone", l.Set.Volumes.Attach(l.ctx(), l.Region, l.FarVolume, i.ID, device))
	v, err := l.Set.Volumes.Volume(l.ctx(), l.Region, l.FarVolume)
	l.ok("volume", err)
	if v.Instance != "" {
		l.t.Errorf("refused, and it hangs on %q", v.Instance)
	}
}

func unknownVolume(l lab) {
	_, err := l.Set.Volumes.Volume(l.ctx(), l.Region, "vol-0123456789abcdef0")
	l.want(providers.NotFound, "an unknown volume", err)
	found, err := l.Set.Volumes.FindVolumes(l.ctx(), l.Region, map[string]string{"lifeboat:run": "never"})
	l.ok("find nothing", err)
	if len(found) != 0 {
		l.t.Errorf("found %+v", found)
	}
}
