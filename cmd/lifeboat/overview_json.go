package main

import (
	"time"

	"lifeboat/runbook"
	"lifeboat/ui/page"
)

// overviewDoc is home as a document.
type overviewDoc struct {
	State    string       `json:"state"` // WELL, WARN, DOWN or UNKNOWN
	Estate   string       `json:"estate,omitempty"`
	Account  string       `json:"account,omitempty"`
	Service  string       `json:"service,omitempty"`
	From     string       `json:"from,omitempty"`
	To       string       `json:"to,omitempty"`
	Demo     bool         `json:"demo"`
	Do       []adviceDoc  `json:"do"`
	Readings []readingDoc `json:"readings"`
	Open     []runDoc     `json:"open"`
	Runbooks []bookDoc    `json:"runbooks"`
	Recent   []runDoc     `json:"recent"`
	Troubles []troubleDoc `json:"troubles,omitempty"`
}

type adviceDoc struct {
	Do      string        `json:"do"`
	Why     string        `json:"why,omitempty"`
	Loses   string        `json:"loses,omitempty"`
	Run     runbook.RunID `json:"run,omitempty"`
	Runbook string        `json:"runbook,omitempty"`
	Command string        `json:"command,omitempty"`
}

type readingDoc struct {
	Group   string       `json:"group"`
	Name    string       `json:"name"`
	Value   string       `json:"value"`
	Source  string       `json:"source,omitempty"`
	Limit   string       `json:"limit,omitempty"`
	At      time.Time    `json:"at"`
	Verdict page.Verdict `json:"verdict"`
	Do      string       `json:"do,omitempty"`
}

type runDoc struct {
	Run      runbook.RunID   `json:"run"`
	Name     string          `json:"name"`
	Title    string          `json:"title,omitempty"`
	Mode     runbook.Mode    `json:"mode"`
	Started  time.Time       `json:"started"`
	Finished *time.Time      `json:"finished,omitempty"`
	Outcome  runbook.Outcome `json:"outcome,omitempty"`
	Refused  bool            `json:"refused,omitempty"`
	Skipped  int             `json:"skipped,omitempty"`
	Elapsed  runbook.Seconds `json:"elapsed"`
	Target   runbook.Seconds `json:"target,omitempty"`
	By       runbook.Actor   `json:"by"`
	Asks     string          `json:"asks,omitempty"`
	Driven   bool            `json:"driven"`
	Driver   string          `json:"driver,omitempty"`
	Damaged  bool            `json:"damaged,omitempty"`
}

type bookDoc struct {
	Ref     string          `json:"ref"`
	Name    string          `json:"name"`
	Title   string          `json:"title,omitempty"`
	Target  runbook.Seconds `json:"target,omitempty"`
	P50     runbook.Seconds `json:"forecast_p50,omitempty"`
	P90     runbook.Seconds `json:"forecast_p90,omitempty"`
	Source  string          `json:"forecast_source,omitempty"`
	Proved  *runDoc         `json:"proved,omitempty"`
	Shipped bool            `json:"shipped,omitempty"`
	Unfit   bool            `json:"not_for_this_estate,omitempty"`
	Trouble *troubleDoc     `json:"trouble,omitempty"`
}

type troubleDoc struct {
	What  string `json:"what"`
	Means string `json:"means,omitempty"`
	Do    string `json:"do,omitempty"`
}

func overviewDocument(o *page.Overview, readings []page.Reading) overviewDoc {
	word, do, sorted := page.Standing(o, readings)
	d := overviewDoc{
		State: word, Estate: o.Estate, Account: o.Account, Service: o.Service, From: o.From, To: o.To, Demo: o.Demo,
		Do: []adviceDoc{}, Readings: []readingDoc{}, Open: runDocs(o.Open), Runbooks: []bookDoc{}, Recent: runDocs(o.Recent),
	}
	for _, a := range do {
		d.Do = append(d.Do, adviceDoc{Do: a.Do, Why: a.Why, Loses: a.Loses, Run: a.Run, Runbook: a.Book, Command: adviceCommand(o, a)})
	}
	for _, r := range sorted {
		d.Readings = append(d.Readings, docOf(r))
	}
	for _, b := range o.Runbooks {
		line := bookDoc{
			Ref: b.Ref, Name: b.Name, Title: b.Title, Target: runbook.Seconds(b.Target), Shipped: b.Shipped, Unfit: b.Unfit,
			P50: runbook.Seconds(b.Forecast.P50), P90: runbook.Seconds(b.Forecast.P90), Source: b.Forecast.Source,
		}
		if b.Proved != nil {
			line.Proved = &runDocs([]page.RunLine{*b.Proved})[0]
		}
		if b.Trouble != nil {
			t := troubleDoc(*b.Trouble)
			line.Trouble = &t
		}
		d.Runbooks = append(d.Runbooks, line)
	}
	for _, t := range o.Troubles {
		d.Troubles = append(d.Troubles, troubleDoc(t))
	}
	return d
}

func docOf(r page.Reading) readingDoc {
	return readingDoc{Group: r.Group, Name: r.Name, Value: r.Value, Source: r.Source, Limit: r.Limit, At: r.At, Verdict: r.Verdict, Do: r.Do}
}

func runDocs(lines []page.RunLine) []runDoc {
	out := []runDoc{}
	for i := range lines {
		l := &lines[i]
		doc := runDoc{
			Run: l.Run, Name: l.Name, Title: l.Title, Mode: l.Mode, Started: l.Started, Outcome: l.Outcome, Refused: l.Refused,
			Skipped: l.Skipped, Elapsed: runbook.Seconds(l.Elapsed), Target: runbook.Seconds(l.Target), By: l.By, Asks: l.Asks,
			Driven: l.Driven, Driver: l.Driver, Damaged: l.Damaged,
		}
		if !l.Finished.IsZero() {
			doc.Finished = &l.Finished
		}
		out = append(out, doc)
	}
	return out
}
