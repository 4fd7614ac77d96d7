"""Sends through Instagram's Graph API, and reads what it answers."""

from collections.abc import Mapping

import httpx

from actors.conversation.errors import SendOutcomeUnknownError, SendRefusedError
from actors.conversation.ports import OutgoingPart
from deployments.platforms.platform import clean_reason, post_once, read_object

#: Graph's codes for "later", which may come with a 400 or 403: unknown and service
#: errors, and the limits of app, user, page and business. Source: Meta, Graph API
#: error handling and rate limits.
PASSING_CODES = frozenset({1, 2, 4, 17, 32, 341, 613, 80002, 80006})


class InstagramGraph:
    """Posts through the Graph API."""

    def __init__(self, client: httpx.AsyncClient, graph_url: str) -> None:
        self._client = client
        self._address = f"{graph_url}/me/messages"

    async def post(self, token: str, part: OutgoingPart) -> str:
        """Post and return the `message_id`."""
        payload: dict[str, object] = {
            "recipient": {"id": part.customer},
            "message": {"text": part.content},
        }
        if part.tag:
            # Late answers are taken from persons only, who say that they are one.
            payload |= {"messaging_type": "MESSAGE_TAG", "tag": part.tag}
        answer = await post_once(
            self._client,
            self._address,
            payload,
            {"Authorization": f"Bearer {token}"},
        )
        return _read_answer(answer, token)


def _read_answer(answer: httpx.Response, token: str) -> str:
    status = answer.status_code
    body = read_object(answer.content)
    if answer.is_success:
        mid = body.get("message_id")
        if isinstance(mid, str) and mid:
            return mid
        # It was taken, but by what name? The echo tells.
        message = f"HTTP {status} without a message_id"
        raise SendOutcomeUnknownError(message)
    problem = body.get("error")
    fields: Mapping[object, object] = problem if isinstance(problem, dict) else {}
    reason = clean_reason(fields.get("message", ""), token)
    reason = f"HTTP {status}: {reason or answer.reason_phrase}"
    if status == 504:
        # A gateway's time-out is one of ours: what is behind it may have sent.
        raise SendOutcomeUnknownError(reason)
    is_passing = (
        status == 429
        or status >= 500
        or fields.get("is_transient") is True
        or fields.get("code") in PASSING_CODES
    )
    raise SendRefusedError(
        reason, permanent=not is_passing, retry_after_s=_read_retry_after(answer)
    )


def _read_retry_after(answer: httpx.Response) -> float | None:
    """Read the seconds; the other form, a date, is left to our own backoff."""
    value = answer.headers.get("retry-after", "").strip()
    return float(value) if value.isdecimal() and len(value) < 7 else None
