// Package labhost makes the hosts of a test lab on the loopback: real sshd processes, addresses that can be moved
// between them, a machine whose mount and systemctl work on plain folders, and name servers. It is for tests only.
//
// It refuses to leave the loopback, to change anything outside the folders it is given (but for /run/sshd, which an
// sshd of root wants to exist), and to leave a process behind.
//
//	func TestMain(m *testing.M) {
//		labhost.MaybeRunTool() // the tools of a Machine are this very binary
//		os.Exit(m.Run())
//	}
//
//	key, public := labhost.Keypair(t, t.TempDir())
//	machine := labhost.NewMachine(t, t.TempDir())
//	host := labhost.StartSSHD(t, labhost.Options{AuthorizedKey: public, Bin: machine.Bin})
//	addresses := labhost.NewAddresses(t, host.Port)
//	addresses.Point("127.0.50.7", "127.0.0.1") // the host answers there now
package labhost

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// Need returns the path of a program that a test cannot do without. Where it is missing the test is skipped by name, or
// fails when CI is set: there nothing may be skipped in silence.
func Need(t testing.TB, program string) string {
	t.Helper()
	if path, err := exec.LookPath(program); err == nil {
		return path
	}
	for _, dir := range []string{"/usr/sbin", "/usr/local/sbin", "/sbin", "/usr/libexec", "/usr/local/bin"} {
		if path, err := exec.LookPath(filepath.Join(dir, program)); err == nil {
			return path
		}
	}
	if os.Getenv("CI") == "true" {
		t.Fatalf("%s is not on this machine, and CI must run this test", program)
	}
	t.Skipf("%s is not on this machine", program)
	return ""
}

// Keypair makes an ssh key without a passphrase in dir. It returns the path of the private key and the public line.
func Keypair(t testing.TB, dir string) (private, public string) {
	t.Helper()
	private = filepath.Join(dir, "id_ed25519")
	return private, makeKey(t, private)
}

// makeKey makes an ed25519 key and returns "TYPE BASE64".
func makeKey(t testing.TB, path string) string {
	t.Helper()
	out, err := exec.Command(Need(t, "ssh-keygen"), "-q", "-t", "ed25519", "-N", "", "-C", "lab", "-f", path).CombinedOutput()
	if err != nil {
		t.Fatalf("make the key %s: %v: %s", path, err, out)
	}
	return readPublic(t, path+".pub")
}

func readPublic(t testing.TB, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	fields := strings.Fields(string(b))
	if len(fields) < 2 {
		t.Fatalf("%s is no public key", path)
	}
	return fields[0] + " " + fields[1]
}

// FreePort returns a port that is free on all the addresses (127.0.0.1 when none is given) now. Somebody may take it
// before it is used: who starts a server tries again.
func FreePort(t testing.TB, addresses ...string) int {
	t.Helper()
	if len(addresses) == 0 {
		addresses = []string{"127.0.0.1"}
	}
	for range 50 {
		port, err := tryPort(addresses)
		if err == nil {
			return port
		}
	}
	t.Fatalf("no port is free on %s", strings.Join(addresses, ", "))
	return 0
}

func tryPort(addresses []string) (int, error) {
	port := 0
	for _, address := range addresses {
		l, err := net.Listen("tcp", net.JoinHostPort(address, strconv.Itoa(port)))
		if err != nil {
			return 0, err
		}
		defer l.Close()
		port = l.Addr().(*net.TCPAddr).Port
	}
	return port, nil
}

// onLoopback refuses every address but 127.0.0.0/8.
func onLoopback(address string) error {
	ip := net.ParseIP(address)
	if ip == nil || !ip.IsLoopback() || ip.To4() == nil {
		return fmt.Errorf("%q is not an address of the loopback, 127.0.0.0/8", address)
	}
	return nil
}
