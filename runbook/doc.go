// Package runbook is the domain: what is protected, what is to be done, what has happened, and what happens next. It imports
// no other package of lifeboat, does no I/O and asks no clock but the one it is given.
//
// # From a file to a run
//
//	rb, err := runbook.Parse("failover.yaml", text)            // form: all mistakes at once, each with its place
//	estate, err := runbook.ParseEstate("estate.yaml", text)
//	plan, err := runbook.Compile(runbook.CompileInput{Runbook: rb, Estate: estate, Catalog: catalog, Mode: runbook.Live})
//
// A Plan is a runbook compiled against an estate, a mode and inputs. Its steps are bound to actions only when they run, from
// the outputs of the steps before (Plan.Bind). A step with `each` is as many steps of the plan as its list has entries
// (PlannedStep.Group is what it is called in the file); one that has the same `each` goes along with it entry by entry, and one
// for a DNS name (estate.names) goes along with its server.
//
// # What has happened
//
// A run is its events: numbered facts in a journal. State is their fold, and the only one: the engine, every screen, the
// history and the report apply the same events in the same way. Facts are in the past tense and their names never change.
//
// # What happens next
//
//	facts := runbook.Decide(plan, state)        // to be appended, all in one commit
//	work := runbook.Outstanding(plan, state)    // to be under way in the process that drives the run
//
// Both are pure. Package engine is the loop around them, and its law is: an intent (StepStarted) is durable BEFORE the call
// goes out, and a result is appended AFTER it came back. So a crash can leave exactly one thing open: an intent without a
// result. The next driver turns each of these into StepUnknown and looks (Probe.Observe) BEFORE it applies anything again.
//
//	waiting -> asking -> running -> done
//	              |         |-> failed    -> retrying (the step's rule) | a question
//	              |         '-> unknown   -> looked at: done | retrying | failed | a question
//	              '-> by hand, skipped, not needed
//
// A kind that failed for good may know other ways (Failure.Fallbacks). The operator takes one, or the step does by itself
// (fallback: auto); the next attempt has a new generation and finds it in Call.Fallback. No way is taken twice by itself.
//
// An attempt carries a Key: the hash of run, step and generation. A retry in doubt keeps the generation, so that the far
// side recognises what it has done already; only a definitive failure, or a key that is used up, raises it. "Absent" counts
// only after the kind's settle time since the intent, because reads lag.
//
// # People
//
// What waits for a person is a Question, named by the sequence number of the event that asked. A Reply becomes the fact that
// decides it; the first one in the journal counts. A stop and a note need no question. What a person says that a step done by
// hand has left is looked at first, where its kind can (Voucher); the same answer given again is taken as it is.
//
// # What this package refuses
//
// To guess, to repeat what cannot be proved absent, to call a step with a false condition skipped, to let a secret be
// written down, and to let the text of a file or a host reach a terminal uncleaned (Clean).
//
// Apply returns an Observation and not bare outputs, so that "accepted,
// under way" needs no polling of its own in every kind. A kind that is a Probe alone is a step that waits for something to
// come true.
package runbook
