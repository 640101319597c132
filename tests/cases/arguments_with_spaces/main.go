package main

import (
	"encoding/json"
	"log"
	"net/http"
	"os"
)

func main() {
	if len(os.Args) < 2 || os.Args[1] != "serve" {
		log.Fatalf("crier: want the sub-command serve, got %q", os.Args[1:])
	}
	http.HandleFunc("GET /", func(w http.ResponseWriter, _ *http.Request) {
		json.NewEncoder(w).Encode(os.Args[1:])
	})
	log.Fatal(http.ListenAndServe(":8080", nil))
}
