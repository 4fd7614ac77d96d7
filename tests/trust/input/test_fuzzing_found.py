"""What random webhooks have found, one named test each."""

import time

import orjson
import pytest

from actors.conversation.rules.placeholders import has_placeholder
from deployments.integrations import lenient_json
from deployments.integrations.instagram import reading as instagram
from deployments.integrations.instagram.attachments import MAX_ATTACHMENTS
from deployments.integrations.instagram.incoming import WebhookEvent as InstagramEvent
from deployments.integrations.telegram import reading as telegram
from tests.support.instagram_events import SHOP, event, message
from tests.support.instagram_line import FOREVER, Line
from tests.support.instagram_line import message as from_sara
from tests.support.servers.telegram_server import update

#: A hundred times what each of these takes.
MAX_CPU_S = 3.0


def read_instagram(told: bytes) -> list[instagram.Found]:
    payload = b'{"entry":[{"id":"%b","messaging":[%b]}]}' % (SHOP.encode(), told)
    return list(instagram.read_webhook(lenient_json.read_json(payload)))


@pytest.mark.parametrize("depth", [250, 900, 1000])
def test_fuzzing_an_act_that_is_nested_deep_is_stored(depth: int) -> None:
    # Its id is derived from what Meta told, which was written as JSON again.
    nested = b'{"a":' * depth + b"1" + b"}" * depth
    told = orjson.dumps(event(a_new_act="HERE")).replace(b'"HERE"', nested)
    (found,) = read_instagram(told)
    assert isinstance(found, InstagramEvent)
    assert found.mid.startswith("unnamed:")
    assert read_instagram(told) == [found]


def test_fuzzing_a_list_that_is_nested_deep_keeps_what_stands_beside_it() -> None:
    body = b'{"a":%b1%b,"b":"c"}' % (b"[" * 900, b"]" * 900)
    read = lenient_json.read_json(body)
    assert isinstance(read, dict)
    assert read["b"] == "c"
    assert orjson.dumps(read)


def test_fuzzing_a_task_whose_id_is_a_list_is_read() -> None:
    checklist = {"tasks": [{"id": [1], "text": "کیف"}, {"id": 2, "text": "کفش"}]}
    done = {
        "checklist_message": {"checklist": checklist},
        "marked_as_done_task_ids": [2, [1], 3],
    }
    (found,) = telegram.read_webhook(update(1, checklist_tasks_done=done))
    assert isinstance(found, telegram.WebhookEvent)
    assert "✓ کفش" in found.text
    assert "✓ 3" in found.text


@pytest.mark.parametrize("kind", ["ig_post", "image", "template"])
def test_fuzzing_thousands_of_attachments_take_no_seconds(kind: str) -> None:
    products = {"elements": [{"id": str(n)} for n in range(200)]}
    attachments = [
        {"type": kind, "payload": {"url": f"u{n}", "product": products}}
        for n in range(100 if kind == "template" else 12_000)
    ]
    body = orjson.dumps(message(attachments=attachments))
    # Reading is measured alone: this body took 23 seconds to read, and one to write.
    began = time.process_time()
    found = read_instagram(body)
    assert time.process_time() - began < MAX_CPU_S
    assert found


def test_fuzzing_a_person_sees_that_there_were_more_attachments() -> None:
    picture = {"type": "image", "payload": {"url": "u"}}
    many = message(attachments=[picture] * (MAX_ATTACHMENTS + 1))
    (found,) = read_instagram(orjson.dumps(many))
    assert isinstance(found, InstagramEvent)
    assert len(found.media) == 1
    assert has_placeholder(found.text)


def test_fuzzing_thousands_of_links_take_no_seconds() -> None:
    link = {"type": "text_link", "offset": 0, "length": 200_000, "url": "https://t.me"}
    began = time.process_time()
    (found,) = telegram.read_webhook(
        update(1, text="x" * 200_000, entities=[link] * 8_000)
    )
    assert time.process_time() - began < MAX_CPU_S
    assert isinstance(found, telegram.WebhookEvent)
    assert found.text.startswith("xxx")


async def test_fuzzing_an_unsent_placeholder_is_replayed_as_one(line: Line) -> None:
    await line.start(FOREVER)
    unsent = from_sara("m1", is_deleted=True)
    assert await line.deliver(from_sara("m1", is_unsupported=True), unsent) == 200
    assert await line.replayed() == ()
