// Package runbooktest is for tests of the engine: a journal that dies at a chosen boundary, and a harness that lets the
// driver of a run die everywhere and checks that the next one ends it.
//
// It refuses to know any provider: what a run acts on is the caller's, who also says what must be true of it afterwards.
//
//	runbooktest.CrashEverywhere(t, func(t *testing.T) runbooktest.Lab { ... })
package runbooktest
