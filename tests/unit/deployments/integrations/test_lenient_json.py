"""JSON as others write it: half an emoji in one text costs that text a letter."""

import json

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from deployments.integrations.errors import BrokenBodyError
from deployments.integrations.lenient_json import read_json

ANYTHING = st.characters(exclude_categories=()) | st.sampled_from('\\"u\ud83d\ude00\0')


@pytest.mark.parametrize(
    ("written", "text"),
    [
        (rb'"\ud83d\ude00"', "😀"),
        (rb'"cut \ud83d"', "cut \ufffd"),
        (rb'"cut \uD83D\u0041"', "cut \ufffdA"),
        (rb'"\ude00 late"', "\ufffd late"),
        (rb'"\ud83d\ud83d\ude00"', "\ufffd😀"),
        # A backslash before it makes it six plain letters.
        (rb'"\\ud83d \ud83d"', "\\ud83d \ufffd"),
        (b'"cut \xd9"', "cut \ufffd"),
    ],
)
def test_half_an_emoji_costs_no_more_than_itself(written: bytes, text: str) -> None:
    assert read_json(written) == text


@given(st.text(ANYTHING))
def test_whatever_a_text_holds_it_is_read_as_something_storable(text: str) -> None:
    read = read_json(json.dumps([text, "سلام"]).encode())
    assert isinstance(read, list)
    assert read[1] == "سلام"
    assert orjson.loads(orjson.dumps(read)) == read


@pytest.mark.parametrize("body", [b"", b"{", b"\xff", b'{"a": \\ud83d}', b"[" * 2000])
def test_what_is_no_json_is_refused(body: bytes) -> None:
    with pytest.raises(BrokenBodyError, match="JSON"):
        read_json(body)
