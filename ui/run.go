package ui

import (
	"context"
	"io"

	tea "charm.land/bubbletea/v2"

	"lifeboat/runbook"
)

// frameRate bounds how long a key waits for its paint: half of 1/120 s on average.
const frameRate = 120

// Run shows the console until the operator leaves it, and returns the run that was on the screen then, so that the way back
// to it can be said. Options of package tea may follow, for tests.
func Run(ctx context.Context, console Console, in io.Reader, out io.Writer, o Options, more ...tea.ProgramOption) (runbook.RunID, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	app := New(ctx, console, o)
	defer app.Close()
	opts := append([]tea.ProgramOption{tea.WithContext(ctx), tea.WithInput(in), tea.WithOutput(out), tea.WithFPS(frameRate)}, more...)
	program := tea.NewProgram(app, opts...)
	app.pace = &pacer{program: program}
	defer app.pace.stop()
	_, err := program.Run()
	return app.Run(), err
}
