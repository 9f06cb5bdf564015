package logbook

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"lifeboat/store"
)

// Salvage replaces a damaged logbook by its good beginning and keeps the damaged file beside it, under the name that it
// returns. The caller has asked the user. Events that were acknowledged are lost to the run by this: what they said is
// to be looked for in the damaged file. A logbook without damage is left alone, and the name is empty.
func Salvage(path string) (aside string, err error) {
	b, err := load(path, nil, os.O_RDONLY)
	if b != nil {
		defer b.Close()
	}
	if err == nil || b == nil || !errors.As(err, new(*store.ErrDamaged)) {
		return "", err
	}
	if b.tape.end == 0 {
		return "", err // not even the first line is good: there is nothing to keep
	}
	release, err := b.hold(context.Background(), true)
	if err != nil {
		return "", err
	}
	defer release()
	if aside, err = keepAside(b.path); err != nil {
		return "", err
	}
	return aside, store.ReplaceFile(b.path, func(f *os.File) error {
		_, err := io.Copy(f, io.NewSectionReader(b.f, 0, b.tape.end))
		return err
	})
}

// keepAside gives a file a second name that is free.
func keepAside(path string) (string, error) {
	for n := 1; ; n++ {
		aside := fmt.Sprintf("%s.damaged-%d", path, n)
		if err := os.Link(path, aside); !errors.Is(err, fs.ErrExist) {
			return aside, store.DiskError(aside, err)
		}
	}
}
