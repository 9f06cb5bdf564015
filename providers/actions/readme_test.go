package actions

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"lifeboat/providers"
)

// areas are the kinds of the README's table, by the first word of their names, in the order in which the table has them.
var areas = []struct{ title, words string }{
	{"Servers", "instance"},
	{"Volumes", "volume snapshot"},
	{"Images", "image"},
	{"Addresses", "address"},
	{"DNS", "dns"},
	{"Data", "rsync copy replica duplicity"},
	{"Hosts", "host service shell"},
	{"The page", "http"},
	{"People and time", "notify manual wait"},
}

// The README's table of kinds is the catalog's own: go test ./providers/actions -run README -update writes it.
func TestREADMEListsEveryKind(t *testing.T) {
	var b strings.Builder
	b.WriteString("| Area | Kind | Does |\n|---|---|---|\n")
	left := map[string]bool{}
	kinds := Catalog(providers.Set{}, Options{}).Kinds()
	for _, k := range kinds {
		left[k.Name] = true
	}
	for _, a := range areas {
		title := a.title
		for _, word := range strings.Fields(a.words) {
			for _, k := range kinds {
				if first, _, _ := strings.Cut(k.Name, "."); first == word {
					fmt.Fprintf(&b, "| %s | `%s` | %s |\n", title, k.Name, k.Summary)
					title = ""
					delete(left, k.Name)
				}
			}
		}
	}
	if len(left) > 0 {
		t.Errorf("kinds without an area: add them to areas: %v", left)
	}
	const path, open, end = "../../README.md", "<!-- kinds: written by a test -->\n", "<!-- end of kinds -->\n"
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok := strings.Cut(string(text), open)
	have, after, whole := strings.Cut(rest, end)
	if !ok || !whole {
		t.Fatalf("%s has no table of kinds between %q and %q", path, open, end)
	}
	if have == b.String() {
		return
	}
	if !*update {
		t.Fatalf("the README's table of kinds is not the catalog's; go test ./providers/actions -run README -update writes it:\n%s", b.String())
	}
	if err := os.WriteFile(path, []byte(before+open+b.String()+end+after), 0o644); err != nil {
		t.Fatal(err)
	}
}
