// Package uitest has what tests of screens need: runs in every state, a console and sessions in memory, and the harness that
// compares pictures with golden files.
//
// It is for tests alone. It compiles the shipped runbook with the shipped catalog, so it knows the providers, which no screen
// does; that is why tests of pages that use it are in package page_test. Nothing here acts: the catalog has no providers, the
// clocks stand still.
//
//	run := uitest.Scene("failed")
//	uitest.Still(t, func(ctx context.Context, t *testing.T) {
//		picture := uitest.Picture(run.Now, func(env *page.Env) page.Page {
//			return page.NewRun(ctx, env, uitest.NewConsole(uitest.Quiet, run), run.Opened.Run)
//		}, "down", "enter")
//		uitest.Golden(t, "run/failed", picture)
//	})
package uitest
