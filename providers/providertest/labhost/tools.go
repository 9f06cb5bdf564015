package labhost

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// How a script tells the test's binary that it is a tool.
const (
	toolEnv    = "LIFEBOAT_LAB_TOOL"
	machineEnv = "LIFEBOAT_LAB_MACHINE"
	byID       = "/dev/disk/by-id/nvme-Amazon_Elastic_Block_Store_"
)

var toolsHooked bool

var tools = map[string]func(m *Machine, args []string) int{
	"mount": mountTool, "umount": umountTool, "findmnt": findmntTool, "readlink": readlinkTool,
	"systemctl": systemctlTool, "journalctl": journalctlTool,
}

// MaybeRunTool runs a tool of a Machine and exits, when this process is one. TestMain calls it first.
func MaybeRunTool() {
	toolsHooked = true
	name := os.Getenv(toolEnv)
	if name == "" {
		return
	}
	m := &Machine{Dir: os.Getenv(machineEnv)}
	m.Bin = filepath.Join(m.Dir, "bin")
	if name == "serve" {
		os.Exit(serve(os.Args[1], os.Args[2], os.Args[3]))
	}
	tool, ok := tools[name]
	if !ok {
		fmt.Fprintf(os.Stderr, "the lab has no %s\n", name)
		os.Exit(127)
	}
	os.Exit(tool(m, os.Args[1:]))
}

// options takes apart what the tools are called with: flags alone, flags with a value, words.
func options(args []string, valued ...string) (flags map[string]string, words []string) {
	flags = map[string]string{}
	for i := 0; i < len(args); i++ {
		name, value, has := strings.Cut(args[i], "=")
		switch {
		case args[i] == "--":
			return flags, append(words, args[i+1:]...)
		case !strings.HasPrefix(name, "-") || name == "-":
			words = append(words, args[i])
		case has:
			flags[name] = value
		case slices.Contains(valued, name) && i+1 < len(args):
			i++
			flags[name] = args[i]
		default:
			flags[name] = ""
		}
	}
	return flags, words
}

// disk finds what a device name stands for: the kernel's name and the folder.
func (m *Machine) disk(name string) (kernel, folder string) {
	files, _ := filepath.Glob(filepath.Join(m.Dir, "devices", "*"))
	for _, file := range files {
		number, serial, _ := strings.Cut(filepath.Base(file), "-")
		kernel := "/dev/nvme" + number + "n1"
		if name == kernel || name == byID+serial {
			folder, _ := os.Readlink(file)
			return kernel, folder
		}
	}
	return "", ""
}

func say(format string, args ...any) { fmt.Fprintf(os.Stderr, format+"\n", args...) }

// readlinkTool knows the machine's devices; for other names it is the real one.
func readlinkTool(m *Machine, args []string) int {
	flags, words := options(args)
	status := 0
	for _, word := range words {
		if !strings.HasPrefix(word, "/dev/") {
			return readlinkReal(args)
		}
		if kernel, _ := m.disk(word); kernel != "" {
			fmt.Println(kernel)
			continue
		}
		if _, ok := flags["-f"]; ok && filepath.Dir(word) == "/dev" {
			fmt.Println(word)
			continue
		}
		status = 1
	}
	return status
}

func readlinkReal(args []string) int {
	for _, path := range []string{"/usr/bin/readlink", "/bin/readlink"} {
		cmd := exec.Command(path, args...)
		cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
		err := cmd.Run()
		var exit *exec.ExitError
		switch {
		case err == nil:
			return 0
		case errors.As(err, &exit):
			return exit.ExitCode()
		}
	}
	return 127
}

func mountTool(m *Machine, args []string) int {
	_, words := options(args, "-t", "-o", "--types", "--options")
	if len(words) != 2 {
		say("mount: bad usage")
		return 1
	}
	kernel, folder := m.disk(words[0])
	if kernel == "" {
		say("mount: %s: special device %s does not exist.", words[1], words[0])
		return 32
	}
	path := filepath.Clean(words[1])
	err := m.locked(func() error {
		if m.Mounted(path) != "" {
			return fmt.Errorf("%s already mounted on %s", kernel, path)
		}
		if _, err := os.Stat(path); err != nil {
			return errors.New("mount point does not exist")
		}
		if err := os.Rename(path, path+".under"); err != nil {
			return err
		}
		if err := os.Symlink(folder, path); err != nil {
			return err
		}
		return os.WriteFile(m.mount(path), []byte(kernel), 0o644)
	})
	if err != nil {
		say("mount: %s: %v.", path, err)
		return 32
	}
	return 0
}

func umountTool(m *Machine, args []string) int {
	_, words := options(args)
	for _, word := range words {
		path := filepath.Clean(word)
		err := m.locked(func() error {
			if m.Mounted(path) == "" {
				return errors.New("not mounted")
			}
			if err := os.Remove(path); err != nil {
				return err
			}
			if err := os.Rename(path+".under", path); err != nil {
				return err
			}
			return os.Remove(m.mount(path))
		})
		if err != nil {
			say("umount: %s: %v.", path, err)
			return 32
		}
	}
	return 0
}

func findmntTool(m *Machine, args []string) int {
	flags, words := options(args, "-o", "--output", "-M", "--mountpoint", "-T", "--target", "-S", "--source", "-t", "--types")
	path := flags["--mountpoint"] + flags["-M"] + flags["--target"] + flags["-T"]
	if path == "" && len(words) > 0 {
		path = words[0]
	}
	source := m.Mounted(path)
	if path == "" || source == "" {
		return 1
	}
	columns := flags["--output"] + flags["-o"]
	if columns == "" {
		columns = "TARGET,SOURCE,FSTYPE,OPTIONS"
	}
	var cells []string
	for column := range strings.SplitSeq(strings.ToUpper(columns), ",") {
		cells = append(cells, map[string]string{"SOURCE": source, "TARGET": filepath.Clean(path), "FSTYPE": "ext4", "OPTIONS": "rw,relatime"}[column])
	}
	_, short := flags["-n"]
	if _, long := flags["--noheadings"]; !long && !short {
		fmt.Println(strings.ReplaceAll(columns, ",", " "))
	}
	fmt.Println(strings.Join(cells, " "))
	return 0
}

func journalctlTool(*Machine, []string) int {
	fmt.Println("-- No entries --")
	return 0
}

func systemctlTool(m *Machine, args []string) int {
	flags, words := options(args, "-p", "--property")
	if len(words) == 0 {
		say("Too few arguments.")
		return 1
	}
	verb, units := words[0], words[1:]
	if len(units) > 0 && units[0] == "--" {
		units = units[1:]
	}
	status := 0
	switch verb {
	case "start", "restart":
		for _, unit := range units {
			if s := m.startService(unit, verb == "restart"); s != 0 {
				status = s
			}
		}
	case "stop":
		for _, unit := range units {
			if err := m.stop(unitName(unit)); err != nil {
				say("%v", err)
				status = 1
			}
		}
	case "is-active":
		status = 3
		for _, unit := range units {
			state := m.state(unitName(unit))
			if state == "active" {
				status = 0
			}
			_, q := flags["-q"]
			if _, quiet := flags["--quiet"]; !quiet && !q {
				fmt.Println(state)
			}
		}
	case "show": // --property=LoadState --value is all that is asked
		for i, unit := range units {
			if i > 0 {
				fmt.Println()
			}
			fmt.Println(m.loaded(unitName(unit)))
		}
	default:
		say("Unknown command verb %s.", verb)
		status = 1
	}
	return status
}

func unitName(unit string) string { return strings.TrimSuffix(unit, ".service") }

func (m *Machine) state(name string) string {
	if m.Running(name) {
		return "active"
	}
	if _, err := os.Stat(filepath.Join(m.Dir, "run", name+".failed")); err == nil {
		return "failed"
	}
	return "inactive"
}

// loaded says whether there is such a unit.
func (m *Machine) loaded(name string) string {
	if _, err := os.Stat(filepath.Join(m.Dir, "services", name)); err != nil {
		return "not-found"
	}
	return "loaded"
}

// startService starts the web server as a daemon, and returns when it listens.
func (m *Machine) startService(unit string, again bool) int {
	name := unitName(unit)
	b, err := os.ReadFile(filepath.Join(m.Dir, "services", name))
	if errors.Is(err, fs.ErrNotExist) {
		say("Failed to start %s.service: Unit %s.service not found.", name, name)
		return 5
	}
	var s Service
	if err == nil {
		err = json.Unmarshal(b, &s)
	}
	if err == nil {
		err = m.locked(func() error {
			if m.Running(name) && !again {
				return nil
			}
			if err := m.stop(name); err != nil {
				return err
			}
			return m.spawn(name, s)
		})
	}
	failed := filepath.Join(m.Dir, "run", name+".failed")
	if err != nil {
		_ = os.WriteFile(failed, []byte(err.Error()), 0o644)
		say("Job for %s.service failed: %v", name, err)
		return 1
	}
	_ = os.Remove(failed)
	return 0
}

func (m *Machine) spawn(name string, s Service) error {
	if s.Fails != "" {
		return errors.New(s.Fails)
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	cmd := exec.Command(self, s.Listen, s.Folder, m.Dir)
	cmd.Env = append(os.Environ(), toolEnv+"=serve")
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := cmd.Start(); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(m.Dir, "run", name+".pid"), []byte(strconv.Itoa(cmd.Process.Pid)), 0o644); err != nil {
		return err
	}
	exited := make(chan error, 1)
	go func() { exited <- cmd.Wait() }()
	for range 500 {
		if c, err := net.DialTimeout("tcp", s.Listen, time.Second); err == nil {
			c.Close()
			return nil
		}
		select {
		case err := <-exited:
			return fmt.Errorf("it ended at once: %v", err)
		case <-time.After(10 * time.Millisecond):
		}
	}
	return fmt.Errorf("it does not listen on %s", s.Listen)
}

// serve is the service. It ends by itself when its machine's folder is gone, so that no test can leave it behind.
func serve(listen, folder, machine string) int {
	host, _, err := net.SplitHostPort(listen)
	if err == nil {
		err = onLoopback(host)
	}
	if err != nil {
		say("%v", err)
		return 1
	}
	l, err := net.Listen("tcp", listen)
	if err != nil {
		say("%v", err)
		return 1
	}
	go func() {
		for range time.Tick(500 * time.Millisecond) {
			if _, err := os.Stat(filepath.Join(machine, "run")); err != nil {
				os.Exit(0)
			}
		}
	}()
	say("%v", http.Serve(l, http.FileServer(http.Dir(folder))))
	return 1
}
