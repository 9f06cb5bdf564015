package page

import "lifeboat/runbook"

// Advice is one thing that the operator could do now.
type Advice struct {
	Do   string        // imperative
	Why  string        // may be empty
	Run  runbook.RunID // it is about this run
	Book string        // or about this runbook, by its Ref

	Inputs map[string]string // of the runbook
	Loses  string            // what goes with it
}

// Standing is what home says first, for those who print it: how the estate is in one word (WELL, WARN, DOWN, UNKNOWN), what to
// do about it, the best first, and the readings with what is not well at the top.
func Standing(o *Overview, rs []Reading) (word string, do []Advice, sorted []Reading) {
	for _, a := range advise(o, rs, true) {
		do = append(do, Advice{Do: a.Do, Why: a.Why, Run: a.Run, Book: a.Book, Inputs: a.Inputs, Loses: a.Loses})
	}
	return string(judge(rs)), do, sortReadings(rs)
}
