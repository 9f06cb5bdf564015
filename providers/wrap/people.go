package wrap

import (
	"context"
	"fmt"
	"strings"

	"lifeboat/providers"
	"lifeboat/runbook"
)

type recordedTopics struct {
	providers.Topics
	r recorder
}

func (p recordedTopics) Publish(ctx context.Context, region, to, subject, text string) (_ string, err error) {
	defer p.r.done("publish", region, to, fmt.Sprintf("%q %q", subject, text))(&err)
	return p.Topics.Publish(ctx, region, to, subject, text)
}

type recordedMessenger struct {
	providers.Messenger
	r recorder
}

// Send shows of the URL only the service's name: all else of it may be the secret.
func (p recordedMessenger) Send(ctx context.Context, url, subject, text string) (err error) {
	service, _, ok := strings.Cut(url, ":")
	if !ok {
		service = ""
	}
	defer p.r.done("send", "", service, fmt.Sprintf("%q %q", subject, text))(&err)
	return p.Messenger.Send(ctx, url, subject, text)
}

// A drill may tell people, as long as nobody can take it for the night itself: the text begins with the word.
func sayDrill(op, text string) error {
	if strings.HasPrefix(text, providers.PrefixOf(runbook.Drill)) {
		return nil
	}
	return providers.Errorf(providers.Denied, op, "", "a drill tells people only what begins with %q", providers.PrefixOf(runbook.Drill))
}

type fencedTopics struct{ providers.Topics }

func (f fencedTopics) Publish(ctx context.Context, region, to, subject, text string) (string, error) {
	if err := sayDrill("publish", text); err != nil {
		return "", err
	}
	return f.Topics.Publish(ctx, region, to, subject, text)
}

type fencedMessenger struct{ providers.Messenger }

func (f fencedMessenger) Send(ctx context.Context, url, subject, text string) error {
	if err := sayDrill("send", text); err != nil {
		return err
	}
	return f.Messenger.Send(ctx, url, subject, text)
}
