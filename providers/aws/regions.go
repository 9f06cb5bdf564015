package aws

import (
	"context"
	"fmt"
	"net"
	"regexp"
	"slices"
	"strings"
	"time"

	"lifeboat/providers"
)

// regions are the names known when this was written, from the AWS General Reference. A newer one is accepted once the
// DNS has its EC2 endpoint.
var regions = []string{
	"af-south-1", "ap-east-1", "ap-east-2", "ap-northeast-1", "ap-northeast-2", "ap-northeast-3", "ap-south-1",
	"ap-south-2", "ap-southeast-1", "ap-southeast-2", "ap-southeast-3", "ap-southeast-4", "ap-southeast-5",
	"ap-southeast-6", "ap-southeast-7", "ca-central-1", "ca-west-1", "cn-north-1", "cn-northwest-1", "eu-central-1",
	"eu-central-2", "eu-north-1", "eu-south-1", "eu-south-2", "eu-west-1", "eu-west-2", "eu-west-3", "il-central-1",
	"me-central-1", "me-south-1", "mx-central-1", "sa-east-1", "us-east-1", "us-east-2", "us-gov-east-1",
	"us-gov-west-1", "us-west-1", "us-west-2",
}

var regionShape = regexp.MustCompile(`^[a-z]{2}(-[a-z]+){1,3}-[0-9]{1,2}$`)

// lookupTime is how long the DNS may take to say whether an unknown region exists.
const lookupTime = 2 * time.Second

// checkRegion refuses names that are no region, before a request goes to a host that does not exist or, worse, to
// whoever answers for it.
func (c *Cloud) checkRegion(ctx context.Context, op, region string) error {
	if slices.Contains(regions, region) {
		return nil
	}
	c.mu.Lock()
	ok := c.exists[region]
	c.mu.Unlock()
	if ok {
		return nil
	}
	if regionShape.MatchString(region) {
		ctx, cancel := c.clock.WithTimeout(ctx, lookupTime)
		defer cancel()
		if c.opts.LookupHost(ctx, "ec2."+region+".amazonaws.com") == nil {
			c.mu.Lock()
			c.exists[region] = true
			c.mu.Unlock()
			return nil
		}
	}
	e := providers.Errorf(providers.Invalid, op, "", "%q is not an AWS region", region)
	if near := nearestRegion(region); near != "" {
		e.Do = fmt.Sprintf("did you mean %q?", near)
	} else {
		e.Do = "`aws ec2 describe-regions` names the regions of the account"
	}
	return e
}

func lookupHost(ctx context.Context, host string) error {
	_, err := net.DefaultResolver.LookupHost(ctx, host)
	return err
}

// nearestRegion is the known name that the fewest edits lead to, when they are few. A zone is taken for its region.
func nearestRegion(name string) string {
	name = strings.ToLower(strings.TrimSpace(name))
	best, least := "", 4
	for _, r := range regions {
		d := edits(name, r)
		if len(name) == len(r)+1 && strings.HasPrefix(name, r) {
			d = 0
		}
		if d < least {
			best, least = r, d
		}
	}
	return best
}

// edits is the Levenshtein distance.
func edits(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := 1; i <= len(a); i++ {
		diagonal := row[0]
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			diagonal, row[j] = row[j], min(row[j]+1, row[j-1]+1, diagonal+cost)
		}
	}
	return row[len(b)]
}
