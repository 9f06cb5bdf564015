package uitest

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"lifeboat/runbook"
	"lifeboat/ui/page"
)

// Run is a run at one moment.
type Run struct {
	Opened page.Opened
	News   page.News
	Now    time.Time           // the run's clock at the moment of the picture
	Logs   map[string][]string // by step; "" is the log of the calls
}

// State is the fold of the run's events.
func (r Run) State() runbook.State { return runbook.Fold(r.Opened.Events) }

// Scenes are the names of all scenes, sorted. Each of them can be had in another mode as well: "running@drill".
func Scenes() []string { return slices.Sorted(maps.Keys(scenes())) }

// Scene is the run of that name, live unless the name ends in @drill or @rehearse. Every call makes a new one.
func Scene(name string) Run {
	base, mode, _ := strings.Cut(name, "@")
	tell, ok := scenes()[base]
	if !ok {
		panic(fmt.Sprintf("there is no scene %q", name))
	}
	if mode == "" {
		mode = string(runbook.Live)
	}
	return tell(runbook.Mode(mode)).run()
}

// scenes tell a run up to the moment of the picture.
func scenes() map[string]func(runbook.Mode) *teller {
	return map[string]func(runbook.Mode) *teller{
		"guards": guards, "guard-failed": guardFailed, "guard-unsure": guardUnsure, "start": start,
		"waiting": at(0.3), "running": running, "running-early": at(8.0), "overdue": overdue, "retrying": retrying,
		"approval": approval("key"), "approval-type": approval("type"), "manual": manual,
		"failed": failed, "unknown": unknown, "looking": looking, "held": held,
		"done": done, "done-with-skips": doneWithSkips, "stopping": stopping, "stopped": stopped, "failed-end": failedEnd, "refused": refused,
		"undoing": undoing, "undone": undone, "undo-failed": undoFailed,
		"over-target": overTarget, "no-driver": noDriver, "record-trouble": recordTrouble, "wide": wide, "nightly": nightly,
		"no-plan": noPlan, "damaged": damaged, "decided": decided, "long": long,
	}
}

func guards(mode runbook.Mode) *teller {
	t := newTeller(mode, nil)
	if mode != runbook.Drill {
		t.fenced()
	}
	t.wait(2300 * time.Millisecond)
	return t
}

func guardFailed(mode runbook.Mode) *teller {
	t := newTeller(mode, nil)
	t.fact(0.7, &runbook.GuardFailed{
		Guard: "fenced", Evidence: "i-0a1b2c3d4e5f60718 is running in us-west-1", Waive: runbook.ConfirmType, Word: "UNFENCED",
	})
	t.down()
	t.hold()
	t.wait(9 * time.Second)
	return t
}

func guardUnsure(mode runbook.Mode) *teller {
	t := newTeller(mode, nil)
	t.fact(0.7, &runbook.GuardFailed{
		Guard: "fenced", Evidence: "ec2:DescribeInstances in us-west-1: unreachable: no answer", Unsure: true,
		Waive: runbook.ConfirmType, Word: "UNFENCED",
	})
	t.down()
	t.hold()
	t.wait(9 * time.Second)
	return t
}

func start(mode runbook.Mode) *teller {
	t := newTeller(mode, nil)
	t.guards()
	t.ask()
	t.hold()
	t.wait(4 * time.Second)
	return t
}

// begun is a run whose first step could start.
func begun(mode runbook.Mode, edits ...string) *teller {
	t := newTeller(mode, nil, edits...)
	t.approve()
	return t
}

// at is the good run so many seconds into the work. Before the first intent nothing has started yet.
func at(seconds float64) func(runbook.Mode) *teller {
	return func(mode runbook.Mode) *teller {
		t := begun(mode)
		if seconds < 0.6 {
			t.wait(time.Duration(seconds * float64(time.Second)))
			return t
		}
		t.play(seconds)
		return t
	}
}

// running has several steps side by side: the copy in its middle, and the name servers still converging.
func running(mode runbook.Mode) *teller {
	t := begun(mode)
	t.except("converged")
	t.play(4.3)
	t.start(0.2, "converged")
	t.play(79)
	t.progress("sync", "1.4 GB of 3.9 GB · 61.00 MB/s · 0:41 left", 1.4e9, 3.9e9, "B", 41)
	t.progress("converged", "A = 198.51.100.7 on 3/4 name servers; 203.0.113.10 on 192.0.2.53", 3, 4, "name servers", 0)
	return t
}

func (t *teller) progress(step, text string, done, total float64, unit string, left float64) {
	t.news.Progress[step] = runbook.Progress{
		Text: t.words(text), Done: done, Total: total, Unit: unit, Left: runbook.Seconds(left * float64(time.Second)),
	}
}

// overdue has two steps over their budgets: it is a mark, nothing more.
func overdue(mode runbook.Mode) *teller {
	t := begun(mode)
	t.except("ready", "converged")
	t.play(4.3)
	t.start(0.1, "converged")
	t.play(14.4)
	t.start(0.1, "ready")
	t.play(49)
	t.fact(0.6, &runbook.StepOverdue{Step: "ready", Budget: runbook.Duration(35 * time.Second)})
	t.fact(15, &runbook.StepOverdue{Step: "converged", Budget: runbook.Duration(time.Minute)})
	t.progress("ready", server+" runs, ssh at 198.51.100.7 is refused", 0, 0, "", 0)
	t.wait(9 * time.Second)
	return t
}

var refusedConnection = runbook.Failure{
	What: "ssh at 198.51.100.7: unreachable: connection refused", Means: "it was only looked at; nothing was changed", Verdict: runbook.Transient,
}

// retrying waits for the third attempt of the mount.
func retrying(mode runbook.Mode) *teller {
	t := begun(mode)
	t.except("mount", "sync", "services", "serving")
	t.play(46)
	for i, after := range []runbook.Duration{299e6, 3200e6} {
		t.start(0.5, "mount")
		t.fact(1.5, &runbook.StepFailed{Step: "mount", Attempt: i + 1, Error: refusedConnection, Again: true})
		t.fact(0.1, &runbook.StepRetried{Step: "mount", Attempt: i + 2, Generation: 1, After: after, Reason: "by the step's retry rule"})
	}
	t.wait(1200 * time.Millisecond)
	return t
}

func approval(confirm string) func(runbook.Mode) *teller {
	return func(mode runbook.Mode) *teller {
		t := begun(mode, "  - id: dns\n", "  - id: dns\n    confirm: "+confirm+"\n")
		t.except("dns", "converged")
		t.play(2.9)
		step, _ := t.plan.Step("dns")
		ask := &runbook.ApprovalAsked{Step: "dns", Confirm: step.Confirm, Text: step.Title}
		if step.Confirm == runbook.ConfirmType {
			ask.Word = step.Word
		}
		t.fact(0, ask)
		t.play(20)
		return t
	}
}

const manualStep = `  - id: tell
    title: Tell the warehouse to print from the new server
    why: The label printers keep the old address until somebody restarts their queue.
    uses: manual
    with: {text: "Ring 555 0100 and have the print queue restarted; ask for the queue's name"}
    needs: [running]
    budget: 2m

  - id: converged
`

func manual(mode runbook.Mode) *teller {
	t := begun(mode, "  - id: converged\n", manualStep)
	t.play(13)
	step, _ := t.plan.Step("tell")
	t.fact(0.1, &runbook.ApprovalAsked{Step: "tell", Confirm: runbook.ConfirmKey, Text: step.Title, Manual: true})
	t.play(60)
	t.progress("sync", "0.5 GB of 3.9 GB · 61.00 MB/s · 0:56 left", 5e8, 3.9e9, "B", 56)
	return t
}

var portTaken = runbook.Failure{
	What: `httpd did not start: "Address already in use: 0.0.0.0:443"`, Code: "exit 1",
	Means: "the server is up and the data is in place; nothing is served yet",
	Do:    "free the port on 198.51.100.7: ss -ltnp 'sport = :443'", Verdict: runbook.Definitive,
}

// failed asks about the services, which were tried twice.
func failed(mode runbook.Mode) *teller {
	t := begun(mode)
	t.except("services", "serving")
	t.play(134)
	t.start(0.6, "services")
	t.failed(31, "services", portTaken)
	t.hold()
	t.answer(20, "services", runbook.Reply{Choice: runbook.ChooseRetry})
	t.fact(0.1, &runbook.RunResumed{Reason: "decided"})
	t.start(0.1, "services")
	t.failed(31, "services", portTaken)
	t.hold()
	t.wait(12 * time.Second)
	return t
}

const lostLaunch = "ec2:RunInstances in us-east-1: lost: no answer"

// unknown asks about the launch: it may have happened.
func unknown(mode runbook.Mode) *teller {
	t := begun(mode)
	t.start(0.6, "launch")
	t.fact(3, &runbook.StepOverdue{Step: "launch", Budget: runbook.Duration(3 * time.Second)})
	t.fact(9, &runbook.StepUnknown{Step: "launch", Attempt: 1, Why: lostLaunch})
	t.fact(20, &runbook.StepUnknown{
		Step: "launch", Attempt: 1, Why: lostLaunch, Ask: true,
		Seen: "ec2:DescribeInstances in us-east-1: unreachable: no answer in 6 tries over 20s",
	})
	t.hold()
	t.wait(8 * time.Second)
	return t
}

// looking has lost an answer and looks what has happened.
func looking(mode runbook.Mode) *teller {
	t := begun(mode)
	t.start(0.6, "launch")
	t.fact(12, &runbook.StepUnknown{Step: "launch", Attempt: 1, Why: lostLaunch})
	t.wait(2 * time.Second)
	return t
}

// held cannot go on: two steps have failed and ask.
func held(mode runbook.Mode) *teller {
	t := begun(mode)
	t.except("converged", "services", "serving")
	t.play(4.2)
	t.start(0.1, "converged")
	t.play(134)
	t.start(0.6, "services")
	t.failed(31, "services", portTaken)
	t.failed(400, "converged", runbook.Failure{
		What: "A = 203.0.113.10 on 1/4 name servers after 10m0s", Means: "clients that ask 192.0.2.53 still go to the old server",
		Do: "look at the zone's delegation", Verdict: runbook.Definitive,
	})
	t.hold()
	t.wait(65 * time.Second)
	return t
}

func done(mode runbook.Mode) *teller {
	t := begun(mode)
	t.play(1000)
	t.finish(0.1, &runbook.RunFinished{Outcome: runbook.Done})
	t.wait(7 * time.Second)
	return t
}

func doneWithSkips(mode runbook.Mode) *teller {
	t := begun(mode)
	t.except("serving", "services")
	t.play(1000)
	t.start(0.6, "services")
	t.failed(31, "services", portTaken)
	t.hold()
	t.answer(40, "services", runbook.Reply{Choice: runbook.ChooseSkip, Reason: "httpd is started by its own timer on this image", By: Second})
	t.fact(0.1, &runbook.RunResumed{Reason: "decided"})
	t.fact(20, &runbook.NoteAdded{Text: "the timer runs at :00, seen in systemctl list-timers", By: Second, Step: "services"})
	t.start(0.3, "serving")
	t.fact(2, &runbook.StepSucceeded{Step: "serving", Attempt: 1, Evidence: t.words("200 in 471 ms from 198.51.100.7"), Elapsed: runbook.Seconds(2 * time.Second)})
	t.finish(0.1, &runbook.RunFinished{Outcome: runbook.DoneWithSkips})
	t.wait(time.Minute)
	return t
}

// stopping was asked to stop and lets what is under way come to its end.
func stopping(mode runbook.Mode) *teller {
	t := begun(mode)
	t.play(79)
	t.progress("sync", "1.4 GB of 3.9 GB · 61.00 MB/s · 0:41 left", 1.4e9, 3.9e9, "B", 41)
	t.fact(0.2, &runbook.StopRequested{By: Operator, Reason: "production is back"})
	t.wait(3 * time.Second)
	return t
}

func stopped(mode runbook.Mode) *teller {
	t := stopping(mode)
	t.play(134)
	t.finish(0.1, &runbook.RunFinished{Outcome: runbook.Stopped, Reason: "stopped by operator: production is back"})
	t.wait(5 * time.Second)
	return t
}

func failedEnd(mode runbook.Mode) *teller {
	t := failed(mode)
	t.fact(3, &runbook.StopRequested{By: Operator})
	t.finish(0.1, &runbook.RunFinished{Outcome: runbook.Failed, Reason: "stopped by operator"})
	t.wait(5 * time.Second)
	return t
}

func refused(mode runbook.Mode) *teller {
	t := newTeller(mode, nil)
	t.fenced()
	const up = "200 in 84 ms from 203.0.113.10: it answers"
	t.fact(0.4, &runbook.GuardFailed{Guard: "down", Evidence: up, Waive: runbook.ConfirmNone})
	t.finish(0.1, &runbook.RunFinished{Outcome: runbook.Failed, Refused: true, Reason: "guard down does not hold: " + up})
	t.wait(5 * time.Second)
	return t
}

// undoing puts back what a stopped run did, dependents first.
func undoing(mode runbook.Mode) *teller {
	t := stopped(mode)
	t.fact(20, &runbook.UndoRequested{Steps: []string{"launch"}, By: Operator, Reason: "production is back"})
	t.news.Driven = true
	for _, id := range []string{"quiesce", "mount", "attach"} {
		t.undo(4, id)
	}
	t.fact(0.2, &runbook.UndoStarted{Step: "address"})
	t.wait(2 * time.Second)
	return t
}

// undo puts a step back, as its kind says it.
func (t *teller) undo(takes float64, id string) {
	t.fact(0.2, &runbook.UndoStarted{Step: id})
	t.undid(takes, id)
}

func (t *teller) undid(after float64, id string) {
	t.fact(after, &runbook.UndoSucceeded{Step: id, Evidence: t.words(map[string]string{
		"quiesce": "198.51.100.21 says that it is not paused", "mount": "/srv/data is not mounted on " + server,
		"attach": "vol-0b2c3d4e5f6071829 is available", "address": "198.51.100.7 is not associated",
		"dns": "A = 203.0.113.10, TTL 300: set in Route 53", "launch": server + " is terminated",
	}[id])})
}

func undone(mode runbook.Mode) *teller {
	t := undoing(mode)
	t.undid(1, "address")
	t.undo(1.4, "dns")
	t.undo(12, "launch")
	t.news.Driven = false
	t.wait(6 * time.Second)
	return t
}

func undoFailed(mode runbook.Mode) *teller {
	t := undoing(mode)
	t.fact(1, &runbook.UndoFailed{Step: "address", Error: runbook.Failure{
		What: "ec2:DisassociateAddress in us-east-1: denied: UnauthorizedOperation", Means: "the address still points at the server",
		Do: "allow ec2:DisassociateAddress, then ask again", Code: "UnauthorizedOperation", Verdict: runbook.Definitive,
	}})
	t.undo(1.4, "dns")
	t.fact(0.1, &runbook.UndoFailed{Step: "launch", Held: "address", Error: runbook.Failure{
		What: "not tried: the undo of address failed", Do: "undo address by hand or ask again", Verdict: runbook.Definitive,
	}})
	t.news.Driven = false
	t.wait(6 * time.Second)
	return t
}

// overTarget still copies after the target of five minutes.
func overTarget(mode runbook.Mode) *teller {
	t := begun(mode)
	t.except("sync", "services", "serving")
	t.play(50.4)
	t.start(0.6, "sync")
	t.fact(90, &runbook.StepOverdue{Step: "sync", Budget: runbook.Duration(90 * time.Second)})
	t.wait(190 * time.Second)
	t.progress("sync", "6.1 GB of 41.0 GB · 21.40 MB/s · 27:11 left", 6.1e9, 41e9, "B", 1631)
	return t
}

func noDriver(mode runbook.Mode) *teller {
	t := running(mode)
	t.news.Driven, t.news.Progress = false, nil
	t.wait(70 * time.Second)
	return t
}

func recordTrouble(mode runbook.Mode) *teller {
	t := running(mode)
	t.news.Record = "the disk is full: 0 bytes are left for the record; nothing new starts until it can be written"
	return t
}

// wide has titles of wide and combining characters.
func wide(mode runbook.Mode) *teller {
	t := begun(mode,
		"title: Fail production over to ${{ estate.standby.region }}", "title: 本番を ${{ estate.standby.region }} へ切り替える",
		"title: Bring the volume up to date from the replica", "title: 複製からボリュームを最新にする（夜間コピーの後に変わったものだけ）",
		"title: Launch the copied image", "title: Le serveur de\u0301marre a\u0300 l'e\u0301tranger 🛟",
		"title: Start the services", "title: 서비스를 시작한다",
	)
	t.play(79)
	t.progress("sync", "1.4 GB 완료 · 残り 0:41", 1.4e9, 3.9e9, "B", 41)
	return t
}

// nightly runs with last night's copy: two steps are not needed.
func nightly(mode runbook.Mode) *teller {
	t := newTeller(mode, map[string]string{"data": "nightly"})
	t.approve()
	t.play(2.2)
	t.fact(0.1, &runbook.StepNotNeeded{Step: "quiesce", If: `inputs.data == "replica"`})
	t.play(50.4)
	t.fact(0.1, &runbook.StepNotNeeded{Step: "sync", If: `inputs.data == "replica"`})
	t.except("services", "serving")
	t.start(0.3, "services")
	t.progress("services", "starting httpd", 1, 2, "services", 0)
	t.wait(20 * time.Second)
	return t
}

// noPlan is a run of another lifeboat, whose files this one cannot compile.
func noPlan(mode runbook.Mode) *teller {
	t := running(mode)
	t.why = &page.Trouble{
		What:  `this lifeboat cannot read the run's runbook: failover.yaml:31: unknown kind "instance.clone"`,
		Means: "it was started by another version; its events can be followed, its steps to come cannot be shown",
		Do:    "open it with the lifeboat that started it",
	}
	return t
}

func damaged(mode runbook.Mode) *teller {
	t := running(mode)
	t.damage = &page.Trouble{
		What: "the record is damaged after event 20", Means: "what came after it cannot be read; what is shown is what stands before it",
		Do: "lifeboat verify",
	}
	t.news.Driven, t.news.Progress = false, nil
	return t
}

// decided is just after another operator has answered.
func decided(mode runbook.Mode) *teller {
	t := failed(mode)
	t.answer(1, "services", runbook.Reply{Choice: runbook.ChooseRetry, By: Second})
	t.fact(0.1, &runbook.RunResumed{Reason: "decided"})
	t.start(0.1, "services")
	t.progress("services", "starting httpd", 1, 2, "services", 0)
	t.wait(2 * time.Second)
	return t
}

// long has been taken up again and remarked upon for hours.
func long(mode runbook.Mode) *teller {
	t := held(mode)
	for i := range 400 {
		t.fact(31, &runbook.NoteAdded{Text: fmt.Sprintf("remark %d: the zone's delegation is being looked at", i+1), By: Second})
	}
	t.fact(4, &runbook.RunResumed{Driver: &runbook.Driver{Epoch: 2, Host: Second.Host, PID: 5022, Began: "2", By: Second}})
	t.hold()
	t.news.Driver = t.state.Driver
	t.news.Since = t.now
	t.wait(30 * time.Second)
	return t
}
