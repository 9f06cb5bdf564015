package main

import (
	"fmt"
	"os"
	"testing"

	"lifeboat/providers/providertest/labhost"
)

func TestMain(m *testing.M) {
	labhost.MaybeRunTool() // the tools of the lab's machines are this very binary
	code := m.Run()
	if err := built.clean(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = max(code, 1)
	}
	os.Exit(code)
}
