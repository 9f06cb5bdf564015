// Package emulator is an AWS to test against: EC2, Route 53, S3 and STS over real HTTP, on a loopback port.
//
// The state and the wire format are moto's, an independent implementation in another language, so a test that passes
// here does not only agree with itself. What moto leaves out is supplied by a proxy in front of it: client tokens,
// states that take time, zones, the temporary address that dies when another is associated, change batches that are
// atomic and strict and take time to be served. moto stays the store of truth: the proxy remembers only tokens and
// times, and rewrites what it lets pass.
//
// Every request is in a log, with what it did. Faults are injected by rules that match requests: throttling, any error,
// a reset connection, silence, an answer that is lost after the effect, a region that goes dark.
//
// It is for tests only. It checks no signature and no permission, and what it does not know better goes to moto as it
// is: a service that is not named above behaves as moto does.
//
//	aws := emulator.ForTest(t, emulator.Options{}) // skips without moto
//	image := aws.SeedImage("us-east-1", "standby")
//	cmd.Env = append(os.Environ(), aws.Env()...)
//	fault := aws.Inject(emulator.Fault{Action: "RunInstances", Kind: emulator.LostAnswer, Times: 1})
package emulator
