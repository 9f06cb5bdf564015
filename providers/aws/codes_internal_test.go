package aws

import (
	"regexp"
	"strings"
	"testing"

	"lifeboat/providers"
)

// TestEveryCodeHasWords: whatever code comes, a person reads what happened, what it means and what to do, with the raw code
// in it, and nothing that was to be filled in is left.
func TestEveryCodeHasWords(t *testing.T) {
	sentence := regexp.MustCompile(`^(.*[^.:; ])$`)
	for key, w := range codes {
		service, code, own := strings.Cut(key, ":")
		if !own {
			service, code = "ec2", key
		}
		o := op{service + ":Call", "us-east-1", true}
		e := &providers.Error{Op: o.name, Where: o.region, Code: code, Detail: "their words"}
		judge(o, e, "their words", 400)
		f := e.Failure()
		switch {
		case w.kind == "" || e.Kind != w.kind && code != "InvalidInstanceID":
			t.Errorf("%s: kind %q, want %q", key, e.Kind, w.kind)
		case !strings.Contains(f.What, code) || f.Code != code:
			t.Errorf("%s: the raw code is not in %q", key, f.What)
		case !sentence.MatchString(f.Means) || !sentence.MatchString(f.Do):
			t.Errorf("%s: means %q, do %q", key, f.Means, f.Do)
		case strings.ContainsAny(f.Means+f.Do, "{}"):
			t.Errorf("%s: a gap is not filled in: %q, %q", key, f.Means, f.Do)
		case strings.Count(f.Do, "`")%2 != 0:
			t.Errorf("%s: a command does not end: %q", key, f.Do)
		case strings.Contains(f.Do, "aws ec2 ") && !strings.Contains(f.Do, "--region us-east-1") && !strings.Contains(f.Do, "--all-regions"):
			t.Errorf("%s: a command without its region: %q", key, f.Do)
		}
	}
}

// TestUnknownCodesHaveWords: a code that is new to this program is judged by its shape and status, and says no less.
func TestUnknownCodesHaveWords(t *testing.T) {
	for code, kind := range map[string]providers.ErrorKind{
		"InvalidThing.NotFound": providers.NotFound, "ThingLimitExceeded": providers.Quota, "Strange": providers.Invalid,
	} {
		e := &providers.Error{Op: "ec2:Call", Where: "us-east-1", Code: code}
		judge(op{"ec2:Call", "us-east-1", true}, e, "", 400)
		if f := e.Failure(); e.Kind != kind || f.Means == "" || f.Do == "" || !strings.Contains(f.What, code) {
			t.Errorf("%s: %q, %+v", code, e.Kind, f)
		}
	}
}

// TestDeniedNamesTheAction: what must be allowed is not always the call itself.
func TestDeniedNamesTheAction(t *testing.T) {
	for said, want := range map[string]string{
		"You are not authorized to perform this operation.":                                         "allow ec2:RunInstances to",
		"User: arn:aws:sts::123456789012:assumed-role/x is not authorized to perform: iam:PassRole": "allow iam:PassRole to",
	} {
		e := &providers.Error{Op: "ec2:RunInstances", Where: "us-east-1", Code: "UnauthorizedOperation"}
		judge(op{"ec2:RunInstances", "us-east-1", true}, e, said, 403)
		if !strings.HasPrefix(e.Do, want) || !strings.Contains(e.Do, "lifeboat policy") {
			t.Errorf("%q: %q", said, e.Do)
		}
	}
}

func TestStateReasons(t *testing.T) {
	for reason, want := range map[string]string{
		"Client.InternalError: Client error on launch":                                     "key of an encrypted volume",
		"Client.VolumeLimitExceeded: Volume limit exceeded":                                "quota of volume storage in us-east-1",
		"Client.InvalidKMSKey.InvalidState: The KMS key provided is in an incorrect state": "the key of the volume is disabled",
	} {
		if got := because("us-east-1", reason); !strings.HasPrefix(got, reason) || !strings.Contains(got, want) {
			t.Errorf("%q", got)
		}
	}
	if got := because("us-east-1", "Client.UserInitiatedShutdown: User initiated shutdown"); strings.Count(got, ":") != 1 {
		t.Errorf("%q", got)
	}
}
