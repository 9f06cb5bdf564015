package ssh

import (
	"crypto/hmac"
	"crypto/sha1"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
)

// knownFile is a known_hosts file, as sshd(8) describes it under SSH_KNOWN_HOSTS FILE FORMAT. Only enough of it is
// understood to tell whether it knows a host: the judgement over a key stays with ssh, which gets the lines.
type knownFile struct {
	lines []string
}

func parseKnown(text string) knownFile {
	var f knownFile
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\r\n")
		if t := strings.TrimSpace(line); t != "" && !strings.HasPrefix(t, "#") {
			f.lines = append(f.lines, line)
		}
	}
	f.lines = slices.Clip(f.lines)
	return f
}

// knows says whether the file vouches for the name, by a key or by an authority.
func (f knownFile) knows(name string) bool {
	for _, line := range f.lines {
		fields := strings.Fields(line)
		if len(fields) > 0 && strings.HasPrefix(fields[0], "@") {
			if fields[0] != "@cert-authority" {
				continue
			}
			fields = fields[1:]
		}
		if len(fields) >= 3 && matchHosts(fields[0], name) {
			return true
		}
	}
	return false
}

// revoked returns the lines that take keys back.
func (f knownFile) revoked() []string {
	var out []string
	for _, line := range f.lines {
		if strings.HasPrefix(strings.TrimSpace(line), "@revoked") {
			out = append(out, line)
		}
	}
	return out
}

// matchHosts matches the first field of a line: a hashed name, or patterns with commas between them of which none that
// is negated may match.
func matchHosts(field, name string) bool {
	if strings.HasPrefix(field, "|") {
		return matchHashed(field, name)
	}
	name, found := strings.ToLower(name), false
	for pattern := range strings.SplitSeq(strings.ToLower(field), ",") {
		if rest, not := strings.CutPrefix(pattern, "!"); not {
			if matchPattern(rest, name) {
				return false
			}
		} else if matchPattern(pattern, name) {
			found = true
		}
	}
	return found
}

// matchHashed matches |1|SALT|HASH, the HMAC-SHA1 of the name.
func matchHashed(field, name string) bool {
	parts := strings.Split(field, "|")
	if len(parts) != 4 || parts[1] != "1" {
		return false
	}
	salt, err := base64.StdEncoding.DecodeString(parts[2])
	if err != nil {
		return false
	}
	want, err := base64.StdEncoding.DecodeString(parts[3])
	if err != nil {
		return false
	}
	mac := hmac.New(sha1.New, salt)
	mac.Write([]byte(strings.ToLower(name)))
	return hmac.Equal(mac.Sum(nil), want)
}

// matchPattern knows * and ?. It is linear in time for one star and never worse than quadratic.
func matchPattern(pattern, name string) bool {
	p, n, star, from := 0, 0, -1, 0
	for n < len(name) {
		switch {
		case p < len(pattern) && pattern[p] == '*':
			star, from = p, n
			p++
		case p < len(pattern) && (pattern[p] == '?' || pattern[p] == name[n]):
			p++
			n++
		case star >= 0:
			from++
			p, n = star+1, from
		default:
			return false
		}
	}
	for p < len(pattern) && pattern[p] == '*' {
		p++
	}
	return p == len(pattern)
}

// keyLines writes keys as lines of a known_hosts file.
func keyLines(alias string, keys []string) ([]string, error) {
	if len(keys) > maxKeys {
		return nil, fmt.Errorf("%d keys for one machine", len(keys))
	}
	var lines []string
	for _, key := range keys {
		fields := strings.Fields(key)
		if len(fields) < 2 {
			return nil, fmt.Errorf("%q is not a host key", key)
		}
		if got := keyType(fields[1]); got == "" || got != fields[0] {
			return nil, fmt.Errorf("%q is not a host key of type %q", key, fields[0])
		}
		lines = append(lines, alias+" "+fields[0]+" "+fields[1])
	}
	return lines, nil
}

// keyType reads the type that a key in base64 names itself (RFC 4253, section 6.6).
func keyType(text string) string {
	b, err := base64.StdEncoding.DecodeString(text)
	if err != nil || len(b) < 4 {
		return ""
	}
	n := binary.BigEndian.Uint32(b)
	if n == 0 || n > 64 || int(n) > len(b)-4 {
		return ""
	}
	return string(b[4 : 4+n])
}
