package wrap_test

import (
	"context"
	"errors"
	"testing"

	"lifeboat/providers"
	"lifeboat/providers/wrap"
	"lifeboat/runbook"
)

// powers counts what gets through.
type powers struct{ n int }

func (p *powers) Start(context.Context, string, string) error             { p.n++; return nil }
func (p *powers) Stop(context.Context, string, string, bool) error        { p.n++; return nil }
func (p *powers) Reboot(context.Context, string, string) error            { p.n++; return nil }
func (p *powers) Regroup(context.Context, string, string, []string) error { p.n++; return nil }

func TestPowerIsFencedAndRecorded(t *testing.T) {
	no := errors.New("not in this drill")
	for _, c := range []struct {
		id   string
		want error
		n    int
	}{{"i-theirs", no, 0}, {"i-ours", nil, 4}} {
		under := &powers{}
		var calls []wrap.CallRecord
		set := wrap.Record(wrap.Fence(providers.Set{Power: under}, func(x runbook.Target) error {
			if x.Kind != "instance" || x.Region != "us-east-1" || x.ID != "i-ours" {
				return no
			}
			return nil
		}), runbook.WallClock{}, func(r wrap.CallRecord) { calls = append(calls, r) })
		ctx, p := t.Context(), set.Power
		for verb, err := range map[string]error{
			"start": p.Start(ctx, "us-east-1", c.id), "stop": p.Stop(ctx, "us-east-1", c.id, true),
			"reboot": p.Reboot(ctx, "us-east-1", c.id), "regroup": p.Regroup(ctx, "us-east-1", c.id, []string{"sg-1"}),
		} {
			if !errors.Is(err, c.want) {
				t.Errorf("%s of %s: %v, want %v", verb, c.id, err, c.want)
			}
		}
		if under.n != c.n || len(calls) != 4 {
			t.Errorf("%s: %d calls went through, want %d; %d were recorded", c.id, under.n, c.n, len(calls))
		}
		for _, r := range calls {
			if (r.Error != "") != (c.want != nil) {
				t.Errorf("recorded %+v", r)
			}
		}
	}
}
