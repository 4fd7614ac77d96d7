"""What customers do on Instagram, from the webhook to the question that is answered."""

import pytest

from tests.support.instagram_line import FOREVER, SARA, SHOP, Line, message
from tests.support.waiting import wait_for_count

AI_MESSAGES = "SELECT count(*) FROM messages WHERE type = 'AI'"
PARTIES = {"sender": {"id": SARA}, "recipient": {"id": SHOP}}
COAT = "مانتو لینن آوین"


@pytest.fixture(autouse=True)
async def _started(line: Line) -> None:
    await line.start()


async def test_y4_a_tap_is_the_customers_text_and_is_answered_once(line: Line) -> None:
    tap = {"mid": "m7", "title": "هزینه ارسال چقدره؟", "payload": "ASK_SHIPPING"}
    event = {**PARTIES, "postback": tap}
    change = {"field": "messaging_postbacks", "value": event}
    assert await line.deliver_entry(changes=[change]) == 200
    assert await line.deliver(event) == 200
    await wait_for_count(line.pool, AI_MESSAGES, 1)
    texts = [row["content"] for row in await line.messages()]
    assert texts == ["هزینه ارسال چقدره؟", "صد تومن"]


async def test_an_ad_travels_beside_the_question(line: Line) -> None:
    referral = {"ref": "winter", "ads_context_data": {"ad_title": COAT}}
    await line.deliver(message("m1", text="قیمتش چنده؟", referral=referral))
    await wait_for_count(line.pool, AI_MESSAGES, 1)
    (job,) = line.desk.jobs
    assert (job.share, job.is_post) == (COAT, False)
    question = (await line.messages())[0]
    assert question["content"] == "قیمتش چنده؟"
    assert COAT in str(question["combined_content"])


async def test_an_ad_that_is_tapped_waits_for_the_question(line: Line) -> None:
    referral = {"source": "ADS", "ads_context_data": {"ad_title": COAT}}
    await line.deliver({**PARTIES, "referral": referral})
    await line.deliver(message("m1", text="قیمتش چنده؟"))
    await wait_for_count(line.pool, AI_MESSAGES, 1)
    assert [(job.share, job.is_post) for job in line.desk.jobs] == [(COAT, False)]


async def test_two_posts_of_one_message_are_two_shares_and_one_subject(
    line: Line,
) -> None:
    posts = [
        {"type": "ig_post", "payload": {"ig_post_media_id": str(n), "title": title}}
        for n, title in enumerate((COAT, "شومیز نسیم"))
    ]
    await line.deliver(message("m1", attachments=posts))
    await line.deliver(message("m2", text="کدوم ارزون‌تره؟"))
    await wait_for_count(line.pool, AI_MESSAGES, 1)
    types = [row["message_type"] for row in await line.messages()]
    assert types == ["share", "share", "text", "text"]
    (job,) = line.desk.jobs
    assert job.share == f"عنوان: {COAT}\nعنوان: شومیز نسیم"
    assert job.is_post
    await line.deliver(message("m1", is_deleted="true"))
    assert [row["content"] for row in await line.messages()][:2] == ["", ""]


async def test_a_message_that_holds_only_its_id_calls_an_operator(line: Line) -> None:
    await line.deliver(message("m1"))
    (row,) = await line.pool.fetch("SELECT needs_operator, state FROM conversations")
    assert row["needs_operator"]
    assert row["state"]["last_customer_at"]


async def test_what_another_app_leads_is_stored_and_not_answered(line: Line) -> None:
    echo = {
        "sender": {"id": SHOP},
        "recipient": {"id": SARA},
        "message": {"mid": "e1", "text": "۵۸۰ تومن", "is_echo": True},
    }
    asked = message("m1", text="شومیز چنده؟")
    assert await line.deliver_entry(standby=[asked, echo]) == 200
    assert await line.deliver(message("m2", text="ارسال دارید؟")) == 200
    await wait_for_count(line.pool, AI_MESSAGES, 1)
    told = [(row["type"], row["content"]) for row in await line.messages()]
    assert told == [
        ("customer", "شومیز چنده؟"),
        ("support", "۵۸۰ تومن"),
        ("customer", "ارسال دارید؟"),
        ("AI", "صد تومن"),
    ]
    (job,) = line.desk.jobs
    assert len(job.question_ids) == 1


async def test_the_history_of_all_that_makes_the_stored_state(line: Line) -> None:
    await line.start(FOREVER)
    posts = [{"type": "share", "payload": {"url": f"https://cdn/{n}"}} for n in (1, 2)]
    await line.deliver_entry(standby=[message("m0", text="سلام", attachments=posts)])
    await line.deliver(message("m1", attachments=posts))
    await line.deliver(message("m2", text="چنده؟", attachments=[{"type": "ephemeral"}]))
    await line.deliver({**PARTIES, "referral": {"ref": "winter"}})
    await line.deliver({**PARTIES, "something_new": {}})
    await line.deliver(message("m1", is_deleted=True))
    assert await line.replayed() == ()
    unsent = [row for row in await line.messages() if row["platform_id"] == "m1"]
    assert [row["content"] for row in unsent] == ["", ""]
