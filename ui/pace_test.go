package ui

import (
	"bytes"
	"io"
	"testing"

	tea "charm.land/bubbletea/v2"
)

// paced ends with its first message and remembers what the pacer found.
type paced struct{ pace *pacer }

func (m *paced) Init() tea.Cmd { return nil }

func (m *paced) Update(tea.Msg) (tea.Model, tea.Cmd) {
	m.pace.stir()
	return m, tea.Quit
}

func (m *paced) View() tea.View { return tea.NewView("x") }

// The library's ticker is where the pacer looks for it. If this fails after an upgrade, nothing is wrong but the idle cost.
func TestPacerFindsTheTicker(t *testing.T) {
	in, typed := io.Pipe()
	defer typed.Close()
	m := &paced{}
	p := tea.NewProgram(m, tea.WithInput(in), tea.WithOutput(&bytes.Buffer{}), tea.WithoutSignals(), tea.WithWindowSize(10, 2))
	m.pace = &pacer{program: p}
	if _, err := p.Run(); err != nil {
		t.Fatal(err)
	}
	if m.pace.ticker == nil {
		t.Error("the program's ticker was not found")
	}
	m.pace.stop()
	m.pace.stir() // after the end it does nothing
}
