package providertest

import (
	"bytes"

	"lifeboat/providers"
)

var objectChecks = []check{
	{"an object is what was put, until it is deleted", canObjects, objectLives},
	{"an object's key arrives byte for byte", canObjects, objectKeys},
	{"a bucket that is not there, or elsewhere, is told apart", canObjects, bucketElsewhere},
}

func canObjects(l Lab) map[string]bool {
	return map[string]bool{"objects": l.Set.Objects != nil, "bucket": l.Bucket != ""}
}

// put writes an object that is gone when the check ends.
func (l lab) put(key string, body []byte) {
	l.t.Helper()
	l.t.Cleanup(func() { l.ok("delete", l.Set.Objects.Delete(l.ctx(), l.Region, l.Bucket, key)) })
	l.ok("put", l.Set.Objects.Put(l.ctx(), l.Region, l.Bucket, key, body))
}

func (l lab) object(key string, want []byte) {
	l.t.Helper()
	got, err := l.Set.Objects.Get(l.ctx(), l.Region, l.Bucket, key)
	l.ok("get "+key, err)
	if !bytes.Equal(got, want) {
		l.t.Errorf("%q holds %q, want %q", key, got, want)
	}
}

func objectLives(l lab) {
	const key = "failover/standby"
	_, err := l.Set.Objects.Get(l.ctx(), l.Region, l.Bucket, key)
	l.want(providers.NotFound, "an object that nobody put", err)
	l.ok("delete what is not there", l.Set.Objects.Delete(l.ctx(), l.Region, l.Bucket, key))
	l.put(key, []byte("on\n"))
	l.object(key, []byte("on\n"))
	l.put(key, nil)
	l.object(key, nil)
	l.put(key, []byte{0, 0xff, '\n'})
	l.object(key, []byte{0, 0xff, '\n'})
	l.ok("delete", l.Set.Objects.Delete(l.ctx(), l.Region, l.Bucket, key))
	_, err = l.Set.Objects.Get(l.ctx(), l.Region, l.Bucket, key)
	l.want(providers.NotFound, "an object that was deleted", err)
	big := bytes.Repeat([]byte("x"), 100<<10)
	l.put(key, big)
	l.object(key, big[:64<<10])
}

func objectKeys(l lab) {
	for _, key := range []string{"a b+c", "ümlaut/%41", "q?x=1&y=#z", "with;semi,colon:and=@"} {
		l.put(key, []byte(key))
		l.object(key, []byte(key))
	}
}

func bucketElsewhere(l lab) {
	_, err := l.Set.Objects.Get(l.ctx(), l.Region, "no-such-bucket-of-the-suite", "x")
	l.want(providers.NotFound, "an unknown bucket", err)
	l.want(providers.NotFound, "write to an unknown bucket", l.Set.Objects.Put(l.ctx(), l.Region, "no-such-bucket-of-the-suite", "x", nil))
	if l.FarBucket == "" {
		return
	}
	_, err = l.Set.Objects.Get(l.ctx(), l.Region, l.FarBucket, "x")
	l.want(providers.Mismatch, "a bucket of another region", err)
	l.want(providers.Mismatch, "write to a bucket of another region", l.Set.Objects.Put(l.ctx(), l.Region, l.FarBucket, "x", nil))
}
