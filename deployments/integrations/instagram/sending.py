"""Instagram's Graph API: sending texts, fetching profiles, subscribing accounts.

The webhook's address and fields belong to the app and are set once in Meta's console;
each account is subscribed here. Source: Meta, Instagram Platform, Webhooks: an account
that subscribed to one field gets all of the app's.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import httpx

from actors.conversation.errors import SendOutcomeUnknownError, SendRefusedError
from actors.conversation.ports import OutgoingPart, ProfileUnavailable
from actors.conversation.state import Profile
from deployments.integrations import errors, lenient_json, platform_client

#: Graph's codes for "later", which may come with a 400 or 403: unknown and service
#: errors, and the limits of app, user, page and business. Source: Meta, Graph API
#: error handling and rate limits.
PASSING_CODES = frozenset({1, 2, 4, 17, 32, 341, 613, 80002, 80006})
#: Those of them that speak of the account, not of the one call.
LIMIT_CODES = frozenset({4, 17, 32, 613, 80002, 80006})
#: The first pause after a limit that does not say when it ends; those that follow
#: double. Meta counts by the hour.
LIMIT_RETRY_S = 15.0
#: Errors of the token or its rights: the same for every customer.
TOKEN_CODES = frozenset({10, 102, 190, 200})
#: The fields of a profile that are asked for; pictures are not needed.
PROFILE_FIELDS = "name,username"
#: The longest name in a customer's record.
MAX_NAME_CHARS = 100
UNKNOWN_TOKEN = (
    "access_token: Instagram does not know this token, or it has expired. "  # noqa: S105 - a message
    "Create a new one in Meta's console."
)
#: The Graph API's codes for a token that is unknown or expired.
UNKNOWN_TOKEN_CODES = frozenset({102, 190})
#: A page's token, at graph.facebook.com, belongs to nobody who has a `user_id`.
UNKNOWN_FIELD_CODE = 100
SUBSCRIPTIONS = "me/subscribed_apps"


class InstagramGraph:
    """Client of the Graph API for messages, profiles and accounts."""

    needs_address: ClassVar[bool] = False

    def __init__(self, client: httpx.AsyncClient, graph_url: str) -> None:
        self._client = client
        self._graph_url = graph_url

    async def post(self, token: str, part: OutgoingPart) -> str:
        """Post and return the `message_id`."""
        payload: dict[str, object] = {
            "recipient": {"id": part.customer},
            "message": {"text": part.content},
        }
        if part.tag:
            # Late answers are accepted from persons only, and need a tag that says so.
            payload |= {"messaging_type": "MESSAGE_TAG", "tag": part.tag}
        answer = await platform_client.post_once(
            self._client,
            f"{self._graph_url}/me/messages",
            payload,
            {"Authorization": f"Bearer {token}"},
        )
        return _read_answer(answer, token)

    async def fetch_profile(
        self, token: str, customer: str
    ) -> Profile | ProfileUnavailable:
        """Fetch the name and the username of a customer.

        Source: Meta, Instagram messaging, User Profile API: it knows only customers who
        wrote to the business and have not blocked it.
        """
        if not customer.isdecimal():
            return ProfileUnavailable("the customer's id is not a number")
        try:
            answer = await self._client.get(
                f"{self._graph_url}/{customer}",
                params={"fields": PROFILE_FIELDS},
                headers={"Authorization": f"Bearer {token}"},
            )
        except httpx.HTTPError as error:
            return ProfileUnavailable(
                f"no answer: {type(error).__name__}", is_temporary=True
            )
        return _read_profile(answer, token)

    async def identify(self, token: str) -> str | None:
        """Return the account of a token, as in webhooks; see Platform.identify."""
        answer = await self._ask("GET", "me", token, {"fields": "user_id"})
        if not answer.is_success:
            problem = read_problem(answer, token)
            if problem.code == UNKNOWN_FIELD_CODE:
                return await self._identify_page(token)
        body = self._read(answer, token)
        # Meta's reference shows the account in a list under "data"; other answers lack
        # it. Both must be read, or any token would pass as the account's.
        listed = body.get("data")
        account = listed[0] if isinstance(listed, list) and listed else body
        user_id = account.get("user_id") if isinstance(account, dict) else None
        if not isinstance(user_id, str | int):
            message = "what answers there is not Instagram (it names no account)"
            raise errors.PlatformUnreachableError(message)
        return str(user_id)

    async def _identify_page(self, token: str) -> str | None:
        """Return the account that is linked to a page's token; None if none is named.

        Source: Meta, Graph API, Page: `instagram_business_account`.
        """
        fields = {"fields": "instagram_business_account"}
        answer = await self._ask("GET", "me", token, fields)
        if not answer.is_success:
            problem = read_problem(answer, token)
            if problem.code == UNKNOWN_FIELD_CODE:
                return None
        account = self._read(answer, token).get("instagram_business_account")
        linked_id = account.get("id") if isinstance(account, dict) else None
        return str(linked_id) if isinstance(linked_id, str | int) else None

    async def connect(
        self,
        token: str,
        address: str,  # noqa: ARG002 - Meta has it from its console
        secret: str,  # noqa: ARG002 - the app's signs
    ) -> None:
        """Subscribe the app's webhook to the account."""
        fields = {"subscribed_fields": "messages"}
        answer = await self._ask("POST", SUBSCRIPTIONS, token, fields)
        if self._read(answer, token).get("success") is False:
            raise errors.PlatformRefusedError

    async def disconnect(self, token: str) -> None:
        """Cancel the account's subscription."""
        self._read(await self._ask("DELETE", SUBSCRIPTIONS, token, {}), token)

    async def _ask(
        self, method: str, path: str, token: str, parameters: Mapping[str, str]
    ) -> httpx.Response:
        try:
            return await self._client.request(
                method,
                f"{self._graph_url}/{path}",
                params=parameters,
                headers={"Authorization": f"Bearer {token}"},
            )
        except httpx.HTTPError as error:
            message = f"no answer: {type(error).__name__}"
            raise errors.PlatformUnreachableError(message) from error

    def _read(self, answer: httpx.Response, token: str) -> Mapping[object, object]:
        body = lenient_json.parse_object(answer.content)
        if answer.is_success and answer.content.lstrip().startswith(b"{"):
            return body
        problem = read_problem(answer, token)
        if not isinstance(body.get("error"), dict):
            message = f"what answers there is not Instagram ({problem.reason})"
            raise errors.PlatformUnreachableError(message)
        if problem.is_passing:
            raise errors.PlatformUnreachableError(problem.reason)
        if problem.code in UNKNOWN_TOKEN_CODES:
            raise errors.TokenRefusedError(UNKNOWN_TOKEN)
        raise errors.PlatformRefusedError(problem.reason)


def _read_answer(answer: httpx.Response, token: str) -> str:
    if answer.is_success:
        mid = lenient_json.parse_object(answer.content).get("message_id")
        if isinstance(mid, str) and mid:
            return mid
        # The message was accepted without an id; its echo will bring one.
        message = f"HTTP {answer.status_code} without a message_id"
        raise SendOutcomeUnknownError(message)
    problem = read_problem(answer, token)
    if answer.status_code == 504:
        # Behind a gateway that timed out the message may have been sent.
        raise SendOutcomeUnknownError(problem.reason)
    retry_after_s = _read_retry_after(answer)
    is_limited = answer.status_code == 429 or problem.code in LIMIT_CODES
    if is_limited and retry_after_s is None:
        retry_after_s = LIMIT_RETRY_S
    raise SendRefusedError(
        problem.reason,
        permanent=not problem.is_passing,
        retry_after_s=retry_after_s,
        is_limited=is_limited,
    )


@dataclass(frozen=True, slots=True)
class Problem:
    """An error of the Graph API, and whether it will pass."""

    reason: str
    code: object
    is_passing: bool


def read_problem(answer: httpx.Response, token: str) -> Problem:
    """Read an error; the token is removed from its text."""
    status = answer.status_code
    problem = lenient_json.parse_object(answer.content).get("error")
    fields: Mapping[object, object] = problem if isinstance(problem, dict) else {}
    reason = platform_client.clean_reason(fields.get("message", ""), token)
    is_passing = (
        status == 429
        or status >= 500
        or fields.get("is_transient") is True
        or fields.get("code") in PASSING_CODES
    )
    return Problem(
        f"HTTP {status}: {reason or answer.reason_phrase}",
        fields.get("code"),
        is_passing,
    )


def _read_profile(answer: httpx.Response, token: str) -> Profile | ProfileUnavailable:
    if not answer.is_success:
        problem = read_problem(answer, token)
        return ProfileUnavailable(
            problem.reason,
            is_temporary=problem.is_passing,
            is_held=answer.status_code in {401, 429}
            or problem.code in LIMIT_CODES | TOKEN_CODES,
        )
    body = lenient_json.parse_object(answer.content)
    name, username = body.get("name"), body.get("username")
    first, _, last = name.strip().partition(" ") if isinstance(name, str) else ("",) * 3
    profile = Profile(
        first[:MAX_NAME_CHARS],
        last.strip()[:MAX_NAME_CHARS],
        username[:MAX_NAME_CHARS] if isinstance(username, str) else "",
    )
    return (
        ProfileUnavailable("the profile has no name")
        if profile == Profile()
        else profile
    )


def _read_retry_after(answer: httpx.Response) -> float | None:
    """Read the seconds; the other form, a date, is left to our own backoff."""
    value = answer.headers.get("retry-after", "").strip()
    return float(value) if value.isdecimal() and len(value) < 7 else None
