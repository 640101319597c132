"""A value reaches the program as it was written, through whatever compose does with the text of a model."""

from __future__ import annotations

import json
import re

import yaml
from hypothesis import example, given
from hypothesis import strategies as st

from devctl.domain.compose.model_json import from_compose, to_compose
from tests.helpers import filled_in

TEXT = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\x00")
    | st.sampled_from("$${}\"'\\\n\t *?~\x7f\x85\u2028\ufeff\ufffeé😀"),
    max_size=20,
)


@given(words=st.lists(TEXT), env=st.dictionaries(TEXT, TEXT))
@example(words=["pa$word", "^a$", "$$", "${HOME:-x}", "5$", "😀"], env={"A$B": "$A$$B${C}"})
def test_compose_sees_every_value_as_it_was_written(words: list[str], env: dict[str, str]) -> None:
    model = {"services": {"api": {"command": words, "environment": env, "mem_limit": 1, "init": True}}}
    text = to_compose(model)
    assert filled_in(json.loads(text)) == model
    # Compose reads JSON by a YAML parser, and that one knows no characters beyond U+FFFF but as they are.
    assert not re.search(r"(?<!\\)(?:\\\\)*\\ud[89ab]", text)
    assert filled_in(yaml.safe_load(text)) == model


@given(words=st.lists(TEXT), env=st.dictionaries(TEXT, TEXT))
def test_what_compose_prints_is_read_back(words: list[str], env: dict[str, str]) -> None:
    model = {"services": {"api": {"command": words, "environment": env}}}
    assert from_compose(json.dumps(model).replace("$", "$$")) == model
