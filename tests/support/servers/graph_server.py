"""A real HTTP server that plays Meta's Graph API."""

import json
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass

from tests.support.servers.scripted_server import (
    Accept,
    Call,
    Fail,
    Hang,
    HangUp,
    Reply,
    ScriptedServer,
)
from tests.support.waiting import TIMEOUT_S

__all__ = ["Accept", "Fail", "GraphSend", "GraphServer", "Hang", "HangUp", "Reply"]


@dataclass(frozen=True, slots=True)
class GraphSend:
    """One request as it arrived; `mid` is empty when it was not accepted."""

    path: str
    token: str
    recipient: str
    text: str
    mid: str
    headers: Mapping[str, str]
    #: Why a message may come so late, and its type; empty when it does not say.
    tag: str = ""
    messaging_type: str = ""


@dataclass(frozen=True, slots=True)
class GraphProfile:
    """What the platform tells of a customer; None is JSON's null."""

    name: str | None = None
    username: str | None = None


NO_CONSENT = Fail(
    400,
    '{"error": {"message": "User consent is required to access user profile",'
    ' "type": "OAuthException", "code": 230}}',
)
NO_TOKEN = Fail(
    400, '{"error": {"message": "Invalid OAuth access token", "code": 190}}'
)

NO_FIELD = Fail(
    400,
    '{"error": {"message": "Tried accessing nonexisting field", "code": 100}}',
)


class GraphServer(ScriptedServer):
    """Answers `POST …/me/messages`, by default with a message id.

    Asked who a customer is, it tells what `profiles` holds, or that nobody consented.

    Usage:
        with GraphServer() as graph:
            graph.answer_next(Fail(500), Hang())
            ...  # point PILITO_INSTAGRAM_GRAPH_URL at graph.url
            graph.wait_for(1)
            assert graph.accepted[0].text == "سلام"
    """

    def __init__(self) -> None:
        super().__init__()
        #: Everything that arrived, in order, refused or not.
        self.sends: list[GraphSend] = []
        self.profiles: dict[str, GraphProfile] = {}
        #: Everything that was asked about customers, in order.
        self.inquiries: list[Call] = []
        #: By token, whose it is; other tokens are none.
        self.accounts: dict[str, str] = {}
        #: By token of a page, the account that is linked to the page.
        self.pages: dict[str, str] = {}
        #: Tokens about which no question is answered.
        self.unanswered: set[str] = set()
        #: The tokens of the accounts whose messages are delivered.
        self.subscribed: set[str] = set()
        #: What was asked about accounts, in order, as "GET me".
        self.asked: list[str] = []
        #: Answers to those questions.
        self.managed: dict[str, Reply] = {}
        self._refusals: deque[Reply] = deque()

    @property
    def url(self) -> str:
        """Return the address for PILITO_INSTAGRAM_GRAPH_URL."""
        return f"{super().url}/v24.0"

    @property
    def accepted(self) -> list[GraphSend]:
        """Return the sends that a customer would have seen, in order."""
        return [send for send in list(self.sends) if send.mid]

    def wait_for(self, count: int, timeout_s: float = TIMEOUT_S) -> list[GraphSend]:
        """Wait until `count` requests have arrived."""
        self.wait_until(lambda: len(self.sends) >= count, timeout_s)
        return list(self.sends)

    def refuse_to_tell(self, *replies: Reply) -> None:
        """Answer the next questions about customers so, one each."""
        self._refusals.extend(replies)

    def wait_for_inquiries(self, count: int, timeout_s: float = TIMEOUT_S) -> None:
        """Wait until so many questions have arrived."""
        self.wait_until(lambda: len(self.inquiries) >= count, timeout_s)

    def choose(self, call: Call) -> Reply:
        """Return what to answer; questions are no sends."""
        if _is_send(call):
            return super().choose(call)
        if question := _account_question(call):
            token = _token_of(call)
            if token in self.unanswered:
                return HangUp()
            if token in self.pages and "user_id" in call.path:
                return self.managed.get(question, NO_FIELD)
            is_known = token in self.accounts or token in self.pages
            return self.managed.get(question, Accept() if is_known else NO_TOKEN)
        if self._refusals:
            return self._refusals.popleft()
        return Accept() if _customer_of(call) in self.profiles else NO_CONSENT

    def take(self, call: Call, reply: Reply) -> str:
        """Note the send, under a name if it is accepted; tell of a customer."""
        if question := _account_question(call):
            return self._tell_of_account(question, _token_of(call), reply)
        if not _is_send(call):
            self.inquiries.append(call)
            told = self.profiles.get(_customer_of(call), GraphProfile())
            return json.dumps({"name": told.name, "username": told.username})
        payload = json.loads(call.body)
        mid = "" if isinstance(reply, Fail) else f"graph-mid-{len(self.sends) + 1}"
        self.sends.append(
            GraphSend(
                path=call.path,
                token=_token_of(call),
                recipient=payload["recipient"]["id"],
                text=payload["message"]["text"],
                mid=mid,
                headers=call.headers,
                tag=payload.get("tag", ""),
                messaging_type=payload.get("messaging_type", ""),
            )
        )
        return json.dumps({"message_id": mid})

    def _tell_of_account(self, question: str, token: str, reply: Reply) -> str:
        self.asked.append(question)
        if isinstance(reply, Fail):
            return ""
        match question:
            case "GET me" if token in self.pages:
                linked = {"id": self.pages[token]}
                return json.dumps({"instagram_business_account": linked, "id": "1"})
            case "GET me":
                return json.dumps({"user_id": self.accounts.get(token)})
            case "DELETE me/subscribed_apps":
                self.subscribed.discard(token)
            case _:
                self.subscribed.add(token)
        return json.dumps({"success": True})


def _token_of(call: Call) -> str:
    return call.headers.get("authorization", "").removeprefix("Bearer ")


def _account_question(call: Call) -> str:
    """Name what is asked about an account, as "GET me"; empty for all else."""
    path = call.path.partition("?")[0].partition("/v24.0/")[2]
    return f"{call.method} {path}" if path in ("me", "me/subscribed_apps") else ""


def _is_send(call: Call) -> bool:
    return call.path.endswith("/me/messages")


def _customer_of(call: Call) -> str:
    return call.path.partition("?")[0].rpartition("/")[2]
