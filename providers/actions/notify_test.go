package actions

import (
	"errors"
	"strings"
	"testing"

	"lifeboat/providers"
	"lifeboat/providers/sim"
	"lifeboat/runbook"
)

const onCall = "arn:aws:sns:us-east-1:123456789012:oncall"

// told writes down what left the house.
func (s *stage) told() {
	for _, e := range s.world.Told() {
		s.say("told     %s: %q: %q", e.ID, e.On, e.Text)
	}
}

func (s *stage) topic() *tell {
	return &tell{Channel: "oncall", Topic: onCall, Region: region, Subject: "www.example.com", Text: "failover to us-east-1 has begun", w: s.w}
}

func (s *stage) chat() *tell {
	return &tell{Channel: "chat", URL: runbook.NewSecret("CHAT_URL", "slack://hunter2canary@C1"), Region: region, Subject: "www.example.com", Text: "it has begun", w: s.w}
}

func TestNotify(t *testing.T) {
	transcript(t, "notify", func(s *stage) { s.round(s.topic()); s.told() })
	transcript(t, "notify_phone", func(s *stage) {
		a := s.topic()
		a.Channel, a.Topic, a.Phone = "", "", "+15555550100"
		s.round(a)
		s.told()
	})
	transcript(t, "notify_chat", func(s *stage) {
		s.round(s.chat())
		s.told()
		if strings.Contains(s.text.String(), "hunter2") {
			t.Error("the URL is in the transcript")
		}
	})
	transcript(t, "notify_drill", func(s *stage) {
		s.call.MayTouch = func(runbook.Target) error { return nil }
		s.round(s.topic())
		s.told()
	})
	transcript(t, "notify_rehearsal", func(s *stage) {
		s.w.mode = runbook.Rehearse
		s.round(s.chat())
		s.told()
	})
}

func TestNotifyThatFails(t *testing.T) {
	dark := sim.Fault{Op: "sns:Publish", Kind: sim.FaultTimeout}
	transcript(t, "notify_dark", func(s *stage) {
		a := s.topic()
		s.prepare(a)
		s.apply(a)
		s.say("-- and when it must be told")
		a.Must = true
		s.apply(a)
		s.told()
	}, dark)
	transcript(t, "notify_throttled", func(s *stage) {
		a := s.topic()
		s.prepare(a)
		s.apply(a)
		s.told()
	}, sim.Fault{Op: "sns:Publish", Kind: sim.FaultThrottle, Times: 2})
	transcript(t, "notify_denied", func(s *stage) {
		a := s.topic()
		s.prepare(a)
		s.apply(a)
		a.Must = true
		s.apply(a)
		s.say("asked %d times", s.world.Audit().Calls["sns:Publish"])
	}, sim.Fault{Op: "sns:Publish", Kind: sim.FaultDenied})
	transcript(t, "notify_no_secret", func(s *stage) {
		a := s.chat()
		a.URL = s.absent("CHAT_URL")
		s.prepare(a)
		s.apply(a)
		a.Must = true
		s.apply(a)
		s.say("-- in a rehearsal, which needs none")
		a.w.mode = runbook.Rehearse
		s.apply(a)
		s.told()
	})
	transcript(t, "notify_nobody", func(s *stage) {
		s.round(&tell{Text: "x", w: s.w})
		two := s.topic()
		two.Phone = "+15555550100"
		s.round(two)
		wrong := s.topic()
		wrong.Topic = "oncall"
		s.check(wrong)
		wrong.Topic, wrong.Phone = "", "0555"
		s.check(wrong)
	})
}

// TestNotifyAfterACrash: whether the message went out cannot be seen, and so it goes out again.
func TestNotifyAfterACrash(t *testing.T) {
	transcript(t, "notify_answer_lost", func(s *stage) {
		a := s.topic()
		s.prepare(a)
		s.apply(a)
		s.observe(a)
		s.say("-- as after a crash")
		s.observe(a)
		s.again(2)
		s.prepare(a)
		s.apply(a)
		s.told()
	}, sim.Fault{Op: "sns:Publish", Kind: sim.FaultResetAfter, Times: 1})
}

// absent is the URL of a channel as a step gets it when its secret is not there.
func (s *stage) absent(name string) runbook.Secret {
	s.Helper()
	estate, err := runbook.ParseEstate("estate.yaml", []byte(`lifeboat: 1
kind: estate
name: shop
service: {name: www.example.com, url: "https://www.example.com/"}
production: {region: us-west-1}
standby: {region: us-east-1}
notify: [{name: chat, url: `+name+`}]
`))
	if err != nil {
		s.Fatal(err)
	}
	rb, err := runbook.Parse("one.yaml", []byte("lifeboat: 1\nkind: runbook\nname: one\nsteps:\n  - id: one\n    uses: notify\n    with: {text: x, url: \"${{ secret."+name+" }}\"}\n"))
	if err != nil {
		s.Fatal(err)
	}
	plan, err := runbook.Compile(runbook.CompileInput{Runbook: rb, Estate: estate, Catalog: Catalog(providers.Set{}, Options{}), Mode: runbook.Live})
	if err != nil {
		s.Fatal(err)
	}
	a, err := plan.Bind("one", &runbook.State{}, nobody{})
	if err != nil {
		s.Fatal(err)
	}
	return a.(*tell).URL
}

// nobody has no secrets.
type nobody struct{}

func (nobody) Secret(string) (string, error) { return "", errors.New("no such variable") }
