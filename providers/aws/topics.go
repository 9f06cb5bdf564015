package aws

import (
	"context"
	"strings"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sns/types"

	"lifeboat/providers"
)

// snsAPI is what is used of SNS, in one region.
type snsAPI struct {
	session *session
	publish method[sns.PublishInput, sns.PublishOutput]
}

func (c *Cloud) snsIn(ctx context.Context, op, region string) (*snsAPI, error) {
	s, err := c.sessionFor(ctx, op, region)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.sns[region] == nil {
		x := sns.NewFromConfig(s.cfg, func(o *sns.Options) {
			o.Region, o.HTTPClient, o.Retryer = region, s.http, sdk.NopRetryer{}
		})
		s.sns[region] = &snsAPI{session: s, publish: bind(x.Publish)}
	}
	return s.sns[region], nil
}

// Publish is sns:Publish. What is neither a topic of the region nor a telephone is refused here: SNS has one code for
// everything that it does not take.
func (c *Cloud) Publish(ctx context.Context, region, to, subject, text string) (string, error) {
	o := op{"sns:Publish", region, true}
	in := &sns.PublishInput{Message: sdk.String(text)}
	switch {
	case providers.TopicRegion(to) == region && region != "":
		in.TopicArn = sdk.String(to)
		if s := plainSubject(subject); s != "" {
			in.Subject = sdk.String(s)
		}
	case providers.TopicRegion(to) != "":
		return "", providers.Errorf(providers.Invalid, o.name, region, "%s is a topic of another region", to)
	case providers.IsPhone(to):
		in.PhoneNumber = sdk.String(to)
		in.MessageAttributes = urgent()
	default:
		e := providers.Errorf(providers.Invalid, o.name, region, "%q is neither a topic nor a telephone", to)
		e.Do = "write a topic as its ARN, a telephone as + and digits"
		return "", e
	}
	api, err := c.snsIn(ctx, o.name, region)
	if err != nil {
		return "", err
	}
	out, err := do(ctx, c, api.session, o, api.publish, in)
	if err != nil {
		return "", err
	}
	return sdk.ToString(out.MessageId), nil
}

// urgent asks for the way of sending that is reliable and not the cheap one.
func urgent() map[string]types.MessageAttributeValue {
	return map[string]types.MessageAttributeValue{
		"AWS.SNS.SMS.SMSType": {DataType: sdk.String("String"), StringValue: sdk.String("Transactional")},
	}
}

// plainSubject is the subject as SNS takes it: printable ASCII, one line, at most 99 characters.
func plainSubject(s string) string {
	s = strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' {
			return ' '
		}
		return r
	}, s)
	s = strings.Join(strings.Fields(s), " ")
	return s[:min(len(s), 99)]
}
