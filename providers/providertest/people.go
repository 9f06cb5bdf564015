package providertest

import (
	"strings"

	"lifeboat/providers"
)

var peopleChecks = []check{
	{"a topic and a telephone take a message", canPublish, publish},
	{"what is neither a topic of the region nor a telephone is refused", canPublish, publishNowhere},
}

func canPublish(l Lab) map[string]bool {
	return map[string]bool{"topics": l.Set.Topics != nil, "topic and telephone": l.Topic != "" && l.Phone != ""}
}

func publish(l lab) {
	seen := map[string]bool{"": true}
	for _, to := range []string{l.Topic, l.Topic, l.Phone} {
		id, err := l.Set.Topics.Publish(l.ctx(), l.Region, to, "subject: ünusual\nsecond line "+strings.Repeat("long ", 30), "DRILL: text")
		l.ok("publish to "+to, err)
		if seen[id] {
			l.t.Errorf("the message to %s has the id %q", to, id)
		}
		seen[id] = true
	}
}

func publishNowhere(l lab) {
	for _, to := range []string{
		"", "+", "15555550100", "+1555555010a", "arn:aws:sns:" + l.Region + ":123456789012:", "arn:aws:sqs:" + l.Region + ":123456789012:x",
		strings.Replace(l.Topic, ":"+l.Region+":", ":eu-west-1:", 1),
	} {
		_, err := l.Set.Topics.Publish(l.ctx(), l.Region, to, "subject", "text")
		l.want(providers.Invalid, "publish to "+to, err)
	}
}
