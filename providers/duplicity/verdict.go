package duplicity

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"lifeboat/providers"
)

// sortChains puts the oldest first, and leaves out chains without a set.
func sortChains(c *providers.Collection) {
	c.Chains = slices.DeleteFunc(c.Chains, func(x providers.Chain) bool { return len(x.Sets) == 0 })
	slices.SortStableFunc(c.Chains, func(a, b providers.Chain) int { return a.Sets[0].At.Compare(b.Sets[0].At) })
}

// meaning is what an exit status says (duplicity's log.py, ErrorCode).
type meaning struct {
	kind              providers.ErrorKind
	detail, means, do string
}

const (
	notWhole = "the archive is not whole; what was restored until then is not either"
	another  = "restore an earlier day, or the same one from another copy of the archive; then make a full backup"
)

var meanings = map[int]meaning{
	2:   {providers.Invalid, "", "the command line is not one that this version of duplicity takes; nothing was changed", "look at archive.options and at `duplicity --version` on the host"},
	4:   {providers.Damaged, "", notWhole, another},
	5:   {providers.Damaged, "", notWhole, another},
	6:   {providers.Damaged, "", notWhole, another},
	3:   {providers.Mismatch, "", "the chain belongs to another host; nothing was changed", "if that is right, add --allow-source-mismatch to archive.options"},
	11:  {providers.Conflict, "the folder is not empty", "nothing was written", "restore into an empty folder, or onto a new volume"},
	12:  {providers.NotFound, "the folder to compare with is not there", "nothing was compared", "mount it, or correct the path"},
	13:  {providers.NotFound, "the folder to back up is not there", "nothing was backed up", "mount it, or correct archive.folder"},
	17:  {providers.Damaged, "", "there is no chain with signatures that an increment could be added to", "make a full backup"},
	18:  {providers.Damaged, "", "there is no chain with signatures that an increment could be added to", "make a full backup"},
	19:  {providers.NotFound, "the path is not in the archive", "nothing was restored", "`duplicity list-current-files` shows what was there that day"},
	20:  {providers.NotFound, "nothing was in the archive that day", "nothing was restored", "choose another day"},
	21:  {providers.Damaged, "a volume does not read back as it was written", notWhole, another},
	22:  {providers.Damaged, "a volume is not signed by the right key", notWhole, "find out who wrote it before anything of it is used"},
	35:  {providers.Conflict, "there is no room for its temporary files", "nothing was changed", "make room on the host"},
	38:  {providers.Unreachable, "the storage of the archive does not answer", "nothing was restored or backed up", "look at archive.url and at the network of the host"},
	42:  {providers.Mismatch, "", "the chain was made of another folder; nothing was changed", "if that is right, add --allow-source-mismatch to archive.options"},
	44:  {providers.Damaged, "a volume has the wrong size", notWhole, another},
	45:  {providers.Mismatch, "", "the chain was made with another key or with none; nothing was changed", "look at archive.passphrase and archive.plain"},
	50:  {providers.Unreachable, "", "the storage of the archive failed", "look at archive.url and at the network of the host"},
	51:  {providers.Denied, "the storage of the archive refuses", "nothing was changed", "look at archive.env: these are the storage's credentials"},
	52:  {providers.NotFound, "the storage of the archive has no such place", "nothing was changed", "look at archive.url"},
	53:  {providers.Conflict, "the storage of the archive is full", "the backup was not made", "make room there, or remove old chains with `duplicity remove-older-than`"},
	54:  {providers.Unreachable, "", "the storage of the archive failed", "look at archive.url and at the network of the host"},
	55:  {providers.Unreachable, "", "the storage of the archive failed", "look at archive.url and at the network of the host"},
	127: {providers.Missing, "there is no duplicity on the host", "nothing was done", "install duplicity there"},
}

// verdict is the error for a bad end.
func (o *output) verdict(c command, a providers.Archive, res providers.Result) error {
	e := &providers.Error{Kind: providers.Server, Op: "duplicity " + cmp.Or(c.name, "backup"), Where: where(a), Code: "duplicity " + strconv.Itoa(res.Status)}
	m, known := meanings[res.Status]
	text, extra := o.said, ""
	if o.failed != nil {
		text, extra = lastWords(o.failed.text), o.failed.extra
	}
	switch {
	case res.Status == 1 && strings.HasPrefix(o.said, "sudo:"):
		m = meaning{providers.Denied, "", "the ssh user may not become root without a password, or not with these variables", "allow it in sudoers on the host (with SETENV), or log in as root"}
	case res.Status == 23:
		m = userError(text)
	case res.Status == 30:
		m = exception(extra, text)
	case res.Status == 31:
		m = gpg(a, o.failed)
	case !known:
		m = meaning{kind: providers.Server, means: "what came of it is not known", do: "read the step's log; duplicity's error codes are in its log.py"}
	}
	e.Kind, e.Detail, e.Means, e.Do = m.kind, joined(m.detail, text), m.means, m.do
	return e
}

func joined(detail, text string) string {
	switch {
	case detail == "":
		return text
	case text == "" || text == detail:
		return detail
	}
	return detail + ": " + text
}

// failure is for a program that ended well and did not do what it was asked.
func (o *output) failure(op string, a providers.Archive, detail string) error {
	return &providers.Error{
		Kind: providers.Server, Op: "duplicity " + op, Where: where(a), Detail: joined(detail, o.said),
		Do: "run it by hand on the host; its version may be one that lifeboat does not know",
	}
}

func userError(text string) meaning {
	if strings.Contains(text, "already running") {
		return meaning{providers.NotReady, "another duplicity is busy with this archive", "nothing was changed", "wait until it has ended; `pgrep -af duplicity` on the host shows it"}
	}
	return meaning{kind: providers.Invalid, means: "nothing was changed", do: "look at archive.url and archive.options"}
}

// exception sorts what the program did not expect. Its class is the record's word.
func exception(class, text string) meaning {
	switch class {
	case "CollectionsError":
		return meaning{providers.NotFound, "the archive is empty, or holds no chain of that day", "nothing was restored", "compare archive.url with the one that the backups are made with"}
	case "KeyError": // the manifest counts a volume that is not there
		return meaning{providers.Damaged, "the chain is broken: a volume is missing", notWhole, another}
	case "BackendException", "ConnectionError", "SSHException", "gaierror", "timeout":
		return meaning{providers.Unreachable, "the storage of the archive does not answer", "nothing was restored or backed up", "look at archive.url and at the network of the host"}
	case "UnsupportedBackendScheme", "InvalidBackendURL":
		return meaning{providers.Invalid, "", "nothing was changed", "look at archive.url: the program on the host does not know it, or misses a part for it"}
	case "PermissionError":
		return meaning{providers.Denied, "", "the user on the host may not read or write there", "run it as root: archive `sudo`, or estate.ssh.user"}
	}
	if strings.Contains(text, "No space left") {
		return meaning{providers.Conflict, "the disk is full", "what was written until then is not whole", "make room, or take a larger volume"}
	}
	return meaning{kind: providers.Server, means: "it ended in the middle; what was written until then is not whole", do: "read the step's log"}
}

// gpg sorts the ends of GnuPG under duplicity.
func gpg(a providers.Archive, m *message) meaning {
	text := ""
	if m != nil {
		text = strings.Join(m.text, "\n")
	}
	has := func(words ...string) bool {
		return slices.ContainsFunc(words, func(w string) bool { return strings.Contains(text, w) })
	}
	switch {
	case has("Bad session key", "Bad passphrase", "bad passphrase"):
		return meaning{providers.Denied, "the passphrase does not open the archive", "nothing was restored", "look at the secret that archive.passphrase names: is it the one of these backups?"}
	case has("No secret key"):
		return meaning{providers.Denied, "the private key of the archive is not on the host", "nothing was restored", "import it there with gpg"}
	case has("invalid packet", "CRC error", "no valid OpenPGP data", "Checksum error", "unexpected end", "Invalid packet"):
		return meaning{providers.Damaged, "a volume does not read back as it was written", notWhole, another}
	case a.Passphrase == "" && !a.Plain:
		return meaning{providers.Denied, "no passphrase was given", "nothing was restored", "name its secret in the estate: standby.archive.passphrase"}
	}
	return meaning{kind: providers.Denied, means: "GnuPG could not open or seal the archive", do: "read the step's log"}
}

// lastWords is what a message ends with, without the traceback before it and without gpg's frame.
func lastWords(text []string) string {
	var kept []string
	for _, l := range text {
		l = strings.TrimSpace(l)
		switch {
		case l == "", strings.HasPrefix(l, "====="), strings.HasPrefix(l, "GPGError"), strings.HasPrefix(l, "Traceback"):
		case strings.HasPrefix(l, `File "`), strings.Trim(l, "^~ ") == "":
			kept = nil
		default:
			kept = append(kept, l)
		}
	}
	if len(kept) > 4 {
		kept = kept[len(kept)-4:]
	}
	s := strings.Join(kept, " | ")
	if len(s) > 400 {
		s = fmt.Sprintf("%.400s…", s)
	}
	return s
}
