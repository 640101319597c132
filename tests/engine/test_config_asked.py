"""A program that ends without CONFIG_PATH, in a repository that has the file: it is given, read again, and in the image."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.engine.cli import get, port_of, serves
from tests.engine.conftest import Started

pytestmark = pytest.mark.engine

FILES = {
    "go.mod": "module example.com/greeter\n\ngo 1.26\n",
    "config/local.yaml": "address: :8082\ngreeting: hello\n",
    "config/prod.yaml": "address: :80\ngreeting: good day\n",
    "main.go": """package main

import (
	"fmt"
	"log"
	"net/http"
	"os"
	"strings"
)

func main() {
	path := os.Getenv("CONFIG_PATH")
	if path == "" {
		log.Fatal("CONFIG_PATH is not set")
	}
	text, err := os.ReadFile(path)
	if err != nil {
		log.Fatal(err)
	}
	config := map[string]string{}
	for _, line := range strings.Split(string(text), "\\n") {
		key, value, _ := strings.Cut(line, ": ")
		config[key] = value
	}
	http.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, config["greeting"]) })
	log.Fatal(http.ListenAndServe(config["address"], nil))
}
""",
}


def test_the_file_is_given_read_again_and_in_the_image(project: Callable[..., Started]) -> None:
    greeter = project(FILES)
    up = greeter.devctl("up", "-d")
    assert not up.warnings, up.show
    port = port_of(up)
    assert get(port) == "hello"
    greeter.write({"config/local.yaml": FILES["config/local.yaml"].replace("hello", "welcome")})
    serves(port, "welcome")
    preview = greeter.devctl("prod-preview")
    assert preview.result["mode"] == "prod"
    assert get(port) == "welcome"
