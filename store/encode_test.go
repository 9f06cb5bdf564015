package store

import (
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"lifeboat/runbook"
)

// TestEveryFactSurvivesEncoding fills every field of every fact, so that a new field or fact is covered by itself.
func TestEveryFactSurvivesEncoding(t *testing.T) {
	at := time.Date(2026, 1, 2, 15, 4, 5, 678_000_000, time.UTC)
	for i, fact := range runbook.Facts() {
		fill(reflect.ValueOf(fact).Elem(), 1)
		want := runbook.Event{Seq: uint64(i + 1), Time: at, Run: "r-1", Epoch: uint64(i % 2), Fact: fact}
		line, err := Encode(want)
		if err != nil {
			t.Fatal(err)
		}
		got, err := Decode(line)
		if err != nil {
			t.Fatalf("%s: %v\n%s", fact.Type(), err, line)
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%s: got %+v, want %+v\n%s", fact.Type(), got.Fact, want.Fact, line)
		}
	}
}

// TestFactsKeepTheEnvelopeFree: an event is one flat object, so no fact may have a field of the envelope or the chain.
// encoding/json matches names without regard to case.
func TestFactsKeepTheEnvelopeFree(t *testing.T) {
	taken := []string{"seq", "time", "run", "type", "epoch", "prev", "commit", "sum"}
	for _, fact := range runbook.Facts() {
		typ := reflect.TypeOf(fact).Elem()
		for i := range typ.NumField() {
			name, _, _ := strings.Cut(typ.Field(i).Tag.Get("json"), ",")
			for _, bad := range taken {
				if strings.EqualFold(name, bad) {
					t.Errorf("%s has a field %q, which belongs to the event", fact.Type(), name)
				}
			}
		}
	}
}

func TestEncodeIsFlatAndReadable(t *testing.T) {
	at := time.Date(2026, 1, 2, 16, 4, 5, 0, time.FixedZone("", 3600))
	tests := []struct {
		event runbook.Event
		want  string
	}{
		{
			runbook.Event{Seq: 7, Time: at, Run: "r-1", Epoch: 2, Fact: &runbook.StepOverdue{Step: "sync", Budget: runbook.Duration(90 * time.Second)}},
			`{"seq":7,"time":"2026-01-02T15:04:05.000Z","run":"r-1","type":"step.overdue","epoch":2,"step":"sync","budget":"1m30s"}`,
		},
		{
			runbook.Event{Seq: 1, Time: at, Run: "r-1", Fact: &runbook.RunResumed{}},
			`{"seq":1,"time":"2026-01-02T15:04:05.000Z","run":"r-1","type":"run.resumed"}`,
		},
		{
			runbook.Event{Seq: 1, Time: at, Run: "r-1", Fact: &runbook.UndoStarted{Step: "<a> & b"}},
			`{"seq":1,"time":"2026-01-02T15:04:05.000Z","run":"r-1","type":"undo.started","step":"<a> & b"}`,
		},
	}
	for _, tt := range tests {
		got, err := Encode(tt.event)
		if err != nil {
			t.Fatal(err)
		}
		if string(got) != tt.want {
			t.Errorf("got  %s\nwant %s", got, tt.want)
		}
	}
}

func TestDecodeOfANewerType(t *testing.T) {
	_, err := Decode([]byte(`{"seq":3,"time":"2026-01-02T15:04:05.000Z","run":"r-1","type":"step.paused","step":"a"}`))
	var newer *ErrNewer
	if !errors.As(err, &newer) || !strings.Contains(newer.What, "step.paused") {
		t.Fatalf("got %v, want *ErrNewer that names the type", err)
	}
	if f := runbook.AsFailure(err); f.Do == "" || f.Verdict != runbook.Definitive {
		t.Errorf("the failure does not say what to do: %+v", f)
	}
}

func TestDecodeRefusesWhatIsNoEvent(t *testing.T) {
	for _, bad := range []string{``, `null`, `[]`, `{"seq":-1}`, `{"type":"note.added","text":7}`, `{"type":1}`} {
		if e, err := Decode([]byte(bad)); err == nil {
			t.Errorf("%q became %+v", bad, e)
		}
	}
}

type stranger struct{}

func (stranger) Type() string { return "note.added" }

func TestEncodeRefusesForeignFacts(t *testing.T) {
	for _, f := range []runbook.Fact{nil, stranger{}} {
		if b, err := Encode(runbook.Event{Seq: 1, Run: "r-1", Fact: f}); err == nil {
			t.Errorf("%T became %s", f, b)
		}
	}
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte(`{"seq":7,"time":"2026-01-02T15:04:05.000Z","run":"r-1","type":"step.overdue","step":"sync","budget":"1m30s"}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		e, err := Decode(b)
		if err != nil {
			return
		}
		if _, err := Encode(e); err != nil {
			t.Errorf("%q was decoded and cannot be encoded: %v", b, err)
		}
	})
}

// fill gives every field a value that is not its zero value.
func fill(v reflect.Value, n int) {
	switch v.Interface().(type) {
	case time.Time:
		v.Set(reflect.ValueOf(time.Date(2026, 3, n, 0, 0, 0, 0, time.UTC)))
		return
	case runbook.Before:
		v.Set(reflect.ValueOf(runbook.Before(`{"was":[1,"<x>"]}`)))
		return
	case map[string]any:
		v.Set(reflect.ValueOf(map[string]any{"host": "192.0.2.7", "count": 3.0, "list": []any{"a", true}}))
		return
	case runbook.Seconds:
		v.Set(reflect.ValueOf(runbook.Seconds(1234 * time.Millisecond)))
		return
	case runbook.Duration:
		v.Set(reflect.ValueOf(runbook.Duration(90 * time.Second)))
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			fill(v.Field(i), n+i)
		}
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(v.Elem(), n)
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		for i := range v.Len() {
			fill(v.Index(i), n+i)
		}
	case reflect.Map:
		v.Set(reflect.MakeMap(v.Type()))
		v.SetMapIndex(reflect.ValueOf("key").Convert(v.Type().Key()), reflect.ValueOf("value").Convert(v.Type().Elem()))
	case reflect.String:
		v.SetString("text é")
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int, reflect.Int64:
		v.SetInt(int64(n + 1))
	case reflect.Uint64:
		v.SetUint(uint64(n + 1))
	case reflect.Float64:
		v.SetFloat(1.5)
	default:
		panic("fill does not know " + v.Type().String())
	}
}
