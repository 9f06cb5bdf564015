package main

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// importRule says who may not import what, and why.
type importRule struct {
	who, whose string // prefixes of package paths
	except     []string
	why        string
}

var importRules = []importRule{
	{"lifeboat/runbook", "lifeboat/ui", nil, "the domain knows no screen"},
	{"lifeboat/runbook", "lifeboat/providers", nil, "the domain is acted on, it does not act"},
	{"lifeboat/runbook", "lifeboat/store", nil, "the domain says what a fact is, not where it is kept"},
	{"lifeboat/runbook", "lifeboat/cmd", nil, "nothing imports a program"},
	{"lifeboat/providers", "lifeboat/store", nil, "a provider changes the world; the engine keeps the record"},
	{"lifeboat/providers", "lifeboat/ui", nil, "a provider knows no screen"},
	{"lifeboat/store", "lifeboat/providers", nil, "the record does not act"},
	{"lifeboat/store", "lifeboat/ui", nil, "the record knows no screen"},
	// What tests of screens share compiles the shipped runbook, which needs the list of kinds; it is given no provider.
	{"lifeboat/ui", "lifeboat/providers", []string{"lifeboat/ui/uitest"}, "a screen that could act would be an engine"},
	{"lifeboat/ui", "lifeboat/store", nil, "a screen reads through the interface it declares"},
	{"lifeboat", "github.com/aws/", []string{"lifeboat/providers/aws", "lifeboat/providers/providertest"}, "AWS can be replaced in one place"},
	{"lifeboat", "go.etcd.io/bbolt", []string{"lifeboat/store/bolt"}, "bbolt can be replaced in one place"},
	{"lifeboat", "github.com/nicholas-fedor/", []string{"lifeboat/providers/notify"}, "what sends messages can be replaced in one place"},
	{"lifeboat", "charm.land/", []string{"lifeboat/ui", "lifeboat/cmd"}, "only screens draw"},
	{"lifeboat", "text/template", nil, "it keeps every method of the EC2 client alive and doubles the program"},
	{"lifeboat", "html/template", nil, "it keeps every method of the EC2 client alive and doubles the program"},
}

// siblingExempt are the packages below providers that may import their siblings.
var siblingExempt = []string{"wrap", "providertest", "all"}

type listed struct {
	ImportPath string
	Imports    []string
}

func listPackages(t *testing.T, which ...string) []listed {
	t.Helper()
	cmd := exec.Command("go", append([]string{"list", "-json=ImportPath,Imports"}, which...)...)
	cmd.Dir = "../.."
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	var pkgs []listed
	for dec := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p listed
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		pkgs = append(pkgs, p)
	}
	if len(pkgs) < 10 {
		t.Fatalf("only %d packages were listed", len(pkgs))
	}
	return pkgs
}

func under(path, prefix string) bool {
	return path == prefix || strings.HasPrefix(path, strings.TrimSuffix(prefix, "/")+"/")
}

func TestImportsRunOneWay(t *testing.T) {
	for _, p := range listPackages(t, "lifeboat/...") {
		for _, imp := range p.Imports {
			for _, r := range importRules {
				exempt := slices.ContainsFunc(r.except, func(e string) bool { return under(p.ImportPath, e) })
				if !exempt && under(p.ImportPath, r.who) && under(imp, r.whose) {
					t.Errorf("%s imports %s: %s", p.ImportPath, imp, r.why)
				}
			}
			if why := siblings(p.ImportPath, imp); why != "" {
				t.Errorf("%s imports %s: %s", p.ImportPath, imp, why)
			}
		}
	}
}

// siblings: one technology does not know another; what they share is a contract in package providers.
func siblings(from, to string) string {
	const base = "lifeboat/providers/"
	a, okA := strings.CutPrefix(from, base)
	b, okB := strings.CutPrefix(to, base)
	a, _, _ = strings.Cut(a, "/")
	b, _, _ = strings.Cut(b, "/")
	if !okA || !okB || a == b || slices.Contains(siblingExempt, a) {
		return ""
	}
	return "siblings under providers share contracts, not code"
}

// templater is the one dependency that brings text/template, for bodies that nobody here writes. It is tolerable as long as
// no client of the AWS SDK becomes an interface value: TestProgramIsSmall would tell.
const templater = "github.com/nicholas-fedor/shoutrrr"

// The program itself, with everything that its dependencies import, stays free of packages that call methods by name.
func TestProgramLinksNoTemplates(t *testing.T) {
	for _, p := range listPackages(t, "-deps", "lifeboat/cmd/lifeboat") {
		for _, imp := range p.Imports {
			if imp == "html/template" || imp == "text/template" && !under(p.ImportPath, templater) {
				t.Errorf("%s imports %s into the program: it keeps every method of the EC2 client alive and doubles the program", p.ImportPath, imp)
			}
		}
	}
}
