package page

import (
	"time"

	"charm.land/bubbles/v2/key"
)

// frame is what every page has: its place on the screen, and empty answers to what most pages do not need.
type frame struct {
	env  *Env
	w, h int
}

func (f *frame) SetSize(w, h int)          { f.w, f.h = w, h }
func (f *frame) Cursor() (int, int, bool)  { return 0, 0, false }
func (f *frame) Typing() bool              { return false }
func (f *frame) Moving() time.Duration     { return 0 }
func (f *frame) FullHelp() [][]key.Binding { return nil }
func (f *frame) ShortHelp() []key.Binding  { return nil }

// footRight is what a footer never drops for want of room. What lies over a page is closed by q, which is no key to name twice.
func (f *frame) footRight(over bool) string {
	switch {
	case f.w < 50:
		return "?"
	case over:
		return "? help "
	}
	return "? help " + f.env.Theme.Sign.Dot + " q quit "
}
