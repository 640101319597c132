package main

import (
	"context"
	"io"
	"log/slog"
	"testing"
	"time"
)

func TestPort(t *testing.T) {
	for set, want := range map[string]string{"": "8080", "9000": "9000"} {
		if got := port(func(string) string { return set }); got != want {
			t.Errorf("PORT=%q: got %q, want %q", set, got, want)
		}
	}
}

func TestRunEndsCleanly(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- run(ctx, slog.New(slog.NewTextHandler(io.Discard, nil)), "0") }()

	cancel()
	select {
	case err := <-ended:
		if err != nil {
			t.Fatal(err)
		}
	case <-time.After(drain):
		t.Fatal("still running after it was asked to stop")
	}
}
