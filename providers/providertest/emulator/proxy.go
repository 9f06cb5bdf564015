package emulator

import (
	"bytes"
	"io"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"
)

// call is a request as it was understood.
type call struct {
	at              time.Time
	service, region string
	action          string
	form            url.Values // of the query protocol
	path            string
	method          string
	header          http.Header
	body            []byte
	effect          string // for the log
}

// answer is what goes back.
type answer struct {
	status   int
	kind     string
	body     []byte
	code     string // of an error
	injected bool
}

// scope is the credential scope of a SigV4 signature.
var scope = regexp.MustCompile(`Credential=[^/]+/[0-9]+/([^/]+)/([^/]+)/aws4_request`)

func readCall(r *http.Request) (*call, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	c := &call{at: time.Now(), method: r.Method, path: r.URL.RequestURI(), header: r.Header, body: body, form: url.Values{}}
	if m := scope.FindStringSubmatch(r.Header.Get("Authorization")); m != nil {
		c.region, c.service = m[1], m[2]
	}
	if strings.HasPrefix(r.Header.Get("Content-Type"), "application/x-www-form-urlencoded") {
		if c.form, err = url.ParseQuery(string(body)); err != nil {
			return nil, err
		}
		c.action = c.form.Get("Action")
	} else if c.service == "s3" {
		c.action = objectAction(r.Method, r.URL.Path)
	} else {
		c.action = restAction(r.Method, r.URL.Path)
	}
	return c, nil
}

// restAction names the operations of Route 53, which has no name for them in the request.
func restAction(method, path string) string {
	parts := strings.Split(strings.Trim(strings.TrimPrefix(path, "/2013-04-01"), "/"), "/")
	key := method + " " + parts[0]
	if len(parts) > 1 && parts[1] != "" {
		key += "/ID"
	}
	if len(parts) > 2 {
		key += "/" + strings.Join(parts[2:], "/")
	}
	known := map[string]string{
		"GET hostedzone":           "ListHostedZones",
		"POST hostedzone":          "CreateHostedZone",
		"GET hostedzone/ID":        "GetHostedZone",
		"DELETE hostedzone/ID":     "DeleteHostedZone",
		"GET hostedzone/ID/rrset":  "ListResourceRecordSets",
		"POST hostedzone/ID/rrset": "ChangeResourceRecordSets",
		"GET hostedzonesbyname":    "ListHostedZonesByName",
		"GET change/ID":            "GetChange",
	}
	if name, ok := known[key]; ok {
		return name
	}
	return key
}

// ServeHTTP answers one request.
func (e *Emulator) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c, err := readCall(r)
	if err != nil {
		reset(w)
		return
	}
	x := e.faults.hit(c)
	if x == nil {
		a := e.answer(c)
		e.record(c, a, "")
		write(w, a)
		return
	}
	e.befall(w, r, c, x)
}

func (e *Emulator) befall(w http.ResponseWriter, r *http.Request, c *call, x *Injected) {
	switch x.f.Kind {
	case Reset:
		e.record(c, nil, x.f.Kind)
		reset(w)
	case Hang:
		e.record(c, nil, x.f.Kind)
		e.silence(r, x)
		reset(w)
	case LostAnswer:
		e.record(c, e.answer(c), x.f.Kind)
		reset(w)
	case LateSilence:
		e.record(c, e.answer(c), x.f.Kind)
		e.silence(r, x)
		reset(w)
	case Slow:
		select {
		case <-time.After(x.f.Delay):
		case <-e.quit:
		}
		a := e.answer(c)
		e.record(c, a, x.f.Kind)
		write(w, a)
	default:
		a := x.answer(c)
		a.injected = true
		e.record(c, a, x.f.Kind)
		write(w, a)
	}
}

// silence waits until somebody gives up.
func (e *Emulator) silence(r *http.Request, x *Injected) {
	select {
	case <-r.Context().Done():
	case <-x.removed:
	case <-e.quit:
	}
}

// reset ends the connection with a TCP reset, as a machine that died does.
func reset(w http.ResponseWriter) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0) // it is being thrown away
	}
	_ = conn.Close()
}

func write(w http.ResponseWriter, a *answer) {
	w.Header().Set("Content-Type", a.kind)
	w.WriteHeader(a.status)
	_, _ = w.Write(a.body) // the client may have left; the log says what happened
}

// answer does what the request asks. One at a time: that is how two launches under one token become one.
func (e *Emulator) answer(c *call) *answer {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.settle(time.Now())
	switch c.service {
	case "ec2":
		return e.ec2(c)
	case "route53":
		return e.route53(c)
	case "s3":
		return e.s3(c)
	default:
		return e.forward(c)
	}
}

// forward lets moto answer.
func (e *Emulator) forward(c *call) *answer { return e.forwardAs(c, c.body) }

// forwardForm lets moto answer a changed request.
func (e *Emulator) forwardForm(c *call, form url.Values) *answer {
	return e.forwardAs(c, []byte(patterns(form).Encode()))
}

func (e *Emulator) forwardAs(c *call, body []byte) *answer {
	req, err := http.NewRequest(c.method, e.moto.url+c.path, bytes.NewReader(body))
	if err != nil {
		return broken(err)
	}
	req.Header = c.header.Clone()
	req.Header.Del("Accept-Encoding") // the transport asks for gzip and undoes it
	resp, err := e.moto.client.Do(req)
	if err != nil {
		return broken(err)
	}
	defer func() { _ = resp.Body.Close() }() // the answer is read: nothing of it can be lost
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		return broken(err)
	}
	a := &answer{status: resp.StatusCode, kind: resp.Header.Get("Content-Type"), body: b}
	if m := errorCode.FindSubmatch(b); a.status >= 300 && m != nil {
		a.code = string(m[1])
	}
	return a
}

var errorCode = regexp.MustCompile(`<Code>([^<]*)</Code>`)

// broken is an answer about the emulator itself, which no AWS would give.
func broken(err error) *answer {
	return &answer{status: 500, kind: "text/plain", body: []byte("emulator: " + err.Error())}
}

// ok is an answer of the emulator's own.
func ok(root *node) *answer {
	return &answer{status: 200, kind: "text/xml;charset=UTF-8", body: root.bytes()}
}

// fail is an error in the service's own form.
func (c *call) fail(status int, code, message string) *answer {
	var root *node
	if c.service == "s3" {
		root = el("Error", txt("Code", code), txt("Message", message), txt("RequestId", "emulated"))
	} else if c.service == "ec2" {
		root = el("Response", el("Errors", el("Error", txt("Code", code), txt("Message", message))), txt("RequestID", "emulated"))
	} else {
		root = el("ErrorResponse", el("Error", txt("Type", "Sender"), txt("Code", code), txt("Message", message)), txt("RequestId", "emulated"))
		root.space = "https://route53.amazonaws.com/doc/2013-04-01/"
	}
	return &answer{status: status, kind: "text/xml;charset=UTF-8", body: root.bytes(), code: code}
}
