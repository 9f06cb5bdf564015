// Package page holds the screens: home, runbook, run (and what comes before it), replay, history, show, help.
//
// A page is a pointer that takes messages and gives text; see Page. It draws from what it was told and from a clock that it
// was given, so the same state always makes the same screen. It asks for data through the small interfaces in data.go, only
// from commands, and what comes back carries what it was asked for, so that a late answer to an old question is dropped.
//
// The state of a run is runbook.State, folded from events and nothing else: no page asks an engine, and no page decides
// what happens next. A decision of the operator is a reply to the question that stands on the screen, and it goes to the
// run's journal through the session.
//
//	p := page.NewHome(env, console)
//	p.SetSize(80, 24)
//	cmd := p.Init()
package page
