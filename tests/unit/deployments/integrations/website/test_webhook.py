"""Reading what visitors write."""

import orjson
import pytest

from deployments.integrations.errors import BrokenBodyError, InvalidFieldError
from deployments.integrations.website.webhook import VisitorMessage, parse_message

VISITOR = "visitor-0001"


def body(**fields: object) -> bytes:
    """Build a body that is right but for `fields`."""
    return orjson.dumps({"visitor_id": VISITOR, "content": "سلام", **fields})


def test_a_message_is_read_as_written() -> None:
    read = parse_message(body(content=" سلام \n", client_id="c-1"))
    assert read == VisitorMessage(VISITOR, " سلام \n", "c-1")


@pytest.mark.parametrize("content", ["x", "ا" * 4000, "😀" * 4000])
def test_contents_up_to_4000_characters_are_taken(content: str) -> None:
    assert parse_message(body(content=content)).content == content


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"content": ""}, "content"),
        ({"content": " \n "}, "content"),
        ({"content": "\u200c\u200f"}, "content"),
        ({"content": None}, "content"),
        ({"content": ["x"]}, "content"),
        ({"content": "ا" * 4001}, "content"),
        ({"content": "a\0b"}, "content"),
        ({"visitor_id": "short"}, "visitor_id"),
        ({"visitor_id": "x" * 129}, "visitor_id"),
        ({"visitor_id": "with space"}, "visitor_id"),
        ({"visitor_id": "visitor-0001\n"}, "visitor_id"),
        ({"visitor_id": "بازدیدکننده"}, "visitor_id"),
        ({"visitor_id": 12345678}, "visitor_id"),
        ({"client_id": ""}, "client_id"),
        ({"client_id": 7}, "client_id"),
        ({"client_id": "x" * 65}, "client_id"),
    ],
)
def test_a_wrong_field_is_named(fields: dict[str, object], field: str) -> None:
    with pytest.raises(InvalidFieldError, match=f"^{field}: must") as caught:
        parse_message(body(**fields))
    assert caught.value.field == field


@pytest.mark.parametrize("broken", [b"", b"{", b"[]", b'"text"', b"\xff"])
def test_a_body_that_is_no_object_is_refused(broken: bytes) -> None:
    with pytest.raises(BrokenBodyError):
        parse_message(broken)
