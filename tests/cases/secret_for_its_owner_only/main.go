package main

import (
	"fmt"
	"log"
	"net/http"
	"os"
	"strings"
)

func main() {
	token, err := os.ReadFile("/run/secrets/casket_token")
	if err != nil {
		log.Fatal(err)
	}
	length := len(strings.TrimSpace(string(token)))
	http.HandleFunc("GET /", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintf(w, "casket opens one, token of %d characters\n", length)
	})
	log.Fatal(http.ListenAndServe(":8080", nil))
}
