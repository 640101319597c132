package main

import (
	"fmt"
	"log"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"
)

func main() {
	if err := os.MkdirAll("public", 0o755); err != nil {
		log.Fatal(err)
	}
	// Tells pages which build they talk to. It is new at each start.
	stamp := fmt.Sprintf("window.STARTED = %d;\n", time.Now().UnixNano())
	if err := os.WriteFile("public/stamp.js", []byte(stamp), 0o644); err != nil {
		log.Fatal(err)
	}
	http.HandleFunc("GET /", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintf(w, "diary notes one, starts: %d\n", starts())
	})
	http.Handle("GET /public/", http.FileServer(http.Dir(".")))
	count()
	log.Fatal(http.ListenAndServe(":HOST_PORT", nil))
}

// counter holds one line for each start of this container.
var counter = filepath.Join(os.TempDir(), "diary-starts")

func count() {
	f, err := os.OpenFile(counter, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		log.Fatal(err)
	}
	defer f.Close()
	fmt.Fprintln(f, time.Now().Format(time.RFC3339Nano))
}

func starts() int {
	lines, _ := os.ReadFile(counter)
	return strings.Count(string(lines), "\n")
}
