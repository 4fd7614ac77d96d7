"""Shared posts, reels and stories, in every form in which Meta sends them."""

from collections.abc import Mapping

import pytest

from actors.conversation.events import (
    MAX_SHARES,
    CustomerShared,
    CustomerWrote,
    EchoReceived,
)
from actors.conversation.state import MessageType
from deployments.integrations.instagram.building import InstagramEvent, build_event
from deployments.integrations.instagram.incoming import EventKind, WebhookEvent
from deployments.integrations.instagram.reading import read_webhook
from tests.support.instagram_events import AT, CHANNEL, SARA, SHOP

EMPTY = "[پست/ریلز اینستاگرام]"
POST = {
    "type": "ig_post",
    "payload": {"ig_post_media_id": "17", "title": "مانتو نخی", "url": "https://cdn/2"},
}
SHARE = {"type": "share", "payload": {"url": "https://cdn/1"}}


def read(**fields: object) -> list[WebhookEvent]:
    """Read one message from Sara to the shop."""
    return _read(SARA, SHOP, fields)


def _read(
    sender: str, recipient: str, fields: Mapping[str, object]
) -> list[WebhookEvent]:
    event = {
        "sender": {"id": sender},
        "recipient": {"id": recipient},
        "message": {"mid": "m1", **fields},
    }
    found = list(read_webhook({"entry": [{"id": SHOP, "messaging": [event]}]}))
    assert all(isinstance(one, WebhookEvent) for one in found)
    return [one for one in found if isinstance(one, WebhookEvent)]


def build(incoming: WebhookEvent) -> InstagramEvent:
    return build_event(CHANNEL, incoming, AT)


@pytest.mark.parametrize(
    ("attachment", "content", "media_id"),
    [
        (SHARE, "لینک: https://cdn/1", ""),
        (POST, "عنوان: مانتو نخی\nلینک: https://cdn/2", "17"),
        (
            {"type": "ig_reel", "payload": {"reel_video_id": 18, "title": "ریلز"}},
            "عنوان: ریلز",
            "18",
        ),
        ({"type": "reel", "payload": {"reel_video_id": "19"}}, EMPTY, "19"),
        (
            {"type": "story_mention", "payload": {"url": "https://cdn/s"}},
            "لینک: https://cdn/s",
            "",
        ),
        ({"type": "ig_story", "payload": {"story_media_id": "20"}}, EMPTY, "20"),
        (
            {
                "type": "share",
                "payload": {
                    "title": "الف",
                    "subtitle": "ب",
                    "caption": "پ\nت",
                    "url": "https://cdn/3",
                },
            },
            "عنوان: الف\nزیرعنوان: ب\nکپشن: پ\nت\nلینک: https://cdn/3",
            "",
        ),
        ({"type": "share"}, EMPTY, ""),
        ({"type": "share", "payload": {"title": "  ", "url": None}}, EMPTY, ""),
        ({"type": "ig_post", "payload": "nonsense"}, EMPTY, ""),
    ],
)
def test_s5_a_share_of_any_kind_is_told_in_lines_and_its_media_id_is_kept(
    attachment: object, content: str, media_id: str
) -> None:
    (found,) = read(attachments=[attachment])
    shared = build(found)
    assert isinstance(shared, CustomerShared)
    assert shared.content == content
    assert [media.media_id for media in shared.media] == [media_id]
    assert {media.kind for media in shared.media} == {MessageType.SHARE}


@pytest.mark.parametrize("attachments", [[SHARE, POST], [POST, SHARE]])
def test_a_post_that_arrives_as_share_and_as_ig_post_is_one_message(
    attachments: list[object],
) -> None:
    (found,) = read(attachments=attachments)
    shared = build(found)
    assert isinstance(shared, CustomerShared)
    assert shared.content == "عنوان: مانتو نخی\nلینک: https://cdn/2"
    assert [media.media_id for media in shared.media] == ["17"]


SHAWL = {"type": "ig_post", "payload": {"ig_post_media_id": "18", "title": "شال"}}
OTHER_SHARE = {"type": "share", "payload": {"url": "https://cdn/9"}}


@pytest.mark.parametrize(
    ("attachments", "links"),
    [
        ([POST, SHAWL], ["https://cdn/2", ""]),
        ([SHARE, POST, OTHER_SHARE, SHAWL], ["https://cdn/2", "https://cdn/9"]),
        ([SHARE, OTHER_SHARE, POST, SHAWL], ["https://cdn/2", "https://cdn/9"]),
        ([POST, SHARE, SHAWL, OTHER_SHARE], ["https://cdn/2", "https://cdn/9"]),
    ],
)
def test_two_different_posts_in_one_message_are_two_shares(
    attachments: list[object], links: list[str]
) -> None:
    shares = [build(one) for one in read(attachments=attachments)]
    assert all(isinstance(share, CustomerShared) for share in shares)
    first, second = (one for one in shares if isinstance(one, CustomerShared))
    assert "مانتو نخی" in first.content
    assert "شال" in second.content
    media = [*first.media, *second.media]
    assert [one.media_id for one in media] == ["17", "18"]
    assert [one.url for one in media] == links
    assert (first.part, second.part) == (0, 1)
    assert first.id != second.id


def test_more_posts_than_messages_are_all_told() -> None:
    posts = [
        {"type": "ig_post", "payload": {"ig_post_media_id": n, "title": f"کالای {n}"}}
        for n in range(MAX_SHARES + 3)
    ]
    found = read(attachments=posts)
    assert len(found) == MAX_SHARES
    assert [one.media_id for share in found for one in share.media] == [
        str(n) for n in range(MAX_SHARES + 3)
    ]
    assert all(
        f"کالای {n}" in found[-1].text for n in range(MAX_SHARES - 1, len(posts))
    )


def test_products_of_the_shop_are_shares() -> None:
    elements = [{"id": "7", "title": "مانتو لینن آوین"}, {"id": "8", "title": "شومیز"}]
    template = {"type": "template", "payload": {"product": {"elements": elements}}}
    texts = [share.text for share in read(attachments=[template])]
    assert texts == ["عنوان: مانتو لینن آوین", "عنوان: شومیز"]


def test_s5_words_beside_a_share_are_a_message_of_their_own_after_it() -> None:
    shared, wrote = (build(one) for one in read(text="این چنده؟", attachments=[POST]))
    assert isinstance(shared, CustomerShared)
    assert isinstance(wrote, CustomerWrote)
    assert (wrote.text, wrote.message_type) == ("این چنده؟", MessageType.TEXT)
    assert shared.id != wrote.id
    assert shared.mid == wrote.mid == "m1"


def test_s5_a_story_reply_is_the_story_and_the_words() -> None:
    story = {"story": {"id": "9", "url": "https://cdn/story"}}
    shared, wrote = (build(one) for one in read(text="موجوده؟", reply_to=story))
    assert isinstance(shared, CustomerShared)
    assert shared.content == "لینک: https://cdn/story"
    assert [media.media_id for media in shared.media] == ["9"]
    assert isinstance(wrote, CustomerWrote)
    assert wrote.text == "موجوده؟"


def test_a_picture_beside_a_share_is_a_message_of_its_own() -> None:
    picture = {"type": "image", "payload": {"url": "u"}}
    kinds = [one.kind for one in read(attachments=[POST, picture])]
    assert kinds == [EventKind.SHARED, EventKind.WROTE]


def test_what_the_owner_shares_is_the_owners_answer() -> None:
    (found,) = _read(SHOP, SARA, {"is_echo": True, "attachments": [POST]})
    echo = build(found)
    assert isinstance(echo, EchoReceived)
    assert echo.message_type is MessageType.SHARE
    assert echo.text == "عنوان: مانتو نخی\nلینک: https://cdn/2"
