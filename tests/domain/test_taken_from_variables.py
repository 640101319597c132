"""A secret that is a variable's value has what `.env` says, under a name that means nothing to anybody."""

from __future__ import annotations

from devctl.domain.project.taken_from_variables import VALUES, in_place, named, taken_out, with_values

MODEL = {
    "services": {"api": {"image": "a", "environment": {"environment": "TOKEN"}}},
    "secrets": {"token": {"environment": "TOKEN"}, "key": {"file": "/k"}, "preload": {"environment": "LD_PRELOAD"}},
    "configs": {"title": {"environment": "TITLE"}, "inline": {"content": "x"}},
}  # fmt: skip


def test_values_of_the_env_file_come_under_names_of_devctls() -> None:
    assert named(MODEL) == {"TOKEN", "LD_PRELOAD", "TITLE"}
    model = with_values(MODEL, {"TOKEN": "a$b", "LD_PRELOAD": "./evil.so", "OTHER": "x"})
    given, environment = taken_out(model)
    assert environment == {"DEVCTL_VALUE_0": "./evil.so", "DEVCTL_VALUE_1": "a$b"}
    assert given["secrets"] == {
        "token": {"environment": "DEVCTL_VALUE_1"},
        "key": {"file": "/k"},
        "preload": {"environment": "DEVCTL_VALUE_0"},
    }
    assert given["configs"] == MODEL["configs"], "compose says itself what is not set"
    assert given["services"] == MODEL["services"] and VALUES not in given


def test_nothing_changes_where_nothing_is_taken() -> None:
    assert with_values(MODEL, {"OTHER": "x"}) == MODEL == taken_out(MODEL)[0]


def test_in_its_place_a_value_is_that_of_the_secret_whatever_else_is_there() -> None:
    fewer = {**MODEL, "configs": {}, "secrets": {"token": {"environment": "TOKEN"}}}
    said = {"TOKEN": "a", "LD_PRELOAD": "b"}
    for model in (MODEL, fewer):
        assert in_place(with_values(model, said))["secrets"]["token"] == {"environment": "a"}
    assert in_place(MODEL) == MODEL
