package actions

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"lifeboat/providers"
	"lifeboat/runbook"
)

func notify(w world) runbook.Kind {
	return runbook.Kind{
		Name:    "notify",
		Summary: "tell people, by SNS, chat, mail or pager",
		New:     func() runbook.Probe { return &tell{w: w} },
		Outputs: []runbook.Output{
			{Name: "sent", Doc: "whether the message was taken", Type: "bool"},
			{Name: "message", Doc: "SNS's id of the message; empty for other services", Type: "string"},
		},
		Budget:  3 * time.Second,
		Timeout: time.Minute,
		// A message that is cut short was sent or was not; neither stops anything.
		Interruptible: true,
	}
}

// tell sends one message. Whether one went out cannot be seen afterwards, so after a crash or a lost answer it is sent
// again: to be told twice is better than not at all.
type tell struct {
	Channel string         `with:"channel" doc:"name of the channel, for the record"`
	Topic   string         `with:"topic" doc:"ARN of an SNS topic; its own region sends"`
	Phone   string         `with:"phone" doc:"telephone for a text by SNS, such as +15555550100"`
	URL     runbook.Secret `with:"url,soft" doc:"URL of a chat, mail or pager service, such as slack://TOKEN@CHANNEL: a secret"`
	Region  string         `with:"region" default:"estate.standby.region" doc:"region that sends to a telephone; not the one that fails"`
	Subject string         `with:"subject" default:"estate.service.name" doc:"subject, where the channel has one"`
	Text    string         `with:"text,required" doc:"what they are told; in a drill or a rehearsal that word stands before it"`
	Must    bool           `with:"must" doc:"a message that cannot be sent fails the step; otherwise the run goes on, and the record says why it was not"`

	w world
}

// tellTries is how often one message is offered; tellPause is the wait between.
const (
	tellTries = 3
	tellPause = 2 * time.Second
)

// Prepare refuses what has no receiver, or several.
func (a *tell) Prepare(context.Context, runbook.Call) (runbook.Before, error) {
	if ways := a.ways(); len(ways) != 1 {
		return nil, runbook.Fail(fmt.Sprintf("the step names %s", plural(len(ways), "receiver", "receivers")), "nobody was told",
			"give it topic, phone or url, one of them")
	}
	return nil, nil
}

func (a *tell) ways() (ways []string) {
	for way, given := range map[string]bool{"topic": a.Topic != "", "phone": a.Phone != "", "url": !a.URL.IsZero()} {
		if given {
			ways = append(ways, way)
		}
	}
	return ways
}

func (a *tell) Observe(_ context.Context, call runbook.Call) (runbook.Observation, error) {
	return seen(runbook.Absent, "whether %s was told cannot be seen; it is told again rather than not at all", a.whom()), nil
}

// Apply offers the message three times at most. What is wrong with it for good is not offered again.
func (a *tell) Apply(ctx context.Context, call runbook.Call) (runbook.Observation, error) {
	var id string
	var err error
	again := call.Attempt > 1
	for try := 1; ; try++ {
		id, err = a.send(ctx, call)
		if err == nil {
			return a.sent(call, id, again), nil
		}
		again = again || runbook.AsFailure(err).Verdict == runbook.InDoubt
		if try == tellTries || runbook.AsFailure(err).Verdict == runbook.Definitive {
			break
		}
		if call.Progress != nil {
			call.Progress(runbook.Progress{Text: fmt.Sprintf("try %d of %d: %s", try, tellTries, reason(err))})
		}
		if runbook.Sleep(ctx, a.w.clock, tellPause) != nil {
			break
		}
	}
	logf(call.Log, "not sent to %s: %v", a.whom(), err)
	if a.Must {
		return runbook.Observation{}, err
	}
	o := seen(runbook.Holds, "not sent to %s: %s", a.whom(), reason(err))
	o.Outputs = map[string]any{"sent": false, "message": ""}
	return o, nil
}

func (a *tell) sent(call runbook.Call, id string, again bool) runbook.Observation {
	o := seen(runbook.Holds, "sent to %s", a.whom())
	if a.w.mode == runbook.Rehearse {
		o.Evidence = fmt.Sprintf("only shown, as in every rehearsal, and not sent to %s", a.whom())
	}
	if id != "" {
		o.Evidence += " as " + id + " from " + a.sender()
	}
	o.Evidence += a.w.took(call)
	if again {
		o.Evidence += "; an earlier try may have told them as well"
	}
	o.Outputs = map[string]any{"sent": true, "message": id}
	return o
}

func (a *tell) send(ctx context.Context, call runbook.Call) (string, error) {
	subject, text := a.prefix(call)+a.Subject, a.prefix(call)+a.Text
	switch {
	case a.Topic != "" || a.Phone != "":
		return a.w.Topics.Publish(ctx, a.sender(), cmp.Or(a.Topic, a.Phone), subject, text)
	case a.URL.Missing() != "" && a.w.mode == runbook.Rehearse: // which needs none: it shows what would be sent
		return "", a.w.Messenger.Send(ctx, a.secret()+":", subject, text)
	case a.URL.Missing() != "":
		return "", runbook.Fail(fmt.Sprintf("the secret %s is not here: %s", a.secret(), a.URL.Missing()), "nobody was told on "+a.whom(), "")
	case a.URL.Reveal() == "":
		return "", errors.New("there is no URL to send it to")
	}
	return "", a.w.Messenger.Send(ctx, a.URL.Reveal(), subject, text)
}

// prefix keeps people from taking a drill for the night itself. What may be touched is limited in drills alone.
func (a *tell) prefix(call runbook.Call) string {
	if call.MayTouch != nil {
		return providers.PrefixOf(runbook.Drill)
	}
	return providers.PrefixOf(a.w.mode)
}

// sender is the region that sends: a topic's own, since no other can.
func (a *tell) sender() string {
	if a.Topic != "" {
		return cmp.Or(providers.TopicRegion(a.Topic), a.Region)
	}
	return a.Region
}

// whom names the receiver, without what is secret.
func (a *tell) whom() string {
	return cmp.Or(a.Channel, a.Topic, a.Phone, strings.Trim(a.URL.String(), "[]"), "nobody")
}

// secret is the name of the secret that holds the URL.
func (a *tell) secret() string {
	return strings.TrimPrefix(strings.Trim(a.URL.String(), "[]"), "secret ")
}

// Targets is empty: nothing of the estate is changed. In a drill the text says that it is one, and the fence looks.
func (a *tell) Targets(runbook.Call) []runbook.Target { return []runbook.Target{} }

// Permissions are those of the channel; of one that is not known yet, both.
func (a *tell) Permissions() []string {
	if !a.URL.IsZero() {
		return nil
	}
	return []string{"sns:Publish"}
}

// Depends is the region that sends: a message about a region that is down cannot come from there.
func (a *tell) Depends() []runbook.Dependency {
	if !a.URL.IsZero() {
		return nil
	}
	return []runbook.Dependency{{Region: a.sender(), Without: a.whom() + " is not told"}}
}

// Check looks at what can be seen without telling anybody.
func (a *tell) Check(_ context.Context, _ runbook.Call) []runbook.Check {
	what := fmt.Sprintf("%s can be told", a.whom())
	for _, v := range []string{a.Topic, a.Phone, a.Region} {
		if c, open := notYet(what, v); open {
			return []runbook.Check{c}
		}
	}
	switch {
	case len(a.ways()) != 1:
		return []runbook.Check{notWell(what, "", "give the step topic, phone or url, one of them", "%s", plural(len(a.ways()), "receiver", "receivers"))}
	case a.Topic != "" && providers.TopicRegion(a.Topic) == "":
		return []runbook.Check{notWell(what, "", "write it as arn:aws:sns:REGION:ACCOUNT:NAME", "%s is not the ARN of a topic", a.Topic)}
	case a.Phone != "" && !providers.IsPhone(a.Phone):
		return []runbook.Check{notWell(what, "", "write it as +15555550100", "%s is not a telephone", a.Phone)}
	case !a.URL.IsZero():
		return []runbook.Check{unknowable(what, "the secret "+a.secret()+" is read when the step runs; only a message proves it")}
	}
	return []runbook.Check{unknowable(what, "by SNS in "+a.sender()+"; only a message proves it")}
}

func (a *tell) ByHand(call runbook.Call) []string {
	text := a.prefix(call) + orQuestion(a.Text)
	aws := words("aws", "sns", "publish", "--region", orQuestion(a.sender()))
	switch {
	case a.Topic != "":
		return []string{line(aws, words("--topic-arn", a.Topic), flag("--subject", a.prefix(call)+a.Subject), words("--message", text))}
	case a.Phone != "":
		return []string{line(aws, words("--phone-number", a.Phone, "--message", text))}
	}
	return []string{"# tell " + a.whom() + ": " + text}
}
