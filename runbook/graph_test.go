package runbook

import (
	"fmt"
	"slices"
	"testing"
	"time"
)

func TestGraph(t *testing.T) {
	p := mustCompile(t, Live, nil)
	if got := fmt.Sprint(Waves(p)); got != "[[launch] [dns ready quiesce] [address attach] [mount] [sync] [services] [serving]]" {
		t.Errorf("waves %s", got)
	}
	took := map[string]time.Duration{"launch": 3, "ready": 45, "attach": 4, "address": 9, "mount": 1, "sync": 75, "services": 10, "serving": 2, "dns": 5}
	path, total := CriticalPath(p, func(id string) time.Duration { return took[id] * time.Second })
	if fmt.Sprint(path) != "[launch ready address mount sync services serving]" || total != 145*time.Second {
		t.Errorf("critical path %v, %s", path, total)
	}
	took["quiesce"] = 200
	if path, total = CriticalPath(p, func(id string) time.Duration { return took[id] * time.Second }); path[1] != "quiesce" || total != 290*time.Second {
		t.Errorf("critical path %v, %s", path, total)
	}
	if got := Ancestors(p, "mount"); !slices.Equal(got, []string{"launch", "ready", "address", "attach"}) {
		t.Errorf("ancestors %v", got)
	}
	if got := Descendants(p, "sync"); !slices.Equal(got, []string{"services", "serving"}) {
		t.Errorf("descendants %v", got)
	}
	if path, total := CriticalPath(&Plan{}, nil); path != nil || total != 0 || Waves(&Plan{}) != nil {
		t.Error("an empty plan has a path")
	}
}

func TestEstimates(t *testing.T) {
	s := &PlannedStep{Budget: time.Minute}
	if e := HistoryEstimate(s, nil); e.P50 != time.Minute || e.Source != "budget" || e.Runs != 0 {
		t.Errorf("%+v", e)
	}
	took := []time.Duration{9, 1, 2, 10, 4, 3, 6, 5, 8, 7}
	if e := HistoryEstimate(s, took); e.P50 != 5 || e.P90 != 9 || e.Source != "history of 10 runs" || took[0] != 9 {
		t.Errorf("%+v", e)
	}
	if e := HistoryEstimate(s, took[:1]); e.P50 != 9 || e.P90 != 9 || e.Source != "history of 1 run" {
		t.Errorf("%+v", e)
	}
}
