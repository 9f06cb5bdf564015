package actions

import (
	"io"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"

	"lifeboat/providers"
	"lifeboat/runbook"
)

// everything is what the kinds are called in files; a name that is missing here breaks somebody's runbook.
const everything = "instance.launch instance.ready instance.fenced instance.stop instance.start instance.reboot instance.terminate instance.fence instance.stays_down volume.attach " +
	"volume.detach volume.snapshot snapshot.copy snapshot.prune volume.create volume.hydrated volume.delete " +
	"image.copy image.create image.fresh " +
	"address.associate " +
	"address.allocate address.disassociate address.release " +
	"dns.record dns.answers dns.ttl dns.converged dns.flip " +
	"host.mount host.format host.unmount rsync rsync.dry_run copy.complete " +
	"replica.lag replica.pause replica.resume replica.promote service.start service.stop service.status " +
	"shell duplicity.backup duplicity.status duplicity.verify duplicity.restore duplicity.prove " +
	"http.up http.down http.look notify manual wait"

func TestCatalogIsComplete(t *testing.T) {
	var names []string
	for _, k := range Catalog(providers.Set{}, Options{}).Kinds() {
		names = append(names, k.Name)
	}
	if got := strings.Join(names, " "); got != everything {
		t.Errorf("the catalog has %s\nwant %s", got, everything)
	}
}

// TestKindsAreWellFormed holds every kind to what plans, schemas and screens take for granted.
func TestKindsAreWellFormed(t *testing.T) {
	sentence := regexp.MustCompile(`^[a-z].*[^.]$`)
	for _, k := range Catalog(providers.Set{}, Options{}).Kinds() {
		t.Run(k.Name, func(t *testing.T) {
			if !sentence.MatchString(k.Summary) || k.Budget <= 0 || k.Timeout < k.Budget {
				t.Errorf("summary %q, budget %s, timeout %s", k.Summary, k.Budget, k.Timeout)
			}
			a := k.New()
			if a == k.New() {
				t.Error("New gives the same action twice")
			}
			fields := reflect.TypeOf(a).Elem()
			for i := range fields.NumField() {
				f := fields.Field(i)
				if f.IsExported() != (f.Tag.Get("with") != "") || f.IsExported() && f.Tag.Get("doc") == "" {
					t.Errorf("field %s: parameters are exported, have a `with` and a `doc`; nothing else is exported", f.Name)
				}
			}
			for _, o := range k.Outputs {
				if o.Doc == "" || !strings.Contains(" string number bool host ", " "+o.Type+" ") {
					t.Errorf("output %+v", o)
				}
			}
			if _, acts := a.(runbook.Action); acts {
				if _, ok := a.(runbook.Targeter); !ok {
					t.Error("an action that does not say what it changes can never be drilled")
				}
			}
			if _, ok := a.(runbook.Permitter); !ok {
				t.Error("it does not name its permissions, not even none")
			}
			if _, ok := a.(runbook.ByHander); !ok {
				t.Error("it does not say how it is done by hand")
			}
		})
	}
}

// TestAnEmptyWorldIsNoPanic calls everything on a catalog without providers and on parameters that were never set.
func TestAnEmptyWorldIsNoPanic(t *testing.T) {
	call := runbook.Call{Progress: func(runbook.Progress) {}, Log: io.Discard}
	for _, k := range Catalog(providers.Set{}, Options{}).Kinds() {
		t.Run(k.Name, func(t *testing.T) {
			ctx, a := t.Context(), k.New()
			a.(runbook.ByHander).ByHand(call)
			a.(runbook.Permitter).Permissions()
			if _, err := a.Observe(ctx, call); k.Name != "manual" && k.Name != "wait" && err == nil {
				if o, _ := a.Observe(ctx, call); o.State == runbook.Holds && k.Name != "http.down" {
					t.Errorf("it holds in an empty world: %s", o.Evidence)
				}
			}
			if act, ok := a.(runbook.Action); ok {
				_, errBefore := act.Prepare(ctx, call)
				_, errApply := act.Apply(ctx, call)
				if errBefore == nil && errApply == nil {
					t.Error("it works in an empty world")
				}
				a.(runbook.Targeter).Targets(call)
			}
			if u, ok := a.(runbook.Undoer); ok {
				_, _ = u.Undo(ctx, call)
			}
			if c, ok := a.(runbook.Checker); ok {
				for _, c := range c.Check(ctx, call) {
					if c.OK && c.Grade == runbook.CheckedLive {
						t.Errorf("it checks well in an empty world: %+v", c)
					}
				}
			}
		})
	}
}

// TestDefaultsCompile compiles one step of every kind, with what is required and nothing else: a default that does not
// compile is a mistake of the kind's programmer, and shows here.
func TestDefaultsCompile(t *testing.T) {
	estate, err := runbook.ParseEstate("estate.yaml", []byte(`lifeboat: 1
kind: estate
name: shop
service: {name: www.example.com, url: "https://www.example.com/"}
production: {region: us-west-1}
standby: {region: us-east-1}
ssh: {user: admin, port: 2222, host_keys: {replica-1: [ssh-ed25519 AAAA]}}
`))
	if err != nil {
		t.Fatal(err)
	}
	for kind, with := range map[string]string{
		"address.allocate":     "{}",
		"address.disassociate": "{address: 198.51.100.7, instance: i-1}",
		"address.release":      "{address: 198.51.100.7}",
		"dns.ttl":              "{name: www.example.com, ttl: 60}",
		"dns.converged":        "{name: www.example.com, value: 198.51.100.7}",
		"dns.flip":             "{bucket: shop-flags, key: failover/on, region: us-west-2, name: www.example.com, value: 198.51.100.7}",

		"instance.launch":   "{image: ami-1, type: m7i.large, zone: us-east-1a}",
		"instance.ready":    "{instance: i-1}",
		"instance.fenced":   "{instance: i-1}",
		"volume.attach":     "{volume: vol-1, instance: i-1}",
		"image.copy":        "{image: ami-1, from_region: us-west-1}",
		"image.create":      "{instance: i-1, name: www}",
		"image.fresh":       "{image: ami-1}",
		"volume.detach":     "{volume: vol-1}",
		"volume.snapshot":   "{volume: vol-1}",
		"snapshot.copy":     "{snapshot: snap-1}",
		"snapshot.prune":    "{volume: vol-1, keep: 3, region: us-east-1, tags: {Role: data}}",
		"volume.create":     "{newest: {volume: vol-1, tags: {Role: data}}, zone: us-east-1a, rate: 200}",
		"volume.hydrated":   "{volume: vol-1}",
		"volume.delete":     "{volume: vol-1}",
		"host.unmount":      "{host: 198.51.100.7, path: /srv/data}",
		"address.associate": "{address: 198.51.100.7, instance: i-1}",
		"dns.record":        "{name: www.example.com, value: [198.51.100.7, 198.51.100.8]}",
		"dns.answers":       "{name: www.example.com, value: 198.51.100.7}",
		"host.format":       "{host: 198.51.100.7, volume: vol-1}",
		"host.mount":        "{host: 198.51.100.7, volume: vol-1, path: /srv/data}",
		"rsync":             "{from: {host: replica-1, path: /srv/data, id: i-2}, to: {host: 198.51.100.7, path: /srv/data}}",
		"rsync.dry_run":     "{from: {host: replica-1, path: /srv/data, id: i-2}, to: {host: 198.51.100.7, path: /srv/data}, delete: true}",
		"copy.complete":     "{at: {host: 198.51.100.7, path: /srv/data}, max_age: 26h}",
		"replica.pause":     "{replica: {host: replica-1, path: /srv/data, pause: [pause]}}",
		"replica.lag":       "{replica: {host: replica-1, path: /srv/data}, heartbeat: .heartbeat}",
		"replica.resume":    "{replica: {host: replica-1, path: /srv/data, resume: [resume]}}",
		"replica.promote":   "{replica: {host: replica-1, path: /srv/data, promote: [promote]}}",
		"service.start":     "{host: {address: 198.51.100.7, id: i-1}, services: [httpd]}",
		"service.stop":      "{host: {address: 198.51.100.7, id: i-1}, services: [httpd]}",
		"service.status":    "{host: {address: 198.51.100.7, id: i-1}, services: [httpd]}",
		"duplicity.backup":  `{archive: {url: "file:///x", folder: /srv/data, passphrase: "${{ secret.PHRASE }}"}}`,
		"duplicity.status":  `{archive: {url: "file:///x"}}`,
		"duplicity.verify":  `{archive: {url: "file:///x", folder: /srv/data, plain: true, env: {KEY: "${{ secret.KEY }}"}}}`,
		"duplicity.restore": `{archive: {url: "file:///x", plain: true}, to: /srv/data}`,
		"duplicity.prove":   `{archive: {url: "file:///x", plain: true}, path: orders}`,
		"shell":             `{host: 198.51.100.7, argv: [touch, x], env: {TOKEN: "${{ secret.TOKEN }}"}}`,
		"http.up":           "{url: 'https://www.example.com/'}",
		"http.down":         "{url: 'https://www.example.com/'}",
		"notify":            "{phone: '+15555550100', text: it has begun}",
		"http.look":         "{url: 'https://www.example.com/'}",
		"manual":            "{text: call the bank}",
		"wait":              "{for: 30s}",

		"instance.stop":       "{instance: i-1}",
		"instance.start":      "{instance: i-1}",
		"instance.reboot":     "{instance: i-1}",
		"instance.terminate":  "{instance: i-1}",
		"instance.fence":      "{instance: i-1}",
		"instance.stays_down": "{instance: i-1}",
	} {
		t.Run(kind, func(t *testing.T) {
			rb, err := runbook.Parse("one.yaml", []byte("lifeboat: 1\nkind: runbook\nname: one\nsteps:\n  - id: one\n    uses: "+kind+"\n    with: "+with+"\n"))
			if err != nil {
				t.Fatal(err)
			}
			plan, err := runbook.Compile(runbook.CompileInput{
				Runbook: rb, Estate: estate, Catalog: Catalog(providers.Set{}, Options{}), Mode: runbook.Live,
			})
			if err != nil {
				t.Fatal(err)
			}
			a, err := plan.Bind("one", &runbook.State{}, nil)
			if err != nil {
				t.Fatal(err)
			}
			checkDefaults(t, a)
		})
	}
}

func checkDefaults(t *testing.T, a runbook.Probe) {
	t.Helper()
	switch a := a.(type) {
	case *launch:
		if a.Region != "us-east-1" {
			t.Errorf("%+v", a)
		}
	case *ready:
		if !a.SSH || a.Region != "us-east-1" {
			t.Errorf("%+v", a)
		}
	case *attach:
		if a.Device != "/dev/sdf" || a.Region != "us-east-1" {
			t.Errorf("%+v", a)
		}
	case *allocate:
		if a.Region != "us-east-1" || a.Estate != "shop" {
			t.Errorf("%+v", a)
		}
	case *imageCopy:
		if a.Region != "us-east-1" || a.FromRegion != "us-west-1" || a.Method != "copy" {
			t.Errorf("%+v", a)
		}
	case *converged:
		if time.Duration(a.WasTTL) != runbook.DefaultTTL {
			t.Errorf("%+v", a.WasTTL)
		}
	case *record:
		if w := a.wanted(); w.TTL != runbook.DefaultTTL || w.Type != "A" || len(w.Values) != 2 {
			t.Errorf("%+v", w)
		}
	case *mount:
		if !a.Sudo || a.Device != "/dev/sdf" {
			t.Errorf("%+v", a)
		}
	case *copyTree:
		alias, keys := a.alias()
		if a.On != "target" || a.Floor != 50 || a.Port != 2222 || a.User != "admin" || !a.Sudo || alias != "replica-1" || len(keys) != 1 {
			t.Errorf("%+v", a)
		}
	case *chainStatus:
		if time.Duration(a.MaxAge) != 26*time.Hour || a.MaxChain != 60 || !a.on().Local || !a.Sudo {
			t.Errorf("%+v", a)
		}
	case *restore:
		if a.At != "newest" || a.Archive.URL != "file:///x" || !a.Archive.Plain {
			t.Errorf("%+v", a)
		}
	case *prove:
		if !strings.HasPrefix(a.scratch(), "/var/tmp/lifeboat-proof-") {
			t.Errorf("%+v", a)
		}
	case *up:
		if a.Status != 200 {
			t.Errorf("%+v", a)
		}
	case *down:
		if a.Tries != 3 {
			t.Errorf("%+v", a)
		}
	}
}

func TestPlace(t *testing.T) {
	for _, c := range []struct {
		in   any
		want string
		bad  bool
	}{
		{in: nil, want: ""},
		{in: "/srv/data", want: "/srv/data"},
		{in: map[string]any{"host": "replica-1", "path": "/x", "id": "i-1", "pause": []any{"p"}}, want: "replica-1:/x"},
		{in: map[string]any{"host": map[string]any{"address": "198.51.100.7", "id": "i-1"}, "path": "/x"}, want: "198.51.100.7:/x"},
		{in: map[string]any{"path": "/x"}, want: "/x"},
		{in: &runbook.Replica{Host: "replica-1", Path: "/x"}, want: "replica-1:/x"},
		{in: (*runbook.Replica)(nil), want: ""},
		{in: map[string]any{"host": "replica-1"}, bad: true},
		{in: map[string]any{"host": "replica-1", "path": 7}, bad: true},
		{in: map[string]any{"host": "replica-1", "path": "/x", "hots": "y"}, bad: true},
		{in: 7, bad: true},
	} {
		var p Place
		err := p.FromValue(c.in)
		if (err != nil) != c.bad || !c.bad && p.String() != c.want {
			t.Errorf("%v: %v, %v", c.in, p, err)
		}
	}
}

func TestQuote(t *testing.T) {
	for in, want := range map[string]string{"": "''", "a b": "'a b'", "it's": `'it'\''s'`, "/srv/data": "/srv/data", "$(reboot)": "'$(reboot)'"} {
		if got := quote(in); got != want {
			t.Errorf("%q: %s, want %s", in, got, want)
		}
	}
}
