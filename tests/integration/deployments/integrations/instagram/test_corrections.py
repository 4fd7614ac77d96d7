"""What is taken back or worded anew on Instagram, down to the tables."""

from persistence.conversations import (
    ConversationFilter,
    Reader,
    fetch_conversation,
    fetch_conversations_page,
)
from persistence.paging import Found, Window
from tests.support.instagram_line import DRESS, FOREVER, POST, SARA, SHOP, Line, message
from tests.support.waiting import wait_for_count

TABLES = "SELECT tablename AS name FROM pg_tables WHERE schemaname = 'public'"
AI_MESSAGES = "SELECT count(*) FROM messages WHERE type = 'AI'"
SENT = "SELECT count(*) FROM outbox WHERE delivery = 'sent'"


async def test_what_is_unsent_is_blank_also_before_it_is_answered(line: Line) -> None:
    await line.start(FOREVER)
    await line.deliver(
        message("s1", attachments=[POST]), message("m1", text="این چنده؟")
    )
    await line.deliver(message("m1", is_deleted=True), message("s1", is_deleted=True))
    rows = await line.messages()
    assert [row["content"] for row in rows] == ["", ""]
    assert [row["combined_content"] for row in rows] == [None, None]
    assert [row["metadata"] for row in rows] == [{"unsent": True}] * 2
    assert await line.pool.fetchval("SELECT count(*) FROM timers") == 0
    assert DRESS not in str(await line.state())


async def test_what_is_unsent_is_in_no_table_and_the_history_still_makes_the_state(
    line: Line,
) -> None:
    await line.start(FOREVER)
    edit = {"mid": "m1", "text": "رازی دیگر", "num_edit": 1}
    whom = {"sender": {"id": SARA}, "recipient": {"id": SHOP}}
    owner = {"sender": {"id": SHOP}, "recipient": {"id": SARA}}
    echo = {"mid": "o1", "is_echo": True}
    picture = {"type": "image", "payload": {"url": "https://cdn/راز"}}
    await line.deliver(message("kept", text="سلام"))
    await line.deliver(message("s1", attachments=[POST]), message("m1", text="راز"))
    await line.deliver(
        {**whom, "message_edit": edit}, message("p1", attachments=[picture])
    )
    await line.deliver({**owner, "message": {**echo, "text": "رازِ صاحب"}})
    for mid in ("s1", "m1", "p1"):
        await line.deliver(message(mid, is_deleted=True))
    await line.deliver({**owner, "message": {**echo, "is_deleted": True}})
    # What is delivered late, and an older edit that comes after all.
    await line.deliver({**whom, "message_edit": {**edit, "text": "راز", "num_edit": 2}})
    await line.deliver(message("late", is_deleted=True), message("late", text="راز"))
    for table in await line.pool.fetch(TABLES):
        rows = await line.pool.fetch(f"SELECT * FROM {table['name']}")  # noqa: S608
        told = " ".join(str(dict(row)) for row in rows)
        assert "راز" not in told, table["name"]
        assert "مانتو" not in told, table["name"]
    kept = await line.pool.fetchval(
        "SELECT count(*) FROM conversation_events WHERE payload ->> 'text' = 'سلام'"
    )
    assert kept == 1
    assert await line.replayed() == ()


async def test_a_combination_forgets_a_share_that_is_unsent(line: Line) -> None:
    await line.start(FOREVER)
    await line.deliver(
        message("s1", attachments=[POST]), message("m1", text="این چنده؟")
    )
    await line.deliver(message("s1", is_deleted=True))
    question = (await line.messages())[1]
    assert (question["content"], question["combined_content"]) == ("این چنده؟", None)


async def test_an_edit_is_stored_and_said_so(line: Line) -> None:
    await line.start(FOREVER)
    await line.deliver(message("m1", text="مشکی دارید؟"))
    edit = {"mid": "m1", "text": "قرمز دارید؟", "num_edit": 1}
    whom = {"sender": {"id": SARA}, "recipient": {"id": SHOP}}
    assert await line.deliver({**whom, "message_edit": edit}) == 200
    (row,) = await line.messages()
    assert (row["content"], row["metadata"]) == ("قرمز دارید؟", {"edited": True})


async def test_an_edit_that_overtakes_its_message_is_not_lost(line: Line) -> None:
    await line.start(FOREVER)
    whom = {"sender": {"id": SARA}, "recipient": {"id": SHOP}}
    for mid in ("m1", "m2"):
        edit = {"mid": mid, "text": f"now {mid}", "num_edit": 1}
        assert await line.deliver({**whom, "message_edit": edit}) == 200
        assert await line.deliver(message(mid, text=f"first {mid}")) == 200
    rows = await line.messages()
    assert [row["content"] for row in rows] == ["now m1", "now m2"]


async def test_what_the_owner_unsends_in_the_app_is_blank_and_no_customers(
    line: Line,
) -> None:
    await line.start()
    await line.deliver(message("m1", text="چنده؟"))
    await wait_for_count(line.pool, SENT, 1)
    whom = {"sender": {"id": SHOP}, "recipient": {"id": SARA}}
    unsent = {"mid": "mid.1", "is_deleted": True}
    assert await line.deliver({**whom, "message": {**unsent, "is_echo": True}}) == 200
    question, answer = await line.messages()
    assert (question["content"], answer["content"]) == ("چنده؟", "")
    assert answer["metadata"] == {"unsent": True}
    state = await line.state()
    assert (state["status"], state["ai_enabled"]) == ("active", True)


async def test_what_is_unsent_before_it_came_is_shown_to_nobody(line: Line) -> None:
    await line.start()
    assert await line.deliver(message("m1", is_deleted=True)) == 200
    tenant = Reader(line.channel.tenant_id)
    inbox = (line.pool, tenant, ConversationFilter(), Window(10))
    assert await fetch_conversations_page(*inbox) == Found(
        (), 0, is_exact=True, last=None
    )
    assert await fetch_conversation(line.pool, tenant, line.conversation) is None
    await line.deliver(message("m1", text="رازی"), message("m2", text="چنده؟"))
    await wait_for_count(line.pool, AI_MESSAGES, 1)
    unsent, *_ = await line.messages()
    assert (unsent["content"], unsent["metadata"]) == ("", {"unsent": True})
    (job,) = line.desk.jobs
    assert unsent["id"] not in job.question_ids
    assert (await fetch_conversations_page(*inbox)).count == 1


async def test_edits_that_overtake_everything_leave_the_last_words(line: Line) -> None:
    await line.start(FOREVER)
    whom = {"sender": {"id": SARA}, "recipient": {"id": SHOP}}
    for number in (3, 1, 2):
        edit = {"mid": "m1", "text": f"edit {number}", "num_edit": number}
        assert await line.deliver({**whom, "message_edit": edit}) == 200
    assert await line.deliver(message("m1", text="first")) == 200
    (row,) = await line.messages()
    assert (row["content"], row["metadata"]) == ("edit 3", {"edited": True})
