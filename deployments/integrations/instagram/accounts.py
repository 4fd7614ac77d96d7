"""Instagram accounts: subscribing their webhooks, and verifying whose a token is.

The webhook's address and fields belong to the app and are set once in Meta's console;
each account is subscribed here. Source: Meta, Instagram Platform, Webhooks: an account
that subscribed to one field gets all of the app's.
"""

from collections.abc import Mapping
from typing import ClassVar

import httpx

from deployments.integrations.errors import (
    PlatformRefusedError,
    PlatformUnreachableError,
    TokenRefusedError,
)
from deployments.integrations.instagram.sending import read_problem
from deployments.integrations.lenient_json import parse_object

UNKNOWN_TOKEN = (
    "access_token: Instagram does not know this token, or it has expired. "  # noqa: S105 - a message
    "Create a new one in Meta's console."
)
#: The Graph API's codes for a token that is unknown or expired.
UNKNOWN_TOKEN_CODES = frozenset({102, 190})
#: A page's token, at graph.facebook.com, belongs to nobody who has a `user_id`.
UNKNOWN_FIELD_CODE = 100
SUBSCRIPTIONS = "me/subscribed_apps"


class InstagramAccounts:
    """Client of the Graph API for accounts."""

    needs_address: ClassVar[bool] = False

    def __init__(self, client: httpx.AsyncClient, graph_url: str) -> None:
        self._client = client
        self._graph_url = graph_url

    async def identify(self, token: str) -> str | None:
        """Return the account of a token, as in webhooks; see Connector.identify."""
        answer = await self._ask("GET", "me", token, {"fields": "user_id"})
        if not answer.is_success:
            problem = read_problem(answer, token)
            if problem.code == UNKNOWN_FIELD_CODE:
                return None
        body = self._read(answer, token)
        # Meta's reference shows the account in a list under "data"; other answers lack
        # it. Both must be read, or any token would pass as the account's.
        listed = body.get("data")
        account = listed[0] if isinstance(listed, list) and listed else body
        user_id = account.get("user_id") if isinstance(account, dict) else None
        if not isinstance(user_id, str | int):
            message = "what answers there is not Instagram (it names no account)"
            raise PlatformUnreachableError(message)
        return str(user_id)

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
            raise PlatformRefusedError

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
            raise PlatformUnreachableError(message) from error

    def _read(self, answer: httpx.Response, token: str) -> Mapping[object, object]:
        body = parse_object(answer.content)
        if answer.is_success and answer.content.lstrip().startswith(b"{"):
            return body
        problem = read_problem(answer, token)
        if not isinstance(body.get("error"), dict):
            message = f"what answers there is not Instagram ({problem.reason})"
            raise PlatformUnreachableError(message)
        if problem.is_passing:
            raise PlatformUnreachableError(problem.reason)
        if problem.code in UNKNOWN_TOKEN_CODES:
            raise TokenRefusedError(UNKNOWN_TOKEN)
        raise PlatformRefusedError(problem.reason)
