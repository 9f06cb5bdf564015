package main

import (
	"context"
	"errors"
	"strings"

	"lifeboat/runbook"
	"lifeboat/ui/page"
)

// Start is page.Starter's. The words that it may need are those that the commands ask for before there is a run.
func (c *console) Start(ctx context.Context, ch page.Choice) (runbook.RunID, error) {
	ch = c.fill(ch)
	words := map[string]string{}
	for _, name := range []string{secondStart, agentQuestion} {
		if w, typed := ch.Words[name]; typed {
			words[name] = strings.TrimSpace(runbook.Clean(w))
		}
	}
	if err := checkWords(words); err != nil {
		return "", err
	}
	if err := ctx.Err(); err != nil {
		return "", err
	}
	said := &notes{}
	a := c.at(ch.Runbook, said, words)
	if ch.Mode == "" {
		return "", &page.Trouble{What: "it was not said on what the run acts", Means: "nothing was started", Do: "choose live, drill or rehearse"}
	}
	if c.demo && ch.Mode != runbook.Rehearse {
		return "", &page.Trouble{What: onlyRehearsed, Means: "nothing was started", Do: "rehearse it, or start lifeboat with your own estate"}
	}
	t, err := a.begin(ch.Mode, ch.Runbook, ch.Inputs, ch.Reference, simFlags{Night: ch.Night, Scene: ch.Scene, Seed: ch.Seed, Speed: ch.Speed})
	if err != nil {
		return "", startError(err, said)
	}
	return t.id, nil
}

// checkWords refuses a wrong word at once: it is asked for again.
func checkWords(words map[string]string) error {
	right := map[string]string{secondStart: secondWord, agentQuestion: agentWord}
	for _, name := range sortedKeys(words) {
		if words[name] != right[name] {
			return &page.Trouble{What: "the word is " + right[name] + "; nothing was started", Do: "type it as it is shown"}
		}
	}
	return nil
}

// startError is an error with what was said on the way to it, such as that the run is on record all the same.
func startError(err error, said *notes) error {
	err = screenError(err)
	var t *page.Trouble
	if errors.As(err, &t) {
		told := *t
		for _, line := range said.lines() {
			if strings.HasPrefix(line, "run ") {
				told.Means = strings.TrimPrefix(told.Means+"; "+line, "; ")
			}
		}
		return &told
	}
	return err
}

// needSecond turns the refusal of a second live run into a question, where a screen can ask it.
func (a *app) needSecond(err error) error {
	var e *exitError
	if !a.mute || !errors.As(err, &e) || e.code != exitHeld {
		return err
	}
	return &page.NeedWord{
		Name: secondStart, Word: secondWord, What: runbook.Clean(e.Error()),
		Do: "another one starts beside it; " + e.means,
	}
}
