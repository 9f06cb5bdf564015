//go:build !crashpoints

package main

import "lifeboat/runbook/engine"

// withCrashPoints is where a test build ends the process at a chosen boundary of the journal. A release has no such place.
func withCrashPoints(cfg engine.Config) engine.Config { return cfg }
