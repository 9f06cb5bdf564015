package sim

import (
	"context"
	"maps"
	"slices"
	"time"

	"lifeboat/providers"
	"lifeboat/runbook"
)

// Bucket is a bucket that is there from the start, and what lies in it.
type Bucket struct {
	Name    string            `json:"name"`
	Region  string            `json:"region"`
	Objects map[string]string `json:"objects,omitempty"`
}

type bucket struct {
	region  string
	objects map[string]string
}

// Failover is a pair of failover records, wired beforehand: name servers give Primary until a health check has seen the
// object come (or, with WhenGone, go) and Secondary from then on. No control plane has a part in it.
type Failover struct {
	Name, Type         string
	TTL                time.Duration
	Primary, Secondary []string
	Bucket, Key        string
	WhenGone           bool             `json:",omitempty"`
	After              runbook.Duration `json:",omitempty"` // three looks of the health checkers; 30 s when it is 0
}

func (f *Failover) key() string { return canonical(f.Name) + "/" + f.Type }

// record is what name servers give. The control plane shows the primary's, with what makes it more than a plain record.
func (f *Failover) record(flipped bool) *providers.Record {
	r := &providers.Record{Name: canonical(f.Name), Type: f.Type, TTL: f.TTL, Values: f.Primary, Other: "a failover record (primary)"}
	if flipped {
		r.Values, r.Other = f.Secondary, "a failover record (secondary)"
	}
	return tidy(r)
}

// flipped is how it stands when the world begins.
func (f *Failover) flipped(buckets []Bucket) bool {
	there := slices.ContainsFunc(buckets, func(b Bucket) bool {
		_, ok := b.Objects[f.Key]
		return b.Name == f.Bucket && ok
	})
	return there != f.WhenGone
}

func (f *Failover) after() time.Duration {
	if f.After == 0 {
		return 30 * time.Second
	}
	return time.Duration(f.After)
}

// objects answers for S3. It has a type of its own because a page is read by Get too.
type objects struct{ c *cloud }

func (s *state) bucket(r request, name string) (*bucket, error) {
	b := s.buckets[name]
	switch {
	case b == nil:
		return nil, refuse(providers.NotFound, r, "NoSuchBucket", "The specified bucket does not exist")
	case b.region != r.region:
		return nil, refuse(providers.Mismatch, r, "PermanentRedirect",
			"The bucket you are attempting to access must be addressed using the specified endpoint. The bucket is in %s.", b.region)
	}
	return b, nil
}

const mostObject = 64 << 10

func (o objects) Get(ctx context.Context, region, name, key string) (out []byte, err error) {
	err = o.c.read(ctx, "s3:GetObject", region, name+"/"+key, func(s *state, _ time.Time, r request) error {
		b, err := s.bucket(r, name)
		if err != nil {
			return err
		}
		body, ok := b.objects[key]
		if !ok {
			return refuse(providers.NotFound, r, "NoSuchKey", "The specified key does not exist.")
		}
		out = []byte(body[:min(len(body), mostObject)])
		return nil
	})
	return out, err
}

func (o objects) change(ctx context.Context, op, region, name, key string, body []byte) error {
	r := request{op: op, region: region, about: name + "/" + key}
	return o.c.regional(ctx, r, o.c.spec.Delays.Write, func(s *state, _ time.Time) (*Entry, error) {
		if _, err := s.bucket(r, name); err != nil {
			return nil, err
		}
		return &Entry{ID: name, Path: key, Body: body}, nil
	})
}

func (o objects) Put(ctx context.Context, region, name, key string, body []byte) error {
	return o.change(ctx, opPut, region, name, key, body)
}

func (o objects) Delete(ctx context.Context, region, name, key string) error {
	return o.change(ctx, opDelete, region, name, key, nil)
}

// putObject and deleteObject are the effects of PutObject and DeleteObject.
func (s *state) putObject(e Entry) {
	b := s.buckets[e.ID]
	if b.objects == nil {
		b.objects = map[string]string{}
	}
	_, was := b.objects[e.Path]
	b.objects[e.Path] = string(e.Body)
	if !was {
		s.checked(e, true)
	}
}

func (s *state) deleteObject(e Entry) {
	b := s.buckets[e.ID]
	_, was := b.objects[e.Path]
	delete(b.objects, e.Path)
	if was {
		s.checked(e, false)
	}
}

// checked is what the health checkers make of an object that came or went: after their interval the name servers answer
// with the other record, one after the other.
func (s *state) checked(e Entry, there bool) {
	for _, id := range slices.Sorted(maps.Keys(s.zones)) {
		z := s.zones[id]
		for i := range z.failovers {
			f := &z.failovers[i]
			if f.Bucket != e.ID || f.Key != e.Path {
				continue
			}
			at := e.At.Add(f.after())
			z.history[f.key()] = append(z.history[f.key()], version{record: f.record(there != f.WhenGone), at: at, insync: at.Add(4 * time.Second)})
		}
	}
}

// Object is what lies in a bucket, and whether it does.
func (w *World) Object(name, key string) (body string, there bool) {
	w.look(func(s *state, _ time.Time) {
		if b := s.buckets[name]; b != nil {
			body, there = b.objects[key]
		}
	})
	return body, there
}
