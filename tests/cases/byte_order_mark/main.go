package main

import (
	_ "embed"
	"fmt"
	"log"
	"net/http"
)

//go:embed page.txt
var page string

func main() {
	http.HandleFunc("GET /", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, page) })
	log.Fatal(http.ListenAndServe(":HOST_PORT", nil))
}
