package runbook

import (
	"context"
	"fmt"
	"time"
)

// The catalog of the tests: the shapes of the real kinds, and nothing behind them.

type still struct{}

func (still) Observe(context.Context, Call) (Observation, error) {
	return Observation{State: Holds}, nil
}

type testHost struct {
	Address, ID, Region, User string
	Port                      int
}

// FromValue reads an address, or a mapping as the outputs of type host are.
func (h *testHost) FromValue(v any) error {
	switch x := v.(type) {
	case string:
		h.Address = x
	case map[string]any:
		h.Address, _ = x["address"].(string)
		h.ID, _ = x["id"].(string)
		h.Region, _ = x["region"].(string)
		if h.Address == "" {
			h.Address, _ = x["host"].(string)
		}
	default:
		return fmt.Errorf("a host is an address or a mapping, not %v", v)
	}
	if h.Address == "" {
		return fmt.Errorf("a host needs an address")
	}
	return nil
}

type (
	httpKind struct {
		still
		URL     string            `with:"url,required" doc:"page to fetch"`
		Address string            `with:"address" doc:"connect there"`
		Status  int               `with:"status" default:"200"`
		Token   Secret            `with:"token"`
		Headers map[string]Secret `with:"headers"`
	}
	instanceKind struct {
		still
		Instance string `with:"instance,required" doc:"id of the instance"`
		Region   string `with:"region" default:"region_of(with.instance)"`
	}
	launchKind struct {
		still
		Image  string            `with:"image,required" doc:"id of the image"`
		Type   string            `with:"type,required" default:"estate.standby.type" doc:"instance type"`
		Zone   string            `with:"zone" default:"estate.standby.volume.zone"`
		Region string            `with:"region" default:"region_of(with.image)"`
		Tags   map[string]string `with:"tags"`
		Spot   bool              `with:"spot"`
		Weight float64           `with:"weight"`
	}
	recordKind struct {
		still
		Name  string   `with:"name,required"`
		Type  string   `with:"type,required"`
		Value string   `with:"value,required" doc:"the address"`
		TTL   Duration `with:"ttl"`
	}
	associateKind struct {
		still
		Address  string `with:"address,required"`
		Instance string `with:"instance,required"`
		Region   string `with:"region" default:"region_of(with.address)"`
	}
	attachKind struct {
		still
		Volume   string `with:"volume,required" doc:"id of the volume"`
		Instance string `with:"instance,required"`
		Region   string `with:"region" default:"region_of(with.volume)"`
	}
	mountKind struct {
		still
		Host   testHost `with:"host,required"`
		Volume string   `with:"volume,required"`
		Path   string   `with:"path,required"`
	}
	folder struct {
		Host testHost `with:"host,required"`
		Path string   `with:"path,required" doc:"folder"`
	}
	rsyncKind struct {
		still
		From  folder   `with:"from,required"`
		To    *folder  `with:"to,required"`
		Wait  Duration `with:"wait" default:"'30s'"`
		Tries int      `with:"tries"`
	}
	replicaKind struct {
		still
		Replica map[string]any `with:"replica,required"`
	}
	serviceKind struct {
		still
		Host     testHost `with:"host,required"`
		Services []string `with:"services,required"`
	}
	shellKind struct {
		still
		Host testHost          `with:"host"`
		Argv []string          `with:"argv,required"`
		Env  map[string]Secret `with:"env"`
		Any  any               `with:"any"`
	}
	manualKind struct {
		still
		Text string `with:"text"`
	}
)

func testCatalog() *Catalog {
	of := func(name string, fresh func() Probe, outputs ...Output) Kind {
		return Kind{Name: name, Summary: "for tests", New: fresh, Outputs: outputs, Budget: 10 * time.Second, Timeout: time.Minute}
	}
	text := func(name string) Output { return Output{Name: name, Type: "string"} }
	host := Output{Name: "host", Type: "host"}
	manual := of("manual", func() Probe { return &manualKind{} }, text("value"))
	manual.Person = true
	return NewCatalog(
		of("http.up", func() Probe { return &httpKind{} }, Output{Name: "status", Type: "number"}, Output{Name: "up", Type: "bool"}),
		of("http.down", func() Probe { return &httpKind{} }),
		of("instance.fenced", func() Probe { return &instanceKind{} }),
		of("instance.ready", func() Probe { return &instanceKind{} }, host),
		of("instance.launch", func() Probe { return &launchKind{} }, text("instance"), text("zone"), host),
		of("dns.record", func() Probe { return &recordKind{} }, text("change")),
		of("volume.attach", func() Probe { return &attachKind{} }, text("device")),
		of("address.associate", func() Probe { return &associateKind{} }, host),
		of("host.mount", func() Probe { return &mountKind{} }),
		of("replica.pause", func() Probe { return &replicaKind{} }),
		of("rsync", func() Probe { return &rsyncKind{} }, Output{Name: "bytes", Type: "number"}),
		of("service.start", func() Probe { return &serviceKind{} }),
		of("shell", func() Probe { return &shellKind{} }),
		manual,
	)
}
