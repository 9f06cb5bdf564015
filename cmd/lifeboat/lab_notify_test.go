package main

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"lifeboat/providers/providertest/emulator"
	"lifeboat/providers/providertest/lab"
	"lifeboat/runbook"
)

// toldRunbook tells people in every way there is. Nobody waits for any of it.
const toldRunbook = `lifeboat: 1
kind: runbook
name: tell
steps:
  - {id: topic, uses: notify, needs: [], with: {channel: oncall, topic: "TOPIC", text: "${{ estate.service.name }} fails over"}}
  - {id: phone, uses: notify, needs: [], with: {phone: "+15555550100", text: it has begun}}
  - {id: chat, uses: notify, needs: [], with: {channel: chat, url: "${{ secret.CHAT_URL }}", text: it has begun}}
  - {id: refused, uses: notify, needs: [], with: {channel: pager, url: "${{ secret.PAGER_URL }}", text: it has begun}}
  - {id: missing, uses: notify, needs: [], with: {channel: mail, url: "${{ secret.MAIL_URL }}", text: it has begun}}
  - {id: must, uses: notify, needs: [], if: run.mode == "live", with: {channel: pager, url: "${{ secret.PAGER_URL }}", text: it has begun, must: true}}
`

// square is where people are told: it takes what comes to /chat and refuses all else, with the secret in its words.
type square struct {
	mu  sync.Mutex
	got []string
}

func (s *square) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	text, _ := io.ReadAll(r.Body) // a short body shows in the comparison
	if !strings.HasPrefix(r.URL.Path, "/chat/") {
		w.WriteHeader(http.StatusForbidden)
		fmt.Fprintf(w, "%s may not write here", r.URL)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.got = append(s.got, string(text))
}

func (s *square) heard() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.got)
}

// TestLabNotify tells people for real, on loopback: what cannot be told stops nothing unless it must be told, a drill says
// that it is one, and no part of a URL stands anywhere.
func TestLabNotify(t *testing.T) {
	t.Parallel()
	s := open(t, "", lab.Options{Delays: lab.Quick})
	people := &square{}
	web := httptest.NewServer(people)
	t.Cleanup(web.Close)
	s.env = []string{
		"AWS_SECRET_ACCESS_KEY=" + canary, "CHAT_URL=generic+" + web.URL + "/chat/" + canary, "PAGER_URL=generic+" + web.URL + "/pager/" + canary + "?key=" + canary,
		"NO_PROXY=127.0.0.1",
	}
	topic := s.AWS.SeedTopic(lab.StandbyRegion, "oncall")
	file := filepath.Join(s.Dir, "tell.yaml")
	if err := os.WriteFile(file, []byte(strings.ReplaceAll(toldRunbook, "TOPIC", topic)), 0o600); err != nil {
		t.Fatal(err)
	}
	tell := func(mode string) (said, map[string]string) {
		got := s.lifeboat("run", file, "--mode", mode, "--estate", s.Estate, "--yes", "--plain")
		if len(s.runs()) == 0 {
			t.Fatal(got)
		}
		s.secretFree(s.run())
		if strings.Contains(got.String(), canary) {
			t.Errorf("the secret is on the screen: %s", got)
		}
		return got, s.evidence(s.run())
	}

	got, seen := tell("live")
	if got.code != exitGoesOn {
		t.Fatalf("the step that must be told asks: %s", got)
	}
	for step, want := range map[string]string{
		"topic": "sent to oncall as ", "phone": "sent to +15555550100 as ", "chat": "sent to chat", "refused": "not sent to pager: the token may not write there (403)",
		"missing": "not sent to mail: the secret MAIL_URL is not here", "must": "denied: the token may not write there (send to generic, 403)",
	} {
		if !strings.HasPrefix(seen[step], want) {
			t.Errorf("%s: %q, want %q", step, seen[step], want)
		}
	}
	s.want(exitFailed, s.lifeboat("stop", string(s.run()), "--yes"))
	if heard := people.heard(); len(heard) != 1 || !strings.HasSuffix(heard[0], "\nit has begun") {
		t.Errorf("they heard %q", heard)
	}

	got, seen = tell("drill")
	s.want(exitDone, got)
	if heard := people.heard(); len(heard) != 2 || !strings.HasPrefix(heard[1], "DRILL: ") || !strings.HasSuffix(heard[1], "\nDRILL: it has begun") {
		t.Errorf("they heard %q, %v", heard, seen)
	}
	var texts []string
	for _, r := range s.AWS.Mutations() {
		if r.Action == "Publish" {
			texts = append(texts, r.Params["Message"])
		}
	}
	slices.Sort(texts)
	if len(texts) != 4 || !strings.HasPrefix(texts[0], "DRILL: ") || !strings.HasPrefix(texts[1], "DRILL: ") || !slices.Contains(texts, lab.Name+" fails over") {
		t.Errorf("SNS was given %q", texts)
	}

	got, seen = tell("rehearse")
	if got.code != exitDone || len(people.heard()) != 2 || !strings.Contains(seen["chat"], "as in every rehearsal") {
		t.Errorf("a rehearsal tells nobody: %q, %v, %s", people.heard(), seen, got)
	}
}

// evidence is what a run has said of each step: its evidence, or its error.
func (s *stage) evidence(id runbook.RunID) map[string]string {
	s.t.Helper()
	out := map[string]string{}
	for _, e := range s.events(id) {
		switch f := e.Fact.(type) {
		case *runbook.StepSucceeded:
			out[f.Step] = f.Evidence
		case *runbook.StepFailed:
			out[f.Step] = f.Error.What
		}
	}
	return out
}

// TestLabWrongAccount: with the credentials of another account nothing is done, and both accounts are named.
func TestLabWrongAccount(t *testing.T) {
	t.Parallel()
	s := open(t, "", lab.Options{Delays: lab.Quick, Production: true})
	const other = "210987654321"
	s.Estate = s.otherwise(emulator.Account, other)
	got := s.lifeboat(s.failover("--plain")...)
	s.want(exitRefused, got)
	r, checked := s.check()
	s.want(exitRefused, checked)
	for what, words := range map[string]string{"run": got.String(), "check": strings.Join(r.notOK(), "\n")} {
		if !strings.Contains(words, other) || !strings.Contains(words, emulator.Account) {
			t.Errorf("%s does not name both accounts: %s", what, words)
		}
	}
	if done := s.AWS.Mutations(); len(done) > 0 {
		t.Errorf("it changed %+v", done)
	}
	if len(s.runs()) > 0 {
		t.Error("there is a run")
	}
}
