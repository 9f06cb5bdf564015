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

// TestADrillFlipsOnlyItsOwnObject: what switches production's name is not a drill's to write.
func TestADrillFlipsOnlyItsOwnObject(t *testing.T) {
	estate, err := ParseEstate("estate.yaml", []byte(`lifeboat: 1
kind: estate
name: shop
service:
  name: www.example.com
  url: https://www.example.com/
  flip: {bucket: shop-flags, key: failover/on}
production: {region: us-east-1}
standby: {region: us-west-2}
drill: {service: {flip: {key: drill/on}}}
`))
	if err != nil {
		t.Fatal(err)
	}
	drilled, err := estate.In(Drill)
	if err != nil {
		t.Fatal(err)
	}
	may := MayTouch(&Plan{Mode: Drill, Fence: drilled.fence()}, &State{})
	if err := may(Target{Kind: "object", ID: "shop-flags/drill/on", Region: "us-west-2"}); err != nil {
		t.Error(err)
	}
	if may(Target{Kind: "object", ID: "shop-flags/failover/on", Region: "us-west-2"}) == nil {
		t.Error("a drill may switch production's name")
	}
}
