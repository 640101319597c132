// Package web holds the HTTP side of the service.
package web

import (
	"encoding/json"
	"log/slog"
	"net/http"
)

// greeting is a good place for a first edit: save, and the next request gets it.
const greeting = "Hello from Go"

// Handler routes every request the service answers.
func Handler(log *slog.Logger) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) {
		answer(w, log, map[string]string{"message": greeting})
	})
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) {
		answer(w, log, map[string]string{"status": "ok"})
	})
	return mux
}

func answer(w http.ResponseWriter, log *slog.Logger, body any) {
	w.Header().Set("Content-Type", "application/json")
	if err := json.NewEncoder(w).Encode(body); err != nil {
		log.Warn("answer not sent", "error", err)
	}
}
