// Command app is a small HTTP service: one greeting, one health check, and a clean shutdown.
package main

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"example.com/app/internal/web"
)

// drain is how long open requests may take to finish once the service is asked to stop.
const drain = 5 * time.Second

func main() {
	// SIGTERM comes from `docker stop`, SIGINT from Ctrl-C and from air before each reload.
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()

	log := slog.New(slog.NewJSONHandler(os.Stdout, nil))
	if err := run(ctx, log, port(os.Getenv)); err != nil {
		log.Error("ended", "error", err)
		os.Exit(1)
	}
}

func port(getenv func(string) string) string {
	if p := getenv("PORT"); p != "" {
		return p
	}
	return "8080"
}

// run serves until ctx ends, then lets open requests finish.
func run(ctx context.Context, log *slog.Logger, port string) error {
	listener, err := net.Listen("tcp", net.JoinHostPort("", port))
	if err != nil {
		return err
	}
	server := &http.Server{
		Handler:           web.Handler(log),
		ReadHeaderTimeout: 5 * time.Second,
	}

	failed := make(chan error, 1)
	go func() { failed <- server.Serve(listener) }()
	log.Info("listening", "address", listener.Addr().String())

	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}

	log.Info("stopping")
	// ctx is already done, so the drain needs its own deadline.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), drain)
	defer cancel()
	if err := server.Shutdown(ctx); err != nil {
		return err
	}
	if err := <-failed; !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}
