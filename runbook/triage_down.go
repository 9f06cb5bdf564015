package runbook

import "fmt"

// serving: the page answers. What is broken beside it is said, and nothing is moved for it.
func (t *triage) serving() Advice {
	a := Advice{State: IsWell, Broken: "nothing: " + t.service() + " answers"}
	idle := Way{Remedy: Wait, Do: "Nothing needs you", Possible: true}
	switch {
	case t.page.Name != "" && t.page.Name == t.To && t.To != t.From:
		a.Why = "it is served from " + t.To + ": it was failed over already"
	case t.server.Found == Dead:
		a.Doubt = "the page answers, and EC2 says that the server does not run: somebody else serves it, or one of the two is old"
		idle.Do, idle.Why = "See who serves it", a.Doubt
	case t.from.Found == Silent:
		a.Why = "it answers while the API of " + t.From + " does not: the region may be in trouble, its servers are not yet"
		idle = t.wait("it may come to a failover: keep this open")
	case t.zone.Found == Faulty:
		a.Why = "it answers while " + t.zone.Name + " is in trouble"
		idle = t.wait("it may come to a failover: keep this open")
	}
	a.Ways = []Way{idle}
	if idle.Remedy == Wait && a.Why != "" && t.page.Name != t.To {
		a.Ways = append(a.Ways, t.failover(""))
	}
	return a
}

// twoPrimaries: the service has moved, and the machine that it moved away from is back.
func (t *triage) twoPrimaries() Advice {
	return Advice{
		State: HasTwo, Broken: "the fence: the old primary is back",
		Why: t.fence.Value + ": what it writes is lost, or splits the data in two",
		Ways: []Way{
			t.way(Fence, "Fence the old primary in "+orQuestion(t.From), "the service is not touched"),
			t.look("See what it does", "who still reaches it by its old address writes there"),
			t.wait("it goes on taking writes"),
		},
	}
}

// blind: nothing answers at all, which says more about this machine than about the world.
func (t *triage) blind() Advice {
	look := t.look("Check this machine's own network", "nothing at all answers from here, neither the page nor AWS nor a name server")
	return Advice{
		State: IsUnclear, Broken: "not known: nothing at all answers from here",
		Doubt: "what does not answer from here may answer everywhere else: this may be our own network",
		Ways:  []Way{look, t.wait("nothing changes")},
	}
}

// unasked: no probe could say whether the page answers.
func (t *triage) unasked() Advice {
	do, why := "Look at the service yourself", "no probe could tell whether it answers"
	if t.page.Value != "" {
		why = "it is not known whether it answers: " + t.page.Value
	}
	return Advice{
		State: IsUnclear, Broken: "not known", Doubt: "whether " + t.service() + " answers could not be asked",
		Ways: []Way{t.look(do, why), t.wait("nothing changes")},
	}
}

// down: the page does not answer as it should, and something else does, so this machine hears.
func (t *triage) down() Advice {
	a := Advice{State: IsDown}
	switch {
	case t.record.Found == Faulty && !t.onTheNetwork():
		a = t.recordGone(a)
	case t.alive():
		a = t.repairs(a)
	case t.from.Found == Silent:
		a = t.regionDark(a)
	case t.from.Found == NotSeen:
		a = t.regionUnknown(a)
	case t.zone.Found == Faulty:
		a = t.zoneDark(a)
	case t.server.Found == Dead, t.server.Found == Faulty:
		a = t.serverDead(a)
	case t.server.Found == Starting:
		a.Broken = "the server, which is starting"
		a.Why = "EC2 starts it: it may answer by itself"
		a.Ways = []Way{t.wait("give it two minutes, then look again"), t.relaunch(""), t.failover("")}
	default:
		a = t.muddle(a)
	}
	if a.Doubt == "" && a.Ways[0].Remedy == Failover && t.noCopy() {
		a.Doubt = "which copy of the data can be had is not known: neither the replica nor last night's copy answers from here"
	}
	if last := a.Ways[len(a.Ways)-1]; last.Remedy != Wait && a.Ways[0].Remedy != Wait {
		a.Ways = append(a.Ways, t.wait("nothing changes"))
	}
	return a
}

// onTheNetwork reports whether something at the page's address answers, well or not.
func (t *triage) onTheNetwork() bool { return t.page.Found == Faulty || t.page.Found == Refused }

// alive reports whether the server itself can be reached, or something that stands at its address. A refusal proves little: where
// EC2 says that the machine is stopped or ill, it is somebody else's.
func (t *triage) alive() bool {
	if t.ssh.Found == Fine || t.page.Found == Faulty {
		return true
	}
	return (t.ssh.Found == Refused || t.page.Found == Refused) && t.server.Found != Dead && t.server.Found != Faulty
}

func (t *triage) recordGone(a Advice) Advice {
	a.Broken = "the DNS record of " + t.service()
	a.Why = t.record.Value + ": clients cannot find the server, whether it is well or not"
	a.Ways = []Way{t.look("Put the DNS record back", t.record.Value), t.failover("it sets the record, to " + orQuestion(t.To))}
	if t.ssh.Found == NotSeen && t.server.Found == NotSeen {
		a.Doubt = "whether the server behind it is well is not known"
	}
	return a
}

// repairs: the server can be reached. Whatever speaks against that is told, for it may be another machine that answers.
func (t *triage) repairs(a Advice) Advice {
	a.Broken = "the services on the server"
	a.Why = "ssh reaches the server and the page is not served: this is what runs on it, not the machine"
	why := "it answers ssh: its services are started anew, and nothing is moved"
	if t.ssh.Found != Fine {
		a.Why = "something at the server's address answers, and the page is not served"
		why = "ssh does not reach it: a reboot is what is left"
	}
	switch {
	case t.server.Found == Dead:
		a.Doubt = fmt.Sprintf("EC2 says: %s; and yet something answers at its address. One of the two is old, or another machine has the address", t.server.Value)
	case t.from.Found == Silent:
		a.Doubt = "the server answers and the API of " + t.From + " does not: the region may be failing. When a restart does not help, go"
	case t.zone.Found == Faulty:
		a.Doubt = "the server answers and its zone " + t.zone.Name + " is in trouble. When a restart does not help, go"
	case t.page.Found == Silent && t.record.Found != Fine:
		a.Doubt = "whether the name " + t.service() + " still points at the server could not be asked: the record may be what is gone"
	case t.ssh.Found == Silent:
		a.Doubt = "something answers at the page's address, and ssh does not: it may be another machine, or ssh is closed from here"
	case t.ssh.Found != Fine && t.server.Found != Fine:
		a.Doubt = "something answers at the server's address, and nothing proves that it is the server"
	}
	a.Ways = []Way{t.repair(why), t.relaunch("it would end a server that answers"), t.failover("")}
	if t.server.Found == Dead { // what does not run cannot be repaired
		a.Broken = "the server, or what answers in its place"
		a.Ways[0] = t.look("See which machine has the server's address", "")
		a.Ways[1].Why = ""
	}
	return a
}

// regionDark: the API of production's region does not answer, and nor does the server.
func (t *triage) regionDark(a Advice) Advice {
	a.Broken = "the region " + t.From
	heard, ok := t.control()
	dark := "region dark"
	near := []Way{t.closed(Relaunch, dark), t.closed(Repair, "the server does not answer")}
	switch {
	case t.to.Found == Silent:
		a.Broken = fmt.Sprintf("%s and %s, as seen from here", t.From, t.To)
		a.Doubt = fmt.Sprintf("neither %s nor %s answers from here, and two regions at once are rarer than one broken uplink", t.From, t.To)
		a.Ways = append([]Way{t.look("Check this machine's own network", a.Doubt), t.failover("")}, near...)
		return a
	case !ok:
		a.Doubt = "nothing outside of " + t.From + " proves that this machine hears: " + orQuestion(t.To) + " could not be asked"
	default:
		a.Why = fmt.Sprintf("neither page nor server nor API of %s answers, and %s does: this is the region, not the server, and not our own network", t.From, controlName(heard))
	}
	a.Ways = append([]Way{t.failover("")}, near...)
	return a
}

func controlName(c Clue) string { return orQuestion(c.Name) }

// regionUnknown: nobody could ask production's region, as without credentials.
func (t *triage) regionUnknown(a Advice) Advice {
	a.Broken = "the server or its region"
	a.Doubt = "nothing is known of " + orQuestion(t.From)
	if t.from.Value != "" {
		a.Doubt += ": " + t.from.Value
	}
	over := t.failover("nothing is known of " + orQuestion(t.From) + ": do not count on it")
	near := t.relaunch("it needs " + orQuestion(t.From))
	if t.to.Found == NotSeen {
		a.Ways = []Way{t.look("Log in to AWS, then look again", a.Doubt), over, near}
		return a
	}
	a.Ways = []Way{over, near}
	return a
}

// zoneDark: the region answers and says that the server's zone does not work.
func (t *triage) zoneDark(a Advice) Advice {
	a.Broken = "the zone " + t.zone.Name
	a.Why = fmt.Sprintf("%s: %s, and %s answers: this is the zone, and the data volume is in it", t.zone.Name, t.zone.Value, t.From)
	near := t.relaunch("in another zone, with a volume from the newest snapshot: what was written since is lost")
	near.Loses = &Loss{Copy: "snapshot"}
	if other := t.otherZone(); other != "" {
		near.Inputs = map[string]string{"data": "snapshot", "zone": other}
	} else {
		near = t.closed(Relaunch, "no other zone of "+t.From+" is known to work")
	}
	a.Ways = []Way{t.failover(""), near, t.closed(Repair, "the server does not answer")}
	return a
}

// otherZone is the first zone beside the server's that works; "" when none is known to.
func (t *triage) otherZone() string {
	for _, c := range t.Clues {
		if c.About == AboutZone && c.Name != t.zone.Name && c.Found == Fine {
			return c.Name
		}
	}
	return ""
}

// serverDead: the region answers, and says that the server is dead or hangs.
func (t *triage) serverDead(a Advice) Advice {
	a.Broken = "the server"
	a.Why = fmt.Sprintf("%s answers and says of the server: %s. This is the server, not the region", t.From, t.server.Value)
	repair := t.closed(Repair, "the server does not run")
	if t.server.Found == Faulty {
		repair = t.repair("it does not answer ssh: a reboot is all that it could do")
	}
	a.Ways = []Way{t.relaunch("the data volume is kept, and DNS stays as it is"), repair, t.failover("")}
	return a
}

// muddle: the region answers, the server does not, and what EC2 says of it explains nothing.
func (t *triage) muddle(a Advice) Advice {
	a.Broken = "the server, or the way to it"
	if t.server.Found == Fine {
		a.Doubt = fmt.Sprintf("EC2 says of the server: %s; and yet neither the page nor ssh answers from here. It may hang, or the network between is closed", t.server.Value)
		if t.ssh.Found == NotSeen {
			a.Doubt = fmt.Sprintf("EC2 says of the server: %s; and yet the page does not answer. Whether ssh does is not known", t.server.Value)
		}
		a.Ways = []Way{t.repair("a reboot changes least"), t.relaunch("when a reboot does not help"), t.failover("")}
		return a
	}
	a.Doubt = "what EC2 says of the server is not known"
	if t.server.Value != "" {
		a.Doubt += ": " + t.server.Value
	}
	a.Ways = []Way{t.relaunch(t.From + " answers: this is the server, not the region"), t.failover("")}
	return a
}

// The ways.

func (t *triage) way(r Remedy, do, why string) Way {
	return Way{Remedy: r, Do: do, Possible: true, Why: why}
}

// closed is a way that is not possible.
func (t *triage) closed(r Remedy, why string) Way {
	do := map[Remedy]string{Repair: "Repair the server in ", Relaunch: "Relaunch in ", Failover: "Fail over to ", Fence: "Fence the old primary in "}[r]
	where := t.From
	if r == Failover {
		where = t.To
	}
	return Way{Remedy: r, Do: do + orQuestion(where), Why: why}
}

// repair starts with a reboot where ssh does not let anybody in.
func (t *triage) repair(why string) Way {
	w := t.way(Repair, "Repair the server in "+orQuestion(t.From), why)
	if t.ssh.Found != Fine {
		w.Inputs = map[string]string{"first": "reboot"}
	}
	return w
}

func (t *triage) relaunch(why string) Way {
	return t.way(Relaunch, "Relaunch in "+orQuestion(t.From), why)
}

func (t *triage) look(do, why string) Way { return t.way(LookFirst, do, why) }

func (t *triage) wait(why string) Way { return t.way(Wait, "Wait and watch", why) }

// failover takes the live replica, and last night's copy where that is measured and the replica does not answer or is further behind.
func (t *triage) failover(why string) Way {
	w := t.away(why)
	if !w.Possible {
		return w
	}
	w.Loses = t.loses("replica")
	replica, nightly := t.copy("replica"), t.copy("nightly")
	switch {
	case t.noCopy():
		w.Why = join("; ", w.Why, "neither the replica nor last night's copy answers from here: see which of them can be had, and name it (data)")
		return w
	case replica.Found == Silent:
		w.Why = join("; ", w.Why, "the replica does not answer: with last night's copy")
	case replica.Measured && nightly.Measured && nightly.Age < replica.Age:
		w.Why = join("; ", w.Why, fmt.Sprintf("with last night's copy: the replica is %s behind", SpanText(replica.Age)))
	default:
		return w
	}
	w.Inputs, w.Loses = map[string]string{"data": "nightly"}, t.loses("nightly")
	return w
}

// noCopy reports whether no copy of the data is known to be within reach: one that was not measured is none to count on.
func (t *triage) noCopy() bool {
	return t.copy("replica").Found == Silent && !t.copy("nightly").Measured
}

// away is a failover, whichever copy it takes. What is not well in the standby region is said; only a region that does not answer rules it out.
func (t *triage) away(why string) Way {
	if t.to.Found == Silent {
		return t.closed(Failover, t.To+" does not answer from here")
	}
	w := t.way(Failover, "Fail over to "+orQuestion(t.To), why)
	for _, c := range t.Clues {
		if c.About == AboutStandby && (c.Found == Dead || c.Found == Faulty) {
			w.Why = join("; ", w.Why, "first: "+c.Name+" is not ready: "+c.Value)
		}
	}
	return w
}

func (t *triage) service() string {
	if t.Service == "" {
		return "the service"
	}
	return t.Service
}
