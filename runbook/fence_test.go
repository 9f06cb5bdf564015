package runbook

import "testing"

func TestDrillFence(t *testing.T) {
	p := &Plan{Mode: Drill, Fence: []Target{
		{Kind: "volume", ID: "vol-1"}, {Kind: "record", ID: "/drill.example.com./A"}, {Kind: "host", ID: "198.51.100.21"},
	}}
	s := &State{Steps: map[string]*StepState{"launch": {Made: []Target{{Kind: "instance", ID: "i-1"}}}}}
	may := MayTouch(p, s)
	for _, ok := range []Target{
		{Kind: "volume", ID: "vol-1"},
		{Kind: "instance", ID: "i-1"},
		{Kind: "host", ID: "i-1"},
		{Kind: "host", ID: "198.51.100.21"},
		{Kind: "record", ID: "Z1/drill.example.com./A"},
	} {
		if err := may(ok); err != nil {
			t.Errorf("%s is refused: %v", ok, err)
		}
	}
	for _, no := range []Target{
		{Kind: "volume", ID: "vol-2"},
		{Kind: "instance", ID: "vol-1"},
		{Kind: "host", ID: "198.51.100.22"},
		{Kind: "record", ID: "Z1/www.example.com./A"},
		{Kind: "record", ID: "Z1/drill.example.com./MX"},
		{Kind: "host", ID: "vol-1"},
		{Kind: "record", ID: "drill.example.com./A"},
	} {
		if may(no) == nil {
			t.Errorf("%s is allowed", no)
		}
	}
	if MayTouch(&Plan{Mode: Live}, s) != nil {
		t.Error("there is a fence outside drills")
	}
}
