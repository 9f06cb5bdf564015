// Command lifeboat walks an operator through a regional failover on AWS, drills it, and keeps the record.
//
// This package only wires: it reads the command line, builds what a command needs from the other packages, and turns the
// outcome into words and an exit code. What a failover is stands in package runbook.
package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"strings"

	"github.com/alecthomas/kong"
)

// version is set when a release is built.
var version = "devel"

// cli is every command and flag.
type cli struct {
	global

	Home     homeCmd     `cmd:"" default:"1" hidden:"" help:"The console."`
	Run      runCmd      `cmd:"" help:"Run a runbook: live, as a drill, or as a rehearsal on the simulated cloud."`
	Drill    drillCmd    `cmd:"" help:"Run a runbook on the estate's drill overlay, behind the drill fence."`
	Demo     demoCmd     `cmd:"" help:"Rehearse the shipped failover on a simulated estate; needs nothing else."`
	Plan     planCmd     `cmd:"" help:"Show what a run would do: order, critical path, forecast, exact calls. Changes nothing."`
	Check    checkCmd    `cmd:"" help:"Check whether a runbook could succeed now: its files, then the world. Changes nothing."`
	Triage   triageCmd   `cmd:"" help:"Say what to do now, with the evidence: repair, relaunch, fail over, or nothing. Changes nothing."`
	Policy   policyCmd   `cmd:"" help:"Print the least that a runbook needs to be allowed, as an IAM policy."`
	Resume   resumeCmd   `cmd:"" help:"Take up a run whose driver has ended; what was under way is looked at first."`
	Attach   attachCmd   `cmd:"" help:"Follow a run and answer its questions: on its screen, or line by line."`
	Stop     stopCmd     `cmd:"" help:"Stop a run at the next safe point."`
	Undo     undoCmd     `cmd:"" help:"Put back what a run did, dependents first."`
	Failback failbackCmd `cmd:"" help:"Write the runbook that goes back from a failover."`
	History  historyCmd  `cmd:"" help:"List runs, newest first, and find some of them."`
	Show     showCmd     `cmd:"" help:"Show one run: every event, what a step wrote, every call, or its steps as bars."`
	Replay   replayCmd   `cmd:"" help:"Play a run once more as it was, or faster: on its screen, or line by line."`
	Verify   verifyCmd   `cmd:"" help:"Check that the records of runs are whole."`
	Schema   schemaCmd   `cmd:"" help:"Print the JSON Schema of runbook and estate files."`
	Version  versionCmd  `cmd:"" help:"Print the version."`

	Executor      executorCmd      `cmd:"" hidden:"" help:"Drive a run (started by the other commands)."`
	VerifyLibrary verifyLibraryCmd `cmd:"" hidden:"" help:"Verify a history (started by verify)."`
}

// global is what every command takes.
type global struct {
	Store      string   `placeholder:"DIR" env:"LIFEBOAT_STORE" help:"Where runs and history are kept (default: lifeboat under the XDG state folder)."`
	Estate     string   `placeholder:"FILE" help:"The estate file (default: the one that the runbook names)."`
	Plain      bool     `help:"No screen: a line an event, questions on standard input."`
	JSON       bool     `help:"One JSON object a line for runs, one document otherwise."`
	Yes        bool     `help:"Answer confirmations that need one key."`
	Confirm    []string `placeholder:"STEP=WORD" sep:"none" help:"Answer a typed confirmation in advance, such as start=us-east-1."`
	ConfirmAll bool     `help:"Answer every confirmation. Only for rehearsals."`

	Theme         string `enum:"auto,dark,light,night,mono" default:"auto" env:"LIFEBOAT_THEME" help:"Colours of the console: auto, dark, light, night (red on black), mono."`
	ASCII         bool   `help:"Draw with ASCII alone (by itself where the locale has no more)."`
	ReducedMotion bool   `help:"Nothing on the screen turns or slides."`
}

func main() {
	// The heap is a few megabytes and most commands live for milliseconds: collecting at every doubling of it costs a fifth
	// of the time to read and compile a large runbook. The limit keeps a long run small.
	debug.SetGCPercent(gcPercent)
	debug.SetMemoryLimit(memoryLimit)
	os.Exit(run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}

const (
	gcPercent   = 400
	memoryLimit = 40 << 20 // bytes; beyond it the collector works harder, nothing fails
)

// run is the program with its edges handed in. It returns the exit code.
func run(args []string, in io.Reader, out, errs io.Writer) int {
	var c cli
	exit := -1
	raw, rawErrs := out, errs
	out, errs = cleanSink{w: out}, cleanSink{w: errs}
	parser, err := kong.New(&c,
		kong.Name("lifeboat"), kong.Description("Failover console: guided, timed, recorded."),
		kong.Writers(out, errs), kong.Exit(func(code int) { exit = code }), kong.ConfigureHelp(kong.HelpOptions{Compact: true}),
		kong.Help(help),
	)
	if err != nil {
		fmt.Fprintln(errs, "lifeboat:", err)
		return exitUsage
	}
	a := &app{in: in, out: out, errs: errs}
	if len(args) == 0 && !a.screen() {
		args = []string{"--help"}
	}
	ctx, err := parser.Parse(args)
	if exit >= 0 {
		return exit
	}
	if err != nil {
		tellTrouble(plainPrinter{out: errs, width: a.errColumns}, trouble{what: err.Error(), do: "see " + commandOf(err) + " --help"})
		return exitUsage
	}
	a.global = c.global
	signs := plainSigns(out, c.ASCII, os.Getenv)
	a.out, a.errs = cleanSink{raw, signs}, cleanSink{rawErrs, signs}
	if c.JSON {
		a.out = jsonSink{raw}
	}
	err = ctx.Run(a)
	return a.exit(err)
}

// help is kong's help of a command, and below it what the exit codes mean; the program's own ends with where to start.
func help(options kong.HelpOptions, ctx *kong.Context) error {
	whole := ctx.Selected() == nil || ctx.Selected().Name == "home"
	if whole { // what is done without a command is no command to read about
		all := *ctx
		all.Path = ctx.Path[:1]
		ctx = &all
	}
	if err := kong.DefaultHelpPrinter(options, ctx); err != nil {
		return err
	}
	words := exitWords
	switch {
	case whole:
		words += startWords
	case ctx.Selected().Name == "triage":
		words = triageExitWords
	}
	_, err := io.WriteString(ctx.Stdout, words)
	return err
}

const exitWords = `
Exit codes:
  0  done                                  5  stopped by an operator
  1  the run failed                        6  another driver holds the run
  2  wrong usage or an invalid file        7  the history is damaged
  3  the run goes on without this          8  done, with steps skipped
     terminal, or waits for an operator
  4  refused by a guard or readiness
`

const triageExitWords = `
Exit codes:
  0  all is well                           2  wrong usage or an invalid file
  1  something is wrong, and what          3  it is not sure
     to do is sure
`

const startWords = `
Start with:
  lifeboat                                 the console: is it well, what runs, what to do
  lifeboat demo                            the same on a simulated estate
  lifeboat triage                          something is wrong: what to do now, and why
  lifeboat plan failover                   what it does, call by call; changes nothing
`

// commandOf names the command that a parse error is about.
func commandOf(err error) string {
	var parse *kong.ParseError
	if errors.As(err, &parse) && parse.Context != nil {
		if node := parse.Context.Selected(); node != nil {
			return "lifeboat " + node.Name
		}
	}
	return "lifeboat"
}

// The exit codes.
const (
	exitDone    = 0
	exitFailed  = 1
	exitUsage   = 2
	exitGoesOn  = 3 // the run goes on without this follower, or waits for an operator
	exitRefused = 4 // by a guard or readiness
	exitStopped = 5
	exitHeld    = 6 // another driver holds it
	exitDamaged = 7
	exitSkips   = 8
)

// exitError carries an exit code. Means and do, when there are any, say what it means and what to do about it.
type exitError struct {
	code      int
	err       error
	means, do string
}

func (e *exitError) Error() string { return e.err.Error() }
func (e *exitError) Unwrap() error { return e.err }

func usage(do, format string, args ...any) error {
	return &exitError{code: exitUsage, err: fmt.Errorf(format, args...), do: do}
}

func coded(code int, do string, err error) error { return &exitError{code: code, err: err, do: do} }

// exit prints the error as what happened and what to do, and returns the exit code.
func (a *app) exit(err error) int {
	if err == nil {
		return exitDone
	}
	var silent silentExit
	if errors.As(err, &silent) {
		return int(silent)
	}
	t := classify(err)
	tellTrouble(plainPrinter{out: a.errs, width: a.errColumns}, t)
	return t.code
}

// tellTrouble prints what happened, what it means and what to do. At a terminal no word is cut at the edge.
func tellTrouble(p plainPrinter, t trouble) {
	for _, part := range []struct{ head, text string }{{"lifeboat: ", t.what}, {"  means: ", t.means}, {"  do: ", t.do}} {
		if part.text == "" {
			continue
		}
		for line := range strings.SplitSeq(part.head+part.text, "\n") { // several mistakes are several lines
			p.line(line, sayColumn)
		}
	}
}

// silentExit is an exit code whose reason stands on the screen already.
type silentExit int

func (s silentExit) Error() string { return fmt.Sprintf("exit %d", int(s)) }
