package actions

import (
	"context"
	"time"

	"lifeboat/runbook"
)

func manual(world) runbook.Kind {
	return runbook.Kind{
		Name:    "manual",
		Summary: "a person does it and says so",
		New:     func() runbook.Probe { return &byPerson{} },
		Budget:  time.Minute,
		Timeout: 24 * time.Hour,
		Person:  true,
	}
}

// byPerson cannot be observed and cannot be done by a program: the person's word is the record.
type byPerson struct {
	Text string `with:"text,required" doc:"what to do, for the person who does it"`
}

func (a *byPerson) Observe(context.Context, runbook.Call) (runbook.Observation, error) {
	return seen(runbook.Unsure, "only the person who does it can say: %s", a.Text), nil
}

func (a *byPerson) Permissions() []string { return nil }

// Targets is empty: lifeboat itself changes nothing here.
func (a *byPerson) Targets(runbook.Call) []runbook.Target { return []runbook.Target{} }

func (a *byPerson) ByHand(runbook.Call) []string { return []string{"# " + a.Text} }
