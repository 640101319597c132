package main

import (
	"fmt"
	"log"
	"net/http"
)

func main() {
	http.HandleFunc("GET /", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ferry carries one") })
	log.Fatal(http.ListenAndServe(":8080", nil))
}
