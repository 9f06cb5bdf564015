package page_test

import (
	"strings"
	"testing"

	"lifeboat/runbook"
	"lifeboat/ui/page"
)

func TestLongLogIsReadInParts(t *testing.T) {
	followed(t, "running", 80, 24, func(f *follow) {
		f.press("l")
		f.shows("log of sync", "follows the end", "srv/data/1099999.dat")
		f.press("ctrl+b", "ctrl+b")
		f.lacks("follows the end", "srv/data/1099999.dat")
		for range 60 { // beyond the part that was read first
			f.press("ctrl+b")
		}
		f.shows("srv/data/109")
		f.press("g")
		f.shows("srv/data/1000000.dat", "0 % of")
		f.press("/", "'1050000.dat", "enter")
		f.shows("srv/data/1050000.dat")
		f.press("/", "'no such word", "enter")
		f.shows("not found below", "srv/data/1050000.dat")
		f.press("G")
		f.shows("srv/data/1099999.dat", "follows the end")
		f.press("esc")
		f.shows("▸ ▶ sync")
	})
}

func TestLineIsCopied(t *testing.T) {
	followed(t, "running", 80, 24, func(f *follow) {
		f.press("c")
		f.shows("calls made")
		f.press("y")
		if m, is := f.asked[len(f.asked)-1].(page.Copy); !is || !strings.Contains(m.Text, "apply rsync") {
			t.Errorf("copied %v", f.asked)
		}
	})
}

func TestLogOfTheRunFollows(t *testing.T) {
	followed(t, "running", 80, 24, func(f *follow) {
		f.press("L")
		f.append(&runbook.NoteAdded{Text: "the shop is told", By: second})
		f.shows("the shop is told")
	})
}

func TestQuestionComesOverALogAndLeavesIt(t *testing.T) {
	followed(t, "running", 80, 24, func(f *follow) {
		f.press("l")
		s := f.journal.State()
		f.append(&runbook.StepFailed{Step: "sync", Attempt: s.Step("sync").Attempt, Error: *runbook.Fail("the disk is full", "", "")})
		f.shows("sync FAILED")
		f.press("esc")
		f.lacks("sync FAILED")
		f.shows("log of sync", "enter")
	})
}
