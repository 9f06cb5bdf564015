// Package engine drives a run: it asks runbook.Decide what happens next, makes it durable, and only then acts.
//
//	Decide -> Append (synced) -> act -> observe -> Append -> Decide ...
//
// An Engine is the one driver of a run, in one process. It owns no facts: whatever it knows is in the journal, and after
// a crash another engine on the same journal goes on where this one was. What was under way then is unknown, and is
// looked at before anything is applied again.
//
// The engine refuses to guess, to kill what is late, to repeat what it cannot prove absent, to act on an intent that is not
// durable, and to talk to a screen: screens read the journal. It knows no provider; actions come with the plan.
//
//	e := engine.New(engine.Config{Plan: plan, Journal: journal, Clock: clock, Driver: me, Start: started})
//	state, err := e.Drive(ctx)
package engine
