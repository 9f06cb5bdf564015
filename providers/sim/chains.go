package sim

import (
	"fmt"
	"path"
	"slices"
	"strings"
	"time"

	"lifeboat/providers"
	"lifeboat/runbook"
)

// Chain is an archive as duplicity keeps it: a full backup and its increments. What one set holds is Data of a version
// that is named after its time.
type Chain struct {
	URL   string                `json:"url"`
	Plain bool                  `json:"plain,omitempty"`
	Bytes int64                 `json:"bytes"`
	Sets  []providers.BackupSet `json:"sets"`
}

// Faults of a chain.
const (
	ChainBroken = "broken" // a volume of an increment is gone
	ChainTorn   = "torn"   // a volume does not read back as it was written
	ChainSealed = "sealed" // the passphrase that is known is not the one that opens it
	ChainEmpty  = "empty"
)

// increments of a month, one about every 18 hours, the last one before the night begins.
const increments = 41

// chain gives the estate its archive.
func (b *builder) chain(a *runbook.Archive) {
	if a == nil || a.URL == "" || slices.ContainsFunc(b.spec.Chains, func(c Chain) bool { return c.URL == a.URL }) {
		return
	}
	b.spec.Chains = append(b.spec.Chains, Chain{URL: a.URL, Plain: a.Plain, Bytes: 41 * gb})
	h := Host{Name: either(a.ID, a.Host), Address: a.Host, Region: b.e.Standby.Region, Path: "/var/lib/archive"}
	if a.Host != "" && !slices.ContainsFunc(b.spec.Hosts, func(x Host) bool { return x.Name == h.Name || x.Address == h.Address }) {
		b.spec.Hosts = append(b.spec.Hosts, h)
	}
}

// sets fills in what a chain that names none has: it ends some hours before the world begins.
func (c Chain) sets(start time.Time) []providers.BackupSet {
	if len(c.Sets) > 0 {
		return slices.Clone(c.Sets)
	}
	const every = 17*time.Hour + 34*time.Minute
	last := start.UTC().Truncate(time.Second).Add(-5*time.Hour - 20*time.Minute)
	out := []providers.BackupSet{{Full: true, At: last.Add(-increments * every), Volumes: 62, Encrypted: !c.Plain}}
	for n := range increments {
		out = append(out, providers.BackupSet{At: last.Add(time.Duration(n+1-increments) * every), Volumes: 1, Encrypted: !c.Plain})
	}
	return out
}

// stockChains puts the archives into the world, as whole as the fault plan lets them be.
func (s *state) stockChains() {
	for _, c := range s.spec.Chains {
		c.Sets = c.sets(s.spec.Start)
		switch s.spec.Faults.Chain {
		case ChainEmpty:
			c.Sets = nil
		case ChainBroken:
			c.Sets[len(c.Sets)*2/3].Volumes = 0
		}
		s.chains[c.URL] = &c
	}
}

// archived is the data of one set; within is the one path that is meant.
func (c *Chain) archived(set providers.BackupSet, within string) Data {
	d := Data{Version: strings.TrimSpace("archive " + stampOf(set.At) + " " + strings.Trim(within, "/")), Bytes: c.Bytes, Delta: c.Bytes / 10}
	if within != "" {
		d.Bytes /= 100
	}
	return d
}

func stampOf(t time.Time) string { return t.UTC().Format("20060102T150405Z") }

// duplicity answers as the program does: on standard error, in the records that it writes for machines.
func (c *shell) duplicity() outcome {
	action, words := c.duplicityWords()
	if len(words) == 0 {
		return record(2, "ERROR 2", "Command line error: Expected 2 args, got 0")
	}
	url := words[0]
	if action == "full" || action == "" {
		url = words[len(words)-1]
	}
	chain := c.s.chains[url]
	if chain == nil {
		chain = &Chain{URL: url}
	}
	takes := c.takes(c.s.spec.Delays.Command, "duplicity") * 4
	switch action {
	case "collection-status":
		return outcome{err: chain.listed(), takes: takes}
	case "restore", "verify":
		o := c.retrieve(action, chain, words)
		o.takes += takes
		return o
	case "full", "":
		return c.backUp(action, chain, words, takes)
	}
	return record(2, "ERROR 2", "Command line error: unknown command "+action)
}

func (c *shell) duplicityWords() (action string, words []string) {
	words = c.args("--log-fd", "--archive-dir", "--name", "--time", "--file-to-restore", "--tempdir", "--progress-rate",
		"--full-if-older-than", "--gpg-options", "--volsize", "--current-time")
	if len(words) > 0 && slices.Contains([]string{"collection-status", "restore", "verify", "full", "incremental"}, words[0]) {
		return words[0], words[1:]
	}
	return "", words
}

// record is an error as duplicity writes it, and its status.
func record(status int, head string, text ...string) outcome {
	return outcome{status: status, err: message(head, text...)}
}

func message(head string, text ...string) string {
	return head + "\n. " + strings.Join(text, "\n. ") + "\n\n"
}

func (c *Chain) listed() string {
	var b strings.Builder
	b.WriteString("INFO 3 \nbackend BackendWrapper\narchive-dir (. dir)\n")
	if len(c.Sets) > 0 {
		b.WriteString("chain-complete\n")
	}
	for _, s := range c.Sets {
		word, sealed := "inc", "enc"
		if s.Full {
			word = "full"
		}
		if !s.Encrypted {
			sealed = "noenc"
		}
		fmt.Fprintf(&b, " %s %s %d %s\n", word, stampOf(s.At), s.Volumes, sealed)
	}
	b.WriteString("orphaned-sets-num 0\nincomplete-sets-num 0\n. Collection Status\n\n")
	return b.String()
}

// opened says why the chain does not open.
func (c *shell) opened(chain *Chain) (outcome, bool) {
	switch {
	case len(chain.Sets) == 0:
		return record(30, "ERROR 30 CollectionsError", "Traceback (innermost last):", " CollectionsError: No backup chains found"), false
	case chain.Plain:
		return outcome{}, true
	case c.cmd.Env["PASSPHRASE"] == "" || c.s.spec.Faults.Chain == ChainSealed:
		return record(31, "ERROR 31 GPGError", "GPGError: GPG Failed, see log below:", "gpg: decryption failed: Bad session key"), false
	}
	return outcome{}, true
}

// retrieve is restore and verify.
func (c *shell) retrieve(action string, chain *Chain, words []string) outcome {
	if o, ok := c.opened(chain); !ok {
		return o
	}
	within, _ := c.option("--file-to-restore")
	within = strings.Trim(within, "/")
	if within != "" && within != "shop" && !strings.HasPrefix(within, "shop/") {
		return record(19, "ERROR 19", within+" not found in archive - no files restored.")
	}
	at := c.now
	if word, ok := c.option("--time"); ok {
		var err error
		if at, err = time.Parse(time.RFC3339, word); err != nil {
			return record(2, "ERROR 2", "Bad time string "+word)
		}
	}
	set, volumes := chain.Sets[0], 0
	for _, s := range chain.Sets {
		if s.Full || !s.At.After(at) {
			set, volumes = s, volumes+s.Volumes
		}
	}
	if within != "" {
		volumes = max(1, volumes/10)
	}
	if c.s.spec.Faults.Chain == ChainTorn {
		return record(21, "ERROR 21", "Invalid data - SHA1 hash mismatch for file:", " duplicity-full."+stampOf(chain.Sets[0].At)+".vol3.difftar.gpg")
	}
	folder, want := path.Clean(words[len(words)-1]), chain.archived(set, within)
	takes := time.Duration(float64(volumes) * float64(200<<20) / float64(c.s.spec.Delays.Rate) * float64(time.Second))
	o := outcome{takes: takes, tell: func(elapsed time.Duration) string {
		n := int(float64(volumes) * float64(elapsed) / float64(takes+1))
		return message(fmt.Sprintf("INFO 2 %d %d", n, volumes), fmt.Sprintf("Processed volume %d of %d", n, volumes))
	}}
	if action == "verify" {
		o.status, o.err = c.compared(folder, want)
		return o
	}
	if c.kind(folder) != "" && c.names(folder) != "" && !slices.Contains(c.argv, "--force") {
		return record(11, "ERROR 11", "Restore destination directory "+folder+" already exists.", "Will not overwrite.")
	}
	o.finish = func(elapsed time.Duration) *Entry {
		e := &Entry{Effect: "restore", ID: c.m.id, Path: folder, Data: &want}
		if elapsed < takes {
			e.Text = "cut short"
		}
		return e
	}
	return o
}

func (c *shell) compared(folder string, want Data) (status int, text string) {
	const files = 9120
	if c.kind(folder) == "" && c.s.peek(c.m, folder) == nil {
		return 12, message("ERROR 12", "Verify directory "+folder+" does not exist")
	}
	if have := c.s.data(c.m, folder); have.Version == want.Version && !have.Torn {
		return 0, message("NOTICE 1", fmt.Sprintf("Verify complete: %d files compared, 0 differences found.", files))
	}
	for i := range 3 {
		text += message("NOTICE 1", fmt.Sprintf("Difference found: File shop/orders-%04d.dat has mtime Sun Jan  4 03:04:05 2026, expected Sat Jan  3 03:04:05 2026", i+1))
	}
	return 1, text + message("NOTICE 1", fmt.Sprintf("Verify complete: %d files compared, 3 differences found.", files))
}

// restored is the effect of a restore at its end. One that was cut short has left some of the files.
func (s *state) restored(e Entry) {
	m := s.machines[e.ID]
	s.draw("command " + m.id + " duplicity")
	data := s.peek(m, e.Path)
	if data == nil {
		data = &Data{}
		m.local[e.Path] = data
	}
	*data = *e.Data
	if e.Text != "" {
		*data = Data{Version: "a part of " + e.Data.Version, Bytes: e.Data.Bytes / 2, Torn: true}
	}
}

// backUp adds a set to the chain.
func (c *shell) backUp(action string, chain *Chain, words []string, takes time.Duration) outcome {
	data := c.s.data(c.m, path.Clean(words[0]))
	switch {
	case len(words) < 2:
		return record(2, "ERROR 2", "Command line error: Expected 2 args, got 1")
	case data.Version == "" && c.kind(words[0]) == "":
		return record(13, "ERROR 13", "Backup source directory "+words[0]+" does not exist")
	case !chain.Plain && c.cmd.Env["PASSPHRASE"] == "":
		return record(31, "ERROR 31 GPGError", "GPGError: GPG Failed, see log below:", "gpg: no passphrase given")
	}
	full := action == "full" || len(chain.Sets) == 0
	size := data.Delta / 4
	if full {
		size = data.Bytes / 3
	}
	rate := int64(c.s.spec.Delays.Rate)
	takes += time.Duration(float64(size) / float64(rate) * float64(time.Second))
	return outcome{
		takes: takes,
		tell: func(elapsed time.Duration) string {
			done := min(size, int64(elapsed.Seconds()*float64(rate)))
			return message(fmt.Sprintf("NOTICE 16 %d %d %d 0 %d 0", done, int(elapsed.Seconds()), done*100/max(1, size), rate), "progress")
		},
		finish: func(elapsed time.Duration) *Entry {
			e := &Entry{Effect: "backup", ID: c.m.id, Path: words[0], Text: chain.URL}
			if elapsed < takes {
				e.Effect = "" // a set that was cut short is none
			}
			if full {
				e.Argv = []string{"full"}
			}
			return e
		},
	}
}

// backedUp is the effect of a backup at its end.
func (s *state) backedUp(e Entry) {
	s.draw("command " + e.ID + " duplicity")
	chain := s.chains[e.Text]
	if chain == nil {
		chain = &Chain{URL: e.Text}
		s.chains[e.Text] = chain
	}
	full := slices.Contains(e.Argv, "full")
	set := providers.BackupSet{Full: full, At: e.At.UTC().Truncate(time.Second), Volumes: 1, Encrypted: !chain.Plain}
	if full {
		set.Volumes = 62
		chain.Sets = nil
	}
	chain.Sets = append(chain.Sets, set)
}
