package actions

import (
	"context"
	"fmt"
	"maps"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"lifeboat/providers"
	"lifeboat/runbook"
)

// archive is a chain of backups as the estate has it: `estate.standby.archive` given whole brings its secrets along.
type archive struct {
	Host       string                    `with:"host" doc:"host that runs duplicity; the console's own machine when left out"`
	ID         string                    `with:"id" doc:"name under which its host key is pinned; the host when left out"`
	User       string                    `with:"user" doc:"ssh user; ssh.user when left out"`
	Port       int                       `with:"port" doc:"ssh port; ssh.port when left out"`
	URL        string                    `with:"url,required" doc:"where the chain lies, as duplicity writes it"`
	Name       string                    `with:"name" doc:"duplicity's --name"`
	Folder     string                    `with:"folder" doc:"folder that is backed up"`
	Passphrase runbook.Secret            `with:"passphrase" doc:"secret that opens it"`
	Plain      bool                      `with:"plain" doc:"it is not encrypted"`
	Env        map[string]runbook.Secret `with:"env" doc:"environment of duplicity, such as the bucket's credentials"`
	Options    []string                  `with:"options" doc:"further options of duplicity"`
	FullEvery  runbook.Duration          `with:"full_every" doc:"begin a new chain when the last full backup is older"`
}

// host is the one that runs the program, unless another is given.
func (a archive) host(instead providers.Host) providers.Host {
	switch {
	case instead.Address != "":
		return instead
	case a.Host == "":
		return providers.Console()
	}
	return providers.Host{Address: a.Host, ID: a.ID, User: a.User, Port: a.Port}
}

// open is the archive as a provider takes it. What is not known yet is left out: looking needs no secrets.
func (a archive) open(on providers.Host, sudo bool) providers.Archive {
	env := map[string]string{}
	for name, v := range a.Env {
		if plain := v.Reveal(); plain != "" {
			env[name] = plain
		}
	}
	return providers.Archive{
		Host: on, URL: a.URL, Name: a.Name, Passphrase: a.Passphrase.Reveal(), Plain: a.Plain, Sudo: sudo && !on.Local, Env: env,
		Options: a.Options,
	}
}

func (a archive) valid() error {
	switch {
	case a.URL == "":
		return runbook.Fail("no archive is named", "the estate may have none; nothing was changed", "write standby.archive in the estate, or choose another copy of the data")
	case a.Plain && !a.Passphrase.IsZero():
		return runbook.Fail("the archive is said to be plain and has a passphrase", "", "write one of the two in the estate")
	case !a.Plain && a.Passphrase.IsZero() && !slices.ContainsFunc(a.Options, func(o string) bool { return strings.HasPrefix(o, "--encrypt") }):
		return runbook.Fail("the archive has no passphrase", "it could not be opened; nothing was changed", "name its secret in the estate (standby.archive.passphrase), or write plain: true")
	}
	return nil
}

// byHand is the command line with which a person runs duplicity there: secrets go by standard input, from variables of the
// same names as the estate's.
func (a archive) byHand(w world, on providers.Host, sudo bool, words ...string) string {
	argv := []string{"duplicity"}
	if words[0] != "" {
		argv = append(argv, words[0])
	}
	if a.Name != "" {
		argv = append(argv, "--name", a.Name)
	}
	if a.Plain {
		argv = append(argv, "--no-encryption")
	}
	argv = append(append(argv, a.Options...), words[1:]...)
	secrets := maps.Clone(a.Env)
	if secrets == nil {
		secrets = map[string]runbook.Secret{}
	}
	if !a.Passphrase.IsZero() {
		secrets["PASSPHRASE"] = a.Passphrase
	}
	r := remote{w: w, host: on, sudo: sudo}
	if len(secrets) == 0 {
		return r.byHand(argv...)
	}
	var values, reads []string
	names := slices.Sorted(maps.Keys(secrets))
	for _, name := range names {
		values = append(values, `"$`+strings.TrimSuffix(strings.TrimPrefix(secrets[name].String(), "[secret "), "]")+`"`)
		reads = append(reads, "IFS= read -r "+name)
	}
	if sudo && !on.Local {
		argv = append([]string{"sudo", "--preserve-env=" + strings.Join(names, ",")}, argv...)
	}
	r.sudo = false
	script := strings.Join(reads, "; ") + "; export " + strings.Join(names, " ") + "; " + line(argv)
	return `printf '%s\n' ` + strings.Join(values, " ") + " | " + r.byHand("sh", "-c", script)
}

// watch tells an archive's progress to a step: what has come, how fast, and how long the rest takes at that rate.
func (w world) watch(call runbook.Call, what string) providers.ArchiveWatch {
	began := w.clock.Now()
	return providers.ArchiveWatch{
		Line: func(l string) { logf(call.Log, "%s", l) },
		Progress: func(done, total float64, unit string) {
			p := runbook.Progress{Done: done, Total: total, Unit: unit, Text: what}
			elapsed := w.clock.Now().Sub(began)
			if unit == "volumes" {
				p.Text = fmt.Sprintf("%s volume %.0f of %.0f", what, done, total)
			} else if p.Text = what + " " + size(done); total > 0 {
				p.Text += " of " + size(total)
			}
			if done > 0 && total > done && elapsed > 2*time.Second {
				left := time.Duration(float64(elapsed) * (total - done) / done).Round(time.Second)
				p.Left = runbook.Seconds(left)
				p.Text += " · " + short(left) + " left"
			}
			call.Progress(p)
		},
	}
}

// What an estimate goes by where no restore was ever measured: duplicity's volumes hold 200 MiB, and decrypting them is
// what takes the time. It is said to be an estimate wherever it is shown.
const (
	volumeBytes  = 200 << 20
	usualRate    = 30e6 // bytes a second
	volumeOption = "--volsize"
)

// estimate says how long it takes to read so many volumes.
func (a archive) estimate(volumes int, measured float64) string {
	each := a.volume()
	rate, by := usualRate, "a guess: no restore was measured yet"
	if measured > 0 {
		rate, by = measured, "at the rate of the last restore that was measured, "+size(measured)+"/s"
	}
	d := time.Duration(float64(volumes) * each / rate * float64(time.Second)).Round(time.Second)
	return fmt.Sprintf("at most %s in %s, some %s (%s)", size(float64(volumes)*each), plural(volumes, "volume", "volumes"), short(d), by)
}

// volume is how many bytes a volume of the archive has at most.
func (a archive) volume() float64 {
	each := float64(volumeBytes)
	for i, o := range a.Options {
		v, ok := strings.CutPrefix(o, volumeOption+"=")
		if o == volumeOption && i+1 < len(a.Options) {
			v, ok = a.Options[i+1], true
		}
		if n, err := strconv.Atoi(v); ok && err == nil && n > 0 {
			each = float64(n << 20)
		}
	}
	return each
}

var (
	dayWord  = regexp.MustCompile(`^\d{4}-\d{2}-\d{2}$`)
	agoWord  = regexp.MustCompile(`^(\d{1,4})d$`)
	atHint   = "write a day (2026-10-21: the last backup of it), a moment (2026-10-21T03:00:00Z), 7d for seven days ago, or newest"
	endOfDay = 24*time.Hour - time.Second
)

// momentOf reads which state of the archive is wanted; a zero time is the newest. Days are those of UTC, as the names of
// the backups are.
func momentOf(word string, now time.Time) (time.Time, error) {
	if word == "" || word == "newest" {
		return time.Time{}, nil
	}
	if m := agoWord.FindStringSubmatch(word); m != nil {
		n, _ := strconv.Atoi(m[1])
		return now.UTC().AddDate(0, 0, -n).Truncate(24 * time.Hour).Add(endOfDay), nil
	}
	if dayWord.MatchString(word) {
		if day, err := time.Parse(time.DateOnly, word); err == nil {
			return day.Add(endOfDay), nil
		}
	}
	if at, err := time.Parse(time.RFC3339, word); err == nil {
		return at.UTC(), nil
	}
	return time.Time{}, runbook.Fail(fmt.Sprintf("%q is no day", word), "nothing was changed", atHint)
}

// backupDay is the state of an archive that is wanted, as momentOf reads it. A word that is none is refused when the files are
// read: a run would find out only after it has launched a server.
type backupDay string

// FromValue reads text. Nothing at all is the newest.
func (m *backupDay) FromValue(x any) error {
	var word string
	switch x := x.(type) {
	case nil:
	case string:
		word = x
	default:
		return fmt.Errorf("%v is no day; %s", x, atHint)
	}
	if _, open := runbook.NotKnown(word); !open {
		if _, err := momentOf(word, time.Time{}); err != nil {
			return fmt.Errorf("%q is no day; %s", word, atHint)
		}
	}
	*m = backupDay(word)
	return nil
}

// reads looks up what a restore of the moment would read.
func (w world) reads(ctx context.Context, a providers.Archive, at time.Time) (providers.Chain, error) {
	c, err := w.Archives.Status(ctx, a)
	if err != nil {
		return providers.Chain{}, err
	}
	return c.Reading(at)
}

// about is a chain, for people.
func about(c providers.Chain) string {
	last := c.Sets[len(c.Sets)-1]
	return fmt.Sprintf("the backup of %s (%s, %s)", stamp(last.At), plural(len(c.Sets), "set", "sets"), plural(c.Volumes(), "volume", "volumes"))
}

// within is where a path of the archive goes in a folder.
func within(folder, part string) string {
	if part = strings.Trim(part, "/"); part == "" {
		return path.Clean(folder)
	}
	return path.Join(folder, path.Base(part))
}
