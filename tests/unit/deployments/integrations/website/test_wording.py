"""The chat page's language, links and frames."""

import re
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import orjson
import pytest

from deployments.integrations import website
from deployments.integrations.website.hub import Visit, Writing
from deployments.integrations.website.live import render_frame
from deployments.integrations.website.wording import Language, choose_language
from persistence.chat import ChatMessage
from persistence.ids import ConversationId, MessageId
from retrieval.text.links import split_links

PAGE = Path(website.__file__).parent / "page"
CONVERSATION = ConversationId(UUID(int=5))


def chat_message(seq: int, author: str = "AI") -> ChatMessage:
    """Build a message."""
    return ChatMessage(
        id=MessageId(UUID(int=seq)),
        conversation_id=CONVERSATION,
        seq=seq,
        type=author,
        content="سلام",
        created_at=datetime(2026, 3, 21, 12, tzinfo=UTC),
    )


@pytest.mark.parametrize(
    ("accepted", "language"),
    [
        ("", Language.FA),
        ("de-DE,de;q=0.9", Language.FA),
        ("en-US,en;q=0.9", Language.EN),
        ("de,en;q=0.5", Language.EN),
        ("fa-IR,fa;q=0.9,en-US;q=0.8", Language.FA),
        ("en;q=0.2, fa;q=0.8", Language.FA),
        ("en;q=x, fa", Language.FA),
        ("en;q=0", Language.FA),
    ],
)
def test_the_browser_chooses_the_language(accepted: str, language: Language) -> None:
    assert choose_language(accepted) is language


def test_links_are_cut_out_without_the_punctuation_around_them() -> None:
    text = "ببینید: https://shop.example/a?b=1. (http://x.example/c)"
    assert split_links(text) == [
        "ببینید: ",
        "https://shop.example/a?b=1",
        ". (",
        "http://x.example/c",
        ")",
    ]


@pytest.mark.parametrize(
    "text",
    [
        "https://shop.example/x،قیمت این چنده؟",
        "«https://a.example/x»، (http://x.example/c).",
        '<https://a.example/"x">',
        "http://",
    ],
)
def test_the_pages_script_cuts_links_as_the_server_does(text: str) -> None:
    script = (PAGE / "chat.js").read_text(encoding="utf-8")
    match = re.search(r"const LINK = /(.+)/;", script)
    assert match is not None
    assert re.split(match[1].replace(r"\/", "/"), text) == split_links(text)


@pytest.mark.parametrize("text", ["javascript:alert(1)", "data:text/html,x", "ftp://x"])
def test_only_web_addresses_are_links(text: str) -> None:
    assert split_links(text) == [text]


@pytest.mark.parametrize(
    ("stored", "shown"),
    [
        ("customer", "customer"),
        ("AI", "assistant"),
        ("marketing", "assistant"),
        ("support", "operator"),
    ],
)
def test_a_frame_names_its_author_as_the_visitor_sees_them(
    stored: str, shown: str
) -> None:
    assert orjson.loads(render_frame(chat_message(7, stored))) == {
        "type": "message",
        "id": str(UUID(int=7)),
        "seq": 7,
        "author": shown,
        "content": "سلام",
        "created_at": "2026-03-21T12:00:00+00:00",
    }


def test_a_visit_is_told_nothing_twice() -> None:
    visit = Visit(CONVERSATION, cursor=3)
    for seq in (2, 3, 4, 4, 3, 5):
        visit.offer(chat_message(seq))
    given = [visit.frames.get_nowait() for _ in range(visit.frames.qsize())]
    assert given == [chat_message(4), chat_message(5)]


def test_writing_is_told_when_it_changes_and_ends_with_the_answer() -> None:
    visit = Visit(CONVERSATION, cursor=0)
    for frame in (
        Writing(is_active=False),
        Writing(is_active=True),
        Writing(is_active=True),
        chat_message(1, "customer"),
        chat_message(2),
        Writing(is_active=False),
    ):
        visit.offer(frame)
    given = [visit.frames.get_nowait() for _ in range(visit.frames.qsize())]
    assert given == [
        Writing(is_active=True),
        chat_message(1, "customer"),
        chat_message(2),
    ]


def test_a_visit_that_fell_behind_is_given_nothing_after_the_gap() -> None:
    visit = Visit(CONVERSATION, cursor=0)
    size = visit.frames.maxsize
    for seq in range(1, size + 2):
        visit.offer(chat_message(seq))
    assert visit.fell_behind.is_set()
    visit.frames.get_nowait()
    visit.offer(chat_message(size + 2))
    assert visit.frames.qsize() == size - 1
