package main

import (
	"fmt"
	"log"
	"net/http"
	"example.org/greet"
)

func main() {
	http.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { fmt.Fprintln(w, "warren digs", greet.Word()) })
	log.Fatal(http.ListenAndServe(":HOST_PORT", nil))
}
