"""Instagram webhooks as Meta sends them: signed over the raw body."""

import hashlib
import hmac

import orjson


def text_webhook(account: str, customer: str, mid: str, text: str) -> bytes:
    """Build the body of a webhook with one text message."""
    return _webhook(account, customer, {"mid": mid, "text": text})


def share_webhook(account: str, customer: str, mid: str, title: str) -> bytes:
    """Build the body of a webhook with one shared post."""
    payload = {"title": title, "url": "https://cdn.example/1", "ig_post_media_id": "1"}
    attachments = [{"type": "ig_post", "payload": payload}]
    return _webhook(account, customer, {"mid": mid, "attachments": attachments})


def _webhook(account: str, customer: str, message: dict[str, object]) -> bytes:
    return orjson.dumps(
        {
            "object": "instagram",
            "entry": [
                {
                    "id": account,
                    "time": 1_771_234_567_890,
                    "messaging": [
                        {
                            "sender": {"id": customer},
                            "recipient": {"id": account},
                            "timestamp": 1_771_234_567_890,
                            "message": message,
                        }
                    ],
                }
            ],
        }
    )


def sign(body: bytes, secret: str) -> dict[str, str]:
    """Return the headers of a webhook that Meta signed."""
    digest = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    return {
        "X-Hub-Signature-256": f"sha256={digest}",
        "Content-Type": "application/json",
    }
