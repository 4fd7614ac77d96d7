"""What a Telegram message refers to."""

import pytest

from actors.conversation.events import CustomerWrote
from deployments.integrations.telegram.reading import build_event
from tests.unit.deployments.integrations.telegram.test_reading import (
    AT,
    CHANNEL,
    read_message,
)

COAT = "مانتو لینن آوین در رنگ‌های کرم، سبز و مشکی موجود است."
POST = {"chat": {"id": -1, "type": "channel", "username": "avin"}, "message_id": 88}


@pytest.mark.parametrize(
    ("content", "referred"),
    [
        ({"reply_to_message": {"message_id": 12, "text": COAT}}, COAT),
        (
            {"reply_to_message": {"photo": [{"file_id": "p"}], "caption": COAT}},
            COAT,
        ),
        (
            {
                "reply_to_message": {
                    "rich_message": {"blocks": [{"type": "paragraph", "text": COAT}]}
                }
            },
            COAT,
        ),
        # What is known by its id alone is looked up among what is stored.
        ({"reply_to_message": {"message_id": 12}}, ""),
        ({"reply_to_message": {"photo": [{"file_id": "p"}]}}, ""),
        # The part that the customer chose.
        (
            {
                "reply_to_message": {"message_id": 12, "text": COAT},
                "quote": {"text": "مانتو لینن آوین", "position": 0},
            },
            "مانتو لینن آوین",
        ),
        (
            {"quote": {"text": "مانتو لینن آوین"}, "external_reply": POST},
            "مانتو لینن آوین\nلینک: https://t.me/avin/88",
        ),
        (
            {
                "quote": {
                    "text": "این",
                    "entities": [
                        {
                            "type": "text_link",
                            "offset": 0,
                            "length": 3,
                            "url": "https://shop.example",
                        }
                    ],
                }
            },
            "این (https://shop.example)",
        ),
        (
            {"external_reply": {"poll": {"question": "کدوم رنگ؟"}, "message_id": 3}},
            "[نظرسنجی] کدوم رنگ؟",
        ),
        ({"external_reply": POST}, "لینک: https://t.me/avin/88"),
        (
            {"reply_to_story": {"chat": {"username": "avin"}, "id": 4}},
            "لینک: https://t.me/avin/s/4",
        ),
        ({"forward_origin": {"type": "channel", **POST}}, "لینک: https://t.me/avin/88"),
        ({"quote": 7, "external_reply": 7, "reply_to_story": 7}, ""),
    ],
)
def test_what_a_message_refers_to_stands_beside_it(
    content: dict[str, object], referred: str
) -> None:
    found = read_message(text="این چنده؟", **content)
    assert (found.text, found.referred) == ("این چنده؟", referred)
    event = build_event(CHANNEL, found, AT)
    assert isinstance(event, CustomerWrote)
    assert event.referred == referred
