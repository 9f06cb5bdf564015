package providers

import "context"

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
