package logbook_test

import (
	"os"
	"testing"
)

// soak is the number of rounds: few in everyday tests, the full figure with LIFEBOAT_SOAK=1.
func soak(t *testing.T, few, full int) int {
	if os.Getenv("LIFEBOAT_SOAK") != "" {
		return full
	}
	t.Logf("%d rounds; %d with LIFEBOAT_SOAK=1", few, full)
	return few
}
