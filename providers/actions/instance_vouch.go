package actions

import (
	"cmp"
	"context"

	"lifeboat/providers"
	"lifeboat/runbook"
)

// Finds are all but the id.
func (a *launch) Finds() []string { return []string{"region", "zone", "address", "volume"} }

// Vouch looks at the machine that a person launched by hand: DNS moves next, and must not move to a slip of the finger. It
// must be there, alive, and where the volume is.
func (a *launch) Vouch(ctx context.Context, call runbook.Call) (runbook.Observation, error) {
	id, _ := call.Did["instance"].(string)
	given, _ := call.Did["region"].(string)
	region := cmp.Or(given, a.Region)
	i, err := a.w.Instances.Instance(ctx, region, id)
	switch {
	case providers.Is(err, providers.NotFound):
		return seen(runbook.Absent, "there is no machine %s in %s", id, region), nil
	case err != nil:
		return runbook.Observation{}, err
	case i.State != providers.InstancePending && i.State != providers.InstanceRunning:
		return seen(runbook.Broken, "%s is %s%s", id, i.State, because(i)), nil
	}
	said, _ := call.Did["volume"].(string)
	if volume := cmp.Or(said, a.Volume); volume != "" {
		v, err := a.w.Volumes.Volume(ctx, region, volume)
		if err != nil {
			return runbook.Observation{}, err
		}
		if v.Zone != i.Zone {
			return seen(runbook.Broken, "%s is in %s, and %s can only be attached in %s", id, i.Zone, volume, v.Zone), nil
		}
	}
	o := seen(runbook.Holds, "%s is %s in %s", id, i.State, i.Zone)
	o.Outputs = map[string]any{"instance": id, "region": region, "zone": i.Zone, "address": i.PublicAddress, "volume": cmp.Or(said, a.Volume)}
	return o, nil
}
