package main

import "lifeboat/runbook"

func (a *app) overviewPlain() error { return usage("", "lifeboat --plain is not there yet") }

func (a *app) replayPlain(id runbook.RunID, speed float64) error {
	return usage("", "replay without a console is not there yet")
}
