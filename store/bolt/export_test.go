package bolt

import (
	"testing"

	"go.etcd.io/bbolt"
)

// SetFormat makes a library look as if another version had written it.
func SetFormat(t *testing.T, path, to string) {
	t.Helper()
	err := New(path).update(t.Context(), func(tx *bbolt.Tx) error {
		return put(tx.Bucket(meta), formatKey, []byte(to))
	})
	if err != nil {
		t.Fatal(err)
	}
}
