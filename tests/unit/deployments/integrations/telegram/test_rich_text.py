"""Formatted texts as plain text: entities, rich texts and rich blocks."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.conversation.events import Media
from actors.conversation.rules.placeholders import has_placeholder
from actors.conversation.state import MessageType
from deployments.integrations.telegram.content import Content, read_content
from deployments.integrations.telegram.rich_text import (
    MAX_DEPTH,
    flatten_blocks,
    flatten_text,
    write_links,
)

SHOP = "https://shop.example/p/linen-manto-avin"


def link(offset: object, length: object, url: object = SHOP) -> dict[str, object]:
    return {"type": "text_link", "offset": offset, "length": length, "url": url}


@pytest.mark.parametrize(
    ("text", "entities", "written"),
    [
        # The flag takes four UTF-16 units.
        (
            "🇮🇷 این کالا موجوده؟",
            [link(5, 8)],
            f"🇮🇷 این کالا ({SHOP}) موجوده؟",
        ),
        (
            "این و آن",
            [link(0, 3, "https://a.example"), link(6, 2, "https://b.example")],
            "این (https://a.example) و آن (https://b.example)",
        ),
        ("این ", [link(0, 4)], f"این ({SHOP}) "),
        (SHOP, [link(0, len(SHOP))], SHOP),
        ("این", [link(0, 99)], "این"),
        ("این", [link(-1, 2), link("0", 1), link(0, 0), link(0, 3, "")], "این"),
        ("این", [{"type": "bold", "offset": 0, "length": 3}, 7], "این"),
        ("این", None, "این"),
        (7, [link(0, 1)], ""),
    ],
)
def test_the_address_of_a_link_stands_behind_its_words(
    text: object, entities: object, written: str
) -> None:
    assert write_links(text, entities) == written


def test_a_caption_shows_its_links_too() -> None:
    message: dict[str, object] = {
        "photo": [{"file_id": "p"}],
        "caption": "این؟",
        "caption_entities": [link(0, 3)],
    }
    content = read_content(message)
    assert isinstance(content, Content)
    assert content.text == f"این ({SHOP})؟"


@given(
    st.text(),
    st.lists(st.builds(link, st.integers(-3, 30), st.integers(-3, 30), st.just(SHOP))),
)
def test_no_entity_takes_anything_from_a_text(
    text: str, entities: list[dict[str, object]]
) -> None:
    plain = text.encode("utf-8", "replace").decode()
    written = write_links(plain, entities).replace(f" ({SHOP})", "")
    # A place inside an emoji is no place: the halves are marked as broken.
    assert written == plain or "\ufffd" in written


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("سلام", "سلام"),
        (["هزینه ", {"type": "bold", "text": "ارسال"}, "؟"], "هزینه ارسال؟"),
        ({"type": "bold", "text": {"type": "italic", "text": ["ا", "ب"]}}, "اب"),
        ({"type": "url", "text": "این", "url": SHOP}, f"این ({SHOP})"),
        ({"type": "url", "text": SHOP, "url": SHOP}, SHOP),
        ({"type": "custom_emoji", "alternative_text": "🌷"}, "🌷"),
        ({"type": "mathematical_expression", "expression": "x^2"}, "x^2"),
        ({"type": "button", "button": {"text": "خرید"}}, "خرید"),
        ({"type": "anchor", "name": "top"}, ""),
        ({"type": "to_come", "text": "هنوز متن"}, "هنوز متن"),
        (None, ""),
    ],
)
def test_a_rich_text_is_flattened(text: object, plain: str) -> None:
    assert flatten_text(text) == plain


def cell(text: str) -> dict[str, object]:
    return {"text": text, "align": "left", "valign": "top"}


def paragraph(text: object) -> dict[str, object]:
    return {"type": "paragraph", "text": text}


@pytest.mark.parametrize(
    ("blocks", "plain"),
    [
        (
            [{"type": "heading", "text": "ارسال", "size": 2}, paragraph("چقدره؟")],
            "ارسال\nچقدره؟",
        ),
        (
            [
                {
                    "type": "list",
                    "items": [
                        {"label": "1.", "blocks": [paragraph("کرم")]},
                        {"label": "2.", "blocks": [paragraph("سبز")]},
                    ],
                }
            ],
            "1. کرم\n2. سبز",
        ),
        (
            [
                {
                    "type": "table",
                    "cells": [[cell("سایز"), cell("کمر")], [cell("44"), cell("92")]],
                    "caption": "جدول",
                }
            ],
            "جدول\nسایز | کمر\n44 | 92",
        ),
        (
            [{"type": "blockquote", "blocks": [paragraph("نقل")], "credit": "سارا"}],
            "نقل\nسارا",
        ),
        ([{"type": "expandable_blockquote", "text": "نقل"}], "نقل"),
        (
            [{"type": "details", "summary": "بیشتر", "blocks": [paragraph("متن")]}],
            "بیشتر\nمتن",
        ),
        (
            [
                {
                    "type": "photo",
                    "photo": [{"file_id": "p"}],
                    "caption": {"text": "مانتو", "credit": "آوین"},
                }
            ],
            "[تصویر]\nمانتو\nآوین",
        ),
        (
            [
                {
                    "type": "map",
                    "location": {"latitude": 35.7, "longitude": 51.4},
                    "zoom": 9,
                }
            ],
            "[موقعیت مکانی] 35.7 51.4",
        ),
        (
            [{"type": "buttons", "buttons": [{"text": "بله"}, {"text": "خیر"}]}],
            "بله | خیر",
        ),
        ([{"type": "divider"}, {"type": "anchor", "name": "x"}], ""),
        (
            [paragraph("سلام"), {"type": "hologram"}],
            "سلام\n[پیام ناشناخته از نوع hologram]",
        ),
        ([{"type": "hologram", "text": "متن"}], "متن"),
        ([7], "[پیام ناشناخته]"),
        ("none", ""),
    ],
)
def test_rich_blocks_are_lines_of_plain_text(blocks: object, plain: str) -> None:
    assert flatten_blocks(blocks) == plain


def test_the_files_of_rich_blocks_are_kept() -> None:
    photo = {"type": "photo", "photo": [{"file_id": "s"}, {"file_id": "l"}]}
    collage = {"type": "collage", "blocks": [photo]}
    content = read_content({"rich_message": {"blocks": [paragraph("این"), collage]}})
    assert content == Content(
        "این\n[تصویر]", MessageType.TEXT, (Media(MessageType.IMAGE, media_id="l"),)
    )
    assert has_placeholder("این\n[تصویر]")


def test_a_rich_message_that_shows_nothing_is_for_a_person() -> None:
    empty: tuple[object, ...] = (
        *({"blocks": []}, {"blocks": [{"type": "divider"}]}, {}, 7),
    )
    for rich in empty:
        content = read_content({"rich_message": rich})
        assert content == Content("[پیامی که تلگرام نشان نمی‌دهد]")


def test_what_is_nested_without_end_is_named() -> None:
    block: dict[str, object] = paragraph("ته")
    for _ in range(3 * MAX_DEPTH):
        block = {"type": "blockquote", "blocks": [block]}
    assert flatten_blocks([block]) == "[پیام ناشناخته]"
    text: object = "ته"
    for _ in range(3 * MAX_DEPTH):
        text = [text]
    assert flatten_text(text) == "[پیام ناشناخته]"
