package actions

import (
	"testing"

	"lifeboat/providers"
	"lifeboat/providers/sim"
	"lifeboat/runbook"
)

// What a person says of a launch is looked at before DNS goes there.
func TestLaunchByHandIsLookedAt(t *testing.T) {
	gone := func(spec *sim.Spec) {
		i := sim.Instance{Instance: providers.Instance{
			ID: "i-0d4e5f60718293041", Region: region, Zone: "us-east-1b", Image: image, Type: "m7i.large", State: providers.InstanceRunning,
		}}
		spec.Instances = append(spec.Instances, i)
	}
	staged(t, "launch_vouch", gone, func(s *stage) {
		a := &launch{Estate: estateName, Image: image, Type: "m7i.large", Volume: volume, Zone: zone, Region: region, w: s.w}
		if !s.prepare(a) {
			return
		}
		for _, did := range []map[string]any{
			{"instance": "i-0ffffffffffffffff"},
			{"instance": old, "region": "us-west-1"},
			{"instance": "i-0d4e5f60718293041"},
			{"instance": server},
		} {
			call := s.call
			call.Did = did
			o, err := a.Vouch(s.ctx, call)
			s.say("%v", did)
			s.write("vouch", o, err)
		}
		call := s.call
		call.Did = map[string]any{"instance": server}
		if o, err := a.Vouch(s.ctx, call); err != nil || o.State != runbook.Holds {
			s.Errorf("a machine that runs in the right zone is not taken: %+v, %v", o, err)
		}
	})
}
