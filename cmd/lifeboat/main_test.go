package main

import (
	"flag"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"testing"

	"lifeboat/providers/providertest/labhost"
)

func TestMain(m *testing.M) {
	labhost.MaybeRunTool()                            // the tools of the lab's machines are this very binary
	if len(os.Args) > 1 && os.Args[1] == "executor" { // a run that a test has started: its driver is this very binary
		os.Exit(run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
	}
	flag.Parse()
	if n := runtime.GOMAXPROCS(0); flag.Lookup("test.parallel").Value.String() == strconv.Itoa(n) {
		// Nobody chose. These tests wait for other processes more than they work.
		if err := flag.Set("test.parallel", strconv.Itoa(2*n)); err != nil {
			panic(err)
		}
	}
	code := m.Run()
	if err := built.clean(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = max(code, 1)
	}
	os.Exit(code)
}
