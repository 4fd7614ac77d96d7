"""A real HTTP server that plays Telegram's Bot API, and delivers updates as it does."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

import httpx

from tests.support.servers.scripted_server import (
    Accept,
    Call,
    Fail,
    Reply,
    ScriptedServer,
)
from tests.support.waiting import TIMEOUT_S

TOKEN = "123456789:AAH-secret_of_the_bot-abcdefghijklmno"


@dataclass(frozen=True, slots=True)
class BotCall:
    """One call of a method; `is_done` when Telegram did what was asked."""

    token: str
    method: str
    payload: dict[str, object]
    is_done: bool

    @property
    def text(self) -> str:
        """The text of a message that was sent."""
        return str(self.payload["text"])


class TelegramServer(ScriptedServer):
    """Takes every method for the bots that it knows.

    Usage:
        with TelegramServer() as telegram:
            telegram.answer_next(too_many(3), HangUp())  # the next two sendMessage
            ...  # point PILITO_TELEGRAM_API_URL at telegram.url
            telegram.wait_for(1)
            assert telegram.texts == ["سلام"]
    """

    def __init__(self, *tokens: str) -> None:
        super().__init__()
        self._tokens = set(tokens or (TOKEN,))
        self.calls: list[BotCall] = []
        #: By token, what `setWebhook` asked for.
        self.webhooks: dict[str, dict[str, object]] = {}
        #: Answers to the methods other than sendMessage, by their names.
        self.managed: dict[str, Reply] = {}

    @property
    def sends(self) -> list[BotCall]:
        """Return every sendMessage, done or not, in order."""
        return [call for call in list(self.calls) if call.method == "sendMessage"]

    @property
    def texts(self) -> list[str]:
        """Return what customers would have seen, in order."""
        return [call.text for call in self.sends if call.is_done]

    def methods(self) -> list[str]:
        """Return the methods that were called, in order."""
        return [call.method for call in list(self.calls)]

    def wait_for(self, count: int, timeout_s: float = TIMEOUT_S) -> list[BotCall]:
        """Wait until `count` messages were tried."""
        self.wait_until(lambda: len(self.sends) >= count, timeout_s)
        return self.sends

    def choose(self, call: Call) -> Reply:
        """Answer sendMessage as told next, the other methods as told by name."""
        token, method = _read_path(call)
        if token not in self._tokens:
            return refusal(401, "Unauthorized")
        if method == "sendMessage":
            return super().choose(call)
        return self.managed.get(method, Accept())

    def take(self, call: Call, reply: Reply) -> str:
        """Note the call, and do what it asks."""
        token, method = _read_path(call)
        payload = json.loads(call.body or b"{}")
        is_done = not isinstance(reply, Fail)
        self.calls.append(BotCall(token, method, payload, is_done))
        result: object = True
        if method == "sendMessage":
            result = {"message_id": 1000 + len(self.calls), "text": payload["text"]}
        elif method == "getMe":
            result = {"id": int(token.split(":")[0]), "is_bot": True}
        elif method == "setWebhook" and is_done:
            self.webhooks[token] = payload
        elif method == "deleteWebhook" and is_done:
            self.webhooks.pop(token, None)
        return json.dumps({"ok": True, "result": result})

    async def deliver(
        self, client: httpx.AsyncClient, updates: Sequence[object], token: str = TOKEN
    ) -> list[int]:
        """Deliver updates, in the order given, to the webhook that was set."""
        webhook = self.webhooks[token]
        path = urlsplit(str(webhook["url"])).path
        headers = {"X-Telegram-Bot-Api-Secret-Token": str(webhook["secret_token"])}
        return [
            (await client.post(path, json=update, headers=headers)).status_code
            for update in updates
        ]


def refusal(status: int, description: str, *, retry_after: int | None = None) -> Fail:
    """Build Telegram's way of saying no."""
    body: dict[str, object] = {
        "ok": False,
        "error_code": status,
        "description": description,
    }
    if retry_after is not None:
        body["parameters"] = {"retry_after": retry_after}
    return Fail(status, json.dumps(body))


def too_many(seconds: int) -> Fail:
    """Build the refusal of a bot that sends too fast."""
    description = f"Too Many Requests: retry after {seconds}"
    return refusal(429, description, retry_after=seconds)


def update(update_id: int, chat: int = 7001, **message: object) -> dict[str, object]:
    """Build an update with a message of a private chat; a text if nothing is given."""
    return {
        "update_id": update_id,
        "message": build_message(update_id, chat, **(message or {"text": "سلام"})),
    }


def build_message(message_id: int, chat: int, **content: object) -> dict[str, object]:
    """Build a message as Telegram tells it."""
    person = {
        "id": chat,
        "first_name": "سارا",
        "last_name": "احمدی",
        "username": "sara",
    }
    return {
        "message_id": message_id,
        "from": {**person, "is_bot": False, "language_code": "fa"},
        "chat": {**person, "type": "private"},
        "date": 1_771_234_567,
        **content,
    }


def _read_path(call: Call) -> tuple[str, str]:
    bot, _, method = call.path.removeprefix("/").partition("/")
    return bot.removeprefix("bot"), method
