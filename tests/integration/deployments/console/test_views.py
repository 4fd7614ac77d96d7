"""The views of the inbox: who is in which, in what order, in few queries."""

import re

import pytest
from fastapi import FastAPI

from persistence import inbox_views
from persistence.channels import Channel
from persistence.conversations import Reader
from persistence.database import Pool
from persistence.ids import ConversationId
from persistence.inbox_views import View
from persistence.users import User
from tests.integration.deployments.console.conftest import Visitor
from tests.support.api import Api, connect, write_as_customer


async def ids_of(visitor: Visitor, view: View) -> list[str]:
    page = await visitor.get(f"/console/inbox/{view}")
    assert page.status_code == 200
    return re.findall(r'id="row-([0-9a-f-]{36})"', page.text)


async def views_of(visitor: Visitor, conversation: ConversationId) -> set[View]:
    return {view for view in View if str(conversation) in await ids_of(visitor, view)}


async def test_a_conversation_moves_from_view_to_view(
    visitor: Visitor, api: Api, channel: Channel
) -> None:
    one = await write_as_customer(api, channel, "c1", "سلام")
    at = f"/console/inbox/led_by_ai/{one}"
    assert await views_of(visitor, one) == {View.LED_BY_AI}
    await visitor.post(f"{at}/redirect", destination="sales")
    assert await views_of(visitor, one) == {View.NEEDS_PERSON}
    await visitor.post(f"{at}/assign", to="me")
    assert await views_of(visitor, one) == {View.NEEDS_PERSON, View.MINE}
    await visitor.post(f"{at}/answer", text="بله، داریم.")
    assert await views_of(visitor, one) == {View.AWAITING_CUSTOMER, View.MINE}
    await write_as_customer(api, channel, "c1", "چند؟", "m2")
    assert await views_of(visitor, one) == {View.NEEDS_PERSON, View.MINE}
    await visitor.post(f"{at}/snooze", hours="4")
    assert await views_of(visitor, one) == {View.AWAITING_CUSTOMER, View.MINE}
    await visitor.post(f"{at}/status", status="closed")
    assert await views_of(visitor, one) == {View.CLOSED}
    await visitor.post(f"{at}/redirect", destination="ai")
    await visitor.post(f"{at}/assign", to="nobody")
    assert await views_of(visitor, one) == {View.LED_BY_AI}


async def test_counts_are_those_of_the_lists(
    visitor: Visitor, api: Api, channel: Channel, pool: Pool, sara: User
) -> None:
    made = [
        await write_as_customer(api, channel, f"c{n}", f"پیام {n}") for n in range(7)
    ]
    for n, action in ((0, "redirect"), (1, "redirect"), (2, "status"), (3, "assign")):
        at = f"/console/inbox/mine/{made[n]}/{action}"
        await visitor.post(at, destination="support", status="closed", to="me")
    counts = await inbox_views.count_views(pool, Reader(sara.tenant_id, sara.id))
    for view in View:
        assert counts[view] == len(await ids_of(visitor, view)), view
    assert sum(counts.values()) == 8


async def test_who_waits_longest_is_first_and_pages_follow_each_other(
    visitor: Visitor, api: Api, channel: Channel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("deployments.console.inbox.reading.PAGE", 3)
    made = []
    for n in range(7):
        one = await write_as_customer(api, channel, f"c{n}", "سلام")
        await visitor.post(f"/console/inbox/mine/{one}/redirect", destination="sales")
        made.append(str(one))
    path, seen = "/console/inbox/needs_person", []
    while path:
        page = (await visitor.get(path)).text
        seen += re.findall(r'id="row-([0-9a-f-]{36})"', page)
        following = re.search(
            r'href="(/console/inbox/needs_person\?after=[^"]+)"', page
        )
        path = following[1] if following else ""
    assert seen == made
    assert (await visitor.get("/console/inbox/mine?after=nonsense")).status_code == 404


async def test_a_long_thread_opens_at_its_end_and_goes_back_in_steps(
    visitor: Visitor, api: Api, channel: Channel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("deployments.console.inbox.reading.PAGE", 4)
    one = await write_as_customer(api, channel, "c1", "پیام 0!", "m0")
    for n in range(1, 10):
        await write_as_customer(api, channel, "c1", f"پیام {n}!", f"m{n}")
    at = f"/console/inbox/led_by_ai/{one}"
    await visitor.post(f"{at}/note", text="یادداشت آخر")
    path, seen = at, []
    while path:
        page = (await visitor.get(path)).text
        seen.append(re.findall(r'class="line" dir="auto">(پیام \d!|یادداشت آخر)', page))
        earlier = re.search(r'href="([^"]+/earlier\?before=\d+)"', page)
        path = earlier[1] if earlier else ""
    assert [text for page in reversed(seen) for text in page] == [
        f"پیام {n}!" for n in range(10)
    ] + ["یادداشت آخر"]


async def test_an_empty_shop_sees_the_next_step(visitor: Visitor) -> None:
    assert "هنوز کانالی وصل نیست" in (await visitor.get("/console/inbox/mine")).text


async def test_reading_a_thread_marks_it_and_unread_takes_that_back(
    visitor: Visitor, api: Api, channel: Channel
) -> None:
    one = await write_as_customer(api, channel, "c1", "سلام")
    path = "/console/inbox/led_by_ai"
    unread = f'id="row-{one}" class="row unread"'
    assert unread in (await visitor.get(path)).text
    await visitor.get(f"{path}/{one}")
    assert unread not in (await visitor.get(path)).text
    await visitor.post(f"{path}/{one}/unread")
    assert unread in (await visitor.get(path)).text


async def test_a_form_that_comes_twice_counts_once(
    visitor: Visitor, api: Api, channel: Channel, pool: Pool
) -> None:
    one = await write_as_customer(api, channel, "c1", "سلام")
    path = f"/console/inbox/led_by_ai/{one}/answer"
    for _ in range(2):
        assert (await visitor.post(path, text="بله", key="k1")).status_code == 303
    assert (await visitor.post(path, text="بله", key="k2")).status_code == 303
    count = "SELECT count(*) FROM messages WHERE type = 'support'"
    assert await pool.fetchval(count) == 2


async def test_an_answer_without_words_is_refused_in_words(
    visitor: Visitor, api: Api, channel: Channel
) -> None:
    one = await write_as_customer(api, channel, "c1", "سلام")
    page = await visitor.post(f"/console/inbox/led_by_ai/{one}/answer", text=" ")
    assert page.status_code == 422
    assert 'role="alert"' in page.text


async def test_reading_on_is_told_and_what_is_on_its_way_is_not_sent_again(
    visitor: Visitor, api: Api, channel: Channel
) -> None:
    one = await write_as_customer(api, channel, "c1", "سلام")
    at = f"/console/inbox/led_by_ai/{one}"
    assert (await visitor.post(f"{at}/read", position="1")).status_code == 204
    assert (await visitor.post(f"{at}/read", position="x")).status_code == 204
    # Nothing of ours waits there: a letter that is none is not there.
    assert (await visitor.post(f"{at}/retry/{one}")).status_code == 404


@pytest.mark.parametrize(
    ("body", "named", "nameless"),
    [
        (
            "سلام {customer_name}، {operator_name} از {shop_name} هستم.",
            "سلام مینا، sara از sara هستم.",
            "سلام، sara از sara هستم.",
        ),
        ("{customer_name} عزیز", "مینا عزیز", " عزیز"),
    ],
)
async def test_a_ready_answer_has_its_names_filled_in(
    visitor: Visitor,
    api: Api,
    app: FastAPI,
    channel: Channel,
    pool: Pool,
    sara: User,
    body: str,
    named: str,
    nameless: str,
) -> None:
    one = await write_as_customer(api, channel, "c1", "سلام")
    async with connect(app, sara) as client:
        fields = {"shortcut": "hi", "title": "سلام", "body": body}
        made = await client.post("/api/canned-answers/", json=fields)
        assert made.status_code == 201
    path = f"/console/inbox/led_by_ai/{one}"
    assert f'data-body="{nameless}"' in (await visitor.get(path)).text
    await pool.execute("UPDATE customers SET first_name = 'مینا'")
    assert f'data-body="{named}"' in (await visitor.get(path)).text
