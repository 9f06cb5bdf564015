package store

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"strconv"
	"time"

	"lifeboat/runbook"
)

// timeLayout is RFC 3339 in UTC with milliseconds, always as wide, so that lines stand under each other.
const timeLayout = "2006-01-02T15:04:05.000Z"

// factTypes finds the type behind a name.
var factTypes = func() map[string]reflect.Type {
	m := map[string]reflect.Type{}
	for _, f := range runbook.Facts() {
		t := reflect.TypeOf(f).Elem()
		if m[f.Type()] != nil {
			panic("two facts are called " + f.Type())
		}
		m[f.Type()] = t
	}
	return m
}()

// Encode writes an event as one flat JSON object without a newline: seq, time, run, type, epoch (when it is not 0), then
// the fact's own fields. It is the form in the logbook, in the history and of `--json`.
func Encode(e runbook.Event) ([]byte, error) {
	if e.Fact == nil {
		return nil, fmt.Errorf("event %d has no fact", e.Seq)
	}
	kind := e.Fact.Type()
	if t := factTypes[kind]; t == nil || reflect.TypeOf(e.Fact) != reflect.PointerTo(t) {
		return nil, fmt.Errorf("event %d: fact type %q is not in runbook.Facts", e.Seq, kind)
	}
	var b bytes.Buffer
	b.WriteString(`{"seq":`)
	b.Write(strconv.AppendUint(b.AvailableBuffer(), e.Seq, 10))
	b.WriteString(`,"time":"`)
	b.Write(e.Time.UTC().AppendFormat(b.AvailableBuffer(), timeLayout))
	b.WriteString(`","run":`)
	run, err := json.Marshal(e.Run)
	if err != nil {
		return nil, fmt.Errorf("event %d: encode its run: %w", e.Seq, err)
	}
	b.Write(run)
	b.WriteString(`,"type":"` + kind + `"`)
	if e.Epoch != 0 {
		b.WriteString(`,"epoch":`)
		b.Write(strconv.AppendUint(b.AvailableBuffer(), e.Epoch, 10))
	}
	own := b.Len()
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false) // the file is read by people
	if err := enc.Encode(e.Fact); err != nil {
		return nil, fmt.Errorf("event %d: encode %s: %w", e.Seq, kind, err)
	}
	out := bytes.TrimSuffix(b.Bytes(), []byte("\n"))
	if bytes.Equal(out[own:], []byte("{}")) {
		return append(out[:own], '}'), nil
	}
	out[own] = ','
	return out, nil
}

type envelope struct {
	Seq   uint64        `json:"seq"`
	Time  time.Time     `json:"time"`
	Run   runbook.RunID `json:"run"`
	Type  string        `json:"type"`
	Epoch uint64        `json:"epoch"`
}

// Decode reads what Encode wrote. Fields that it does not know are left out, a type that it does not know is *ErrNewer.
func Decode(b []byte) (runbook.Event, error) {
	var env envelope
	if err := json.Unmarshal(b, &env); err != nil {
		return runbook.Event{}, fmt.Errorf("decode an event: %w", err)
	}
	e := runbook.Event{Seq: env.Seq, Time: env.Time, Run: env.Run, Epoch: env.Epoch}
	t := factTypes[env.Type]
	if t == nil {
		return e, &ErrNewer{What: fmt.Sprintf("event type %q", env.Type)}
	}
	fact, ok := reflect.New(t).Interface().(runbook.Fact)
	if !ok {
		return e, fmt.Errorf("decode event %d: %s is not a fact", env.Seq, t)
	}
	if err := json.Unmarshal(b, fact); err != nil {
		return e, fmt.Errorf("decode event %d, %s: %w", env.Seq, env.Type, err)
	}
	e.Fact = fact
	return e, nil
}
