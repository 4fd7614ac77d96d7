"""Mails: one address each, headers that no text can break, and no mail sent twice."""

import asyncio
import contextlib
import re
import smtplib
import socket
import ssl
import threading
import unicodedata
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import parseaddr
from enum import Enum
from urllib.parse import unquote, urlsplit

from actors.monitor.alert_dispatcher import AlertRefusedError
from config.networks import is_loopback
from persistence.alerts import PendingDelivery

#: For one answer of the server.
SMTP_TIMEOUT_S = 15.0
#: For a whole mail, and for the goodbye after it.
MAIL_TIMEOUT_S = 18.0
QUIT_TIMEOUT_S = 1.0
SMTP_PORTS = {"smtp": 587, "smtps": 465}
#: Mails at a time; a thread each, so that a slow server takes no others.
MAX_MAILS = 16
MAX_SUBJECT_CHARS = 150
NO_ADDRESS = "must be one address like name@example.com"
NO_ENCRYPTION = (
    "the mail server offers no encryption (STARTTLS), so no password was sent; use"
    " smtps:// or a server with STARTTLS"
)
#: An addr-spec of RFC 5321 without quotes, comments, routes (`%`, `!`) and `?`, which
#: could begin an encoded word.
_ADDRESS = re.compile(
    r"(?P<name>[A-Za-z0-9_+&'~=#$/{}^*-]+(\.[A-Za-z0-9_+&'~=#$/{}^*-]+)*)"
    r"@(?P<host>([A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+"
    r"[A-Za-z]([A-Za-z0-9-]{0,61}[A-Za-z0-9]))"
)
#: Control characters, separators of lines and paragraphs, lone surrogates.
_BREAKING = frozenset({"Cc", "Zl", "Zp", "Cs"})


def check_address(value: str) -> str:
    """Return the value if it is one mail address. Raises ValueError."""
    match = _ADDRESS.fullmatch(value)
    if match is None or len(value) > 254 or len(match["name"]) > 64:
        raise ValueError(NO_ADDRESS)
    return value


def clean_subject(text: str) -> str:
    """Return a text as it may stand in a header.

    Python reads encoded words (RFC 2047) in what it is given: one that holds a line
    break would become a header of its own, so they are taken apart.
    """
    plain = "".join(
        " " if unicodedata.category(sign) in _BREAKING else sign for sign in text
    )
    return " ".join(plain.replace("=?", "= ?").split())[:MAX_SUBJECT_CHARS]


@dataclass(frozen=True, slots=True)
class Mail:
    """A mail to one address."""

    to: str
    subject: str
    text: str
    #: The same for each copy.
    id: str
    at: datetime

    def render(self, sender: str) -> bytes:
        """Render it for the server. Raises ValueError unless `to` is one address."""
        message = EmailMessage(policy=SMTP)
        message["From"] = sender
        message["To"] = Address(addr_spec=check_address(self.to))
        message["Subject"] = clean_subject(self.subject)
        message["Message-ID"] = f"<{self.id}@pilito>"
        message["Date"] = self.at
        message["Auto-Submitted"] = "auto-generated"
        # Base64: no line of the text can be read as anything else.
        message.set_content(self.text, cte="base64")
        return message.as_bytes()


class MailServer:
    """Hands mails in at the SMTP server of the settings."""

    def __init__(
        self, url: str, sender: str, *, timeout_s: float = MAIL_TIMEOUT_S
    ) -> None:
        """Take `smtp://user:password@host:587`, or `smtps://` for TLS from the start.

        Plain `smtp` uses STARTTLS if the server offers it. Without encryption, a
        password is sent to this machine only.
        """
        server = urlsplit(url)
        self.address = server.hostname or "", server.port or SMTP_PORTS[server.scheme]
        self.is_tls = server.scheme == "smtps"
        self.user = unquote(server.username or "")
        self.password = unquote(server.password or "")
        self.sender = sender
        self._timeout_s = timeout_s
        self._threads = ThreadPoolExecutor(MAX_MAILS, "smtp")

    async def send(self, mail: Mail) -> None:
        """Send a mail; return when the server has taken it.

        Raises:
            AlertRefusedError: it was not taken; or uncertain, if there was no answer
                after the mail had begun to leave.
        """
        try:
            content = mail.render(self.sender)
        except ValueError as error:
            text = f"to: {NO_ADDRESS}; create the route again"
            raise AlertRefusedError(text, permanent=True) from error
        submission = _Submission(self, mail.to, content)
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(self._timeout_s):
                await loop.run_in_executor(self._threads, submission.run)
        except TimeoutError as error:
            # First: the text could begin to leave just now.
            submission.end()
            if submission.stage is not _Stage.TAKEN:
                raise submission.explain() from error
        except smtplib.SMTPResponseException as error:
            # The server has answered: nothing was taken.
            is_bad = isinstance(error, _RecipientRefusedError) and error.is_permanent
            raise AlertRefusedError(_describe(error), permanent=is_bad) from error
        except (smtplib.SMTPException, OSError) as error:
            raise submission.explain(error) from error
        finally:
            submission.end()


class _Stage(Enum):
    #: Nothing of the mail has left.
    GREETING = "greeting"
    #: The server may have the mail.
    DATA = "data"
    #: The server has said that it has.
    TAKEN = "taken"
    #: Given up before anything left.
    ENDED = "ended"


class _RecipientRefusedError(smtplib.SMTPResponseException):
    @property
    def is_permanent(self) -> bool:
        return self.smtp_code >= 500


class _Submission:
    """One mail on its way, in a thread, which ends when the caller gives up."""

    def __init__(self, server: MailServer, to: str, content: bytes) -> None:
        self._server = server
        self._to = to
        self._content = content
        self._link: smtplib.SMTP | None = None
        self._lock = threading.Lock()
        self.stage = _Stage.GREETING

    def run(self) -> None:
        """Hand the mail in."""
        link = self._link = self._connect()
        try:
            self._introduce(link)
            _expect(link.mail(parseaddr(self._server.sender)[1]))
            code, text = link.rcpt(self._to)
            if code not in {250, 251}:
                raise _RecipientRefusedError(code, text)
            with self._lock:
                if self.stage is _Stage.ENDED:
                    return
                self.stage = _Stage.DATA
            # Its own error says that the server did not want the mail at all.
            _expect(link.data(self._content))
            self.stage = _Stage.TAKEN
            # A server that hangs now has the mail all the same.
            with contextlib.suppress(smtplib.SMTPException, OSError):
                _socket_of(link).settimeout(QUIT_TIMEOUT_S)
                link.quit()
        finally:
            link.close()

    def end(self) -> None:
        """Have the thread end, and nothing more leave if nothing has."""
        with self._lock:
            if self.stage is _Stage.GREETING:
                self.stage = _Stage.ENDED
        connection = self._link.sock if self._link is not None else None
        if connection is not None:
            with contextlib.suppress(OSError):
                # Of the plain socket: TLS would first say goodbye.
                socket.socket.shutdown(connection, socket.SHUT_RDWR)

    def explain(self, error: Exception | None = None) -> AlertRefusedError:
        """Build the error of an attempt without an answer."""
        reason = "no answer in time" if error is None else type(error).__name__
        return AlertRefusedError(
            f"the mail server: {reason}", is_uncertain=self.stage is _Stage.DATA
        )

    def _connect(self) -> smtplib.SMTP:
        if self._server.is_tls:
            return smtplib.SMTP_SSL(
                *self._server.address,
                timeout=SMTP_TIMEOUT_S,
                context=ssl.create_default_context(),
            )
        return smtplib.SMTP(*self._server.address, timeout=SMTP_TIMEOUT_S)

    def _introduce(self, link: smtplib.SMTP) -> None:
        """Greet, encrypt if possible, and sign in."""
        link.ehlo()
        is_encrypted = self._server.is_tls
        if not is_encrypted and link.has_extn("starttls"):
            _expect(link.starttls(context=ssl.create_default_context()))
            link.ehlo()
            is_encrypted = True
        if self._server.user:
            if not is_encrypted and not _is_here(link):
                # Whoever sits between could have struck the offer out.
                raise AlertRefusedError(NO_ENCRYPTION)
            link.login(self._server.user, self._server.password)


def _expect(reply: tuple[int, bytes]) -> None:
    """Raise the server's refusal."""
    code, text = reply
    if not 200 <= code < 300:
        raise smtplib.SMTPResponseException(code, text)


def _socket_of(link: smtplib.SMTP) -> socket.socket:
    if link.sock is None:
        raise smtplib.SMTPServerDisconnected
    return link.sock


def _is_here(link: smtplib.SMTP) -> bool:
    peer: str = _socket_of(link).getpeername()[0]
    return is_loopback(peer)


def _describe(error: smtplib.SMTPResponseException) -> str:
    """Say what the server refused; its words are not ours, and may repeat secrets."""
    if isinstance(error, _RecipientRefusedError):
        return f"the mail server refused this address ({error.smtp_code})"
    return f"the mail server: {type(error).__name__} ({error.smtp_code})"


class EmailNotifier:
    """Sends one mail for each alert."""

    def __init__(self, server: MailServer) -> None:
        self._server = server

    async def send(
        self, pending: PendingDelivery, target: Mapping[str, object]
    ) -> None:
        """Send the mail; see Notifier.send."""
        await self._server.send(build_mail(pending, str(target["to"])))


def build_mail(pending: PendingDelivery, to: str) -> Mail:
    """Build the mail of an alert. Its id is the alert's, to mark a second copy."""
    alert = pending.alert
    lines = [pending.text, "", f"{alert.created_at:%Y-%m-%d %H:%M} UTC"]
    lines += [f"{name}: {value}" for name, value in alert.facts.items() if value]
    return Mail(
        to=to,
        subject=alert.text,
        text="\n".join(lines),
        id=f"{alert.id}.{pending.route_id}",
        at=alert.created_at,
    )
