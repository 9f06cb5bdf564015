package actions

import (
	"cmp"
	"context"
	"fmt"
	"path"
	"slices"
	"strings"
	"time"

	"lifeboat/providers"
	"lifeboat/runbook"
)

// devices are the names under which what is to be mounted may appear, the surest first.
func (a *mount) devices() []string {
	if a.Volume == "" {
		return []string{a.what()}
	}
	list := []string{"/dev/disk/by-id/nvme-Amazon_Elastic_Block_Store_" + strings.ReplaceAll(a.Volume, "-", "")}
	if a.Device != "" {
		list = append(list, a.Device)
		if rest, ok := strings.CutPrefix(a.Device, "/dev/sd"); ok {
			list = append(list, "/dev/xvd"+rest)
		}
	}
	return list
}

// device asks the host which of the names exists, and returns what it stands for; "" is none. On a machine with NVMe the
// id is the only name that counts: there /dev/sdf, where it exists, may stand for another volume.
func (a *mount) device(ctx context.Context, call runbook.Call) (string, error) {
	if a.Volume == "" {
		return a.on(call).fileSystem(ctx, a.what())
	}
	names := a.devices()
	byID, rest := names[0], names[1:]
	res, err := a.on(call).look(ctx, "readlink", "-e", "--", byID)
	if err != nil || res.Status == 0 || len(rest) == 0 {
		return strings.TrimSpace(res.Stdout), err
	}
	// readlink -e prints one line for each name that exists, in order. Its status says only that one was missing.
	if res, err = a.on(call).look(ctx, append([]string{"readlink", "-e", "--"}, rest...)...); err != nil {
		return "", err
	}
	first, _, _ := strings.Cut(res.Stdout, "\n")
	if first = strings.TrimSpace(first); strings.HasPrefix(first, "/dev/nvme") {
		return "", nil
	}
	return first, nil
}

// peek runs a command that changes nothing, as root: file systems and the processes of others are hidden from all others.
func (r remote) peek(ctx context.Context, argv ...string) (providers.Result, error) {
	return r.w.Shell.Run(ctx, r.host, providers.Command{Argv: r.asRoot(argv), ReadOnly: true, Hang: silence, Log: r.log})
}

// fileSystem finds the device with a file system of that UUID= or LABEL=; "" is none. A volume made from a snapshot bears
// the UUID of its original: two that match are a question and no answer.
func (r remote) fileSystem(ctx context.Context, tag string) (string, error) {
	argv := []string{"blkid", "-c", "/dev/null", "-o", "device", "-t", tag}
	res, err := r.peek(ctx, argv...)
	if err != nil {
		return "", err
	}
	if res.Status != 0 && res.Status != 2 { // 2: nothing bears it
		return "", r.ended(argv, res)
	}
	found := strings.Fields(res.Stdout)
	if len(found) > 1 {
		return "", runbook.Fail(fmt.Sprintf("%d devices on %s bear %s: %s", len(found), r.host, tag, strings.Join(found, ", ")),
			"a volume made from a snapshot bears what its original does; which one is meant was not guessed. Nothing was changed", "write the id of the volume instead")
	}
	return strings.Join(found, ""), nil
}

// mounted returns the source that is mounted at the path; "" is none.
func (r remote) mounted(ctx context.Context, at string) (string, error) {
	argv := []string{"findmnt", "--noheadings", "--output", "SOURCE", "--mountpoint", path.Clean(at)}
	res, err := r.look(ctx, argv...)
	if err != nil {
		return "", err
	}
	if res.Status > 1 {
		return "", r.ended(argv, res)
	}
	// Mounts can be stacked; the last line is the one that is seen.
	return lastLines(res.Stdout, 1), nil
}

// mount mounts a device; the folder is there.
func (r remote) mount(ctx context.Context, device, at, fstype, options string) error {
	argv := append(append([]string{"mount"}, flag("-t", fstype)...), flag("-o", options)...)
	argv = append(argv, "--", device, at)
	res, err := r.change(ctx, argv...)
	if err != nil {
		return err
	}
	if err := r.ended(argv, res); err != nil {
		f := runbook.AsFailure(err)
		if f.Do == "" && strings.Contains(res.Stderr, "bad superblock") {
			f.Means = "the kernel does not take the file system; nothing is mounted"
			f.Do = "see why: " + r.byHand("dmesg", "--ctime") + ". An xfs copy whose original is mounted too needs `options: nouuid`; otherwise check it: " + r.byHand("fsck", "-n", device)
		}
		return &f
	}
	return nil
}

// unmount is never lazy and never forces: what is in use stays, and the failure says who uses it.
func (r remote) unmount(ctx context.Context, at string) error {
	at = path.Clean(at)
	argv := []string{"umount", "--", at}
	res, err := r.change(ctx, argv...)
	if err != nil {
		return err
	}
	if err = r.ended(argv, res); err == nil {
		return nil
	}
	f := runbook.AsFailure(err)
	if !strings.Contains(res.Stderr, "busy") {
		return &f
	}
	f.Means = "it is in use, and stays mounted: " + r.holders(ctx, at)
	if strings.HasSuffix(f.Means, byNobody) {
		f.Means += "; another mount inside of it, swap, or an export by NFS may hold it"
	}
	f.Do = "stop what uses it, then retry; see who: " + r.byHand("fuser", "-vm", at)
	return &f
}

const byNobody = "by no process that can be seen"

// holders says which processes use a mount. It is evidence: what cannot be found out is said and stops nothing.
func (r remote) holders(ctx context.Context, at string) string {
	res, err := r.peek(ctx, "fuser", "-m", at) // numbers to standard output, the rest to standard error
	if err == nil && res.Status == 127 {
		res, err = r.peek(ctx, "lsof", "-w", "-t", "--", at)
	}
	if err != nil {
		return "who uses it could not be asked: " + reason(err)
	}
	var pids []string
	for _, w := range strings.Fields(res.Stdout) {
		if strings.Trim(w, "0123456789") == "" && !slices.Contains(pids, w) {
			pids = append(pids, w)
		}
	}
	switch {
	case res.Status == 127:
		return "neither fuser nor lsof is on the host to say by whom"
	case len(pids) == 0:
		return byNobody
	}
	const most = 8
	more := ""
	if len(pids) > most {
		more = fmt.Sprintf(", and %d more", len(pids)-most)
		pids = pids[:most]
	}
	res, err = r.peek(ctx, "ps", "-o", "user=,pid=,args=", "-p", strings.Join(pids, ","))
	if err != nil || strings.TrimSpace(res.Stdout) == "" {
		return "by the processes " + strings.Join(pids, ", ") + more
	}
	var list []string
	for l := range strings.Lines(res.Stdout) {
		if w := strings.Fields(l); len(w) > 2 {
			args := runbook.Clean(strings.Join(w[2:], " "))
			list = append(list, fmt.Sprintf("%s (pid %s, %s)", firstRunes(args, 60), w[1], w[0]))
		}
	}
	return "by " + strings.Join(list, ", ") + more
}

func firstRunes(s string, n int) string {
	if r := []rune(s); len(r) > n {
		return string(r[:n]) + "…"
	}
	return s
}

// checkers are the commands that check a file system and change nothing.
var checkers = map[string][]string{
	"ext2": {"e2fsck", "-n", "-f"}, "ext3": {"e2fsck", "-n", "-f"}, "ext4": {"e2fsck", "-n", "-f"},
	"xfs": {"xfs_repair", "-n"}, "btrfs": {"btrfs", "check", "--readonly"},
}

// verify checks the file system on a device that is mounted nowhere, and says what was found.
func (r remote) verify(ctx context.Context, call runbook.Call, device, fstype string) (string, error) {
	res, err := r.look(ctx, "findmnt", "--noheadings", "--output", "TARGET", "--source", device)
	if err != nil {
		return "", err
	}
	if at := lastLines(res.Stdout, 1); at != "" {
		return "", runbook.Fail(fmt.Sprintf("%s is mounted at %s on %s", device, at, r.host), "a file system in use cannot be checked; nothing was changed", "unmount it first, or leave check out")
	}
	if fstype == "" {
		if res, err = r.peek(ctx, "blkid", "-p", "-o", "value", "-s", "TYPE", "--", device); err != nil {
			return "", err
		}
		fstype = strings.TrimSpace(res.Stdout)
	}
	argv := checkers[fstype]
	if argv == nil {
		return "", runbook.Fail(fmt.Sprintf("the file system on %s is %s", device, cmp.Or(fstype, "not known")),
			"there is no check for it that changes nothing; nothing was mounted", "leave check out, or check it by hand")
	}
	call.Progress(runbook.Progress{Text: "checking " + fstype + " on " + device + ", changing nothing"})
	began := r.w.clock.Now()
	argv = append(slices.Clone(argv), "--", device)
	if fstype == "btrfs" {
		argv = []string{"btrfs", "check", "--readonly", device}
	}
	res, err = r.w.Shell.Run(ctx, r.host, providers.Command{Argv: r.asRoot(argv), ReadOnly: true, Log: r.log})
	if err != nil {
		return "", err
	}
	return r.verdict(fstype, device, argv, res, r.w.clock.Now().Sub(began))
}

// unplayed are the words of a check that leaves out what the journal still holds: the mount plays it.
var unplayed = []string{"skipping journal recovery", "valuable metadata changes in a log"}

func (r remote) verdict(fstype, device string, argv []string, res providers.Result, took time.Duration) (string, error) {
	all := res.Stdout + "\n" + res.Stderr
	journal := slices.ContainsFunc(unplayed, func(w string) bool { return strings.Contains(all, w) })
	how := fmt.Sprintf("%s checked in %s", fstype, took.Round(100*time.Millisecond))
	switch {
	case res.Status == 127:
		return "", r.ended(argv, res)
	case res.Status == 0 && journal:
		return how + ": whole, with a journal that the mount plays", nil
	case res.Status == 0:
		return how + ": whole" + summary(res.Stdout), nil
	case journal && (res.Status == 4 || fstype == "xfs" && res.Status == 1):
		// As after a power cut: what the check found may be what the journal mends.
		return how + ": it has a journal to be played, as after a power cut; what was found before that says little: " + lastLines(all, 1), nil
	}
	f := runbook.AsFailure(r.ended(argv, res))
	f.Means = "the file system on " + device + " is damaged, or could not be read; nothing was mounted and nothing was changed"
	f.Do = "take another copy of the data, or mend this one after a snapshot of it: " + r.byHand("fsck", "-y", device)
	return "", &f
}

// summary is what e2fsck says of a file system that is whole: its last line, without the name before the colon.
func summary(said string) string {
	l := lastLines(said, 1)
	if _, after, ok := strings.Cut(l, ": "); ok && strings.Contains(after, " files ") {
		return ", " + runbook.Clean(after)
	}
	return ""
}
