package bolt

import (
	"bytes"
	"encoding/binary"
	"hash/fnv"
	"io"
	"os"
)

// bbolt trusts its pages: a damaged one can send it into a loop, into memory that is not there, or to another bucket's
// keys, and a loop cannot be recovered from. So a file that anything but this package has touched is walked first, with
// plain reads. The format is that of bbolt's file format version 2 (its internal/common: page.go, meta.go, bucket.go).
const (
	boltMagic   = 0xED0CDAED
	boltVersion = 2

	pageHead   = 16 // id 8, flags 2, count 2, overflow 4
	branchPage = 0x01
	leafPage   = 0x02
	metaPage   = 0x04
	freePage   = 0x10
	elemSize   = 16 // branch: pos 4, ksize 4, page 8; leaf: flags 4, pos 4, ksize 4, vsize 4
	subBucket  = 0x01
	bucketHead = 16 // root 8, sequence 8
	maxDepth   = 40
	maxPages   = 1 << 24 // in one node: a larger overflow is nonsense
)

var le = binary.LittleEndian

// inspector walks the pages of a file.
type inspector struct {
	r    io.ReaderAt
	size uint64 // of a page
	high uint64 // behind the last page in use
	used []bool
}

// inspect returns errBad when the file is not a sound bbolt file.
func inspect(f *os.File) error {
	info, err := f.Stat()
	if err != nil {
		return err
	}
	in := &inspector{r: f, size: uint64(os.Getpagesize())}
	root, free, err := in.metas()
	if err != nil {
		return err
	}
	if in.high < 4 || in.high > uint64(info.Size())/in.size {
		return bad("it is shorter than it says: %d pages of %d", uint64(info.Size())/in.size, in.high)
	}
	in.used = make([]bool, in.high)
	in.used[0], in.used[1] = true, true
	if err := in.node(root, nil, nil, 0); err != nil {
		return err
	}
	if err := in.freelist(free); err != nil {
		return err
	}
	for id, used := range in.used {
		if !used {
			return bad("page %d belongs to nothing", id)
		}
	}
	return nil
}

// metas reads the two copies of the meta data. They are written in turn, one a commit, and each fits a sector, so a crash
// leaves both whole.
func (in *inspector) metas() (root, free uint64, err error) {
	var txids [2]uint64
	for id := range txids {
		p := make([]byte, 96)
		if _, err := in.r.ReadAt(p, int64(uint64(id)*in.size)); err != nil {
			return 0, 0, bad("meta page %d cannot be read: %v", id, err)
		}
		m := p[pageHead:]
		h := fnv.New64a()
		h.Write(m[:56]) //nolint:errcheck // a hash takes everything
		sound := le.Uint64(p) == uint64(id) && le.Uint16(p[8:]) == metaPage && le.Uint32(m) == boltMagic &&
			le.Uint32(m[4:]) == boltVersion && uint64(le.Uint32(m[8:])) == in.size && le.Uint64(m[56:]) == h.Sum64()
		txids[id] = le.Uint64(m[48:])
		if !sound || txids[id]%2 != uint64(id) {
			return 0, 0, bad("meta page %d is not sound", id)
		}
		if id == 0 || txids[1] > txids[0] {
			root, free, in.high = le.Uint64(m[16:]), le.Uint64(m[32:]), le.Uint64(m[40:])
		}
	}
	if txids[0]+1 != txids[1] && txids[1]+1 != txids[0] {
		return 0, 0, bad("the meta pages do not follow each other")
	}
	return root, free, nil
}

// page reads a page with its overflow and takes note of it.
func (in *inspector) page(id uint64) ([]byte, error) {
	if id < 2 || id >= in.high {
		return nil, bad("there is no page %d", id)
	}
	head := make([]byte, in.size)
	if _, err := in.r.ReadAt(head, int64(id*in.size)); err != nil {
		return nil, bad("page %d cannot be read: %v", id, err)
	}
	more := uint64(le.Uint32(head[12:]))
	if le.Uint64(head) != id || more > maxPages || id+more >= in.high {
		return nil, bad("the head of page %d is not sound", id)
	}
	for i := id; i <= id+more; i++ {
		if in.used[i] {
			return nil, bad("page %d is used twice", i)
		}
		in.used[i] = true
	}
	if more == 0 {
		return head, nil
	}
	p := make([]byte, (more+1)*in.size)
	if _, err := in.r.ReadAt(p, int64(id*in.size)); err != nil {
		return nil, bad("page %d cannot be read: %v", id, err)
	}
	return p, nil
}

// node walks a page of a bucket; its keys must lie in [low, high).
func (in *inspector) node(id uint64, low, high []byte, depth int) error {
	if depth > maxDepth {
		return bad("page %d lies too deep", id)
	}
	p, err := in.page(id)
	if err != nil {
		return err
	}
	return in.elements(p, id, low, high, depth)
}

func (in *inspector) elements(p []byte, id uint64, low, high []byte, depth int) error {
	flags, count := le.Uint16(p[8:]), int(le.Uint16(p[10:]))
	if (flags != branchPage && flags != leafPage) || pageHead+count*elemSize > len(p) || flags == branchPage && count == 0 {
		return bad("page %d is not sound", id)
	}
	last := low
	for i := range count {
		key, value, child, ok := element(p, i, flags)
		if !ok || i > 0 && bytes.Compare(key, last) <= 0 || i == 0 && bytes.Compare(key, low) < 0 && !(flags == branchPage && depth == 0) ||
			high != nil && bytes.Compare(key, high) >= 0 {
			return bad("entry %d of page %d is not sound", i, id)
		}
		last = key
		switch {
		case flags == branchPage:
			end := high
			if i+1 < count {
				next, _, _, ok := element(p, i+1, flags)
				if !ok {
					return bad("entry %d of page %d is not sound", i+1, id)
				}
				end = next
			}
			if err := in.node(child, key, end, depth+1); err != nil {
				return err
			}
		case child == subBucket:
			if err := in.bucket(value, id, depth); err != nil {
				return err
			}
		}
	}
	return nil
}

// element reads one entry: of a leaf its key, value and flags, of a branch its key and child.
func element(p []byte, i int, flags uint16) (key, value []byte, child uint64, ok bool) {
	at := pageHead + i*elemSize
	e := p[at : at+elemSize]
	var pos, ksize, vsize uint64
	if flags == branchPage {
		pos, ksize, child = uint64(le.Uint32(e)), uint64(le.Uint32(e[4:])), le.Uint64(e[8:])
	} else {
		child = uint64(le.Uint32(e))
		pos, ksize, vsize = uint64(le.Uint32(e[4:])), uint64(le.Uint32(e[8:])), uint64(le.Uint32(e[12:]))
	}
	from := uint64(at) + pos
	if child > subBucket && flags == leafPage || ksize == 0 || pos < elemSize || from+ksize+vsize > uint64(len(p)) {
		return nil, nil, 0, false
	}
	return p[from : from+ksize], p[from+ksize : from+ksize+vsize], child, true
}

// bucket walks a bucket inside a bucket: small ones lie inline in their parent's value.
func (in *inspector) bucket(value []byte, id uint64, depth int) error {
	if len(value) < bucketHead {
		return bad("a bucket in page %d is not sound", id)
	}
	if root := le.Uint64(value); root != 0 {
		return in.node(root, nil, nil, depth+1)
	}
	inline := value[bucketHead:]
	if len(inline) < pageHead || le.Uint16(inline[8:]) != leafPage {
		return bad("a bucket in page %d is not sound", id)
	}
	return in.elements(inline, id, nil, nil, depth+1)
}

// freelist reads which pages are free: one that is also in use would be written over.
func (in *inspector) freelist(id uint64) error {
	p, err := in.page(id)
	if err != nil {
		return err
	}
	count, list := uint64(le.Uint16(p[10:])), p[pageHead:]
	if count == 0xFFFF {
		count, list = le.Uint64(list), list[8:]
	}
	if le.Uint16(p[8:]) != freePage || count > uint64(len(list))/8 {
		return bad("the list of free pages is not sound")
	}
	for i := range count {
		free := le.Uint64(list[i*8:])
		if free < 2 || free >= in.high || in.used[free] {
			return bad("page %d is free and in use", free)
		}
		in.used[free] = true
	}
	return nil
}
