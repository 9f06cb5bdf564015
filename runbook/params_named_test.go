package runbook

import (
	"fmt"
	"strings"
	"testing"
)

// keeper is a kind that takes an archive of the estate as a whole.
type keeper struct {
	still
	Archive struct {
		URL        string            `with:"url,required"`
		Passphrase Secret            `with:"passphrase"`
		Env        map[string]Secret `with:"env"`
	} `with:"archive,required"`
}

// TestAnObjectOfTheEstateBringsItsSecrets: given whole, its names of secrets become the secrets where the kind wants
// secrets.
func TestAnObjectOfTheEstateBringsItsSecrets(t *testing.T) {
	estate := &Estate{Standby: Site{Archive: &Archive{URL: "s3:///shop", Passphrase: "PHRASE", Env: map[string]SecretName{"KEY": "BUCKET"}}}}
	rb, err := Parse("x.yaml", []byte(head+"  - {id: a, uses: keep, with: {archive: '${{ estate.standby.archive }}'}}\n"))
	if err != nil {
		t.Fatal(err)
	}
	in := CompileInput{Runbook: rb, Estate: estate, Mode: Live, Catalog: NewCatalog(Kind{Name: "keep", New: func() Probe { return &keeper{} }})}
	p, err := Compile(in)
	if err != nil {
		t.Fatal(err)
	}
	probe, err := p.Bind("a", nil, vault{"PHRASE": "canary-1", "BUCKET": "canary-2"})
	if err != nil {
		t.Fatal(err)
	}
	k := probe.(*keeper)
	if k.Archive.Passphrase.Reveal() != "canary-1" || k.Archive.Env["KEY"].Reveal() != "canary-2" {
		t.Errorf("%v", k.Archive)
	}
	if shown := fmt.Sprintf("%+v", k.Archive); strings.Contains(shown, "canary") || !strings.Contains(shown, "[secret PHRASE]") {
		t.Error(shown)
	}
	if probe, err = p.Bind("a", nil, nil); err != nil || probe.(*keeper).Archive.Passphrase.Reveal() != "" {
		t.Errorf("looking needs no secrets: %v", err)
	}
	if _, err = p.Bind("a", nil, vault{"PHRASE": "canary-1"}); err == nil || !strings.Contains(err.Error(), "BUCKET") {
		t.Errorf("a secret that is not set: %v", err)
	}
	estate.Standby.Archive = nil
	if _, err = Compile(in); err == nil || !strings.Contains(err.Error(), "standby.archive") {
		t.Errorf("an estate without an archive: %v", err)
	}
}
