package ssh_test

import (
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"os/exec"
	"strings"
	"testing"

	"lifeboat/providers"
	"lifeboat/providers/providertest/labhost"
	"lifeboat/providers/ssh"
)

// oddWords are n words that quoting gets wrong when it can: every byte but NUL, every sign of every shell.
func oddWords(n int) []string {
	words := []string{
		"", " ", "'", `"`, `\`, "''", `'\''`, `\'`, "$", "$(id)", "`id`", "${HOME}", "$'\\n'", "!", "!!", "^a^b", "~", "~root", "*", "?", "[a-z]*", "{a,b}",
		";", "&", "|", "&&", "||", "<", ">", ">>", "<<EOF", "#", "# x", "\n", "\n\n", "a\n", "\na", "\r", "\r\n", "\t", "a\\\n", "(", ")", "{", "}", "%s", "%n", "%%",
		"-", "--", "-n", "-e", "=", "A=b", "lifeboat:ready;", ":0;", "\x1b[31m", "\x7f", "\x80", "\x81\x88", "\xff\xfe", "\u2028", "\u202e", "日本語", "\xf0\x9f\x98", "😀", "EOF", "exit 1",
	}
	for b := 1; b < 256; b++ {
		words = append(words, string([]byte{byte(b)}), string([]byte{'a', byte(b), 'b'}), string([]byte{'\'', byte(b)}))
	}
	r := rand.New(rand.NewPCG(1, 2))
	const signs = "'\"\\$`!*?[]{}()<>|&;#~=%\n\r\t -"
	for len(words) < n {
		word := make([]byte, r.IntN(24))
		for i := range word {
			if r.IntN(2) == 0 {
				word[i] = signs[r.IntN(len(signs))]
			} else {
				word[i] = byte(1 + r.IntN(255))
			}
		}
		words = append(words, string(word))
	}
	return words[:n]
}

// TestArgvByteForByte: 2,000 odd words arrive as they are, through every shell that this machine has.
func TestArgvByteForByte(t *testing.T) {
	words := oddWords(2000)
	for _, shell := range []string{"sh", "bash", "busybox", "csh", "tcsh", "fish", "zsh", "ksh"} {
		path, err := exec.LookPath(shell)
		if err != nil {
			t.Logf("without %s, which is not on this machine", shell)
			continue
		}
		t.Run(shell, func(t *testing.T) {
			private, public := labhost.Keypair(t, t.TempDir())
			// The shell parses the words of the connection, and is the sh that the far side finds.
			bin, force := t.TempDir(), path+` -c "$SSH_ORIGINAL_COMMAND"`
			if shell == "bash" {
				if err := labhost.WriteTool(bin, "sh", "exec "+path+" --posix \"$@\"\n"); err != nil {
					t.Fatal(err)
				}
			}
			if shell == "busybox" {
				if err := labhost.WriteTool(bin, "sh", "exec "+path+" sh \"$@\"\n"); err != nil {
					t.Fatal(err)
				}
				force = path + ` sh -c "$SSH_ORIGINAL_COMMAND"`
			}
			l := &lab{SSHD: labhost.StartSSHD(t, labhost.Options{AuthorizedKey: public, Bin: bin, Config: []string{"ForceCommand exec " + force}}), identity: private, dir: t.TempDir()}
			s := l.shell(t)
			const batch = 500
			for at := 0; at < len(words); at += batch {
				check(t, s, words[at:at+batch])
			}
		})
	}
}

// check sends the words as arguments, and once as values of variables.
func check(t *testing.T, s *ssh.Shell, words []string) {
	t.Helper()
	want := strings.Join(words, "\x00") + "\x00"
	const program = `for a do printf '%s\0' "$a"; done | od -An -v -tx1 | tr -d ' \n'`
	var got strings.Builder
	_, err := s.Run(t.Context(), here, providers.Command{
		Argv: append([]string{"/bin/sh", "-c", program, "sh"}, words...),
		Line: func(_, line string) { got.WriteString(line) },
	})
	if err != nil {
		t.Fatal(err)
	}
	compare(t, "argument", got.String(), want)
	env := map[string]string{}
	for i, word := range words {
		env[fmt.Sprintf("ODD_%04d", i)] = word
	}
	got.Reset()
	const values = `od -An -v -tx1 /proc/self/environ | tr -d ' \n'`
	if _, err := s.Run(t.Context(), here, providers.Command{Argv: []string{"/bin/sh", "-c", values}, Env: env, Line: func(_, line string) { got.WriteString(line) }}); err != nil {
		t.Fatal(err)
	}
	b, _ := hex.DecodeString(got.String())
	arrived := "\x00" + string(b)
	for name, value := range env {
		if !strings.Contains(arrived, "\x00"+name+"="+value+"\x00") {
			t.Errorf("the value %q did not arrive", value)
		}
	}
}

func compare(t *testing.T, what, got, want string) {
	t.Helper()
	b, err := hex.DecodeString(got)
	if err != nil {
		t.Fatalf("%v in %q", err, got)
	}
	if string(b) == want {
		return
	}
	g, w := strings.Split(string(b), "\x00"), strings.Split(want, "\x00")
	for i := range w {
		if i >= len(g) || g[i] != w[i] {
			t.Fatalf("%s %d of %d (%d arrived): got %q, want %q", what, i, len(w)-1, len(g)-1, g[min(i, len(g)-1)], w[i])
		}
	}
	t.Fatalf("%d arrived, want %d", len(g)-1, len(w)-1)
}
