"""Variables that the code cannot do without."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from devctl.adapters.go.reader import read
from devctl.domain.detect.required_env import env_file_ended_for
from devctl.domain.detect.service import detect_service
from devctl.domain.project.config import Config
from devctl.errors import Problem
from tests.helpers import build_tree

HEAD = 'package main\n\nimport (\n\t"log"\n\t"os"\n)\n\nfunc main() {\n'


def required(root: Path, body: str, outside: str = "") -> list[str]:
    build_tree(root, {"go.mod": "module example.com/x\n", "main.go": f"{HEAD}{body}\n}}\n{outside}"})
    return [f"{v.value} {v.place}" for v in read(root).modules[0].packages[0].env_required]


@pytest.mark.parametrize(
    "body",
    [
        'if os.Getenv("DB") == "" { log.Fatal("no DB") }',
        'if os.Getenv("DB") == "" { panic("no DB") }',
        'if len(os.Getenv("DB")) == 0 { os.Exit(1) }',
        'if strings.TrimSpace(os.Getenv("DB")) == "" { logger.Fatalf("no") }',
        'if v := os.Getenv("DB"); v == "" { log.Fatalln("no") }',
        'if _, ok := os.LookupEnv("DB"); !ok { log.Fatal("no") }',
        'url := os.Getenv("DB"); name := "x"\n_ = name\nif url == "" { log.Fatal("no") }',
        'url, ok := os.LookupEnv("DB")\nif !ok || url == "" { log.Fatal("no") }',
        'var url = os.Getenv("DB")\nif (url == "") { log.Fatal("no") }',
        'mustEnv("DB")',
        'config.MustGetenv("DB")',
        'getRequiredEnv("DB")',
        'if err := open(mustEnv("DB")); err != nil { log.Fatal(err) }',
    ],
)
def test_it_is_required(tmp_path: Path, body: str) -> None:
    assert set(required(tmp_path, body)) == {"DB main.go:9"}


def test_one_that_an_error_is_returned_for(tmp_path: Path) -> None:
    body = 'key := os.Getenv("API_KEY")\nif key == "" {\nreturn errors.New("no")\n}\nreturn nil'
    load = f"func load() error {{\n{body}\n}}\n"
    assert required(tmp_path, "load()", load) == ["API_KEY main.go:12"]


@pytest.mark.parametrize(
    "tag",
    [
        'env:"DB,required"',
        'env:"DB,notEmpty"',
        'envconfig:"DB" required:"true"',
        'env:"DB" env-required:"true"',
    ],
)
def test_a_tag(tmp_path: Path, tag: str) -> None:
    assert required(tmp_path, "", f"type c struct {{\n\tURL string `{tag}`\n}}\n") == ["DB main.go:12"]


@pytest.mark.parametrize(
    "body",
    [
        'p := os.Getenv("PORT")\nif p == "" { p = "8080" }',
        'if os.Getenv("DEBUG") == "" { log.Println("quiet") }',
        'if os.Getenv("MODE") == "prod" { log.Fatal("not here") }',
        'if os.Getenv("CI") != "" { log.Fatal("not in CI") }',
        'if v, ok := os.LookupEnv("X"); ok { log.Fatal(v) }',
        'name := other("DB")\nif name == "" { log.Fatal("no") }',
        'getEnv("DB", "postgres://")',
        'if os.Getenv(key) == "" { log.Fatal("no") }',
        'if os.Getenv("NOTIFY_SOCKET") == "" { log.Fatal("no systemd") }',
        'if bucket != "" {\nkey := os.Getenv("KEY")\nif key == "" { log.Fatal("no") }\n}',
        'if a {\n} else if b {\nmustEnv("DB")\n}',
        'switch kind {\ncase "s3":\nif os.Getenv("KEY") == "" { log.Fatal("no") }\n}',
        'name := host()\nif name == "" { log.Fatal("no") }',
        'if os.Getenv() == "" || len() == 0 { log.Fatal("no") }',
    ],
)
def test_it_is_not_required(tmp_path: Path, body: str) -> None:
    assert required(tmp_path, body) == []


def test_a_tag_with_a_default_is_not_required(tmp_path: Path) -> None:
    outside = (
        'type c struct {\n\tURL string `env:"DB,required" envDefault:"x"`\n\tOther string `env:"O"`\n}\n'
    )
    assert required(tmp_path, "", outside) == []


def test_one_that_the_program_reads_from_its_own_env_file_is_there(tmp_path: Path) -> None:
    build_tree(tmp_path, {".env": "DB=postgres://db\nEMPTY=\n"})
    loads = (
        'godotenv.Load()\nif os.Getenv("DB") == "" { panic("") }\nif os.Getenv("EMPTY") == "" { panic("") }'
    )
    source = HEAD.replace('"os"', '"os"\n\t"github.com/joho/godotenv"') + loads + "\n}\n"
    build_tree(tmp_path, {"go.mod": "module example.com/x\n", "main.go": source})
    assert [v.value for v in read(tmp_path).modules[0].packages[0].env_required] == ["EMPTY"]


@pytest.mark.parametrize(
    ("helper", "wanted"),
    [
        ('v := os.Getenv(key)\nif v == "" { log.Fatal("no") }\nreturn v', ["DB main.go:9"]),
        ('v, ok := os.LookupEnv(key)\nif !ok { panic("no") }\nreturn v', ["DB main.go:9"]),
        ('v := os.Getenv(key)\nif v == "" { return "none" }\nreturn v', []),
        ('v := os.Getenv("DB" + key)\nif v == "" { log.Fatal("no") }\nreturn v', []),
        ('if os.Getenv(mode) == "" { log.Fatal("no") }\nreturn os.Getenv(key)', []),
    ],
)
def test_a_helper_of_the_file_ends_the_program(tmp_path: Path, helper: str, wanted: list[str]) -> None:
    assert required(tmp_path, 'read("DB")', f"func read(key string) string {{\n{helper}\n}}\n") == wanted


LOADS = HEAD.replace('"os"', '"os"\n\t"github.com/joho/godotenv"')


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ('if err := godotenv.Load(); err != nil { log.Fatal("no .env") }', ".env"),
        ("err := godotenv.Load()\nif err != nil { panic(err) }", ".env"),
        ('err := godotenv.Load("./conf/app.env")\nif err != nil { log.Fatal(err) }', "conf/app.env"),
        ('if err := godotenv.Load(); err != nil { log.Println("no .env") }', ""),
        ("godotenv.Load()", ""),
        (
            'if os.Getenv("ENV") != "production" {\nif err := godotenv.Load(); err != nil { log.Fatal(err) }\n}',
            "",
        ),
        ("err := other()\nif err != nil { log.Fatal(err) }", ""),
        ('if err := godotenv.Load("../.env"); err != nil { log.Fatal(err) }', ""),
    ],
)
def test_a_file_of_variables_that_the_program_ends_without(tmp_path: Path, body: str, path: str) -> None:
    build_tree(tmp_path, {"go.mod": "module example.com/x\n", "main.go": f"{LOADS}{body}\n}}\n"})
    found = read(tmp_path).modules[0].packages[0].env_files
    assert [f.path for f in found] == ([path] if path else [])
    assert all(not f.there and f.place.startswith("main.go:1") for f in found)


@pytest.mark.parametrize(
    "example", [".env.example", ".env.sample", "env.example", "example.env", ".env_example"]
)
def test_what_a_file_of_variables_could_be_copied_from(tmp_path: Path, example: str) -> None:
    source = f"{LOADS}err := godotenv.Load()\nif err != nil {{ panic(err) }}\n}}\n"
    build_tree(tmp_path, {"go.mod": "module example.com/x\n", "main.go": source, example: "A=1\n"})
    assert [f.example for f in read(tmp_path).modules[0].packages[0].env_files] == [example]
    build_tree(tmp_path, {".env": ""})
    assert [f.there for f in read(tmp_path).modules[0].packages[0].env_files] == [True]


@pytest.mark.parametrize(
    "body",
    [
        f"if {'a' * 60_000} {{ panic(1) }}",
        f"if {' || '.join(['a == 0'] * 10_000)} {{ panic(1) }}",
        f'if a == "" {{ {"return;" * 30_000} }}',
        f"{'if !a {' * 3000}{'}' * 3000}",
    ],
    ids=["a long word", "a long condition", "a long block", "nested"],
)
def test_source_that_is_made_for_it_does_not_keep_the_reader_busy(tmp_path: Path, body: str) -> None:
    assert required(tmp_path, f'mustEnv("DB")\n{body}') == ["DB main.go:9"]


def test_a_tag_that_is_one_long_word_either(tmp_path: Path) -> None:
    text = f'type c struct {{\n\tA string `{"a" * 60_000}`\n\tB string `env:"DB,required"`\n}}\n'
    assert required(tmp_path, "", text) == ["DB main.go:13"]


@pytest.mark.follows(
    "let the program continue without it at …, as in `_ = godotenv.Load()`: in production, variables come from outside"
)
def test_a_program_that_continues_without_its_file_of_variables(
    tmp_path: Path, hinted: Callable[[str], str]
) -> None:
    ends = "if err := godotenv.Load(); err != nil { log.Fatal(err) }"

    def told(body: str) -> Problem | None:
        serves = 'http.ListenAndServe(":8080", nil)'
        main = f"{LOADS}{body}\n{serves}\n}}\n".replace("import (", 'import (\n\t"net/http"')
        build_tree(tmp_path, {"go.mod": "module example.com/x\n", "main.go": main, ".env": "A=1\n"})
        service = detect_service(read(tmp_path), config=Config())
        return env_file_ended_for(service, "open .env: no such file or directory", dev=False)

    problem = told(ends)
    assert problem is not None and problem.place in hinted(problem.hint)
    assert told(problem.hint.split("`")[1]) is None
