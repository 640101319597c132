package main

import (
	"fmt"
	"log"
	"net/http"

	"example.com/orchard/views"
)

func main() {
	http.HandleFunc("GET /", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintln(w, views.Home())
	})
	log.Fatal(http.ListenAndServe(":HOST_PORT", nil))
}
