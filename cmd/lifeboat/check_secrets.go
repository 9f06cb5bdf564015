package main

import (
	"maps"
	"slices"

	"lifeboat/runbook"
)

// wanted notes which secrets a plan asks for.
type wanted map[string]bool

// Secret is runbook.Secrets'. What it gives is nobody's secret, and nothing is done with it.
func (w wanted) Secret(name string) (string, error) {
	w[name] = true
	return "not a secret", nil
}

// missingSecrets is a line for each secret that a guard or a step of the plan is given and this machine does not have. What is
// simulated needs none.
func missingSecrets(plan *runbook.Plan, mode runbook.Mode) []checked {
	if mode == runbook.Rehearse {
		return nil
	}
	asked, never, stand := wanted{}, neverNeeded(plan), runbook.Placeholders(plan)
	for i := range plan.Guards {
		if g := &plan.Guards[i]; g.Applicable {
			_, _ = plan.BindGuard(g.ID, asked) // what cannot be bound is told where the guard is asked
		}
	}
	for i := range plan.Steps {
		if id := plan.Steps[i].ID; !never[id] {
			_, _ = plan.Bind(id, &stand, asked) // likewise
		}
	}
	var out []checked
	for _, name := range slices.Sorted(maps.Keys(asked)) {
		if _, err := newSecrets().Secret(name); err != nil {
			out = append(out, checked{
				Step: "secret", What: "the secret " + name + " is on this machine", Grade: runbook.CheckedLive, Seen: err.Error(), Do: giveSecret(name),
			})
		}
	}
	return out
}
