package runbooks_test

import (
	"testing"
	"testing/synctest"

	"lifeboat/providers/sim"
	"lifeboat/runbook"
	"lifeboat/runbook/runbooktest"
)

// servers is a runbook of the kinds that turn machines on and off.
const servers = `lifeboat: 1
kind: runbook
name: servers
title: Machines on and off
estate: estate.yaml
confirm: none
steps:
  - {id: power, title: Start it, uses: instance.start, with: {instance: "${{ estate.production.instance }}"}, retry: {attempts: 8, max: 5s}}
  - {id: ready, title: It answers, uses: instance.ready, with: {instance: "${{ estate.production.instance }}", address: "${{ estate.production.address }}"}}
  - {id: reboot, title: Reboot it, uses: instance.reboot, with: {instance: "${{ estate.production.instance }}", address: "${{ estate.production.address }}"}, retry: {attempts: 8, max: 5s}}
  - {id: fence, title: Fence it, uses: instance.fence, with: {instance: "${{ estate.production.instance }}"}, retry: {attempts: 8, max: 5s}}
  - {id: fenced, title: It is fenced, uses: instance.fenced, with: {instance: "${{ estate.production.instance }}"}}
  - id: again
    title: Start it again
    uses: instance.start
    with: {instance: "${{ estate.production.instance }}"}
    retry: {attempts: 8, max: 5s}
  - {id: stop, title: Stop it, uses: instance.stop, with: {instance: "${{ estate.production.instance }}"}, retry: {attempts: 8, max: 5s}}
  - {id: down, title: It stays down, uses: instance.stays_down, with: {instance: "${{ estate.production.instance }}", for: 2m}}
  - id: launch
    title: Launch one
    uses: instance.launch
    with: {image: "${{ estate.standby.image }}", type: "${{ estate.standby.type }}", zone: "${{ estate.standby.zone }}"}
    needs: []
    retry: {attempts: 8, max: 5s}
  - {id: terminate, title: Terminate it, uses: instance.terminate, with: {instance: "${{ steps.launch.instance }}", region: "${{ steps.launch.region }}"}, needs: [launch], retry: {attempts: 8, max: 5s}}
`

func TestServerKindsSurviveACrashAtEveryBoundary(t *testing.T) {
	runbooktest.CrashEverywhere(t, synctest.Test, func(t *testing.T) runbooktest.Lab {
		l, world := labOf(t, servers, sim.Faults{}, 1)
		l.Check = func(t *testing.T, s runbook.State) {
			if s.Finished == nil || s.Finished.Outcome != runbook.Done {
				t.Errorf("ended as %+v", s.Finished)
			}
			a := world.Audit()
			if len(a.Instances) != 1 || a.Terminations != 1 || len(a.Running) != 0 {
				t.Errorf("launched %d, terminated %d, left %d: not one, one and none", len(a.Instances), a.Terminations, len(a.Running))
			}
			if n := a.Calls["ec2:RebootInstances"]; n != 1 {
				t.Errorf("rebooted %d times, not once", n)
			}
		}
		return l
	})
}

// fallback is a launch without capacity that takes by itself what is left.
const fallback = `lifeboat: 1
kind: runbook
name: fallback
title: No capacity
estate: estate.yaml
confirm: none
steps:
  - id: launch
    title: Launch the copied image
    uses: instance.launch
    with:
      image: ${{ estate.standby.image }}
      type: ${{ estate.standby.type }}
      volume: ${{ estate.standby.volume.id }}
      region: ${{ estate.standby.region }}
      subnet: ${{ estate.standby.subnet }}
    needs: []
    fallback: auto
    retry: {attempts: 4}
  - {id: running, title: It runs, uses: instance.ready, with: {instance: "${{ steps.launch.instance }}", region: "${{ steps.launch.region }}", ssh: false}}
  - id: attach
    title: Attach what went with it
    uses: volume.attach
    with: {volume: "${{ steps.launch.volume }}", instance: "${{ steps.launch.instance }}", region: "${{ steps.launch.region }}"}
    retry: {attempts: 8, max: 5s}
`

// TestFallbackSurvivesACrashAtEveryBoundary: the zone has nothing, so that every type there is tried and then the volume is
// made anew in the next one; whenever the driver dies there is one machine, one volume more, and they belong together.
func TestFallbackSurvivesACrashAtEveryBoundary(t *testing.T) {
	full := sim.Faults{Calls: []sim.Fault{{Op: "ec2:RunInstances", About: " us-east-1a ", Kind: sim.FaultNoCapacity}}}
	runbooktest.CrashEverywhere(t, synctest.Test, func(t *testing.T) runbooktest.Lab {
		l, world := labOf(t, fallback, full, 1)
		l.Check = func(t *testing.T, s runbook.State) {
			if s.Finished == nil || s.Finished.Outcome != runbook.Done {
				t.Errorf("ended as %+v", s.Finished)
			}
			a := world.Audit()
			if len(a.Instances) != 1 || a.Attachments != 1 {
				t.Errorf("launched %d, attached %d: not one and one", len(a.Instances), a.Attachments)
			}
			out := s.Step("launch").Outputs
			if out["zone"] == "us-east-1a" || out["volume"] == world.Spec().Roles.Volume {
				t.Errorf("the launch ended as %v", out)
			}
		}
		return l
	})
}
