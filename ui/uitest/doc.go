// Package uitest has what tests of screens need: runs in every state, a console and sessions in memory, and the harness that
// compares pictures with golden files.
//
// It is for tests alone. It compiles the shipped runbook with the shipped catalog, so it knows the providers, which no screen
// does; that is why tests of pages that use it are in package page_test. Nothing here acts: the catalog has no providers, the
// clocks stand still.
//
//	run := uitest.Scene("failed")
//	p := page.NewRun(ctx, uitest.Env(run.Now, theme.Dark), uitest.NewConsole(uitest.Down, run), run.Opened.Run)
//	uitest.Load(p, 80, 24)
//	uitest.Golden(t, "run-failed", p)
package uitest
