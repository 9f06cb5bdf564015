package runbooks_test

import (
	"testing"
	"testing/synctest"

	"lifeboat/providers/sim"
	"lifeboat/runbook"
	"lifeboat/runbook/runbooktest"
)

// others is a runbook of the kinds that the failover does not use.
const others = `lifeboat: 1
kind: runbook
name: others
title: The other kinds
estate: estate.yaml
confirm: none
guards:
  - {id: down, uses: http.down, with: {url: "${{ estate.service.url }}", address: "${{ estate.production.address }}"}}
  - {id: fenced, uses: instance.fenced, with: {instance: "${{ estate.production.instance }}"}}
steps:
  - id: folder
    title: Make a folder on the replica
    uses: shell
    with: {host: "${{ estate.standby.replica }}", argv: [mkdir, -p, /srv/made], check: [test, -d, /srv/made]}
  - id: call
    title: Call the bank
    uses: manual
    with: {text: Tell them that cards will fail for five minutes}
  - {id: pause, title: Let caches run out, uses: wait, with: {for: 90s}}
  - {id: fenced-still, title: It has not come back, uses: instance.fenced, with: {instance: "${{ estate.production.instance }}"}}
  - {id: down-still, title: It does not answer, uses: http.down, with: {url: "${{ estate.service.url }}", address: "${{ estate.production.address }}"}}
`

func TestOtherKindsSurviveACrashAtEveryBoundary(t *testing.T) {
	runbooktest.CrashEverywhere(t, synctest.Test, func(t *testing.T) runbooktest.Lab {
		l, world := labOf(t, others, sim.Faults{}, 1)
		l.Check = func(t *testing.T, s runbook.State) {
			if s.Finished == nil || s.Finished.Outcome != runbook.Done {
				t.Errorf("ended as %+v", s.Finished)
			}
			made := 0
			for _, argv := range world.Audit().Commands {
				if argv[0] == "mkdir" {
					made++
				}
			}
			if made != 1 {
				t.Errorf("the command ran %d times, not once", made)
			}
		}
		return l
	})
}
