"""Bodies are read as browsers read them, whatever their bytes are."""

import codecs

import pytest

from actors.monitor.checks.body_text import BYTE_ORDER_MARKS, CODECS, decode_body
from actors.monitor.checks.checker import HttpChecker, Target
from actors.monitor.checks.conditions import Comparison, Condition
from actors.monitor.checks.ssrf_guard import EgressPolicy
from tests.support.servers.misbehaving_server import answer, misbehaving_server

#: Without the letters that windows-1256 lacks.
CLOSED = "فروشگاه بسته است"
PAGE = "<!doctype html><html><head>{}<title>x</title></head><body>{}</body></html>"
OK = b'{"status": "ok"}'


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (CLOSED.encode("cp1256"), "text/html; charset=windows-1256"),
        (CLOSED.encode("cp1256"), 'text/plain; Charset="CP1256"'),
        (CLOSED.encode("cp1256"), "text/plain;charset='x-cp1256' ;x=y"),
        (CLOSED.encode("utf-8"), "text/plain"),
        (CLOSED.encode("utf-8"), ""),
        # A mark wins over a header that is wrong.
        (CLOSED.encode("utf-8-sig"), "text/plain; charset=iso-8859-1"),
        (codecs.BOM_UTF16_LE + CLOSED.encode("utf-16-le"), "text/plain"),
        (codecs.BOM_UTF16_BE + CLOSED.encode("utf-16-be"), ""),
        (CLOSED.encode("utf-16-le"), "text/plain; charset=utf-16"),
        (CLOSED.encode("iso8859_6", "replace"), "text/plain; charset=arabic"),
        (
            PAGE.format('<meta charset="windows-1256">', CLOSED).encode("cp1256"),
            "text/html",
        ),
        (PAGE.format("<META CHARSET=cp1256 />", CLOSED).encode("cp1256"), ""),
        (
            PAGE.format(
                '<meta http-equiv="content-type"'
                ' content="text/html; charset=windows-1256">',
                CLOSED,
            ).encode("cp1256"),
            "text/html",
        ),
        (
            PAGE.format(
                '<!-- <meta charset="koi8-r"> --><meta charset="windows-1256">', CLOSED
            ).encode("cp1256"),
            "text/html",
        ),
        # The header wins over the page, and a page is no UTF-16 if it says so here.
        (
            PAGE.format('<meta charset="koi8-r">', CLOSED).encode("cp1256"),
            "text/html; charset=windows-1256",
        ),
        (PAGE.format('<meta charset="utf-16">', CLOSED).encode(), "text/html"),
        (
            f'<?xml version="1.0" encoding="windows-1256"?><a>{CLOSED}</a>'.encode(
                "cp1256"
            ),
            "application/xml",
        ),
        (CLOSED.encode(), "text/plain; charset=no-such-thing"),
    ],
)
def test_trust_case_h10_persian_text_is_found(body: bytes, content_type: str) -> None:
    text = decode_body(body, content_type)
    assert CLOSED[0] in text
    if "arabic" not in content_type:
        assert CLOSED in text
    assert "\ufeff" not in text


def test_trust_case_h10_a_declaration_in_plain_text_is_only_text() -> None:
    body = PAGE.format('<meta charset="windows-1256">', CLOSED).encode()
    assert CLOSED in decode_body(body, "text/plain")


def test_trust_case_h10_what_declares_nothing_and_is_no_utf8_is_windows_1252() -> None:
    assert decode_body("café".encode("cp1252"), "text/html") == "café"


def test_trust_case_h10_every_label_leads_to_a_codec_that_never_fails() -> None:
    everything = bytes(range(256))
    for codec in {*CODECS.values(), *(codec for _, codec in BYTE_ORDER_MARKS)}:
        assert everything.decode(codec, errors="replace")
    assert CODECS["windows-1256"] == "cp1256"
    assert CODECS["latin1"] == CODECS["us-ascii"] == "cp1252"
    assert len(CODECS) > 200


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (codecs.BOM_UTF8 + OK, "application/json"),
        (OK, "application/json; charset=windows-1256"),
        (codecs.BOM_UTF16_LE + OK.decode().encode("utf-16-le"), "application/json"),
        (OK.decode().encode("utf-16-be"), "application/json; charset=utf-16be"),
        (f'{{"status": "ok", "name": "{CLOSED}"}}'.encode(), "text/html"),
    ],
)
async def test_trust_case_h10_json_is_read_with_its_mark(
    body: bytes, content_type: str
) -> None:
    condition = Condition(Comparison.EQUALS, "$.status", "ok")
    checker = HttpChecker(EgressPolicy(), attempts=1)
    async with misbehaving_server() as http:
        url = http.on("/", answer(200, body, content_type=content_type))
        outcome = await checker.check(Target(url, conditions=(condition,)))
    await checker.stop()
    assert outcome.passed, outcome.error


async def test_trust_case_h10_what_must_not_stand_there_is_found_in_any_encoding() -> (
    None
):
    condition = Condition(Comparison.NOT_CONTAINS, value=CLOSED)
    checker = HttpChecker(EgressPolicy(), attempts=1)
    async with misbehaving_server() as http:
        page = PAGE.format('<meta charset="windows-1256">', CLOSED).encode("cp1256")
        url = http.on("/", answer(200, page, content_type="text/html"))
        outcome = await checker.check(Target(url, conditions=(condition,)))
    await checker.stop()
    assert not outcome.passed
