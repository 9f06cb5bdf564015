package page_test

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"

	"lifeboat/runbook"
	"lifeboat/ui/page"
	"lifeboat/ui/theme"
	"lifeboat/ui/uitest"
)

// posed is a sheet under test, with a wall clock that the test moves.
type posed struct {
	page.AskView
	page.Sheet
	t   *testing.T
	now time.Time
}

func askViewOf(t *testing.T, scene string) *posed {
	t.Helper()
	run := uitest.Scene(scene)
	a := &posed{t: t, now: run.Now}
	env := &page.Env{Theme: theme.New(theme.Mono, false), Now: func() time.Time { return a.now }, Actor: uitest.Operator}
	a.AskView = page.NewAskView(env, run.Opened, run.News, run.Now)
	return a
}

// posedOf is the sheet of the scene's first question, behind a quiet keyboard.
func posedOf(t *testing.T, scene string) *posed {
	t.Helper()
	a := askViewOf(t, scene)
	a.pose()
	a.now = a.now.Add(time.Second)
	return a
}

// pose puts the first open question up, now.
func (a *posed) pose() {
	a.t.Helper()
	qs := a.Questions()
	if len(qs) == 0 {
		a.t.Fatal("nothing is asked")
	}
	a.Sheet = a.Ask(qs[0], a.now)
}

// press sends keys by name, or text that begins with a quote, and returns what the sheet said last.
func (a *posed) press(keys ...string) tea.Msg {
	var out tea.Msg
	for _, k := range keys {
		for _, msg := range uitest.Keys(k) {
			out = nil
			if cmd := a.Update(msg); cmd != nil {
				out = cmd()
			}
		}
	}
	return out
}

func (a *posed) text(w, h int) string { return ansi.Strip(strings.Join(a.Lines(w, h), "\n")) }

// shows fails unless the sheet at 80x24 holds all the texts.
func (a *posed) shows(texts ...string) {
	a.t.Helper()
	for _, want := range texts {
		if got := a.text(80, 24); !strings.Contains(got, want) {
			a.t.Errorf("the sheet does not show %q:\n%s", want, got)
		}
	}
}

// reply is the reply in a message, which must be an answer.
func (a *posed) reply(msg tea.Msg) runbook.Reply {
	a.t.Helper()
	answer, is := msg.(page.Answer)
	if !is {
		a.t.Fatalf("the sheet said %#v, not an answer:\n%s", msg, a.text(80, 24))
	}
	if _, err := answer.Question.Answer(answer.Reply); err != nil {
		a.t.Errorf("the answer is refused: %v", err)
	}
	if answer.Reply.By != uitest.Operator {
		a.t.Errorf("the answer is by %v", answer.Reply.By)
	}
	return answer.Reply
}

// none fails when the sheet has said anything.
func (a *posed) none(msg tea.Msg) {
	a.t.Helper()
	if msg != nil {
		a.t.Fatalf("the sheet said %#v, and should have kept silent", msg)
	}
}

// allSheets are all sheets there are, each in front of a run in which it makes sense.
func allSheets(t *testing.T) map[string]*posed {
	t.Helper()
	out := map[string]*posed{}
	for _, scene := range []string{
		"guard-failed", "guard-unsure", "start", "start@drill", "approval", "approval-type", "manual", "failed", "unknown", "wide",
	} {
		a := askViewOf(t, scene)
		if len(a.Questions()) > 0 {
			a.pose()
			a.now = a.now.Add(time.Second)
			out["ask "+scene] = a
		}
	}
	for _, scene := range []string{"running", "failed", "done", "no-driver", "no-plan", "start"} {
		for name, make := range map[string]func(*posed) page.Sheet{
			"note": func(a *posed) page.Sheet { return a.Note() }, "stop": func(a *posed) page.Sheet { return a.Stop() },
			"undo": func(a *posed) page.Sheet { return a.Undo() }, "drive": func(a *posed) page.Sheet { return a.Drive() },
		} {
			a := askViewOf(t, scene)
			a.Sheet = make(a)
			out[name+" "+scene] = a
		}
	}
	return out
}

func sheetNames(m map[string]*posed) []string { return slices.Sorted(maps.Keys(m)) }

func TestSheetTakesNoKeyUntilTheKeyboardWasStill(t *testing.T) {
	a := askViewOf(t, "failed")
	a.pose()
	enter, still := uitest.Keys("enter")[0], "keys are taken when the keyboard has been still"
	for range 20 { // each key restarts the wait
		a.now = a.now.Add(499 * time.Millisecond)
		a.shows(still)
		if cmd := a.Update(enter); cmd == nil {
			t.Fatal("nothing redraws the screen when keys are taken")
		}
	}
	a.Update(tea.PasteMsg{Content: "x"})
	a.now = a.now.Add(499 * time.Millisecond)
	if !a.Wants(uitest.Keys("q")[0]) {
		t.Error("a key that would restart the wait is left to the page")
	}
	a.Update(uitest.Keys("down")[0])
	a.now = a.now.Add(500 * time.Millisecond)
	if strings.Contains(a.text(80, 24), still) {
		t.Error("the sheet still says that it takes no keys")
	}
	if r := a.reply(a.press("enter")); r.Choice != runbook.ChooseRetry {
		t.Errorf("the answer is %v: a key was taken while the keyboard was not still", r.Choice)
	}
}

func TestSheetOfTheOperatorTakesKeysAtOnce(t *testing.T) {
	a := askViewOf(t, "running")
	a.Sheet = a.Note()
	fact, is := a.press("'ring the shop", "enter").(page.Fact)
	if !is || fact.Fact.(*runbook.NoteAdded).Text != "ring the shop" {
		t.Errorf("said %#v", fact)
	}
}

// What a wrong key does must never be the question's worst answer: no letter and no digit answers anything.
func TestLettersChooseNothing(t *testing.T) {
	all := allSheets(t)
	for _, name := range sheetNames(all) {
		a := all[name]
		for row := range 8 {
			for c := '!'; c <= '~'; c++ {
				if c == '!' || strings.ContainsRune("jkgG", c-1) { // the key before has moved the focus
					a.press("up", "up", "up", "up", "up", "up", "up", "up", "up")
					a.press(slices.Repeat([]string{"down"}, row)...)
				}
				switch msg := a.press("'" + string(c)).(type) {
				case nil, page.Copy:
				default:
					t.Fatalf("%s: %q in row %d made %#v", name, c, row, msg)
				}
			}
		}
	}
}

func TestMistypedWordDoesNothingAndIsKept(t *testing.T) {
	for scene, word := range map[string]string{"start": "us-east-1", "approval-type": "dns"} {
		a := posedOf(t, scene)
		wrong := word + "x"
		a.none(a.press("enter"))
		a.shows("type the word " + word + ", then enter: nothing was done")
		a.none(a.press("'"+wrong, "enter"))
		a.shows("the word is "+word+", not "+wrong+": nothing was done", wrong+"_")
		a.none(a.press("backspace", "home", "delete", "'"+strings.ToUpper(word[:1]), "enter")) // the case counts
		a.press("home", "delete", "' "+word[:1], "end", "' ")
		if r := a.reply(a.press("enter")); r.Choice != runbook.ChooseApprove || r.Word != word {
			t.Errorf("%s: the answer is %+v", scene, r)
		}
	}
}

func TestStartCanBeLookedAtAndRefused(t *testing.T) {
	a := posedOf(t, "start")
	a.shows("the clock starts when the word is right")
	if _, is := a.press("down", "enter").(page.ShowCalls); !is {
		t.Error("the commands are not shown")
	}
	a.none(a.press("down", "enter", "'too early", "enter"))
	if r := a.reply(a.press("enter")); r.Choice != runbook.ChooseRefuse || r.Reason != "too early" {
		t.Errorf("the answer is %+v", r)
	}
}

func TestSkipNeedsReason(t *testing.T) {
	a := posedOf(t, "failed")
	a.none(a.press("down", "down", "enter"))
	a.shows("done with 1 skipped", "serving")
	a.none(a.press("down", "enter"))
	a.shows("a skip needs a reason")
	a.none(a.press("'   ", "enter", "enter")) // the focus is in the field again; spaces are no reason
	a.shows("a skip needs a reason")
	a.none(a.press("ctrl+u", "'started by hand", "enter"))
	if r := a.reply(a.press("enter")); r.Choice != runbook.ChooseSkip || r.Reason != "started by hand" {
		t.Errorf("the answer is %+v", r)
	}
}

func TestByHandAsksForWhatLaterStepsRead(t *testing.T) {
	a := posedOf(t, "unknown")
	a.none(a.press("down", "enter"))
	a.shows("$ aws ec2 run-instances", "instance=")
	copied, is := a.press("y").(page.Copy)
	if !is || !strings.Contains(copied.Text, "run-instances") {
		t.Errorf("y copied %#v", copied)
	}
	a.none(a.press("end", "enter"))
	a.shows("later steps read what launch would have left: fill in instance")
	a.none(a.press("'i-0123456789abcdef0", "enter", "'us-east-1", "enter"))
	r := a.reply(a.press("enter"))
	if r.Choice != runbook.ChooseByHand || r.Outputs["instance"] != "i-0123456789abcdef0" || r.Outputs["region"] != "us-east-1" {
		t.Errorf("the answer is %+v", r)
	}
}

func TestManualIsDoneOnlyWhenSaidSo(t *testing.T) {
	a := posedOf(t, "manual")
	a.shows("Ring 555 0100")
	a.none(a.press("y")) // words are nothing to copy: it is a letter of the note
	a.none(a.press("backspace", "'rang them", "enter"))
	if r := a.reply(a.press("enter")); r.Choice != runbook.ChooseApprove || r.Reason != "rang them" {
		t.Errorf("the answer is %+v", r)
	}
}

func TestUnknownLooksAgainFirst(t *testing.T) {
	a := posedOf(t, "unknown")
	a.shows("What was sent", "Seen since", "the same key")
	if r := a.reply(a.press("enter")); r.Choice != runbook.ChooseLook {
		t.Errorf("the first answer is %v", r.Choice)
	}
}

func TestGuardIsWaivedByItsWord(t *testing.T) {
	a := posedOf(t, "guard-failed")
	a.shows("does not hold", "i-0a1b2c3d4e5f60718 is running")
	a.none(a.press("down", "enter", "'unfenced", "enter"))
	a.shows("the word is UNFENCED, not unfenced: nothing was done")
	if r := a.reply(a.press("ctrl+u", "'UNFENCED", "enter")); r.Choice != runbook.ChooseWaive {
		t.Errorf("the answer is %+v", r)
	}
	posedOf(t, "guard-unsure").shows("could not be checked", "which is not the")
}

func TestGuardThatCannotBeWaivedOffersNoWay(t *testing.T) {
	a := askViewOf(t, "guard-failed")
	a.State().Guards["fenced"].Waive = runbook.ConfirmNone
	a.pose()
	if got := a.text(80, 24); strings.Contains(got, "go on without") || !strings.Contains(got, "look again") || !strings.Contains(got, "stop…") {
		t.Errorf("the choices are\n%s", got)
	}
}

func TestEscapeGoesBackAndNothingTypedIsLost(t *testing.T) {
	a := posedOf(t, "failed")
	a.press("down", "down", "enter", "'the disk is full")
	a.none(a.press("esc"))
	a.shows("by hand")
	if _, is := a.press("esc").(page.Hide); !is {
		t.Error("esc does not hide the question")
	}
	a.press("enter") // the focus is where it was
	a.shows("the disk is full")
}

func TestWhatWasNotTakenMayBeSentAgain(t *testing.T) {
	a := posedOf(t, "failed")
	a.reply(a.press("enter"))
	a.Update(page.NotTaken{Why: "the record cannot be written"})
	a.shows("the record cannot be written")
	a.reply(a.press("enter"))
}

func TestReplayDecidesNothing(t *testing.T) {
	a := posedOf(t, "failed")
	a.Replay()
	a.none(a.press("enter"))
	a.shows("this is a replay")
}

func TestQuestionsAreCounted(t *testing.T) {
	a := askViewOf(t, "failed")
	a.State().Steps["converged"].Status, a.State().Steps["converged"].Question = runbook.StatusUnknown, a.State().Seq+1
	a.pose()
	a.shows("1 of 2")
}

func TestPasteIsCleanedAndCut(t *testing.T) {
	a := posedOf(t, "failed")
	a.press("down", "down", "enter")
	a.Update(tea.PasteMsg{Content: "\x1b]0;evil\x07the\x1b[2Jdisk\r\nis \x1b[31mfull\u202e\x00\n"})
	a.none(a.press("end", "enter"))
	if r := a.reply(a.press("enter")); r.Reason != "thedisk  is full" {
		t.Errorf("the reason is %q", r.Reason)
	}
	a.press("up")
	a.Update(tea.PasteMsg{Content: strings.Repeat("no room on the disk ", 1<<20)})
	a.shows("only the first 500 characters are kept")
	a.none(a.press("down"))
	if r := a.reply(a.press("enter")); len(r.Reason) > 500 || len(r.Reason) < 490 {
		t.Errorf("the reason has %d characters", len(r.Reason))
	}
}

func TestUndoPutsBackWhatTheMarkSays(t *testing.T) {
	a := askViewOf(t, "failed")
	a.Sheet = a.Undo()
	a.shows("how far back?", "Has no undo    sync")
	a.none(a.press("down", "enter"))
	a.shows("1 services", "2 quiesce", "Stays done     mount, attach, address, dns, launch", "The run stops first")
	a.none(a.press("enter"))
	a.none(a.press("'drill", "enter"))
	a.shows("the word is live, not drill: nothing was done")
	fact, is := a.press("ctrl+u", "'live", "enter").(page.Fact)
	if !is {
		t.Fatal("nothing was told")
	}
	stop, stops := fact.Fact.(*runbook.StopRequested)
	undo, undoes := fact.Then.(*runbook.UndoRequested)
	if !stops || !undoes || stop.By != uitest.Operator || !slices.Equal(undo.Steps, []string{"services", "quiesce"}) {
		t.Errorf("told %#v, then %#v", fact.Fact, fact.Then)
	}
}

func TestUndoOfARunThatIsOver(t *testing.T) {
	for mode, keys := range map[string][]string{"live": {"'live", "enter"}, "drill": {"'drill", "enter"}, "rehearse": {"down", "enter"}} {
		a := askViewOf(t, "done@"+mode)
		a.Sheet = a.Undo()
		a.none(a.press("end", "enter"))
		fact, is := a.press(keys...).(page.Fact)
		undo, undoes := fact.Fact.(*runbook.UndoRequested)
		if !is || !undoes || fact.Then != nil || len(undo.Steps) == 0 || undo.Steps[len(undo.Steps)-1] != "launch" {
			t.Errorf("%s: told %#v", mode, fact)
		}
	}
}

func TestStopGoesOnFirst(t *testing.T) {
	a := askViewOf(t, "running")
	a.Sheet = a.Stop()
	a.shows("sync")
	if _, is := a.press("enter").(page.Hide); !is {
		t.Error("enter alone does not go on")
	}
	a.none(a.press("down", "'the region is back", "enter"))
	fact, is := a.press("enter").(page.Fact)
	if stop, stops := fact.Fact.(*runbook.StopRequested); !is || !stops || stop.Reason != "the region is back" {
		t.Errorf("told %#v", fact)
	}
}

func TestEmptyNoteIsNone(t *testing.T) {
	a := askViewOf(t, "running")
	a.Sheet = a.Note()
	if _, is := a.press("'  ", "enter").(page.Hide); !is {
		t.Error("an empty note is not dropped")
	}
}

func TestDriveTakesUpOrAsksForTheWord(t *testing.T) {
	a := askViewOf(t, "no-driver")
	a.Sheet = a.Drive()
	if drive, is := a.press("enter").(page.Drive); !is || drive.Word != "" {
		t.Errorf("said %#v", drive)
	}
	a.Update(&page.NeedWord{Word: "takeover", What: "second@desk drives this run", Do: "ends that driver"})
	a.shows("second@desk drives this run", "ends that driver")
	a.none(a.press("enter"))
	if drive, is := a.press("'takeover", "enter").(page.Drive); !is || drive.Word != "takeover" {
		t.Errorf("said %#v", drive)
	}
}

// Sets FRAMES to a file to see every sheet as text.
func TestPrintFrames(t *testing.T) {
	out := os.Getenv("FRAMES")
	if out == "" {
		t.Skip("FRAMES names no file")
	}
	var b strings.Builder
	all := allSheets(t)
	for _, name := range sheetNames(all) {
		for _, s := range uitest.Sizes() {
			a := all[name]
			h := min(s.H-2, a.Height(s.W))
			fmt.Fprintf(&b, "== %s %v\n%s\n-- before\n%s\n", name, s, a.text(s.W, h), ansi.Strip(strings.Join(a.Before(s.W, s.H-2-h), "\n")))
		}
	}
	if err := os.WriteFile(out, []byte(b.String()), 0o600); err != nil {
		t.Error(err)
	}
}
