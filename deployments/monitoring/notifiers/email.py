"""Sends alerts by e-mail, over the SMTP server of the settings."""

import asyncio
import smtplib
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from email.message import EmailMessage
from urllib.parse import unquote, urlsplit

from actors.monitor.alert_dispatcher import AlertRefusedError
from persistence.alerts import PendingDelivery

TIMEOUT_S = 15.0
DEFAULT_PORTS = {"smtp": 587, "smtps": 465}


@dataclass(frozen=True, slots=True)
class SmtpServer:
    """An SMTP server; plain `smtp` uses STARTTLS if the server offers it."""

    host: str
    port: int
    is_tls: bool
    user: str = ""
    password: str = field(default="", repr=False)


def parse_smtp(url: str) -> SmtpServer:
    """Parse `smtp://user:password@host:587`, or `smtps://` for TLS from the start."""
    parts = urlsplit(url)
    return SmtpServer(
        host=parts.hostname or "",
        port=parts.port or DEFAULT_PORTS[parts.scheme],
        is_tls=parts.scheme == "smtps",
        user=unquote(parts.username or ""),
        password=unquote(parts.password or ""),
    )


class EmailNotifier:
    """Sends one mail for each alert."""

    def __init__(self, server: SmtpServer, sender: str) -> None:
        self._server = server
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
        server = self._server
        context = ssl.create_default_context()
        link = (
            smtplib.SMTP_SSL(
                server.host, server.port, timeout=TIMEOUT_S, context=context
            )
            if server.is_tls
            else smtplib.SMTP(server.host, server.port, timeout=TIMEOUT_S)
        )
        with link:
            link.ehlo()
            if not server.is_tls and link.has_extn("starttls"):
                link.starttls(context=context)
                link.ehlo()
            if server.user:
                link.login(server.user, server.password)
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
