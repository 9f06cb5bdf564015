// Package wrap decorates the contracts of providers. A decorator takes a Set and returns a Set; fields that are nil stay
// nil, so that what is missing stays missing.
//
//	set = wrap.Record(set, clock, func(c wrap.CallRecord) { calls.Encode(c) }) // every call that was made, redacted
//	set = wrap.Fence(set, mayTouch)                                          // refuses what a drill may not change
//
// The order matters: what is outermost sees a call first. Fence outside Record keeps refused calls out of the record of
// what was sent.
//
// The package refuses to know a technology, to change an answer, and to retry: there is one layer that retries, and it is
// the engine's.
package wrap
