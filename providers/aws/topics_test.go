package aws_test

import (
	"strings"
	"testing"

	"lifeboat/providers"
	"lifeboat/providers/aws"
	"lifeboat/providers/providertest/emulator"
)

func TestPublish(t *testing.T) {
	e := start(t, emulator.Options{})
	topic := e.SeedTopic(region, "oncall")
	c := cloud(t, aws.Options{Account: emulator.Account})
	for _, to := range []string{topic, "+15555550100"} {
		id, err := c.Publish(t.Context(), region, to, "shop: fäilover", "it has begun")
		if ok(t, err); id == "" {
			t.Errorf("no id of the message to %s", to)
		}
	}
	sent := e.Mutations()
	if len(sent) != 2 || sent[0].Action != "Publish" || sent[0].Region != region {
		t.Fatalf("%+v", sent)
	}
	for k, want := range map[string]string{"TopicArn": topic, "Subject": "shop: f ilover", "Message": "it has begun", "PhoneNumber": ""} {
		if got := sent[0].Params[k]; got != want {
			t.Errorf("to the topic, %s is %q, want %q", k, got, want)
		}
	}
	for k, want := range map[string]string{
		"PhoneNumber": "+15555550100", "Subject": "", "TopicArn": "", "MessageAttributes.entry.1.Name": "AWS.SNS.SMS.SMSType",
		"MessageAttributes.entry.1.Value.StringValue": "Transactional",
	} {
		if got := sent[1].Params[k]; got != want {
			t.Errorf("to the telephone, %s is %q, want %q", k, got, want)
		}
	}
	_, err := c.Publish(t.Context(), region, topic+"-that-is-not", "", "text")
	got := want(t, err, providers.NotFound)
	if !strings.Contains(got.Do, "aws sns list-topics --region "+region) || got.Failure().Means == "" {
		t.Errorf("%+v", got.Failure())
	}
}

// TestPublishCodes: SNS has words of its own for what other services call otherwise.
func TestPublishCodes(t *testing.T) {
	environment(t, "http://127.0.0.1:9")
	for code, kind := range map[string]providers.ErrorKind{
		"NotFound": providers.NotFound, "AuthorizationError": providers.Denied, "InvalidParameter": providers.Invalid, "OptedOut": providers.Conflict,
		"KMSAccessDenied": providers.Denied, "Throttled": providers.Throttled, "InternalError": providers.Server, "EndpointDisabled": providers.Conflict,
	} {
		far := &canned{status: 400, body: `<ErrorResponse><Error><Type>Sender</Type><Code>` + code + `</Code><Message>their words</Message></Error></ErrorResponse>`}
		_, err := cloud(t, aws.Options{HTTPClient: far}).Publish(t.Context(), region, "+15555550100", "", "text")
		got := want(t, err, kind)
		if f := got.Failure(); got.Code != code || got.Detail != "their words" || f.Means == "" || f.Do == "" || far.n != 1 {
			t.Errorf("%s: %+v after %d requests", code, f, far.n)
		}
	}
}
