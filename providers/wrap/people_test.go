package wrap_test

import (
	"encoding/json"
	"strings"
	"testing"
	"testing/synctest"

	"lifeboat/providers"
	"lifeboat/providers/wrap"
	"lifeboat/runbook"
)

const onCall = "arn:aws:sns:us-east-1:123456789012:oncall"

// TestFenceLetsOnlyDrillsTell: a drill tells people that it is one, whatever the action thinks.
func TestFenceLetsOnlyDrillsTell(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := world()
		s := wrap.Fence(w.Set(), func(runbook.Target) error { return errFence })
		for text, want := range map[string]bool{"DRILL: it has begun": true, "it has begun": false, "no DRILL: really": false, "REHEARSAL: x": false} {
			_, published := s.Topics.Publish(t.Context(), region, onCall, "DRILL: subject", text)
			sent := s.Messenger.Send(t.Context(), "slack://token@channel", "DRILL: subject", text)
			if (published == nil) != want || (sent == nil) != want {
				t.Errorf("%q: %v, %v", text, published, sent)
			}
		}
		if told := w.Told(); len(told) != 2 {
			t.Errorf("told %+v", told)
		}
	})
}

func TestRecordOfMessages(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const canary = "hunter2-canary"
		var got []wrap.CallRecord
		w := world()
		s := wrap.Record(w.Set(), runbook.WallClock{}, func(c wrap.CallRecord) { got = append(got, c) })
		if _, err := s.Topics.Publish(t.Context(), region, onCall, "subject", strings.Repeat("text ", 1000)); err != nil {
			t.Error(err)
		}
		for _, url := range []string{"slack://" + canary + "@C1", canary} {
			if err := s.Messenger.Send(t.Context(), url, "subject", "text"); err != nil {
				t.Error(err)
			}
		}
		if _, err := s.Topics.Publish(t.Context(), region, "nobody", "subject", "text"); !providers.Is(err, providers.Invalid) {
			t.Error(err)
		}
		b, err := json.Marshal(got)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(b), canary) {
			t.Errorf("a secret is in %s", b)
		}
		if len(got) != 4 || !strings.HasPrefix(got[0].Args, onCall+` "subject" "text text`) || len(got[0].Args) > 410 || got[0].Where != region {
			t.Errorf("%+v", got)
		}
		if got[1].Args != `slack "subject" "text"` || got[3].Error == "" {
			t.Errorf("%+v", got)
		}
	})
}
