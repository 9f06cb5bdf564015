package runbook

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the golden files anew")

func mustEstate(t testing.TB, path string) *Estate {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	e, err := ParseEstate(filepath.Base(path), text)
	if err != nil {
		t.Fatalf("\n%s", err)
	}
	return e
}

func mustRunbook(t testing.TB, path string) *Runbook {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	rb, err := Parse(filepath.Base(path), text)
	if err != nil {
		t.Fatalf("\n%s", err)
	}
	return rb
}

// problemsIn reads and compiles a file as a user's would be, and returns what is said about it.
func problemsIn(t *testing.T, path string, estate *Estate) error {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if strings.HasPrefix(filepath.Base(path), "estate-") {
		_, err = ParseEstate(filepath.Base(path), text)
		return err
	}
	in := CompileInput{Catalog: testCatalog(), Mode: Live}
	if strings.Contains(string(text), "data:") {
		in.Inputs = map[string]string{"data": "nightyl"}
	}
	_, err = CompileFiles(NewSource(filepath.Base(path), text), estate.Source(), in)
	return err
}

// Every bad file is refused, and everything that is said about it stands in the golden file beside it: the reviewer
// reads the difference.
func TestBadFiles(t *testing.T) {
	estate := mustEstate(t, "testdata/estate.yaml")
	files, err := filepath.Glob("testdata/bad/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatal("no bad files", err)
	}
	for _, path := range files {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".yaml"), func(t *testing.T) {
			err := problemsIn(t, path, estate)
			if err == nil {
				t.Fatal("accepted")
			}
			got := err.Error() + "\n"
			golden := strings.TrimSuffix(path, ".yaml") + ".golden"
			if *update {
				if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if got != string(want) {
				t.Errorf("got\n%s\nwant\n%s", got, want)
			}
		})
	}
}
