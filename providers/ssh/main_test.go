package ssh_test

import (
	"crypto/sha256"
	"os"
	"testing"

	"lifeboat/providers/providertest/labhost"
)

func TestMain(m *testing.M) {
	labhost.MaybeRunTool()
	os.Exit(m.Run())
}

func sha(s string) []byte {
	sum := sha256.Sum256([]byte(s))
	return sum[:]
}
