package aws

import (
	"context"
	"encoding/base64"
	"encoding/binary"
	"regexp"
	"slices"
	"strings"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"

	"lifeboat/providers"
)

// The marks that cloud-init prints on the console around the host keys (module keys_to_console and write-ssh-key-
// fingerprints).
const (
	keysBegin = "-----BEGIN SSH HOST KEY KEYS-----"
	keysEnd   = "-----END SSH HOST KEY KEYS-----"
)

// HostKeys is ec2:GetConsoleOutput. Only some types of machine have the latest output; the others have the one from
// after the boot, a few minutes late.
func (c *Cloud) HostKeys(ctx context.Context, region, id string) ([]string, error) {
	o := op{"ec2:GetConsoleOutput", region, false}
	api, err := c.ec2In(ctx, o.name, region)
	if err != nil {
		return nil, err
	}
	in := &ec2.GetConsoleOutputInput{InstanceId: sdk.String(id), Latest: sdk.Bool(true)}
	out, err := do(ctx, c, api.session, o, api.getConsoleOutput, in)
	if isKind(err, providers.Invalid, "UnsupportedOperation", "InvalidParameterCombination", "InvalidParameterValue") {
		in.Latest = nil
		out, err = do(ctx, c, api.session, o, api.getConsoleOutput, in)
	}
	if err != nil {
		return nil, err
	}
	text, err := base64.StdEncoding.DecodeString(sdk.ToString(out.Output))
	if err != nil {
		return nil, providers.Errorf(providers.Server, o.name, region, "the console output of %s is not base64: %v", id, err)
	}
	return parseHostKeys(string(text)), nil
}

// hostKey finds a key anywhere in a line: some images put a time or a program's name before what they print.
var hostKey = regexp.MustCompile(`(?:^|[ \t])((?:ssh-|ecdsa-|sk-)[A-Za-z0-9@.-]+) +([A-Za-z0-9+/]+={0,2})(?:\s|$)`)

// parseHostKeys returns the keys of the last whole block: a console that is still being written has half a block at its
// end, and a machine that was started again has several.
func parseHostKeys(console string) []string {
	end := strings.LastIndex(console, keysEnd)
	if end < 0 {
		return []string{}
	}
	begin := strings.LastIndex(console[:end], keysBegin)
	if begin < 0 {
		return []string{}
	}
	keys := []string{}
	for line := range strings.Lines(console[begin+len(keysBegin) : end]) {
		m := hostKey.FindStringSubmatch(strings.TrimRight(line, "\r\n"))
		if m == nil || !saysType(m[1], m[2]) {
			continue
		}
		if key := m[1] + " " + m[2]; !slices.Contains(keys, key) {
			keys = append(keys, key)
		}
	}
	return keys
}

// saysType holds the type before the key against the one inside it (RFC 4253, 6.6): a garbled line is no key.
func saysType(kind, key string) bool {
	blob, err := base64.StdEncoding.DecodeString(key)
	if err != nil || len(blob) < 4 {
		return false
	}
	n := binary.BigEndian.Uint32(blob)
	return int64(n) <= int64(len(blob)-4) && string(blob[4:4+n]) == kind
}
