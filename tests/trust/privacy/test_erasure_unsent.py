"""Unsending a post reaches all that was made of it, answered or not (L1)."""

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
