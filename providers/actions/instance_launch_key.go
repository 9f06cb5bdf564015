package actions

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"encoding/pem"
	"fmt"
	"strings"

	"lifeboat/runbook"
)

// A machine that boots from a copied image makes new ssh host keys, and nobody has seen them. Given a key ahead, by
// cloud-init, it is known before it exists, and ssh.host_keys pins it: no console output has to be waited for.

// userData is what the machine gets: the step's own text, and the host key when there is one.
func (a *launch) userData() (string, error) {
	private := strings.TrimSpace(a.HostKey.Reveal())
	if a.HostKey.IsZero() || private == "" {
		return a.UserData, nil
	}
	public, err := a.publicKey()
	if err != nil {
		return "", err
	}
	return withHostKey(a.UserData, private, public)
}

// publicKey is the public part of the host key as TYPE BASE64; "" when there is none, or when it is not revealed.
func (a *launch) publicKey() (string, error) {
	private := a.HostKey.Reveal()
	if a.HostKey.IsZero() || private == "" {
		return "", nil
	}
	key, err := publicPart(private)
	if err != nil {
		return "", runbook.Fail(fmt.Sprintf("%s is no host key: %v", a.HostKey, err), "nothing was launched",
			"make one with: ssh-keygen -t ed25519 -N '' -f host_key; the secret is the file host_key")
	}
	return key, nil
}

// publicPart reads the public key out of a private one in OpenSSH's form (PROTOCOL.key of OpenSSH), which has it in the
// clear. Nothing of the private part is in the error.
func publicPart(private string) (string, error) {
	block, _ := pem.Decode([]byte(strings.TrimSpace(private) + "\n"))
	if block == nil || block.Type != "OPENSSH PRIVATE KEY" {
		return "", fmt.Errorf("it does not begin with OPENSSH PRIVATE KEY")
	}
	rest, ok := bytes.CutPrefix(block.Bytes, []byte("openssh-key-v1\x00"))
	if !ok {
		return "", fmt.Errorf("it is of a version that is not known")
	}
	var field []byte
	for _, name := range []string{"cipher", "key derivation", "its options"} {
		if field, rest, ok = sshString(rest); !ok {
			return "", fmt.Errorf("it ends before %s", name)
		}
		if name == "cipher" && string(field) != "none" {
			return "", fmt.Errorf("it is encrypted, and a machine that boots has nobody to ask for the passphrase")
		}
	}
	if len(rest) < 4 || binary.BigEndian.Uint32(rest) != 1 {
		return "", fmt.Errorf("it does not hold exactly one key")
	}
	blob, _, ok := sshString(rest[4:])
	if !ok {
		return "", fmt.Errorf("it ends before the public key")
	}
	kind, _, ok := sshString(blob)
	if !ok {
		return "", fmt.Errorf("its public key has no type")
	}
	return string(kind) + " " + base64.StdEncoding.EncodeToString(blob), nil
}

// sshString reads a length and so many bytes (RFC 4251, 5).
func sshString(b []byte) (s, rest []byte, ok bool) {
	if len(b) < 4 {
		return nil, nil, false
	}
	n := binary.BigEndian.Uint32(b)
	if int64(n) > int64(len(b)-4) {
		return nil, nil, false
	}
	return b[4 : 4+n], b[4+n:], true
}

// keyWords are what cloud-init's module cc_ssh calls the types.
var keyWords = map[string]string{
	"ssh-ed25519": "ed25519", "ssh-rsa": "rsa", "ecdsa-sha2-nistp256": "ecdsa", "ecdsa-sha2-nistp384": "ecdsa", "ecdsa-sha2-nistp521": "ecdsa",
}

// boundary parts the two halves of a multipart document. It is fixed: the same words must give the same request.
const boundary = "==lifeboat-user-data=="

// withHostKey puts a cloud-config with the key beside the step's own user data. The image's keys are deleted, so that no
// two machines of one image have the same.
func withHostKey(own, private, public string) (string, error) {
	kind, _, _ := strings.Cut(public, " ")
	word := keyWords[kind]
	if word == "" {
		return "", runbook.Fail("a host key of the type "+kind+" cannot be given to a machine", "nothing was launched", "make one with: ssh-keygen -t ed25519 -N '' -f host_key")
	}
	var config strings.Builder
	fmt.Fprintf(&config, "#cloud-config\nssh_deletekeys: true\nssh_keys:\n  %s_private: |\n", word)
	for line := range strings.Lines(private) {
		config.WriteString("    " + strings.TrimRight(line, "\r\n") + "\n")
	}
	fmt.Fprintf(&config, "  %s_public: %s\n", word, public)
	if strings.TrimSpace(own) == "" {
		return config.String(), nil
	}
	return "Content-Type: multipart/mixed; boundary=\"" + boundary + "\"\nMIME-Version: 1.0\n\n" +
		mimePart("text/cloud-config", config.String()) + mimePart(kindOfData(own), own) + "--" + boundary + "--\n", nil
}

func mimePart(kind, text string) string {
	return "--" + boundary + "\nContent-Type: " + kind + "; charset=\"utf-8\"\nMIME-Version: 1.0\n\n" + strings.TrimRight(text, "\n") + "\n"
}

// kindOfData is how cloud-init knows user data by its first line.
func kindOfData(own string) string {
	switch {
	case strings.HasPrefix(own, "#cloud-config"):
		return "text/cloud-config"
	case strings.HasPrefix(own, "#include"):
		return "text/x-include-url"
	case strings.HasPrefix(own, "#cloud-boothook"):
		return "text/cloud-boothook"
	}
	return "text/x-shellscript"
}
