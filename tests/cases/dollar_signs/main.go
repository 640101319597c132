package main

import (
	"encoding/json"
	"flag"
	"log"
	"net/http"
)

func main() {
	greeting := flag.String("greeting", "", "how to greet")
	match := flag.String("match", "", "regular expression of the paths to log")
	price := flag.String("price", "", "printed as it is")
	flag.Parse()
	said := map[string]string{"greeting": *greeting, "match": *match, "price": *price}
	http.HandleFunc("GET /", func(w http.ResponseWriter, _ *http.Request) { json.NewEncoder(w).Encode(said) })
	log.Fatal(http.ListenAndServe(":8080", nil))
}
