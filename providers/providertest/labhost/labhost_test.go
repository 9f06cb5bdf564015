package labhost_test

import (
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"lifeboat/providers/providertest/labhost"
)

func TestMain(m *testing.M) {
	labhost.MaybeRunTool()
	os.Exit(m.Run())
}

// tool runs a tool of the machine as a command there would be.
func tool(t *testing.T, m *labhost.Machine, name string, args ...string) (string, int) {
	t.Helper()
	cmd := exec.Command(filepath.Join(m.Bin, name), args...)
	cmd.Env = append(os.Environ(), "PATH="+m.Bin+":"+os.Getenv("PATH"))
	out, err := cmd.CombinedOutput()
	if err != nil && cmd.ProcessState == nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(out)), cmd.ProcessState.ExitCode()
}

func TestMachineMounts(t *testing.T) {
	m := labhost.NewMachine(t, t.TempDir())
	data, path := filepath.Join(t.TempDir(), "vol"), filepath.Join(t.TempDir(), "srv")
	const byID = "/dev/disk/by-id/nvme-Amazon_Elastic_Block_Store_vol0abc"
	want := func(out string, status int, name string, args ...string) {
		t.Helper()
		if got, s := tool(t, m, name, args...); got != out || s != status {
			t.Errorf("%s %q: got %q, status %d; want %q, status %d", name, args, got, s, out, status)
		}
	}
	want("", 1, "readlink", "-e", "--", byID, "/dev/sdf", "/dev/xvdf")
	if err := m.Plug("vol-0abc", data); err != nil {
		t.Fatal(err)
	}
	want("/dev/nvme1n1", 1, "readlink", "-e", "--", byID, "/dev/sdf")
	want("", 1, "findmnt", "--noheadings", "--output", "SOURCE", "--mountpoint", path)
	want("mount: "+path+": mount point does not exist.", 32, "mount", "--", "/dev/nvme1n1", path)
	if err := os.WriteFile(filepath.Join(data, "page"), []byte("served"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(path, 0o755); err != nil {
		t.Fatal(err)
	}
	want("", 0, "sudo", "-n", "--", "mount", "-t", "ext4", "-o", "noatime", "--", "/dev/nvme1n1", path)
	want("/dev/nvme1n1", 0, "findmnt", "--noheadings", "--output", "SOURCE", "--mountpoint", path)
	want("mount: "+path+": /dev/nvme1n1 already mounted on "+path+".", 32, "mount", byID, path)
	if b, err := os.ReadFile(filepath.Join(path, "page")); err != nil || string(b) != "served" || m.Mounted(path) != "/dev/nvme1n1" {
		t.Errorf("%q, %v, mounted %q", b, err, m.Mounted(path))
	}
	want("", 0, "umount", "--", path)
	want("umount: "+path+": not mounted.", 32, "umount", "--", path)
	if entries, err := os.ReadDir(path); err != nil || len(entries) != 0 {
		t.Errorf("after umount: %v, %v", entries, err)
	}
}

func TestMachineServices(t *testing.T) {
	m := labhost.NewMachine(t, t.TempDir())
	folder := t.TempDir()
	if err := os.WriteFile(filepath.Join(folder, "page"), []byte("served"), 0o644); err != nil {
		t.Fatal(err)
	}
	listen := "127.0.73.1:" + strconv.Itoa(labhost.FreePort(t, "127.0.73.1"))
	if err := m.AddService("httpd", labhost.Service{Listen: listen, Folder: folder}); err != nil {
		t.Fatal(err)
	}
	if err := m.AddService("bbj", labhost.Service{Fails: "no licence"}); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		out    string
		status int
		args   []string
	}{
		{"inactive\ninactive", 3, []string{"is-active", "--", "httpd", "bbj"}},
		{"", 0, []string{"start", "--", "httpd"}},
		{"", 0, []string{"start", "--", "httpd.service"}},
		{"Job for bbj.service failed: no licence", 1, []string{"start", "--", "bbj"}},
		{"active\nfailed", 0, []string{"is-active", "--", "httpd", "bbj"}},
		{"Failed to start x.service: Unit x.service not found.", 5, []string{"start", "--", "x"}},
	} {
		if out, status := tool(t, m, "systemctl", c.args...); out != c.out || status != c.status {
			t.Errorf("%q: got %q, status %d", c.args, out, status)
		}
	}
	resp, err := http.Get("http://" + listen + "/page")
	if err != nil {
		t.Fatal(err)
	}
	b, _ := io.ReadAll(resp.Body)
	resp.Body.Close()
	if string(b) != "served" {
		t.Errorf("got %q", b)
	}
	tool(t, m, "systemctl", "stop", "httpd")
	if m.Running("httpd") {
		t.Error("it still runs")
	}
	if _, err := http.Get("http://" + listen + "/page"); err == nil {
		t.Error("it still answers")
	}
}

func TestAddressesRefuseTheWorld(t *testing.T) {
	a := labhost.NewAddresses(t, 1024)
	for _, address := range []string{"192.0.2.1", "0.0.0.0", "::1", "localhost", ""} {
		if err := a.Point(address, "127.0.0.1"); err == nil {
			t.Errorf("%q was taken", address)
		}
	}
	if err := a.Point("127.0.73.2", "192.0.2.1"); err == nil {
		t.Error("it leads out of the machine")
	}
}
