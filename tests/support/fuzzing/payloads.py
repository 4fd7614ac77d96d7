"""Webhooks as the platforms document them, a few of each kind.

Sources: Meta, Messenger Platform and Instagram API webhook reference; Telegram, Bot
API 10.3; our own description of the website's webhook.
"""

from collections.abc import Sequence
from typing import TypeAlias

Json: TypeAlias = "dict[str, Json] | list[Json] | str | int | float | bool | None"

ACCOUNT = "17841400000000000"
NOW_MS, NOW_S = 1_771_234_567_890, 1_771_234_567
_BUSINESS = "business-connection-1"


def _instagram(customer: str, *events: dict[str, Json], **members: Json) -> Json:
    parties: dict[str, Json] = {
        "sender": {"id": customer},
        "recipient": {"id": ACCOUNT},
        "timestamp": NOW_MS,
    }
    messaging: list[Json] = [{**parties, **event} for event in events]
    entry: dict[str, Json] = {
        "id": ACCOUNT,
        "time": NOW_MS,
        "messaging": messaging,
        **members,
    }
    return {"object": "instagram", "entry": [entry]}


def instagram(customer: str, mid: str) -> Sequence[Json]:
    """Build webhooks of a customer; `mid` is the platform's id of the message."""

    def told(**fields: Json) -> Json:
        return _instagram(customer, {"message": {"mid": mid, **fields}})

    post: dict[str, Json] = {
        "type": "ig_post",
        "payload": {"ig_post_media_id": "17", "title": "مانتو", "url": "https://cdn/2"},
    }
    image: Json = {"type": "image", "payload": {"url": "https://cdn/3"}}
    product: Json = {
        "type": "template",
        "payload": {
            "product": {"elements": [{"id": "9", "title": "کفش", "subtitle": "۴۲"}]}
        },
    }
    ours: dict[str, Json] = {
        "sender": {"id": ACCOUNT},
        "recipient": {"id": customer},
        "timestamp": NOW_MS,
        "message": {"mid": mid, "is_echo": True, "text": "سلام", "app_id": 7},
    }
    referral: dict[str, Json] = {
        "ref": "summer",
        "source": "ADS",
        "type": "OPEN_THREAD",
        "ads_context_data": {"ad_title": "حراج", "photo_url": "https://cdn/4"},
        "product": {"id": "77"},
    }
    return (
        told(text="قیمت مانتو چنده؟"),
        told(text="سلام", quick_reply={"payload": "PRICE"}),
        told(text="سلام", reply_to={"mid": "m0"}),
        told(text="این", reply_to={"story": {"id": "5", "url": "https://cdn/1"}}),
        told(attachments=[post, {**post, "type": "share"}], text="موجوده؟"),
        told(attachments=[image, {"type": "like_heart"}, {"type": "file"}, product]),
        told(is_unsupported=True),
        told(is_deleted=True),
        told(text="از تبلیغ", referral=referral),
        _instagram(customer, ours),
        _instagram(customer, {"referral": referral}),
        _instagram(
            customer, {"postback": {"mid": mid, "title": "قیمت", "payload": "P"}}
        ),
        _instagram(
            customer, {"message_edit": {"mid": mid, "text": "کفش", "num_edit": 1}}
        ),
        _instagram(
            customer, {"reaction": {"mid": mid, "emoji": "❤", "action": "react"}}
        ),
        _instagram(customer, {"read": {"mid": mid}}),
        _instagram(customer, {"a_new_act": {"text": "سلام", "of": {"id": 1}}}),
        _instagram(
            customer,
            standby=[
                {
                    "sender": {"id": customer},
                    "recipient": {"id": ACCOUNT},
                    "timestamp": NOW_MS,
                    "message": {"mid": mid, "text": "سلام"},
                }
            ],
            changes=[{"field": "comments", "value": {"text": "سلام"}}],
        ),
    )


def telegram(chat_id: int, number: int) -> Sequence[Json]:
    """Build updates of a customer; `number` names the update and the message."""
    person: dict[str, Json] = {
        "id": chat_id,
        "is_bot": False,
        "first_name": "سارا",
        "username": "sara",
    }
    chat: dict[str, Json] = {"id": chat_id, "type": "private", "first_name": "سارا"}
    about: dict[str, Json] = {
        "message_id": number,
        "date": NOW_S,
        "chat": chat,
        "from": person,
    }

    def update(name: str, **fields: Json) -> Json:
        return {"update_id": number, name: {**about, **fields}}

    link: Json = {"type": "text_link", "offset": 0, "length": 4, "url": "https://t.me"}
    photo: Json = [{"file_id": "a", "width": 9}, {"file_id": "b", "width": 90}]
    checklist: dict[str, Json] = {
        "title": "خرید",
        "tasks": [{"id": 1, "text": "کفش"}, {"id": 2, "text": "کیف"}],
    }
    order: dict[str, Json] = {
        "currency": "IRR",
        "total_amount": 990_000,
        "invoice_payload": "o-1",
        "order_info": {"name": "سارا", "shipping_address": {"city": "تهران"}},
    }
    rich: dict[str, Json] = {
        "blocks": [
            {"type": "paragraph", "text": ["سلام ", {"type": "bold", "text": "خوب"}]},
            {"type": "list", "items": [{"label": "1.", "blocks": []}]},
            {"type": "table", "cells": [[{"text": "۴۲"}, {"text": "آبی"}]]},
            {"type": "photo", "photo": photo, "caption": {"text": "عکس"}},
        ]
    }
    return (
        update("message", text="سلام دنیا", entities=[link]),
        update("message", photo=photo, caption="این", caption_entities=[link]),
        update("message", sticker={"file_id": "s", "emoji": "🙂"}),
        update("message", voice={"file_id": "v", "mime_type": "audio/ogg"}),
        update("message", contact={"first_name": "سارا", "phone_number": "+98912"}),
        update("message", location={"latitude": 35.7, "longitude": 51.4}),
        update("message", poll={"question": "رنگ؟", "options": [{"text": "آبی"}]}),
        update("message", checklist=checklist),
        update(
            "message",
            checklist_tasks_done={
                "checklist_message": {"checklist": checklist},
                "marked_as_done_task_ids": [1],
            },
        ),
        update("message", successful_payment=order),
        update("message", rich_message=rich),
        update("message", web_app_data={"data": "{}", "button_text": "فرم"}),
        update("message", paid_media={"star_count": 1, "paid_media": [{"type": "x"}]}),
        update("message", users_shared={"users": [{"user_id": 1}]}),
        update("message", gift={"gift": {"star_count": 3}, "text": "هدیه"}),
        update("message", new_chat_title="x"),
        update(
            "message",
            text="این؟",
            reply_to_message={**about, "text": "مانتو"},
            quote={"text": "مانتو", "entities": [link]},
            external_reply={"chat": {"username": "shop"}, "message_id": 4},
            media_group_id="1",
            is_topic_message=True,
            message_thread_id=3,
        ),
        update("edited_message", text="کفش", edit_date=NOW_S),
        update("business_message", text="سلام", business_connection_id=_BUSINESS),
        {
            "update_id": number,
            "deleted_business_messages": {
                "business_connection_id": _BUSINESS,
                "chat": chat,
                "message_ids": [number, number + 1],
            },
        },
        {
            "update_id": number,
            "callback_query": {
                "id": "q1",
                "from": person,
                "data": "buy",
                "message": {
                    **about,
                    "text": "مانتو",
                    "reply_markup": {
                        "inline_keyboard": [[{"text": "خرید", "callback_data": "buy"}]]
                    },
                },
            },
        },
        {
            "update_id": number,
            "message_reaction": {
                "chat": chat,
                "user": person,
                "message_id": number,
                "new_reaction": [{"type": "emoji", "emoji": "❤"}],
            },
        },
        {
            "update_id": number,
            "poll_answer": {"user": person, "poll_id": "1", "option_ids": [0]},
        },
        {"update_id": number, "pre_checkout_query": {"from": person, **order}},
        {"update_id": number, "a_new_update": {"from": person, "of": [1]}},
    )


def website(visitor_id: str, client_id: str) -> Sequence[Json]:
    """Build messages of a visitor."""
    return (
        {"visitor_id": visitor_id, "content": "سلام", "client_id": client_id},
        {"visitor_id": visitor_id, "content": "قیمت مانتو چنده؟"},
    )
