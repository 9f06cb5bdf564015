package sim_test

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"lifeboat/providers"
	"lifeboat/providers/sim"
	"lifeboat/runbook"
)

// TestAnEstateWithFailoverRecordsHasThem: its name switches by the object, and no record of it can be edited.
func TestAnEstateWithFailoverRecordsHasThem(t *testing.T) {
	for name, absent := range map[string]bool{"when the object comes": false, "when the object goes": true} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				e := estate()
				e.Service.Flip = &runbook.Flip{Bucket: "shop-flags", Key: "failover/on", Absent: absent}
				set := sim.NewMemory(sim.FromEstate(e, sim.Serving, 1), runbook.WallClock{}).Set()
				servers, err := set.Names.Servers(t.Context(), e.Service.Name)
				if err != nil {
					t.Fatal(err)
				}
				answer := func() []string {
					a, err := set.Names.Ask(t.Context(), servers[0], e.Service.Name, "A")
					if err != nil {
						t.Fatal(err)
					}
					return a.Values
				}
				before := answer()
				if absent {
					err = set.Objects.Delete(t.Context(), e.Standby.Region, "shop-flags", "failover/on")
				} else {
					err = set.Objects.Put(t.Context(), e.Standby.Region, "shop-flags", "failover/on", []byte("on\n"))
				}
				if err != nil {
					t.Fatal(err)
				}
				if now := answer(); !slices.Equal(now, before) {
					t.Errorf("it switched before a health checker looked: %v", now)
				}
				time.Sleep(time.Minute)
				if now := answer(); slices.Equal(now, before) || !slices.Equal(now, []string{eip}) {
					t.Errorf("it answers %v, as before %v; want %s", now, before, eip)
				}
				zone, err := set.Records.Zone(t.Context(), "", e.Service.Name)
				if err != nil {
					t.Fatal(err)
				}
				r, err := set.Records.Record(t.Context(), zone.ID, e.Service.Name, "A")
				if err != nil || r.Other == "" {
					t.Fatalf("%+v, %v", r, err)
				}
				if _, err := set.Records.Change(t.Context(), zone.ID, &r, nil); !providers.Is(err, providers.Invalid) {
					t.Errorf("a failover record was edited: %v", err)
				}
			})
		})
	}
}
