"""Delivers alerts: signed webhooks, mails, and messages of the tenant's own bots."""

from collections.abc import Mapping
from dataclasses import replace
from uuid import UUID

import httpx
import orjson

from actors.conversation.errors import SendOutcomeUnknownError, SendRefusedError
from actors.conversation.ports import OutgoingPart
from actors.conversation.state import Source
from actors.monitor.alert_dispatcher import AlertRefusedError, Notifier
from actors.monitor.checks.outcome import FailureKind
from actors.monitor.checks.ssrf_guard import EgressPolicy, classify, open_guarded_client
from config.settings import Settings
from deployments.http.signing import build_signed_headers
from deployments.integrations.telegram.sending import TelegramBots
from deployments.monitoring.mail import EmailNotifier, MailServer
from persistence.alert_routes import replace_target
from persistence.alerts import PendingDelivery
from persistence.channels import ChannelKind, decrypt_tokens, fetch_tenant_channel
from persistence.database import Pool
from persistence.ids import ChannelId, SendId
from persistence.monitor import RouteKind
from persistence.secrets import Cipher

TIMEOUT = httpx.Timeout(15.0, connect=5.0)
#: Alerts are rare: no connection is kept open for them.
LIMITS = httpx.Limits(max_keepalive_connections=0)
#: A receiver that moved, and moved again.
MAX_REDIRECTS = 5
#: The same at each attempt, so that a receiver can drop repetitions.
ALERT_ID = "X-Pilito-Alert-Id"


def build_notifiers(
    settings: Settings, pool: Pool, cipher: Cipher, policy: EgressPolicy
) -> dict[RouteKind, Notifier]:
    """Build the notifiers that the settings allow; without an SMTP server no e-mail."""
    # A tenant chooses a webhook's address, like a service's.
    guarded = open_guarded_client(policy, TIMEOUT)
    plain = httpx.AsyncClient(timeout=TIMEOUT, limits=LIMITS)
    notifiers: dict[RouteKind, Notifier] = {
        RouteKind.WEBHOOK: WebhookNotifier(guarded),
        RouteKind.TELEGRAM: TelegramNotifier(
            plain, settings.telegram_api_url, pool, cipher
        ),
    }
    server = build_mail_server(settings)
    if server is not None:
        notifiers[RouteKind.EMAIL] = EmailNotifier(server)
    return notifiers


def build_mail_server(settings: Settings) -> MailServer | None:
    """Build the mail server of the settings; None if they name none."""
    if settings.smtp_url is None:
        return None
    return MailServer(settings.smtp_url.get_secret_value(), settings.smtp_from)


class WebhookNotifier:
    """Posts JSON; any 2xx answer is an acceptance."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self._client = client

    async def send(
        self, pending: PendingDelivery, target: Mapping[str, object]
    ) -> None:
        """Post the alert; see Notifier.send."""
        body = render_body(pending)
        at, secret = pending.alert.created_at, str(target["secret"])
        headers = {
            ALERT_ID: str(pending.alert.id),
            **build_signed_headers(secret, at, body),
        }
        status = await self._post(str(target["url"]), headers, body)
        if not 200 <= status < 300:
            # A 4xx is retried, too: the receiver may be under repair.
            message = f"HTTP {status}"
            raise AlertRefusedError(message, permanent=status == 410)

    async def _post(self, address: str, headers: Mapping[str, str], body: bytes) -> int:
        """Post, also where a 307 or 308 sends us; return the last status."""
        try:
            url = httpx.URL(address)
        except httpx.InvalidURL as error:
            text = "url: an invalid address; create the route again"
            raise AlertRefusedError(text, permanent=True) from error
        for _ in range(MAX_REDIRECTS + 1):
            try:
                async with self._client.stream(
                    "POST", url, headers=headers, content=body
                ) as answer:
                    status, location = (
                        answer.status_code,
                        answer.headers.get("location"),
                    )
            except Exception as error:
                kind, text = classify(error)
                is_forbidden = kind is FailureKind.FORBIDDEN
                raise AlertRefusedError(text, permanent=is_forbidden) from error
            if status in {301, 302, 303}:
                # Clients turn the POST into a GET there, and the alert would be lost.
                message = f"HTTP {status}: it redirects; use the final address"
                raise AlertRefusedError(message)
            if status not in {307, 308} or location is None:
                return status
            url = _follow(url, location)
        message = f"more than {MAX_REDIRECTS} redirects; use the final address"
        raise AlertRefusedError(message)


def _follow(url: httpx.URL, location: str) -> httpx.URL:
    """Return where a redirect leads; its walls are those of the first address."""
    try:
        there = url.join(location)
    except httpx.InvalidURL as error:
        message = "it redirects to an invalid address"
        raise AlertRefusedError(message) from error
    if there.scheme not in {"http", "https"} or not there.host:
        message = "it redirects to an address that is not http or https"
        raise AlertRefusedError(message)
    if url.scheme == "https" and there.scheme == "http":
        message = "it redirects from https to http; use the final address"
        raise AlertRefusedError(message)
    return there


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
            "text": pending.text,
            "facts": alert.facts,
            "created_at": alert.created_at,
        }
    )


class TelegramNotifier:
    """Sends as the bot of one of the tenant's channels."""

    def __init__(
        self, client: httpx.AsyncClient, api_url: str, pool: Pool, cipher: Cipher
    ) -> None:
        self._bots = TelegramBots(client, api_url)
        self._pool = pool
        self._cipher = cipher

    async def send(
        self, pending: PendingDelivery, target: Mapping[str, object]
    ) -> None:
        """Send the message; see Notifier.send."""
        channel_id = ChannelId(UUID(str(target["channel_id"])))
        tenant_id = pending.alert.tenant_id
        channel = await fetch_tenant_channel(self._pool, tenant_id, channel_id)
        if channel is None or channel.kind is not ChannelKind.TELEGRAM:
            text = "the bot's channel does not exist any more"
            raise AlertRefusedError(text, permanent=True)
        token = decrypt_tokens(self._cipher, channel).access_token or ""
        part = OutgoingPart(
            send_id=SendId(pending.alert.id),
            tenant_id=tenant_id,
            channel_id=channel_id,
            source=Source.TELEGRAM,
            customer=str(target["chat_id"]),
            content=pending.text,
        )
        moved_to = await self._post(token, part)
        if moved_to is not None:
            # A group that became a supergroup has a new id, for good.
            moved = {**target, "chat_id": moved_to}
            encrypted = self._cipher.encrypt(orjson.dumps(moved))
            await replace_target(self._pool, tenant_id, pending.route_id, encrypted)
            await self._post(token, replace(part, customer=moved_to))

    async def _post(self, token: str, part: OutgoingPart) -> str | None:
        """Post a message; return where the chat has moved, if it has."""
        try:
            await self._bots.post(token, part)
        except SendRefusedError as error:
            if error.moved_to is not None and error.moved_to != part.customer:
                return error.moved_to
            raise AlertRefusedError(str(error), permanent=error.permanent) from error
        except SendOutcomeUnknownError as error:
            # It may have arrived; a second copy is better than no alert.
            raise AlertRefusedError(str(error), is_uncertain=True) from error
        return None
