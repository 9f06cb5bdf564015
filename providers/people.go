package providers

import (
	"context"
	"strings"

	"lifeboat/runbook"
)

// PrefixOf begins every text that a run of the mode sends: nobody who is woken by it may take a drill for the night itself.
func PrefixOf(mode runbook.Mode) string {
	switch mode {
	case runbook.Drill:
		return "DRILL: "
	case runbook.Rehearse:
		return "REHEARSAL: "
	default:
		return ""
	}
}

// TopicRegion is the region in an SNS topic's ARN, which is the one that sends to it; "" when it is no such ARN.
func TopicRegion(topic string) string {
	parts := strings.Split(topic, ":")
	if len(parts) != 6 || parts[0] != "arn" || parts[2] != "sns" || parts[5] == "" {
		return ""
	}
	return parts[3]
}

// IsPhone reports whether it is a telephone as SNS takes it: + and 7 to 15 digits (E.164).
func IsPhone(to string) bool {
	digits, ok := strings.CutPrefix(to, "+")
	return ok && len(digits) >= 7 && len(digits) <= 15 && strings.Trim(digits, "0123456789") == ""
}

// Topics send text through SNS, in one region.
type Topics interface {
	// Publish sends to a topic (its ARN) or to a telephone (+ and digits), and returns SNS's id of the message. It has no
	// token: a lost answer may mean that it went out.
	Publish(ctx context.Context, region, to, subject, text string) (string, error)
}

// Messenger sends text to chats, mail and pagers.
type Messenger interface {
	// Send sends to one service URL, such as slack://TOKEN@CHANNEL. The URL is a secret: it stands in no error.
	Send(ctx context.Context, url, subject, text string) error
}
