package web

import (
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestHandler(t *testing.T) {
	handler := Handler(slog.New(slog.NewTextHandler(io.Discard, nil)))
	cases := []struct {
		path, want string
		code       int
	}{
		{"/", greeting, http.StatusOK},
		{"/healthz", "ok", http.StatusOK},
		{"/nothing", "", http.StatusNotFound},
	}
	for _, c := range cases {
		recorder := httptest.NewRecorder()
		handler.ServeHTTP(recorder, httptest.NewRequest(http.MethodGet, c.path, nil))
		if recorder.Code != c.code || !strings.Contains(recorder.Body.String(), c.want) {
			t.Errorf("GET %s: %d %s", c.path, recorder.Code, recorder.Body)
		}
	}
}
