"""Posts notices to an address of the tenant's, signed so that they can be believed."""

import hashlib
import hmac
from collections.abc import Mapping

import httpx
import orjson

from actors.monitor.checks.outcome import FailureKind
from actors.monitor.checks.ssrf_guard import classify
from actors.monitor.ports import NoticeRefusedError
from persistence.alerts import Errand

#: Over `{timestamp}.{body}`, so that an old notice can't be sent anew as a fresh one.
SIGNATURE = "X-Pilito-Signature"
TIMESTAMP = "X-Pilito-Timestamp"
#: The same at each attempt: whoever has seen it before drops it.
ALERT_ID = "X-Pilito-Alert-Id"


def sign(secret: str, timestamp: str, body: bytes) -> str:
    """Return the signature of a body, as the header carries it."""
    signed = f"{timestamp}.".encode() + body
    digest = hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()
    return f"sha256={digest}"


class WebhookWay:
    """Posts JSON; any 2xx is a yes."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self._client = client

    async def carry(self, errand: Errand, target: Mapping[str, object]) -> None:
        """Post the notice; see Way.carry."""
        body = render_body(errand)
        timestamp = str(int(errand.alert.created_at.timestamp()))
        headers = {
            "Content-Type": "application/json",
            ALERT_ID: str(errand.alert.id),
            TIMESTAMP: timestamp,
            SIGNATURE: sign(str(target["secret"]), timestamp, body),
        }
        try:
            async with self._client.stream(
                "POST", str(target["url"]), headers=headers, content=body
            ) as answer:
                status = answer.status_code
        except Exception as error:
            kind, text = classify(error)
            is_forbidden = kind is FailureKind.FORBIDDEN
            raise NoticeRefusedError(text, permanent=is_forbidden) from error
        if not 200 <= status < 300:
            # A 4xx may be a receiver that is being mended; it is asked again, too.
            message = f"HTTP {status}"
            raise NoticeRefusedError(message, permanent=status == 410)


def render_body(errand: Errand) -> bytes:
    """Render what is posted."""
    alert = errand.alert
    return orjson.dumps(
        {
            "id": alert.id,
            "kind": alert.kind,
            "service_id": alert.service_id,
            "service_name": errand.service_name,
            "incident_id": alert.incident_id,
            "text": alert.text,
            "facts": alert.facts,
            "created_at": alert.created_at,
        }
    )
