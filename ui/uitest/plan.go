package uitest

import (
	"fmt"
	"io/fs"
	"strings"

	"lifeboat/providers"
	"lifeboat/providers/actions"
	"lifeboat/runbook"
	"lifeboat/runbooks"
)

// sources reads the shipped files. Edits are pairs of old and new text in the runbook; each must be found.
func sources(edits ...string) (rb, estate runbook.Source) {
	text := shipped("failover.yaml")
	for i := 0; i+1 < len(edits); i += 2 {
		if !strings.Contains(text, edits[i]) {
			panic(fmt.Sprintf("the shipped runbook has no %q any more", edits[i]))
		}
		text = strings.Replace(text, edits[i], edits[i+1], 1)
	}
	return runbook.NewSource("failover.yaml", []byte(text)), runbook.NewSource("estate.yaml", []byte(silent(shipped("estate.yaml"))))
}

// silent takes the channels out of the shipped estate: screens show the work, and nobody's messages beside it.
func silent(estate string) string {
	head, rest, _ := strings.Cut(estate, "\nnotify:\n")
	_, tail, ok := strings.Cut(rest, "\n\n")
	if !ok {
		panic("the shipped estate has no channels any more")
	}
	return head + "\n" + tail
}

func shipped(name string) string {
	text, err := fs.ReadFile(runbooks.FS, name)
	if err != nil {
		panic(err)
	}
	return string(text)
}

// compile makes a plan of the shipped runbook for a mode.
func compile(mode runbook.Mode, inputs map[string]string, edits ...string) *runbook.Plan {
	rb, estate := sources(edits...)
	plan, err := runbook.CompileFiles(rb, estate, runbook.CompileInput{
		Catalog: actions.Catalog(providers.Set{}, actions.Options{Clock: Frozen{Start}}), Mode: mode, Inputs: inputs, Offline: true,
	})
	if err != nil {
		panic(err)
	}
	return plan
}

func estimates(plan *runbook.Plan) map[string]runbook.Estimate {
	out := map[string]runbook.Estimate{}
	for i := range plan.Steps {
		out[plan.Steps[i].ID] = runbook.BudgetEstimate(&plan.Steps[i])
	}
	return out
}

// never are the steps whose condition is false with the plan's inputs.
func never(plan *runbook.Plan) map[string]bool {
	out := map[string]bool{}
	for i := range plan.Steps {
		if needed, err := plan.Needed(plan.Steps[i].ID, &runbook.State{}); err == nil && !needed {
			out[plan.Steps[i].ID] = true
		}
	}
	return out
}

func calls(plan *runbook.Plan) map[string][]string {
	stand := runbook.Placeholders(plan)
	out := map[string][]string{}
	for i := range plan.Steps {
		out[plan.Steps[i].ID] = byHand(plan, plan.Steps[i].ID, &stand)
	}
	return out
}

func byHand(plan *runbook.Plan, id string, s *runbook.State) []string {
	probe, err := plan.Bind(id, s, nil)
	if err != nil {
		return []string{"# " + runbook.Clean(err.Error())}
	}
	h, ok := probe.(runbook.ByHander)
	if !ok {
		return nil
	}
	var out []string
	for _, line := range h.ByHand(runbook.Call{Run: "RUN", Step: id, Key: "KEY"}) {
		out = append(out, runbook.Clean(line))
	}
	return out
}
