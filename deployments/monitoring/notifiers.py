"""Delivers alerts: signed webhooks, e-mail, and messages of the tenant's own bots."""

import asyncio
import hashlib
import hmac
import smtplib
import ssl
from collections.abc import Mapping
from email.message import EmailMessage
from urllib.parse import unquote, urlsplit
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
from deployments.integrations.telegram.sending import TelegramBots
from persistence.alerts import PendingDelivery
from persistence.channels import ChannelKind, decrypt_tokens, fetch_tenant_channel
from persistence.database import Pool
from persistence.ids import ChannelId, SendId
from persistence.monitor import RouteKind
from persistence.secrets import Cipher

TIMEOUT = httpx.Timeout(15.0, connect=5.0)
#: Alerts are rare: no connection is kept open for them.
LIMITS = httpx.Limits(max_keepalive_connections=0)
SMTP_TIMEOUT_S = 15.0
SMTP_PORTS = {"smtp": 587, "smtps": 465}
#: Of `{timestamp}.{body}`, so that an old alert can't be replayed as a new one.
SIGNATURE = "X-Pilito-Signature"
TIMESTAMP = "X-Pilito-Timestamp"
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
    if settings.smtp_url is not None:
        url = settings.smtp_url.get_secret_value()
        notifiers[RouteKind.EMAIL] = EmailNotifier(url, settings.smtp_from)
    return notifiers


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


class EmailNotifier:
    """Sends one mail for each alert, over the SMTP server of the settings."""

    def __init__(self, url: str, sender: str) -> None:
        """Take `smtp://user:password@host:587`, or `smtps://` for TLS from the start.

        Plain `smtp` uses STARTTLS if the server offers it.
        """
        server = urlsplit(url)
        self._address = server.hostname or "", server.port or SMTP_PORTS[server.scheme]
        self._is_tls = server.scheme == "smtps"
        self._user = unquote(server.username or "")
        self._password = unquote(server.password or "")
        self._sender = sender

    async def send(
        self, pending: PendingDelivery, target: Mapping[str, object]
    ) -> None:
        """Send the mail; see Notifier.send."""
        message = render_mail(pending, self._sender, str(target["to"]))
        try:
            await asyncio.to_thread(self._submit, message)
        except smtplib.SMTPRecipientsRefused as error:
            text = "the mail server refused this address"
            raise AlertRefusedError(text, permanent=True) from error
        except (smtplib.SMTPException, OSError) as error:
            text = f"the mail server: {type(error).__name__}"
            raise AlertRefusedError(text) from error

    def _submit(self, message: EmailMessage) -> None:
        context = ssl.create_default_context()
        link = (
            smtplib.SMTP_SSL(*self._address, timeout=SMTP_TIMEOUT_S, context=context)
            if self._is_tls
            else smtplib.SMTP(*self._address, timeout=SMTP_TIMEOUT_S)
        )
        with link:
            link.ehlo()
            if not self._is_tls and link.has_extn("starttls"):
                link.starttls(context=context)
                link.ehlo()
            if self._user:
                link.login(self._user, self._password)
            link.send_message(message)


def render_mail(pending: PendingDelivery, sender: str, to: str) -> EmailMessage:
    """Render the mail. Its Message-ID is the alert's, to mark a second copy."""
    alert = pending.alert
    message = EmailMessage()
    message["From"] = sender
    message["To"] = to
    # A line break in a name would start another header.
    message["Subject"] = " ".join(alert.text.split())[:150]
    message["Message-ID"] = f"<{alert.id}.{pending.route_id}@pilito>"
    message["Date"] = alert.created_at
    lines = [alert.text, "", f"{alert.created_at:%Y-%m-%d %H:%M} UTC"]
    lines += [f"{name}: {value}" for name, value in alert.facts.items() if value]
    message.set_content("\n".join(lines))
    return message


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
        part = OutgoingPart(
            send_id=SendId(pending.alert.id),
            tenant_id=tenant_id,
            channel_id=channel_id,
            source=Source.TELEGRAM,
            customer=str(target["chat_id"]),
            content=pending.alert.text,
        )
        token = decrypt_tokens(self._cipher, channel).access_token or ""
        try:
            await self._bots.post(token, part)
        except SendRefusedError as error:
            raise AlertRefusedError(str(error), permanent=error.permanent) from error
        except SendOutcomeUnknownError as error:
            # It may have arrived; a second copy is better than no alert.
            raise AlertRefusedError(str(error)) from error
