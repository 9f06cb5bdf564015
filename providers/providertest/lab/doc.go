// Package lab is a whole estate on the loopback, for tests that run the program itself: an emulated AWS with a production
// region and a standby region, two real ssh servers (the standby machine and the replica of the data), name servers that
// answer from the emulated zone, and a page. It assembles packages emulator and labhost, and writes the estate file that
// describes it all.
//
// Whatever AWS would do to a machine is done to the ssh server that stands for it: it answers some time after the machine
// runs, at the machine's present address only, and an association cuts every connection to the temporary one. A volume
// that is attached appears as a disk, a folder of the lab.
//
// With Options.Server production is such a machine too, with a volume and services that start when it boots; a stop ends
// them, and a reboot gives it another boot id. A new machine of any region leads to the standby's.
//
// It is for tests only. It refuses to leave the loopback, and to leave a process behind. It has one standby machine: a
// second instance that somebody launches runs in AWS, where a test can count it, and leads to the same ssh server.
//
//	l := lab.Start(t, lab.Options{Delays: lab.Quick})
//	cmd := exec.Command(program, "run", "failover", "--mode", "live", "--estate", l.Estate)
//	cmd.Env = l.Env
package lab
