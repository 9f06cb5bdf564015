package notify_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"lifeboat/providers"
	"lifeboat/providers/notify"
	"lifeboat/runbook"
)

const canary = "hunter2canary"

func send(t *testing.T, url string) error {
	t.Helper()
	return notify.New(notify.Options{Timeout: 5 * time.Second}).Send(t.Context(), url, "shop\r\nX-Evil: 1", "DRILL: it has begun\n.\nend")
}

// quiet fails when a part of the secret is in the error, however it is printed.
func quiet(t *testing.T, err error) *providers.Error {
	t.Helper()
	var e *providers.Error
	if !errors.As(err, &e) {
		t.Fatalf("%v is no *providers.Error", err)
	}
	if all := fmt.Sprintf("%v %+v %#v %+v", err, e, e, e.Failure()); strings.Contains(strings.ToLower(all), canary) || strings.Contains(all, "c0ffee") {
		t.Errorf("the secret is in %s", all)
	}
	if e.Do == "" && e.Failure().Do == "" {
		t.Errorf("it does not say what to do: %+v", e)
	}
	return e
}

// hook is a web server that answers with a status and keeps what it got.
func hook(t *testing.T, status int) (url string, got func() string) {
	t.Helper()
	var body string
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body) // a short body shows in the comparison
		body = string(b)
		w.WriteHeader(status)
		fmt.Fprintf(w, "%s said %s", canary, r.URL.Path)
	}))
	t.Cleanup(s.Close)
	return "generic+" + s.URL + "/hook/" + canary + "?key=" + canary, func() string { s.Close(); return body }
}

func TestWebhook(t *testing.T) {
	url, got := hook(t, 200)
	if err := send(t, url); err != nil {
		t.Fatal(err)
	}
	if body := got(); !strings.HasPrefix(body, "shop X-Evil: 1\nDRILL: it has begun") {
		t.Errorf("the body is %q", body)
	}
	url, got = hook(t, 204)
	if err := send(t, url+"&template=json"); err != nil {
		t.Fatal(err)
	}
	var body map[string]string
	if err := json.Unmarshal([]byte(got()), &body); err != nil || body["title"] != "shop X-Evil: 1" || !strings.HasPrefix(body["message"], "DRILL: ") {
		t.Errorf("%v, %v", body, err)
	}
}

func TestAnswersAreJudged(t *testing.T) {
	for status, kind := range map[int]providers.ErrorKind{
		400: providers.Invalid, 401: providers.Denied, 403: providers.Denied, 404: providers.NotFound, 410: providers.NotFound,
		429: providers.Throttled, 500: providers.Server, 503: providers.Server,
	} {
		t.Run(fmt.Sprint(status), func(t *testing.T) {
			url, _ := hook(t, status)
			e := quiet(t, send(t, url))
			if e.Kind != kind || !strings.Contains(e.Error(), fmt.Sprint(status)) || !strings.Contains(e.Error(), "generic") {
				t.Errorf("%v is %q, want %q", e, e.Kind, kind)
			}
		})
	}
}

func TestNobodyThere(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed := l.Addr().String()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	for url, kind := range map[string]providers.ErrorKind{
		"generic+http://" + closed + "/" + canary:                                       providers.Unreachable,
		"generic+http://nowhere.invalid/" + canary:                                      providers.Unreachable,
		"smtp://ops:" + canary + "@" + closed + "/?from=a@example.com&to=b@example.com": providers.Unreachable,
		"smtp://ops:" + canary + "@127.0.0.1/":                                          providers.Invalid,
		"slack://" + canary:                                                             providers.Invalid,
		"nonsense://" + canary:                                                          providers.Invalid,
		"logger://":                                                                     providers.Invalid,
		canary:                                                                          providers.Invalid,
		"":                                                                              providers.Invalid,
		"slack://%zz" + canary:                                                          providers.Invalid,
		"telegram://" + canary + "@telegram":                                            providers.Invalid,
	} {
		t.Run(strings.SplitN(url, canary, 2)[0], func(t *testing.T) {
			if e := quiet(t, send(t, url)); e.Kind != kind {
				t.Errorf("%v is %q, want %q", e, e.Kind, kind)
			}
		})
	}
}

// TestSilence: a service that takes the message and says nothing is left at the deadline, and nobody knows.
func TestSilence(t *testing.T) {
	asked, over := make(chan struct{}), make(chan struct{})
	s := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { close(asked); <-over }))
	t.Cleanup(func() { close(over); s.Close() })
	ctx, cancel := context.WithCancel(t.Context())
	go func() { <-asked; cancel() }()
	err := notify.New(notify.Options{}).Send(ctx, "generic+"+s.URL+"/"+canary, "", "text")
	if e := quiet(t, err); e.Kind != providers.Lost || e.Verdict() != runbook.InDoubt {
		t.Errorf("%v is %q", e, e.Kind)
	}
	err = notify.New(notify.Options{}).Send(ctx, "generic+"+s.URL+"/"+canary, "", "text")
	if e := quiet(t, err); e.Kind != providers.Unreachable {
		t.Errorf("%v is %q", e, e.Kind)
	}
}

// far stands for the services that cannot be had here: it answers every request of the process.
type far struct {
	status int
	body   string
	err    error
	seen   []string
}

func (f *far) RoundTrip(r *http.Request) (*http.Response, error) {
	text := ""
	if r.Body != nil {
		b, _ := io.ReadAll(r.Body) // a short body shows in the comparison
		text = string(b)
	}
	f.seen = append(f.seen, r.URL.String()+" "+text)
	if f.err != nil {
		return nil, f.err
	}
	return &http.Response{
		StatusCode: f.status, Status: fmt.Sprint(f.status, " ", http.StatusText(f.status)), Body: io.NopCloser(strings.NewReader(f.body)),
		Header: http.Header{"Content-Type": {"application/json"}}, Request: r,
	}, nil
}

func through(t *testing.T, f *far) {
	t.Helper()
	was := http.DefaultTransport
	http.DefaultTransport = f
	t.Cleanup(func() { http.DefaultTransport = was })
}

var services = map[string]string{
	"slack":     "slack://hook:T00000000-B00000000-hunter2canaryhunter2cana@webhook",
	"slack bot": "slack://xoxb:123456789012-1234567890123-hunter2canaryhunter2cana@C001CHANNEL",
	"telegram":  "telegram://110201543:hunter2canary-hunter2canary-hunter2cana@telegram?chats=@oncall",
	"pagerduty": "pagerduty:///c0ffeec0ffeec0ffeec0ffeec0ffee00",
	"opsgenie":  "opsgenie://api.opsgenie.com/hunter2canary",
	"discord":   "discord://hunter2canary@123456789012345678",
}

// TestServices: what is sent reaches the service, and whatever it answers, its secret is in no error.
func TestServices(t *testing.T) {
	for name, url := range services {
		t.Run(name, func(t *testing.T) {
			for _, f := range []*far{
				{err: fmt.Errorf("dial tcp: connect: connection refused by %s", canary)},
				{status: 401, body: `{"ok":false,"error":"invalid_auth","description":"Unauthorized ` + canary + `"}`},
				{status: 404, body: `{"ok":false,"error":"channel_not_found","description":"chat not found ` + canary + `"}`},
			} {
				through(t, f)
				e := quiet(t, send(t, url))
				if len(f.seen) == 0 || !strings.Contains(f.seen[0], "DRILL: it has begun") {
					t.Fatalf("%v: it saw %q", e, f.seen)
				}
				if f.err != nil && e.Kind != providers.Unreachable {
					t.Errorf("%v is %q", e, e.Kind)
				}
				if f.status == 401 && e.Kind != providers.Denied {
					t.Errorf("%v is %q", e, e.Kind)
				}
			}
		})
	}
}

// TestNobodyIsToldIsSaid: no service may call sent what has reached nobody.
func TestNobodyIsToldIsSaid(t *testing.T) {
	through(t, &far{err: errors.New("dial tcp: connect: connection refused")})
	for _, url := range []string{
		"bark://:key@nowhere.invalid/", "gotify://nowhere.invalid/AzyoeNS.D4iJLVa", "ntfy://nowhere.invalid/oncall",
		"googlechat://chat.googleapis.com/v1/spaces/s/messages?key=k&token=t", "ifttt://key?events=a", "join://:key@join?devices=a",
		"lark://open.larksuite.com/token", "mattermost://nowhere.invalid/token", "matrix://:token@nowhere.invalid/?rooms=!r:x",
		"pushbullet://o.abcdefghijklmnopqrstuvwxyzABCDEF/device", "pushover://:token@user/", "rocketchat://nowhere.invalid/a/b/c",
		"signal://nowhere.invalid/+15555550100/+15555550101", "wecom://693a91f6-7xxx-4bc4-97a0-0ec2sifa5aaa", "notifiarr://apikey?channel=123456789012345678",
		services["slack"], services["slack bot"], services["telegram"], services["pagerduty"], services["opsgenie"], services["discord"],
	} {
		name, _, _ := strings.Cut(url, ":")
		t.Run(name, func(t *testing.T) {
			if e := quiet(t, send(t, url)); e.Kind == providers.Invalid {
				t.Errorf("this test does not reach the service: %v", e)
			}
		})
	}
}

// mailbox is a mail server that takes one mail, or refuses the sender with a line.
func mailbox(t *testing.T, refuse string) (address string, mail chan string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() }) // ends the server
	mail = make(chan string, 1)
	go func() {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		defer conn.Close()
		in := bufio.NewReader(conn)
		say := func(s string) { fmt.Fprintf(conn, "%s\r\n", s) }
		say("220 mail.example.com")
		var text strings.Builder
		for data := false; ; {
			line, err := in.ReadString('\n')
			if err != nil {
				return
			}
			word := strings.ToUpper(strings.TrimSpace(line))
			switch {
			case data && word == ".":
				data = false
				mail <- text.String()
				say("250 taken")
			case data:
				text.WriteString(line)
			case strings.HasPrefix(word, "EHLO"):
				say("250-mail.example.com\r\n250 AUTH PLAIN")
			case strings.HasPrefix(word, "AUTH") && refuse != "":
				say(refuse)
			case strings.HasPrefix(word, "AUTH"):
				say("235 welcome")
			case word == "DATA":
				data = true
				say("354 go on")
			case word == "QUIT":
				say("221 bye")
				return
			default:
				say("250 ok")
			}
		}
	}()
	return "smtp://ops:" + canary + "@" + l.Addr().String() + "/?from=lifeboat@example.com&to=oncall@example.com&usestarttls=no", mail
}

func TestMail(t *testing.T) {
	url, mail := mailbox(t, "")
	if err := send(t, url); err != nil {
		t.Fatal(err)
	}
	got := <-mail
	head, body, _ := strings.Cut(got, "\r\n\r\n")
	if !strings.Contains(head, "Subject: shop X-Evil: 1") || strings.Contains(head, "\nX-Evil") || !strings.Contains(head, "oncall@example.com") {
		t.Errorf("the head is %q", head)
	}
	if !strings.Contains(body, "DRILL: it has begun") || !strings.Contains(body, "end") {
		t.Errorf("the body is %q", body)
	}
	url, _ = mailbox(t, "535 5.7.8 no such user "+canary)
	if e := quiet(t, send(t, url)); e.Kind != providers.Denied || e.Code != "535" {
		t.Errorf("%v is %q", e, e.Kind)
	}
}
