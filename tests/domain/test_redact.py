"""A planted secret never survives; what a maintainer needs does."""

from __future__ import annotations

import string

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from devctl.domain.project.redact import GONE, redact

# A secret that no innocent text contains by chance, with every character that people put into passwords.
TAIL = st.text(alphabet=string.ascii_letters + string.digits + "!#$%^*()_+-=,.;:|~?", min_size=4, max_size=30)
NAMES = st.sampled_from(
    "TOKEN GITHUB_TOKEN npm_token API_KEY apiKey AWS_SECRET_ACCESS_KEY DB_PASSWORD PGPASSWORD password Passwd MY_CREDENTIALS "
    "AUTH_HEADER PRIVATE SENTRY_DSN SESSION_COOKIE client-secret MYSQL_PWD".split()
)
FORMS = st.sampled_from(
    [
        "{name}={secret}",
        "env: {name}={secret} rest",
        "export {name}={secret}",
        "{name}: {secret}",
        "  - {name}={secret}",
        '{{"{name}": "{secret}", "x": 1}}',
        "{{'{name}': '{secret}'}}",
        "['{name}={secret}', 'up']",
        '{name}="{secret} and {secret}"',
        "{name}='{secret} and {secret}'",
        "{name}: {secret} and {secret}",
        "run --{name} {secret} now",
        "run --{name}={secret} now",
        "['--{name}', '{secret}']",
        "?{name}={secret}&x=1",
        "Authorization: Bearer {secret}",
        "curl -H 'Authorization: Basic {secret}'",
        "Cookie: a={secret}; b={secret}",
        "X-Api-Key: {secret}",
        "machine example.com login me password {secret}",
        "https://me:{secret}@example.com/x",
        "postgres://me:{secret}@db:5432/shop?sslmode=disable",
        "redis://:{secret}@cache",
        "me:{secret}@tcp(db:3306)/shop",
        "-----BEGIN RSA PRIVATE KEY-----\n{secret}\n-----END RSA PRIVATE KEY-----",
        "-----BEGIN PRIVATE KEY-----\n{secret}",
    ]
)


@settings(max_examples=10 * settings().max_examples)
@given(name=NAMES, form=FORMS, tail=TAIL, before=st.text(max_size=40), after=st.text(max_size=40))
def test_a_planted_secret_never_survives(name: str, form: str, tail: str, before: str, after: str) -> None:
    secret = f"Zq7{tail}"
    text = f"{before}\n{form.format(name=name, secret=secret)}\n{after}"
    assert secret not in redact(text)


@given(
    name=NAMES, secret=st.text(alphabet=string.ascii_letters + string.digits + "/@", min_size=3, max_size=20)
)
def test_not_even_its_end(name: str, secret: str) -> None:
    """Unescaped / and @ in a URL's password, where a parser would cut too early."""
    text = redact(f"{name}=Zq7{secret}Zq8 postgres://me:Zq7{secret}Zq8@db/x")
    assert "Zq7" not in text
    assert "Zq8" not in text


@pytest.mark.parametrize("before", ["-SECRET", "--db-password", "TOKEN=", "password:", "'KEY':", "API_KEY=>"])
@pytest.mark.parametrize(
    "line",
    ["['--TOKEN', 'Zq70']", "{'TOKEN': 'Zq70'}", "--token Zq70", "[TOKEN=Zq70]", "Zq70", '"Zq70",', "  Zq70"],
)
def test_a_name_without_a_value_does_not_hide_the_next_one(before: str, line: str) -> None:
    assert "Zq70" not in redact(f"{before}\n{line}\n")


@pytest.mark.parametrize(
    "token",
    [
        "ghp_0123456789abcdefghij0123456789",
        "github_pat_0123456789abcdefghij0123",
        "glpat-0123456789abcdefghij",
        "xoxb-1234567890-abcdef",
        "AKIAIOSFODNN7EXAMPLE",
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.abcDEF123",
    ],
)
def test_tokens_are_known_by_their_form(token: str) -> None:
    assert redact(f"said {token} to the server") == f"said {GONE} to the server"


@pytest.mark.parametrize(
    "text",
    [
        'File "/usr/lib/devctl/cli/app.py", line 12, in main',
        "KeyError: 'api'",
        "KeyboardInterrupt",
        "golang:1.26-alpine@sha256:0123456789abcdef",
        "golang.org/x/crypto@v0.31.0",
        "https://proxy.example.org/golang.org/x/text/@v/list",
        "http://127.0.0.1:8080/healthz",
        "StepDone(step='build', cause='no image', ms=12, service='api')",
        "main.go:12:3: undefined: x",
    ],
)
def test_what_is_needed_stays(text: str) -> None:
    assert redact(text) == text


@given(st.text(max_size=300))
def test_any_text_is_fine(text: str) -> None:
    redact(text)


def test_long_lines_do_not_take_for_ever() -> None:
    redact("a.b-" * 50_000)
    redact("KEY" * 30_000)
    redact("https://" + "x:" * 30_000)
