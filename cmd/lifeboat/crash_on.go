//go:build crashpoints

package main

import (
	"context"
	"os"
	"strings"
	"syscall"

	"lifeboat/runbook"
	"lifeboat/runbook/engine"
)

// crashVar chooses where the executor kills itself, as BOUNDARY:STEP. The boundaries are before-intent, after-intent,
// after-call, after-result and inside-commit. The kill is SIGKILL: nothing is cleaned up.
const crashVar = "LIFEBOAT_CRASH"

// crashOnce is a file whose absence arms the crash: the first executor makes it and dies, the next one lives.
const crashOnce = "LIFEBOAT_CRASH_ONCE"

func withCrashPoints(cfg engine.Config) engine.Config {
	boundary, step, ok := strings.Cut(os.Getenv(crashVar), ":")
	if !ok {
		return cfg
	}
	cfg.Journal = &crashing{Journal: cfg.Journal, boundary: boundary, step: step}
	return cfg
}

type crashing struct {
	engine.Journal
	boundary, step string
}

func (c *crashing) Append(ctx context.Context, after, epoch uint64, facts ...runbook.Fact) ([]runbook.Event, error) {
	intent, result := c.about(facts)
	switch {
	case intent && c.boundary == "before-intent", result && c.boundary == "after-call":
		c.die()
	case intent && c.boundary == "inside-commit":
		c.tear()
	}
	events, err := c.Journal.Append(ctx, after, epoch, facts...)
	if err == nil && (intent && c.boundary == "after-intent" || result && c.boundary == "after-result") {
		c.die()
	}
	return events, err
}

func (c *crashing) about(facts []runbook.Fact) (intent, result bool) {
	for _, f := range facts {
		switch f := f.(type) {
		case *runbook.StepStarted:
			intent = intent || f.Step == c.step
		case *runbook.StepSucceeded:
			result = result || f.Step == c.step
		}
	}
	return intent, result
}

func (c *crashing) die() {
	marker := os.Getenv(crashOnce)
	if marker != "" {
		f, err := os.OpenFile(marker, os.O_CREATE|os.O_EXCL, 0o600)
		if err != nil {
			return // it has crashed before
		}
		f.Close()
	}
	_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
	select {} // the signal is on its way
}

// tear leaves half a line behind, as a process does that dies inside its write.
func (c *crashing) tear() {
	if _, err := os.Stat(os.Getenv(crashOnce)); err == nil {
		return
	}
	if p, ok := c.Journal.(interface{ Path() string }); ok {
		if f, err := os.OpenFile(p.Path(), os.O_APPEND|os.O_WRONLY, 0); err == nil {
			_, _ = f.WriteString(`{"seq":9999,"time":"2026-01-01T00:00:00Z","type":"step.sta`)
			f.Close()
		}
	}
	c.die()
}
