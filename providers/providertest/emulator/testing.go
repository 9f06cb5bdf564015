package emulator

import (
	"errors"
	"os"
	"testing"
)

// ForTest starts an emulator for the length of a test. Without moto the test is skipped, by the name of what is
// missing; where CI is true that is a failure, because there it should have been installed.
func ForTest(t testing.TB, opts Options) *Emulator {
	t.Helper()
	e, err := Start(t.Context(), opts)
	if errors.Is(err, ErrNoMoto) && os.Getenv("CI") != "true" {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	})
	return e
}
