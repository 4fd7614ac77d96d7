"""Posts signed alerts to a webhook of the tenant."""

import hashlib
import hmac
from collections.abc import Mapping

import httpx
import orjson

from actors.monitor.alert_dispatcher import AlertRefusedError
from actors.monitor.checks.outcome import FailureKind
from actors.monitor.checks.ssrf_guard import classify
from persistence.alerts import PendingDelivery

#: Of `{timestamp}.{body}`, so that an old alert can't be replayed as a new one.
SIGNATURE = "X-Pilito-Signature"
TIMESTAMP = "X-Pilito-Timestamp"
#: The same at each attempt, so that a receiver can drop repetitions.
ALERT_ID = "X-Pilito-Alert-Id"


def sign(secret: str, timestamp: str, body: bytes) -> str:
    """Return the signature of a body, as the header carries it."""
    signed = f"{timestamp}.".encode() + body
    digest = hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()
    return f"sha256={digest}"


class WebhookNotifier:
    """Posts JSON; any 2xx answer is an acceptance."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self._client = client

    async def send(
        self, pending: PendingDelivery, target: Mapping[str, object]
    ) -> None:
        """Post the alert; see Notifier.send."""
        body = render_body(pending)
        timestamp = str(int(pending.alert.created_at.timestamp()))
        headers = {
            "Content-Type": "application/json",
            ALERT_ID: str(pending.alert.id),
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
            raise AlertRefusedError(text, permanent=is_forbidden) from error
        if not 200 <= status < 300:
            # A 4xx is retried, too: the receiver may be under repair.
            message = f"HTTP {status}"
            raise AlertRefusedError(message, permanent=status == 410)


def render_body(pending: PendingDelivery) -> bytes:
    """Render the JSON body."""
    alert = pending.alert
    return orjson.dumps(
        {
            "id": alert.id,
            "kind": alert.kind,
            "service_id": alert.service_id,
            "service_name": pending.service_name,
            "incident_id": alert.incident_id,
            "text": alert.text,
            "facts": alert.facts,
            "created_at": alert.created_at,
        }
    )
