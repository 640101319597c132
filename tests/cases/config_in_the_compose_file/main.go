package main

import (
	"encoding/json"
	"fmt"
	"log"
	"net/http"
	"os"
)

func main() {
	var conf struct{ Line string }
	text, err := os.ReadFile("/etc/tides/tides.json")
	if err != nil {
		log.Fatal(err)
	}
	if err := json.Unmarshal(text, &conf); err != nil {
		log.Fatal(err)
	}
	http.HandleFunc("GET /", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, conf.Line) })
	log.Fatal(http.ListenAndServe(":8080", nil))
}
