package runbook

import "fmt"

// ErrConflict: an append named a last event that is not the journal's last one. Nothing was written. Read what is new
// and decide again: an intent anew, a result on top. Last is normally above what the caller knew. It is below only when
// another process's batch was seen and then taken back, because its disk had no room to make it durable; what the caller
// has folded is then worth nothing and must be folded again from the first event.
type ErrConflict struct{ Last uint64 }

func (e *ErrConflict) Error() string {
	return fmt.Sprintf("the journal has gone on: its last event is %d", e.Last)
}

// ErrFenced: a driver with a higher epoch has taken the run. Nothing was written, and nothing of the caller's will be:
// it must stop acting at once. Epoch is the highest one in the journal.
type ErrFenced struct{ Epoch uint64 }

func (e *ErrFenced) Error() string {
	return fmt.Sprintf("another driver holds the run (epoch %d)", e.Epoch)
}

// Failure says what it means for an operator.
func (e *ErrFenced) Failure() Failure {
	return Failure{
		What:    e.Error(),
		Means:   "This process was replaced and has stopped acting; the run goes on in the other one.",
		Do:      "Follow the run with `lifeboat attach`.",
		Verdict: Definitive,
	}
}
