package aws

import (
	"encoding/base64"
	"encoding/binary"
	"slices"
	"testing"
)

func TestParseHostKeys(t *testing.T) {
	key := func(kind, filling string) string {
		blob := binary.BigEndian.AppendUint32(nil, uint32(len(kind)))
		return kind + " " + base64.StdEncoding.EncodeToString(append(append(blob, kind...), filling...))
	}
	a, b := key("ssh-ed25519", "a"), key("ssh-rsa", "b")
	for name, x := range map[string]struct {
		console string
		want    []string
	}{
		"nothing":                       {"", nil},
		"a block that is being written": {keysBegin + "\n" + a + "\n", nil},
		"a whole block":                 {keysBegin + "\r\n" + a + " root@host\r\n" + b + "\r\n" + keysEnd + "\r\n", []string{a, b}},
		"times and names in front":      {"[   9.1] ci-info: x\n[   9.2] " + keysBegin + "\n[   9.3] cloud-init[712]: " + a + " root@host\n" + keysEnd, []string{a}},
		"the last boot counts":          {keysBegin + "\n" + a + "\n" + keysEnd + "\n" + keysBegin + "\n" + b + "\n" + keysEnd, []string{b}},
		"a new block has begun":         {keysBegin + "\n" + a + "\n" + keysEnd + "\n" + keysBegin + "\n" + b + "\n", []string{a}},
		"garbled":                       {keysBegin + "\n" + a[:len(a)-9] + "#" + "\nssh-ed25519 AAAA\nssh-rsa " + a[len("ssh-ed25519 "):] + "\n" + keysEnd, nil},
		"the same one twice":            {keysBegin + "\n" + a + "\n" + a + "\n" + keysEnd, []string{a}},
		"an end without a beginning":    {a + "\n" + keysEnd, nil},
	} {
		t.Run(name, func(t *testing.T) {
			if got := parseHostKeys(x.console); !slices.Equal(got, x.want) {
				t.Errorf("got %q, want %q", got, x.want)
			}
		})
	}
}

func FuzzParseHostKeys(f *testing.F) {
	f.Add(keysBegin + "\nssh-ed25519 AAAAC3NzaC1lZDI1NTE5\n" + keysEnd)
	f.Fuzz(func(t *testing.T, console string) {
		for _, k := range parseHostKeys(console) {
			if !hostKey.MatchString(k) {
				t.Errorf("%q is no key", k)
			}
		}
	})
}

func TestBare(t *testing.T) {
	for in, want := range map[string]string{
		"WWW.Example.com.": "www.example.com", `\052.example.com.`: "*.example.com", `a\`: `a\`, `\999.example.com`: `\999.example.com`, "": "",
	} {
		if got := bare(in); got != want {
			t.Errorf("%q became %q, want %q", in, got, want)
		}
	}
}

func TestLiteral(t *testing.T) {
	if got := literal(`a*b?c\d`); got != `a\*b\?c\\d` {
		t.Errorf("got %q", got)
	}
}
