package aws_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"lifeboat/providers"
	"lifeboat/providers/aws"
	"lifeboat/providers/providertest/emulator"
)

const (
	region = "us-east-1"
	zone   = "us-east-1a"
)

// start runs an emulated AWS for the length of a test and points the environment at it.
func start(t *testing.T, opts emulator.Options) *emulator.Emulator {
	t.Helper()
	e := emulator.ForTest(t, opts)
	for _, kv := range e.Env() {
		k, v, _ := strings.Cut(kv, "=")
		t.Setenv(k, v)
	}
	return e
}

// cloud makes the adapter.
func cloud(t *testing.T, opts aws.Options) *aws.Cloud {
	t.Helper()
	c, err := aws.New(t.Context(), opts)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// want fails unless err is of the kind.
func want(t *testing.T, err error, kind providers.ErrorKind) *providers.Error {
	t.Helper()
	var e *providers.Error
	if !errors.As(err, &e) {
		t.Fatalf("got %v, want an error of the kind %q", err, kind)
	}
	if e.Kind != kind {
		t.Fatalf("got %v (%q), want the kind %q", e, e.Kind, kind)
	}
	return e
}

// until asks again until it is so. It is for states that the emulator changes by itself.
func until(t *testing.T, what string, is func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	for !is() {
		select {
		case <-ctx.Done():
			t.Fatalf("gave up waiting until %s", what)
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// ok fails on an error.
func ok(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
