package sim

import (
	"context"
	"strings"
	"time"

	"lifeboat/providers"
)

const (
	opPublish = "sns:Publish"
	opSend    = "notify:Send"
)

// Publish puts the message into the world's log, and sends nothing.
func (c *cloud) Publish(ctx context.Context, region, to, subject, text string) (id string, err error) {
	r := request{op: opPublish, region: region, about: to}
	err = c.regional(ctx, r, c.spec.Delays.Write, func(s *state, _ time.Time) (*Entry, error) {
		switch where := providers.TopicRegion(to); {
		case where != "" && where != region:
			return nil, refuse(providers.Invalid, r, "InvalidParameter", "%s is a topic of another region", to)
		case where == "" && !providers.IsPhone(to):
			return nil, refuse(providers.Invalid, r, "InvalidParameter", "%q is neither a topic nor a telephone", to)
		}
		id = name("message", c.spec.Seed, to, len(s.told))
		return &Entry{ID: to, On: subject, Text: text}, nil
	})
	return id, err
}

// Send puts the message into the world's log, with the name of the service: the URL is a secret and stays out of it.
func (c *cloud) Send(ctx context.Context, url, subject, text string) error {
	service, _, ok := strings.Cut(url, ":")
	if !ok {
		service = "a service"
	}
	return c.call(ctx, request{op: opSend, about: service}, c.spec.Delays.Write, func(*state, time.Time) (*Entry, error) {
		return &Entry{ID: service, On: subject, Text: text}, nil
	})
}

// tell is the effect of both.
func (s *state) tell(e Entry) { s.told = append(s.told, e) }

// Told lists the messages that this world would have sent, oldest first: to whom (ID), the subject (On) and the text.
func (w *World) Told() (out []Entry) {
	// A world that cannot be read has told nobody; whoever acts on it hears of that.
	_ = w.look(func(s *state, _ time.Time) { out = append(out, s.told...) })
	return out
}
