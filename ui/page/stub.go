package page

import (
	"context"
	"time"

	"charm.land/bubbles/v2/key"
	tea "charm.land/bubbletea/v2"
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

type stub struct {
	frame
	title string
}

func (s *stub) Update(msg tea.Msg) tea.Cmd { return nil }
func (s *stub) View() string               { return s.title }
func (s *stub) Title() string              { return s.title }

func NewRunbook(ctx context.Context, env *Env, p Previewer, s Starter, c Choice) Page {
	return &stub{frame{env: env}, "runbook"}
}
