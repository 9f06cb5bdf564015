package sim_test

import (
	"context"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"lifeboat/providers"
	"lifeboat/providers/sim"
	"lifeboat/runbook"
)

// Each kind of fault: what the caller gets, how long it takes, and whether the effect took place.
func TestFaultKinds(t *testing.T) {
	for _, c := range []struct {
		fault sim.Fault
		kind  providers.ErrorKind
		made  int
		least time.Duration
	}{
		{sim.Fault{Kind: sim.FaultThrottle}, providers.Throttled, 0, 0},
		{sim.Fault{Kind: sim.FaultError}, providers.Server, 0, 0},
		{sim.Fault{Kind: sim.FaultErrorAfter}, providers.Server, 1, 0},
		{sim.Fault{Kind: sim.FaultNoCapacity}, providers.NoCapacity, 0, 0},
		{sim.Fault{Kind: sim.FaultQuota}, providers.Quota, 0, 0},
		{sim.Fault{Kind: sim.FaultDenied}, providers.Denied, 0, 0},
		{sim.Fault{Kind: sim.FaultExpired}, providers.Expired, 0, 0},
		{sim.Fault{Kind: sim.FaultNotReady}, providers.NotReady, 0, 0},
		{sim.Fault{Kind: sim.FaultRefused}, providers.Unreachable, 0, 0},
		{sim.Fault{Kind: sim.FaultReset}, providers.Lost, 0, 0},
		{sim.Fault{Kind: sim.FaultResetAfter}, providers.Lost, 1, 0},
		{sim.Fault{Kind: sim.FaultTimeout}, providers.Lost, 0, 10 * time.Second},
		{sim.Fault{Kind: sim.FaultTimeoutDone, Wait: runbook.Duration(20 * time.Second)}, providers.Lost, 1, 20 * time.Second},
		{sim.Fault{Kind: sim.FaultHang}, providers.Lost, 0, time.Minute},
		{sim.Fault{Kind: sim.FaultSlow, Wait: runbook.Duration(7 * time.Second)}, "", 1, 7 * time.Second},
	} {
		t.Run(string(c.fault.Kind), func(t *testing.T) {
			within(t, sim.FromEstate(estate(), sim.Stopped, 1), func(t *testing.T, w *sim.World) {
				f := c.fault
				f.Op, f.Times = "ec2:RunInstances", 1
				if err := w.Plan(f); err != nil {
					t.Fatal(err)
				}
				ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
				defer cancel()
				began := time.Now()
				_, err := w.Set().Instances.Launch(ctx, east, launch("k1"))
				if c.kind == "" && err != nil || c.kind != "" && !providers.Is(err, c.kind) {
					t.Errorf("error %v, want kind %q", err, c.kind)
				}
				if took := time.Since(began); took < c.least {
					t.Errorf("it took %s, want at least %s", took, c.least)
				}
				if n := len(w.Audit().Instances); n != c.made {
					t.Errorf("%d machines were made, want %d", n, c.made)
				}
				if _, err := w.Set().Instances.Launch(t.Context(), east, launch("k1")); err != nil {
					t.Errorf("the second call: %v", err)
				}
				if a := w.Audit(); len(a.Instances) != 1 || a.Faults != 1 {
					t.Errorf("after the second call: %+v", a)
				}
			})
		})
	}
}

func TestFaultSelection(t *testing.T) {
	call := func(t *testing.T, w *sim.World, about string) bool {
		_, err := w.Set().Volumes.Volume(t.Context(), east, about)
		return providers.Is(err, providers.Throttled)
	}
	for name, c := range map[string]struct {
		fault sim.Fault
		want  string // one letter a call, ten calls 10 s apart: x struck
	}{
		"all":      {sim.Fault{}, "xxxxxxxxxx"},
		"skip":     {sim.Fault{Skip: 2, Times: 3}, "..xxx....."},
		"window":   {sim.Fault{Window: sim.Window{From: runbook.Duration(25 * time.Second), Until: runbook.Duration(55 * time.Second)}}, "...xxx...."},
		"region":   {sim.Fault{Region: "production"}, ".........."},
		"standby":  {sim.Fault{Region: "standby", Times: 1}, "x........."},
		"about":    {sim.Fault{About: "vol-0ccc"}, ".........."},
		"later":    {sim.Fault{Window: sim.Window{After: "ec2:RunInstances"}}, "......xxxx"},
		"only ere": {sim.Fault{Window: sim.Window{Ends: "ec2:RunInstances", Until: runbook.Duration(15 * time.Second)}}, "xxxxxxxx.."},
	} {
		t.Run(name, func(t *testing.T) {
			spec := sim.FromEstate(estate(), sim.Stopped, 1)
			f := c.fault
			f.Op, f.Kind = "ec2:Describe*", sim.FaultThrottle
			spec.Faults.Calls = []sim.Fault{f}
			within(t, spec, func(t *testing.T, w *sim.World) {
				got := ""
				for n := range 10 {
					if n == 6 {
						if _, err := w.Set().Instances.Launch(t.Context(), east, launch("k")); err != nil {
							t.Fatal(err)
						}
					}
					got += map[bool]string{true: "x", false: "."}[call(t, w, vol)]
					time.Sleep(10 * time.Second)
				}
				if got != c.want {
					t.Errorf("struck %s, want %s", got, c.want)
				}
			})
		})
	}
}

// A dark region answers nobody before the caller's own deadline, and Route 53's control plane goes with us-east-1.
func TestDark(t *testing.T) {
	within(t, sim.FromEstate(estate(), sim.Stopped, 1), func(t *testing.T, w *sim.World) {
		if err := w.Darken(east, 0); err != nil {
			t.Fatal(err)
		}
		set := w.Set()
		hangs := func(what string, f func(ctx context.Context) error) {
			t.Helper()
			ctx, cancel := context.WithTimeout(t.Context(), 90*time.Second)
			defer cancel()
			began := time.Now()
			err := f(ctx)
			if took := time.Since(began); took != 90*time.Second || !providers.Is(err, providers.Lost) {
				t.Errorf("%s: %v after %s, want Lost after 90s", what, err, took)
			}
		}
		hangs("launch", func(ctx context.Context) error {
			_, err := set.Instances.Launch(ctx, east, launch("k"))
			return err
		})
		hangs("record", func(ctx context.Context) error {
			_, err := set.Records.Record(ctx, "Z0123456789ABC", "www.example.com", "A")
			return err
		})
		if _, err := set.Instances.Instance(t.Context(), west, "i-0aaa0000000000001"); err != nil {
			t.Errorf("the other region: %v", err)
		}
		if a, err := set.Names.Ask(t.Context(), "ns-1.example.net:53", "www.example.com", "A"); err != nil || len(a.Values) != 1 {
			t.Errorf("answers stop with the control plane: %+v, %v", a, err)
		}
		if err := w.Lighten(east); err != nil {
			t.Fatal(err)
		}
		if _, err := set.Instances.Launch(t.Context(), east, launch("k")); err != nil {
			t.Errorf("after the dark: %v", err)
		}
		if n := len(w.Audit().Instances); n != 1 {
			t.Errorf("%d machines", n)
		}
	})
}

func TestPrimaryReturns(t *testing.T) {
	faults, err := sim.Night("primary-returns", 1)
	if err != nil {
		t.Fatal(err)
	}
	within(t, sim.FromEstate(estate(), sim.Stopped, 1).WithNight(faults), func(t *testing.T, w *sim.World) {
		page := func() error {
			_, err := w.Set().Web.Get(t.Context(), "https://www.example.com/", "198.51.100.4")
			return err
		}
		if err := page(); !providers.Is(err, providers.Unreachable) {
			t.Fatalf("before: %v", err)
		}
		if _, err := w.Set().Instances.Launch(t.Context(), east, launch("k")); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Duration(faults.Returns))
		if err := page(); err != nil {
			t.Errorf("it has not come back: %v", err)
		}
		i, err := w.Set().Instances.Instance(t.Context(), west, "i-0aaa0000000000001")
		if err != nil || i.State != providers.InstanceRunning {
			t.Errorf("%+v, %v", i, err)
		}
	})
}

func TestVolumeElsewhere(t *testing.T) {
	seen := map[string]bool{}
	for seed := range uint64(8) {
		faults, err := sim.Night("volume-elsewhere", seed)
		if err != nil {
			t.Fatal(err)
		}
		within(t, sim.FromEstate(estate(), sim.Stopped, seed).WithNight(faults), func(t *testing.T, w *sim.World) {
			v, err := w.Set().Volumes.Volume(t.Context(), east, vol)
			if err != nil {
				t.Fatal(err)
			}
			switch {
			case v.Zone != "us-east-1b" && v.Instance == "":
				seen["zone"] = true
			case v.Zone == "us-east-1b" && v.Instance != "":
				seen["held"] = true
				if _, err := w.Set().Instances.Instance(t.Context(), east, v.Instance); err != nil {
					t.Errorf("its holder: %v", err)
				}
			default:
				t.Errorf("seed %d: nothing is wrong with %+v", seed, v)
			}
		})
	}
	if len(seen) != 2 {
		t.Errorf("eight seeds gave only %v", seen)
	}
}

// Resolvers keep the old answer for the TTL at most, and not all of them for as long.
func TestResolversHonourTTL(t *testing.T) {
	within(t, sim.FromEstate(estate(), sim.Stopped, 1), func(t *testing.T, w *sim.World) {
		time.Sleep(time.Hour)
		if err := point(t.Context(), w.Set().Records); err != nil {
			t.Fatal(err)
		}
		moved := func() (n int) {
			for _, r := range w.Resolvers() {
				a, err := w.Set().Names.Ask(t.Context(), r, "www.example.com", "A")
				if err != nil || a.Authoritative || a.TTL > 300*time.Second {
					t.Errorf("%s: %+v, %v", r, a, err)
				}
				if slices.Equal(a.Values, []string{eip}) {
					n++
				}
			}
			return n
		}
		at := []int{moved()}
		for range 4 {
			time.Sleep(85 * time.Second)
			at = append(at, moved())
		}
		if at[0] != 0 || at[2] == 0 || at[2] == len(w.Resolvers()) || at[4] != len(w.Resolvers()) || !slices.IsSorted(at) {
			t.Errorf("moved %v of %d", at, len(w.Resolvers()))
		}
	})
}

// Name servers get a change one after another, the last of them when Route 53 says INSYNC.
func TestServersOneAfterAnother(t *testing.T) {
	within(t, sim.FromEstate(estate(), sim.Stopped, 1), func(t *testing.T, w *sim.World) {
		set := w.Set()
		servers, err := set.Names.Servers(t.Context(), "www.example.com")
		if err != nil || len(servers) != 4 {
			t.Fatalf("%v, %v", servers, err)
		}
		old, err := set.Records.Record(t.Context(), "Z0123456789ABC", "www.example.com", "A")
		if err != nil {
			t.Fatal(err)
		}
		want := old
		want.Values = []string{eip}
		change, err := set.Records.Change(t.Context(), "Z0123456789ABC", &old, &want)
		if err != nil {
			t.Fatal(err)
		}
		var counts []int
		for range 50 {
			done, err := set.Records.Changed(t.Context(), change)
			if err != nil {
				t.Fatal(err)
			}
			n := 0
			for _, s := range servers {
				a, err := set.Names.Ask(t.Context(), s, "www.example.com", "A")
				if err != nil {
					t.Fatal(err)
				}
				if a.Values[0] == eip {
					n++
				}
			}
			if n < 4 && done {
				t.Errorf("INSYNC with %d of 4 servers", n)
			}
			counts = append(counts, n)
			time.Sleep(time.Second)
		}
		steps := slices.Compact(counts)
		if !reflect.DeepEqual(steps, []int{0, 1, 2, 3, 4}) {
			t.Errorf("servers had it in the order %v", steps)
		}
	})
}

func TestRegionThatDoesNotExist(t *testing.T) {
	within(t, sim.FromEstate(estate(), sim.Stopped, 1), func(t *testing.T, w *sim.World) {
		_, err := w.Set().Instances.Instance(t.Context(), "us-eest", "i-1")
		if !providers.Is(err, providers.Unreachable) || !strings.Contains(err.Error(), "us-eest") {
			t.Errorf("%v", err)
		}
	})
}
