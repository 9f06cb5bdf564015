package lab

import (
	"bytes"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// Fresh is the page that the replica's data has, and Stale that of last night's copy.
const (
	Fresh = "orders up to this minute\n"
	Stale = "orders up to last night\n"
)

// files is how many files the data has, beside the odd ones.
const files = 300

// Fill writes the data of a shop: a few hundred files in folders, among them names and kinds that break careless tools.
// It is the same every time.
func Fill(dir string) error {
	random := rand.New(rand.NewPCG(1, 2))
	text := func(n int) []byte {
		b := make([]byte, n)
		for i := range b {
			b[i] = byte(random.UintN(256))
		}
		return b
	}
	all := map[string][]byte{
		"index.html": []byte(Fresh), "an empty one": nil, "it's $(a) \"name\"": text(100), "über/日本.dat": text(5000),
		"line\nbreak": text(10), "-rf": text(10), "big.dat": text(1 << 20),
	}
	for i := range files {
		all[fmt.Sprintf("orders/%02d/%04d.dat", i%20, i)] = text(random.IntN(8000))
	}
	for name, content := range all {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(path, content, 0o644); err != nil {
			return err
		}
	}
	if err := os.Chmod(filepath.Join(dir, "big.dat"), 0o640); err != nil {
		return err
	}
	return os.Symlink("orders/01", filepath.Join(dir, "newest"))
}

// Nightly makes an older copy of the data: some files are missing, some are as they were.
func Nightly(from, to string) error {
	if err := os.CopyFS(to, os.DirFS(from)); err != nil {
		return err
	}
	old := time.Now().Add(-20 * time.Hour)
	for name, content := range map[string]string{"index.html": Stale, "orders/03/0003.dat": "as it was", "big.dat": "small"} {
		path := filepath.Join(to, name)
		if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
			return err
		}
		if err := os.Chtimes(path, old, old); err != nil {
			return err
		}
	}
	return os.RemoveAll(filepath.Join(to, "orders", "07"))
}

// Compare says where two trees differ: names, kinds, permissions, contents. Nil is nowhere.
func Compare(a, b string) ([]string, error) {
	left, err := tree(a)
	if err != nil {
		return nil, err
	}
	right, err := tree(b)
	if err != nil {
		return nil, err
	}
	var out []string
	for name, entry := range left {
		if other, ok := right[name]; !ok {
			out = append(out, fmt.Sprintf("%q is missing", name))
		} else if entry.mode != other.mode || !bytes.Equal(entry.content, other.content) {
			out = append(out, fmt.Sprintf("%q differs (%s, %d bytes; %s, %d bytes)", name, entry.mode, len(entry.content), other.mode, len(other.content)))
		}
	}
	for name := range right {
		if _, ok := left[name]; !ok {
			out = append(out, fmt.Sprintf("%q is too much", name))
		}
	}
	slices.Sort(out)
	return out, nil
}

type entry struct {
	mode    fs.FileMode
	content []byte // of a link: where it leads
}

func tree(dir string) (map[string]entry, error) {
	out := map[string]entry{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		name, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		e := entry{mode: info.Mode()}
		switch {
		case info.Mode().IsRegular():
			e.content, err = os.ReadFile(path)
		case info.Mode()&fs.ModeSymlink != 0:
			var to string
			to, err = os.Readlink(path)
			e.content = []byte(to)
		}
		out[name] = e
		return err
	})
	return out, err
}
