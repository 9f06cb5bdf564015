package emulator

import (
	"fmt"
	"strings"
)

// objectAction names the operations of S3, which has no name for them in the request. Endpoints such as this one are
// asked by path: /BUCKET/KEY.
func objectAction(method, path string) string {
	bucket, key, _ := strings.Cut(strings.TrimPrefix(path, "/"), "/")
	verb := map[string]string{"GET": "Get", "PUT": "Put", "DELETE": "Delete", "HEAD": "Head"}[method]
	switch {
	case verb != "" && bucket != "" && key != "":
		return verb + "Object"
	case verb == "Put":
		return "CreateBucket"
	default:
		return method + " bucket"
	}
}

// s3 supplies what moto leaves out: a bucket answers in its own region only.
func (e *Emulator) s3(c *call) *answer {
	bucket, key, _ := strings.Cut(strings.TrimPrefix(c.path, "/"), "/")
	if at := e.buckets[bucket]; at != "" && at != c.region {
		a := c.fail(301, "PermanentRedirect", "The bucket you are attempting to access must be addressed using the specified endpoint. Please send all future requests to this endpoint.")
		root, err := parseXML(a.body)
		if err != nil {
			return broken(err)
		}
		root.set(txt("Endpoint", bucket+".s3."+at+".amazonaws.com"))
		root.set(txt("Region", at))
		a.body = root.bytes()
		return a
	}
	a := e.forward(c)
	if a.status < 300 && changes(c.action) {
		c.effect = c.action + " " + bucket + "/" + key
	}
	return a
}

// SeedBucket makes a bucket and returns its name.
func (e *Emulator) SeedBucket(region, name string) string {
	var body []byte
	if region != "us-east-1" { // which is the one place that must not be named
		body = []byte("<CreateBucketConfiguration><LocationConstraint>" + region + "</LocationConstraint></CreateBucketConfiguration>")
	}
	status, said, err := e.moto.send("PUT", "/"+name, "s3", region, "text/xml", body)
	if err != nil || status >= 300 {
		panic(fmt.Sprintf("make bucket %q: %v HTTP %d %s", name, err, status, said))
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.buckets[name] = region
	return name
}

// Object is what lies in a bucket; nil is nothing.
func (e *Emulator) Object(bucket, key string) []byte {
	e.mu.Lock()
	region := e.buckets[bucket]
	e.mu.Unlock()
	status, body, err := e.moto.send("GET", "/"+bucket+"/"+key, "s3", region, "", nil)
	if err != nil {
		panic(err)
	}
	if status >= 300 {
		return nil
	}
	return body
}
