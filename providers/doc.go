// Package providers holds the contracts of everything outside that a step may need: machines, volumes, images, addresses,
// records, a shell on a host, web and name servers, objects, archives and people; and the one error that all of them return.
//
// A contract says what is true of every implementation: providers/aws and providers/sim pass the same suite
// (providers/providertest). The package imports runbook and the standard library, and refuses to know a technology, to
// retry, to log and to decide what happens next: an Error says what it means for the world (did it happen?), and the
// engine decides.
//
// # Add an action in five steps
//
// 1. One file in providers/actions, one struct. Its exported fields are the step's parameters; what it acts on is
// unexported and set by New:
//
//	// detach takes a volume from a machine.
//	type detach struct {
//		Volume   string `with:"volume,required" doc:"id of the volume"`
//		Instance string `with:"instance,required" doc:"id of the machine"`
//		Region   string `with:"region" default:"region_of(with.volume)" doc:"region of the volume"`
//
//		w world
//	}
//
// 2. Three questions and one change. Prepare reads what is there now, for undo. Observe says whether it holds, with a
// value as evidence; after a crash it is asked before anything else, so it must tell "it happened" from "it did not" by
// looking, and say Unsure when looking cannot. Apply makes it hold: with call.Key as the token or a tag where the far side
// takes one, and by looking first where it does not.
//
//	func (a *detach) Prepare(ctx context.Context, call runbook.Call) (runbook.Before, error)
//	func (a *detach) Observe(ctx context.Context, call runbook.Call) (runbook.Observation, error)
//	func (a *detach) Apply(ctx context.Context, call runbook.Call) (runbook.Observation, error)
//
// A step that only waits for something, and a guard, is a Probe: Observe alone.
//
// 3. The optional powers that make sense: Targets (without it the kind cannot be drilled), Undo (it looks, compares with
// call.Before and call.Did, and leaves alone what is not as the step left it), Check, Permissions, Depends, ByHand. Vouch looks
// at what a person says that the step, done by hand, has left, where later steps build on it. A failure that leaves another
// way says so (runbook.Failure.Fallbacks, the best first, with the seconds that each adds); the attempt that takes one finds
// what the kind wrote there in call.Fallback, under a new key.
//
// 4. One constructor beside the struct (name, summary, outputs, settle time, budget, timeout), and one line in
// actions.Catalog:
//
//	func volumeDetach(w world) runbook.Kind {
//		return runbook.Kind{
//			Name: "volume.detach", Summary: "take a volume from a machine",
//			New:    func() runbook.Probe { return &detach{w: w} },
//			Settle: 10 * time.Second, Budget: 10 * time.Second, Timeout: 2 * time.Minute,
//		}
//	}
//
// 5. A transcript in providers/actions: the good round, an answer that was lost, what somebody else holds. It runs on the
// simulated cloud; `go test ./providers/actions -update` writes it, and a reviewer reads it. If the action needs a call
// that no contract has, add it to the contract, to providers/aws and providers/sim, to the suite that both pass, and, when it
// changes something, to Record and Fence of providers/wrap. The README's table of kinds is written by -update too.
package providers
