package bolt

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"

	"go.etcd.io/bbolt"
)

// errBad is damage; the Library turns it into *store.ErrDamaged.
type errBad struct{ why string }

func (e errBad) Error() string { return e.why }

func bad(format string, args ...any) error { return errBad{fmt.Sprintf(format, args...)} }

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// sum covers the key too: bbolt may hand out another key's value when a page is damaged.
func sum(key, value []byte) uint32 {
	return crc32.Update(crc32.Update(uint32(len(key)), castagnoli, key), castagnoli, value)
}

// seal puts a value's checksum before it.
func seal(key, value []byte) []byte {
	return append(binary.BigEndian.AppendUint32(make([]byte, 0, 4+len(value)), sum(key, value)), value...)
}

// unseal checks a value and takes its checksum off. The result is valid as long as the transaction.
func unseal(key, sealed []byte) ([]byte, error) {
	if len(sealed) < 4 || binary.BigEndian.Uint32(sealed) != sum(key, sealed[4:]) {
		return nil, bad("the checksum of %.60q does not match", key)
	}
	return sealed[4:], nil
}

// get returns a value that must be there.
func get(b *bbolt.Bucket, key []byte) ([]byte, error) {
	v := b.Get(key)
	if v == nil {
		return nil, bad("%.60q is missing", key)
	}
	return unseal(key, v)
}

func put(b *bbolt.Bucket, key, value []byte) error { return b.Put(key, seal(key, value)) }
