package aws

import (
	"regexp"
	"strings"

	"lifeboat/providers"
)

// judge gives an answer its kind, and what is known about its code for a person: what it means and what to do.
func judge(o op, e *providers.Error, words string, status int) {
	e.Kind = kindOf(o, e.Code, words, status)
	w := codeOf(o, e.Code)
	e.Means = fill(o, w.means, words)
	if e.Do = fill(o, w.do, words); e.Do != "" {
		return
	}
	switch e.Kind {
	case providers.Expired:
		e.Do = "run `aws sso login` (with --profile when AWS_PROFILE is set) or renew the credentials; the next call reads them"
	case providers.Denied:
		e.Do = "`aws sts get-caller-identity` shows who is asking; `lifeboat policy` prints what it needs"
	case providers.Server:
		e.Do = "retry; when it stays, https://health.aws.amazon.com/health/status tells what AWS knows"
	}
}

// codeOf is the word of a code, of the call's own service first.
func codeOf(o op, code string) word {
	service, _, _ := strings.Cut(o.name, ":")
	if w, ok := codes[service+":"+code]; ok {
		return w
	}
	return codes[code]
}

// fill puts the call into advice.
func fill(o op, text, said string) string {
	return strings.NewReplacer("{region}", regionOr(o.region), "{action}", refused(o, said)).Replace(text)
}

var toPerform = regexp.MustCompile(`to perform:? ([a-z0-9-]+:[A-Za-z]+)`)

// refused is the IAM action that was missing. It is not always the call's: a launch with a profile needs iam:PassRole, one
// with tags ec2:CreateTags, and AWS mostly says which.
func refused(o op, said string) string {
	if m := toPerform.FindStringSubmatch(said); m != nil {
		return m[1]
	}
	return o.name
}

// kindOf turns a code into a kind.
func kindOf(o op, code, message string, status int) providers.ErrorKind {
	// Two codes say of a thing that it is not yet there and that it is there no more. Only the words differ.
	coming := strings.Contains(message, "pending")
	switch {
	case code == "InvalidInstanceID" && !coming:
		return providers.Conflict
	case code == "InvalidAMIID.Unavailable" && coming:
		return providers.NotReady
	}
	if code == "InvalidChangeBatch" {
		return batchKind(message)
	}
	if w := codeOf(o, code); w.kind != "" {
		return w.kind
	}
	switch {
	case strings.HasSuffix(code, ".NotFound"):
		return providers.NotFound
	case strings.HasSuffix(code, "LimitExceeded"):
		return providers.Quota
	case status >= 500:
		return providers.Server
	case status == 429:
		return providers.Throttled
	default:
		return providers.Invalid
	}
}

// batchKind tells a change batch that lost a race from one that could never be right. Route 53 has one code for both.
func batchKind(message string) providers.ErrorKind {
	for _, lost := range []string{
		"already exists", "was not found", "do not match the current values", "is not permitted because a conflicting",
	} {
		if strings.Contains(message, lost) {
			return providers.Conflict
		}
	}
	return providers.Invalid
}

// because says what EC2's reason for the state of a machine means, where its code is known: a launch is accepted, and the
// machine ends a moment later.
func because(region, reason string) string {
	code, _, _ := strings.Cut(reason, ":")
	w, ok := codes[code]
	if !ok {
		w = codes[strings.TrimPrefix(code, "Client.")]
	}
	if w.means == "" {
		return reason
	}
	return reason + ": " + fill(op{region: region}, w.means, "")
}
