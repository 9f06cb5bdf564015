package providertest

import (
	"context"
	"maps"

	"lifeboat/providers"
)

var instanceChecks = []check{
	{"launch replays its token", canLaunch, launchReplays},
	{"a token with other words is a mismatch", canLaunch, tokenMismatch},
	{"a token of something terminated is spent", canLaunch, tokenSpent},
	{"tags are found", canLaunch, tagsFound},
	{"a machine runs and shows its keys", canLaunch, comesUp},
	{"an unknown machine is not found", canLaunch, unknownInstance},
	{"an unknown image is not found", canLaunch, unknownImage},
}

func canLaunch(l Lab) map[string]bool {
	return map[string]bool{"instances": l.Set.Instances != nil, "region, image and type to launch": l.Region != "" && l.Image != "" && l.Type != ""}
}

func (l lab) spec(token string) providers.Launch {
	return providers.Launch{
		Token: token, Image: l.Image, Type: l.Type, Zone: l.Zone, Subnet: l.Subnet, SecurityGroups: l.SecurityGroups,
		Tags: map[string]string{"lifeboat:run": "conformance", "lifeboat:step": token},
	}
}

// launch starts a machine that is gone when the check ends.
func (l lab) launch(spec providers.Launch) providers.Instance {
	l.t.Helper()
	i, err := l.Set.Instances.Launch(l.ctx(), l.Region, spec)
	l.ok("launch", err)
	l.t.Cleanup(func() { l.gone(i.ID) })
	return i
}

func (l lab) gone(id string) {
	l.eventually("terminate "+id, func(ctx context.Context) (bool, error) {
		err := l.Set.Instances.Terminate(ctx, l.Region, id)
		return err == nil, err
	})
	l.eventually(id+" is terminated", func(ctx context.Context) (bool, error) {
		i, err := l.Set.Instances.Instance(ctx, l.Region, id)
		return err == nil && i.State == providers.InstanceTerminated, err
	})
}

// running waits until the machine runs.
func (l lab) running(id string) providers.Instance {
	l.t.Helper()
	var i providers.Instance
	l.eventually(id+" runs", func(ctx context.Context) (ok bool, err error) {
		i, err = l.Set.Instances.Instance(ctx, l.Region, id)
		return i.State == providers.InstanceRunning, err
	})
	return i
}

func launchReplays(l lab) {
	spec := l.spec(l.token("a"))
	first := l.launch(spec)
	if first.ID == "" || first.Region != l.Region || l.Zone != "" && first.Zone != l.Zone {
		l.t.Errorf("launched %+v, which is not what was asked", first)
	}
	for range 3 {
		again, err := l.Set.Instances.Launch(l.ctx(), l.Region, spec)
		l.ok("launch again", err)
		if again.ID != first.ID {
			l.t.Errorf("the same token made %s and %s", first.ID, again.ID)
		}
	}
	l.running(first.ID)
	found, err := l.Set.Instances.FindInstances(l.ctx(), l.Region, map[string]string{"lifeboat:step": spec.Token})
	l.ok("find", err)
	if len(found) != 1 {
		l.t.Errorf("%d machines bear the token, not one", len(found))
	}
}

func tokenMismatch(l lab) {
	spec := l.spec(l.token("a"))
	first := l.launch(spec)
	other := spec
	other.UserData = "#!/bin/sh\n"
	_, err := l.Set.Instances.Launch(l.ctx(), l.Region, other)
	l.want(providers.Mismatch, "the token with other user data", err)
	l.running(first.ID)
}

func tokenSpent(l lab) {
	spec := l.spec(l.token("a"))
	i := l.launch(spec)
	l.running(i.ID)
	l.gone(i.ID)
	_, err := l.Set.Instances.Launch(l.ctx(), l.Region, spec)
	l.want(providers.KeySpent, "the token of a terminated machine", err)
}

func tagsFound(l lab) {
	spec := l.spec(l.token("a"))
	i := l.launch(spec)
	l.eventually("the tags are found", func(ctx context.Context) (bool, error) {
		found, err := l.Set.Instances.FindInstances(ctx, l.Region, spec.Tags)
		return len(found) == 1 && found[0].ID == i.ID, err
	})
	got := l.running(i.ID)
	for k, v := range spec.Tags {
		if got.Tags[k] != v {
			l.t.Errorf("tag %q is %q, want %q", k, got.Tags[k], v)
		}
	}
	wrong := maps.Clone(spec.Tags)
	wrong["lifeboat:run"] = "another"
	found, err := l.Set.Instances.FindInstances(l.ctx(), l.Region, wrong)
	l.ok("find", err)
	if len(found) != 0 {
		l.t.Errorf("%d machines bear one tag of two", len(found))
	}
	l.gone(i.ID)
	found, err = l.Set.Instances.FindInstances(l.ctx(), l.Region, spec.Tags)
	l.ok("find", err)
	if len(found) != 1 || found[0].State != providers.InstanceTerminated {
		l.t.Errorf("a terminated machine is not found by its tags: %+v", found)
	}
}

func comesUp(l lab) {
	i := l.launch(l.spec(l.token("a")))
	if i.State != providers.InstancePending && i.State != providers.InstanceRunning {
		l.t.Errorf("launched as %q", i.State)
	}
	up := l.running(i.ID)
	if up.PublicAddress == "" && up.PrivateAddress == "" {
		l.t.Errorf("it runs and has no address: %+v", up)
	}
	keys, err := l.Set.Instances.HostKeys(l.ctx(), l.Region, i.ID)
	if providers.Is(err, providers.NotFound) {
		return // reads lag
	}
	l.ok("host keys", err)
	if keys == nil {
		l.t.Error("no keys yet is an empty slice, not nil")
	}
}

func unknownInstance(l lab) {
	const id = "i-0123456789abcdef0"
	_, err := l.Set.Instances.Instance(l.ctx(), l.Region, id)
	l.want(providers.NotFound, "an unknown id", err)
	l.want(providers.NotFound, "terminate an unknown id", l.Set.Instances.Terminate(l.ctx(), l.Region, id))
	found, err := l.Set.Instances.FindInstances(l.ctx(), l.Region, map[string]string{"lifeboat:run": "never"})
	l.ok("find nothing", err)
	if len(found) != 0 {
		l.t.Errorf("found %+v", found)
	}
}

func unknownImage(l lab) {
	spec := l.spec(l.token("a"))
	spec.Image = "ami-0123456789abcdef0"
	_, err := l.Set.Instances.Launch(l.ctx(), l.Region, spec)
	l.want(providers.NotFound, "an unknown image", err)
}
