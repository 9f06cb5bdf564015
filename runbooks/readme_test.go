package runbooks_test

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"lifeboat/runbook"
	"lifeboat/runbooks"
)

// The README names every shipped runbook, in the words of its own summary.
func TestREADMEListsEveryRunbook(t *testing.T) {
	readme, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	rows := strings.Count(string(readme), "](runbooks/")
	for _, name := range runbooks.Names() {
		rb, err := runbook.Parse(name+".yaml", file(t, name+".yaml"))
		if err != nil {
			t.Fatal(err)
		}
		row := fmt.Sprintf("\n| [%s](runbooks/%s.yaml) | %s | ", name, name, rb.Summary)
		if !strings.Contains(string(readme), row) {
			t.Errorf("the README has no row that begins:%s", row)
		}
	}
	if rows < len(runbooks.Names()) {
		t.Errorf("%d links to runbooks in the README", rows)
	}
}
