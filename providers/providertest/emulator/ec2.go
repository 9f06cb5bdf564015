package emulator

import (
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

const ec2Space = "http://ec2.amazonaws.com/doc/2016-11-15"

// ec2 answers what moto does not know well enough.
func (e *Emulator) ec2(c *call) *answer {
	if c.form.Get("DryRun") == "true" {
		return e.forward(c)
	}
	own := map[string]func(*call) *answer{
		"RunInstances":            e.launchable,
		"DescribeInstances":       e.describeInstances,
		"DescribeInstanceStatus":  e.describeStatus,
		"TerminateInstances":      e.terminate,
		"StopInstances":           e.stop,
		"StartInstances":          e.start,
		"RebootInstances":         e.reboot,
		"ModifyInstanceAttribute": e.modify,
		"GetConsoleOutput":        e.console,
		"CreateVolume":            e.createVolume,
		"DescribeVolumeStatus":    e.volumeStatus,
		"CreateSnapshot":          e.createSnapshot,
		"CopySnapshot":            e.copySnapshot,
		"DescribeSnapshots":       e.describeSnapshots,
		"CopyImage":               e.copyImage,
		"CreateImage":             e.createImage,
		"RegisterImage":           e.registerImage,
		"DeregisterImage":         e.deregister,
		"ModifyImageAttribute":    e.shareImage,
		"DescribeImages":          e.describeImages,
		"DescribeImageAttribute":  e.imageAttribute,
		"DescribeVolumes":         e.describeVolumes,
		"AttachVolume":            e.attach,
		"DetachVolume":            e.detach,
		"AllocateAddress":         e.allocate,
		"AssociateAddress":        e.associate,
		"DisassociateAddress":     e.disassociate,

		"DescribeAccountAttributes": e.accountAttributes,
	}
	if f, ok := own[c.action]; ok {
		return f(c)
	}
	return e.forwardForm(c, c.form)
}

// patterns puts filters into moto's words: to EC2 a backslash takes the meaning from a wildcard and a bracket has none;
// moto matches as a shell does.
func patterns(form url.Values) url.Values {
	out := maps.Clone(form)
	for k, vs := range out {
		if strings.HasPrefix(k, "Filter.") && strings.Contains(k, ".Value.") {
			out[k] = []string{shellWords.Replace(vs[0])}
		}
	}
	return out
}

var shellWords = strings.NewReplacer(`\*`, "[*]", `\?`, "[?]", `\\`, `[\]`, "[", "[[]")

// token is what a client token stands for.
type token struct {
	params string   // of the first request
	ids    []string // machines
	body   []byte   // the first answer
}

// words are the request without its token: what must be the same for a replay.
func (c *call) words() string {
	form := maps.Clone(c.form)
	form.Del("ClientToken")
	return form.Encode()
}

func (c *call) tokenKey(zone string) string {
	return strings.Join([]string{c.action, c.region, zone, c.form.Get("ClientToken")}, "\x00")
}

// once replays the answer of a request that bears the same token.
func (e *Emulator) once(c *call) *answer {
	if c.form.Get("ClientToken") == "" {
		return e.forward(c)
	}
	key := c.tokenKey("")
	if t, seen := e.tokens[key]; seen {
		if t.params != c.words() {
			return c.mismatch()
		}
		c.effect = "replayed"
		return &answer{status: 200, kind: "text/xml;charset=UTF-8", body: t.body}
	}
	a := e.forward(c)
	if a.status < 300 {
		e.tokens[key] = &token{params: c.words(), body: a.body}
		c.effect = "made"
	}
	return a
}

func (c *call) mismatch() *answer {
	return c.fail(400, "IdempotentParameterMismatch", "The request uses the same client token as a previous, but non-identical request. Do not reuse a client token with different requests, unless the requests are identical")
}

// ask asks moto on the emulator's own behalf. It leaves no trace in the log.
func (e *Emulator) ask(region, action string, kv ...string) (*node, error) {
	form := url.Values{"Action": {action}, "Version": {"2016-11-15"}}
	for i := 0; i+1 < len(kv); i += 2 {
		form.Set(kv[i], kv[i+1])
	}
	status, body, err := e.moto.query("ec2", region, form)
	if err != nil {
		return nil, err
	}
	root, err := parseXML(body)
	if err != nil {
		return nil, fmt.Errorf("%s in %s: HTTP %d: %w", action, region, status, err)
	}
	if status >= 300 {
		bad := root.at("Errors", "Error")
		return nil, &motoError{action, status, bad.get("Code"), bad.get("Message")}
	}
	return root, nil
}

// motoError is what moto said to the emulator's own question.
type motoError struct {
	action        string
	status        int
	code, message string
}

func (m *motoError) Error() string { return m.action + ": " + m.code + ": " + m.message }

// passOn answers with moto's words about the emulator's own question.
func (c *call) passOn(err error) *answer {
	if m, is := err.(*motoError); is {
		return c.fail(m.status, m.code, m.message)
	}
	return broken(err)
}

// filters takes filters out of a form and returns their values.
func filters(form url.Values, names ...string) (rest url.Values, taken map[string][]string) {
	rest, taken = url.Values{}, map[string][]string{}
	mapped := map[string]string{}
	n := 0
	for i := 1; form.Has("Filter." + strconv.Itoa(i) + ".Name"); i++ {
		prefix := "Filter." + strconv.Itoa(i) + "."
		if name := form.Get(prefix + "Name"); slices.Contains(names, name) {
			for j := 1; form.Has(prefix + "Value." + strconv.Itoa(j)); j++ {
				taken[name] = append(taken[name], form.Get(prefix+"Value."+strconv.Itoa(j)))
			}
			mapped[prefix] = ""
			continue
		}
		n++
		mapped[prefix] = "Filter." + strconv.Itoa(n) + "."
	}
	for k, v := range form {
		parts := strings.SplitAfterN(k, ".", 3)
		to, is := mapped[strings.Join(parts[:min(2, len(parts))], "")]
		switch {
		case !is:
			rest[k] = v
		case to != "":
			rest[to+parts[2]] = v
		}
	}
	return rest, taken
}

// rewritten parses moto's answer, changes it and answers with that. Errors pass.
func rewritten(a *answer, change func(root *node)) *answer {
	if a.status >= 300 {
		return a
	}
	root, err := parseXML(a.body)
	if err != nil {
		return broken(err)
	}
	change(root)
	return &answer{status: a.status, kind: a.kind, body: root.bytes()}
}

// done is the answer to a call that only says that it worked.
func (c *call) done(kids ...*node) *answer {
	root := el(c.action+"Response", append([]*node{txt("requestId", "emulated")}, kids...)...)
	root.space = ec2Space
	return ok(root)
}

// due is the moment d from now, at which something will be settled.
func (e *Emulator) due(d time.Duration) time.Time {
	e.later(d)
	return time.Now().Add(d)
}
