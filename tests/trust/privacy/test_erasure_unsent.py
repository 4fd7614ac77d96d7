"""Unsending a post reaches all that was made of it, answered or not (L1)."""

import pytest

from actors.conversation.rules.placeholders import (
    UNSUPPORTED,
    WORDLESS,
    Note,
    build_line_pattern,
    describe_act,
    describe_attachment,
    drop_placeholders,
    has_placeholder,
)
from persistence.database import Pool
from tests.support.conversation.tables import dump_tables, find
from tests.support.instagram_line import FOREVER, POST, QUICK, SARA, SHOP, Line, message
from tests.support.waiting import wait_for_count

AI_MESSAGES = "SELECT count(*) FROM messages WHERE type = 'AI'"
CAPTION = "مانتو نخی"


def unsent(mid: str) -> dict[str, object]:
    """Build the event of a message that Sara took back."""
    return {
        "sender": {"id": SARA},
        "recipient": {"id": SHOP},
        "message": {"mid": mid, "is_deleted": True},
    }


async def test_trust_l1_an_unsent_share_leaves_the_question_that_was_answered(
    line: Line,
) -> None:
    await line.start()
    assert await line.deliver(message("s1", attachments=[POST])) == 200
    assert await line.deliver(message("m1", text="این چنده؟")) == 200
    await wait_for_count(line.pool, AI_MESSAGES, 1)
    assert any(CAPTION in str(row["combined_content"]) for row in await line.messages())

    assert await line.deliver(unsent("s1")) == 200

    question = next(row for row in await line.messages() if row["platform_id"] == "m1")
    assert question["content"] == "این چنده؟"
    assert question["combined_content"] is None
    for table, text in (await dump_tables(line.pool)).items():
        assert find([CAPTION, "https://cdn/2"], text) == [], table
    assert await line.replayed(QUICK) == ()


async def test_trust_l1_an_unsent_share_leaves_an_open_question(line: Line) -> None:
    await line.start(FOREVER)
    assert await line.deliver(message("s1", attachments=[POST])) == 200
    assert await line.deliver(message("m1", text="این چنده؟")) == 200
    assert await line.deliver(unsent("s1")) == 200

    for table, text in (await dump_tables(line.pool)).items():
        assert find([CAPTION, "https://cdn/2"], text) == [], table
    assert await line.replayed() == ()


async def test_trust_l1_what_was_combined_before_stays(line: Line) -> None:
    await line.start()
    assert await line.deliver(message("s1", attachments=[POST])) == 200
    assert await line.deliver(message("m1", text="این چنده؟")) == 200
    await wait_for_count(line.pool, AI_MESSAGES, 1)
    assert await line.deliver(message("m2", text="ممنون")) == 200
    assert await line.deliver(unsent("m2")) == 200
    question = next(row for row in await line.messages() if row["platform_id"] == "m1")
    assert CAPTION in str(question["combined_content"])


@pytest.mark.parametrize(
    "text",
    [
        *sorted(WORDLESS),
        *(f"{note} ۲ مورد" for note in Note),
        describe_attachment("a.b*c"),
        describe_act("payment"),
        f"سلام\n{UNSUPPORTED}\nچنده؟",
        "[سلام]",
        "سلام [تصویر]",
        "[تصویر] سلام",
        "[پیوست از نوع ]",
        "[پیوست از نوع a]b",
        "سلام\n",
        "",
    ],
)
async def test_trust_l1_the_history_knows_the_lines_of_the_rules(
    pool: Pool, text: str
) -> None:
    pattern = build_line_pattern()
    assert await pool.fetchval("SELECT $1 ~ $2", text, pattern) is has_placeholder(text)
    left = await pool.fetchval("SELECT regexp_replace($1, $2, '', 'g')", text, pattern)
    assert left.strip(" \n") == drop_placeholders(text).strip(" \n")
