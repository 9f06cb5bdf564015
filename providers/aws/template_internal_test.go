package aws

import (
	"testing"

	sdk "github.com/aws/aws-sdk-go-v2/aws"

	"lifeboat/providers"
)

func TestLaunchTemplate(t *testing.T) {
	for in, want := range map[string][3]string{
		"lt-0b2c3d4e5f6071829": {"lt-0b2c3d4e5f6071829", "", ""}, "lt-0b2c3d4e5f6071829:7": {"lt-0b2c3d4e5f6071829", "", "7"},
		"web": {"", "web", ""}, "web:$Latest": {"", "web", "$Latest"},
	} {
		got := launchInput(providers.Launch{Token: "t", Template: in})
		x := got.LaunchTemplate
		if have := [3]string{sdk.ToString(x.LaunchTemplateId), sdk.ToString(x.LaunchTemplateName), sdk.ToString(x.Version)}; have != want {
			t.Errorf("%q: %q, want %q", in, have, want)
		}
		if got.ImageId != nil {
			t.Errorf("%q: an image that is not named is the template's to choose", in)
		}
	}
	if launchInput(providers.Launch{Token: "t", Image: "ami-1"}).LaunchTemplate != nil {
		t.Error("a launch without a template names one")
	}
}
