// Package notify sends text to chats, mail and pagers: whatever service has a URL of shoutrrr's, such as
// slack://TOKEN@CHANNEL, smtp://USER:PASSWORD@HOST/?from=A&to=B, pagerduty:///KEY or generic+https://HOST/PATH.
//
//	err := notify.New(notify.Options{}).Send(ctx, url, "failover", "it has begun")
//
// The URL is a secret, and so is what a service makes of it (a token becomes part of another URL, and of its errors): no
// word of the library or of the far side stands in an error, only what this package makes of it. It refuses to log, to try
// again, and to wait longer than its deadline; a request that is on its way then is left to end by itself.
package notify

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/nicholas-fedor/shoutrrr/pkg/router"
	"github.com/nicholas-fedor/shoutrrr/pkg/types"

	"lifeboat/providers"
	"lifeboat/runbook"
)

// DefaultTimeout is how long a message may take.
const DefaultTimeout = 15 * time.Second

// Options are what a Messenger needs.
type Options struct {
	Clock   runbook.Clock // the wall clock when nil
	Timeout time.Duration // DefaultTimeout when 0
}

// Messenger is a providers.Messenger over shoutrrr. It is safe for concurrent use and holds no connection.
type Messenger struct {
	clock   runbook.Clock
	timeout time.Duration
}

var _ providers.Messenger = (*Messenger)(nil)

// New makes a Messenger. It sends nothing.
func New(o Options) *Messenger {
	m := &Messenger{clock: o.Clock, timeout: o.Timeout}
	if m.clock == nil {
		m.clock = runbook.WallClock{}
	}
	if m.timeout <= 0 {
		m.timeout = DefaultTimeout
	}
	return m
}

// titled are the services that show a title beside the text. For the others the subject is the first line.
var titled = []string{
	"bark", "discord", "gotify", "ifttt", "join", "lark", "matrix", "ntfy", "opsgenie", "pushbullet", "pushover", "slack", "smtp",
	"teams",
}

// Send sends to one service URL, once.
func (m *Messenger) Send(ctx context.Context, address, subject, text string) error {
	name, ok := service(address)
	call := "send to " + name
	if !ok {
		e := providers.Errorf(providers.Invalid, "send a message", "", "the URL of the channel is not one that begins with the name of a service")
		e.Do = "write it as slack://TOKEN@CHANNEL, smtp://USER:PASSWORD@HOST/?from=A&to=B, pagerduty:///KEY or generic+https://HOST/PATH"
		return e
	}
	ctx, cancel := m.clock.WithTimeout(ctx, m.timeout)
	defer cancel()
	if ctx.Err() != nil {
		return providers.Errorf(providers.Unreachable, call, "", "given up before anything was sent")
	}
	// One that waits for an answer that does not come is left behind: the library has no context to end it by.
	answer := make(chan error, 1)
	go func() { answer <- send(ctx, name, address, oneLine(subject), text) }()
	select {
	case err := <-answer:
		return judge(name, call, address, err)
	case <-ctx.Done():
		return providers.Errorf(providers.Lost, call, "", "no answer before the deadline")
	}
}

// service is the name of the service that a URL is of. It is all of the URL that is ever shown.
func service(address string) (string, bool) {
	name, _, ok := strings.Cut(address, ":")
	name, _, _ = strings.Cut(name, "+")
	name = strings.ToLower(name)
	known := (&router.ServiceRouter{}).ListServices()
	// "logger" would write the text to a log and call it sent.
	return name, ok && name != "logger" && slices.Contains(known, name)
}

// unusable is a URL that its service does not take.
type unusable struct{ error }

func send(ctx context.Context, name, address, subject, text string) (err error) {
	defer func() {
		if r := recover(); r != nil { // a library that fails over a strange URL must not end the run
			err = unusable{fmt.Errorf("%v", r)}
		}
	}()
	if name == "telegram" {
		return telegram(ctx, address, subject, text)
	}
	s, err := (&router.ServiceRouter{}).Locate(address)
	if err != nil {
		return unusable{err}
	}
	params := types.Params{}
	switch {
	case subject == "":
	case slices.Contains(titled, name):
		params.SetTitle(subject)
	case name == "generic" && strings.Contains(address, "template="):
		params.SetTitle(subject)
	default:
		text = subject + "\n" + text
	}
	return s.Send(text, &params)
}

// oneLine keeps a subject out of the headers of a mail.
func oneLine(s string) string { return strings.Join(strings.Fields(runbook.Clean(s)), " ") }

// reading is what stands in an error, and what that means.
type reading struct {
	has        string
	kind       providers.ErrorKind
	detail, do string
}

const renew = "make the URL anew in the service, and put it into the secret"

// readings are looked for in this order, in the error's text without the URL.
var readings = []reading{
	{"connection refused", providers.Unreachable, "nobody listens at its address", "look at the host and the port of the URL, and at HTTPS_PROXY"},
	{"no such host", providers.Unreachable, "the name of its server cannot be found", "look at the host of the URL, and at this machine's name servers"},
	{"network is unreachable", providers.Unreachable, "this machine has no way to it", "look at this machine's network"},
	{"no route to host", providers.Unreachable, "this machine has no way to it", "look at this machine's network"},
	{"certificate", providers.Unreachable, "its certificate is not to be trusted", "look at this machine's clock and certificates, and at HTTPS_PROXY"},
	{"starttls", providers.Unreachable, "its server does not encrypt", "let the server offer STARTTLS, or write another port into the URL"},
	{"unencrypted connection", providers.Unreachable, "its server does not encrypt, and the password was not sent", "let the server offer STARTTLS, or write port 465 into the URL"},
	{"timeout", providers.Lost, "no answer before the deadline", ""},
	{"deadline exceeded", providers.Lost, "no answer before the deadline", ""},
	{"eof", providers.Lost, "the connection ended before the answer", ""},
	{"connection reset", providers.Lost, "the connection ended before the answer", ""},
	{"invalid_auth", providers.Denied, "it does not know the token", renew},
	{"not_authed", providers.Denied, "it does not know the token", renew},
	{"token_", providers.Denied, "the token was taken back", renew},
	{"account_inactive", providers.Denied, "the token's account is closed", renew},
	{"unauthorized", providers.Denied, "it does not know the token", renew},
	{"forbidden", providers.Denied, "the token may not write there", renew},
	{"no_service", providers.NotFound, "it knows no such hook", renew},
	{"channel_not_found", providers.NotFound, "it knows no such channel", "correct the channel in the URL"},
	{"chat not found", providers.NotFound, "it knows no such chat", "correct the chat in the URL, and write to the bot once"},
	{"not_in_channel", providers.Denied, "the bot is not in the channel", "invite it there"},
	{"too many requests", providers.Throttled, "it wants fewer messages", ""},
	{"rate_limited", providers.Throttled, "it wants fewer messages", ""},
	{"ratelimited", providers.Throttled, "it wants fewer messages", ""},
}

// judge says in this package's own words what an error of the library means.
func judge(name, call, address string, err error) error {
	if err == nil {
		return nil
	}
	var bad unusable
	if errors.As(err, &bad) {
		e := providers.Errorf(providers.Invalid, call, "", "%s does not take the URL of the channel", name)
		e.Do = "compare it with what shoutrrr says of " + name + ": https://shoutrrr.nickfedor.com"
		return e
	}
	said := without(strings.ToLower(err.Error()), address)
	for _, r := range readings {
		if strings.Contains(said, r.has) {
			e := providers.Errorf(r.kind, call, "", "%s", r.detail)
			e.Do = r.do
			if n := status(said); n != 0 {
				e.Code = strconv.Itoa(n)
			}
			return e
		}
	}
	return byStatus(call, status(said))
}

// without takes every part of the URL from a text, so that no part of it is taken for an answer.
func without(said, address string) string {
	plain, err := url.PathUnescape(address)
	if err != nil {
		plain = address
	}
	for _, part := range strings.FieldsFunc(strings.ToLower(address+" "+plain), func(r rune) bool { return strings.ContainsRune(":/?#[]@!$&'()*+,;=- ", r) }) {
		if len(part) > 2 && part != "timeout" {
			said = strings.ReplaceAll(said, part, "")
		}
	}
	return said
}

// status is the first number of three digits that a server may answer with, or 0.
func status(said string) int {
	for _, word := range strings.FieldsFunc(said, func(r rune) bool { return r < '0' || r > '9' }) {
		if len(word) == 3 && word[0] >= '3' && word[0] <= '5' {
			return int(word[0]-'0')*100 + int(word[1]-'0')*10 + int(word[2]-'0')
		}
	}
	return 0
}

// byStatus reads a number of HTTP or of SMTP.
func byStatus(call string, n int) error {
	kind, do := providers.Server, ""
	switch n {
	case 0:
		return providers.Errorf(kind, call, "", "it was not taken")
	case 401, 403, 530, 534, 535:
		kind, do = providers.Denied, renew
	case 404, 410:
		kind, do = providers.NotFound, renew
	case 429, 421, 450, 451, 452:
		kind = providers.Throttled
	case 400, 405, 413, 422, 550, 551, 553, 554:
		kind, do = providers.Invalid, "correct the URL of the channel: its server does not take the message or the receiver"
	}
	e := providers.Errorf(kind, call, "", "it answered %d", n)
	e.Code, e.Do = strconv.Itoa(n), do
	return e
}
