"""Chat window of a website: the page, its assets, its form and its WebSocket."""

from collections.abc import Sequence
from pathlib import Path
from urllib.parse import parse_qs
from uuid import uuid4

from fastapi import APIRouter, WebSocket
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from actors.errors import ActorError
from deployments.errors import status_of
from deployments.http.assets import load_assets, load_templates
from deployments.http.errors import BodyTooLargeError, TooManyRequestsError
from deployments.http.requests import read_body
from deployments.integrations.errors import ChannelPausedError, InvalidFieldError
from deployments.integrations.website import live, webhook
from deployments.integrations.website.visitors import Proof, Visitor
from deployments.integrations.website.wording import WORDINGS, Language, choose_language
from persistence.channels import (
    NO_SUGGESTIONS,
    Channel,
    Suggestions,
)
from persistence.ids import derive_conversation_id
from persistence.messages import StoredMessage, fetch_latest_messages
from retrieval.text.language import split_links

PAGE = Path(__file__).parent / "page"
COOKIE = "pilito_visitor"
COOKIE_AGE_S = 180 * 24 * 3600
#: Without scripts the page shows the end of the conversation.
SHOWN_MESSAGES = 100
#: Shops show the page in a frame of theirs, so any site may be its frame.
SECURITY_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
        "img-src 'self' data:; form-action 'self'; base-uri 'none'; frame-ancestors *"
    ),
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    # The page differs by cookie and language; a shared cache must not mix them up.
    "Cache-Control": "private, no-store",
}


class ChatPages:
    """Endpoints of the chat page."""

    def __init__(self, parts: live.WebsiteDependencies) -> None:
        self._parts = parts
        self._assets = load_assets(PAGE)
        self._templates = load_templates(PAGE)

    async def show(self, request: Request, channel_key: str) -> Response:
        """Show the chat window, or a page that says that it does not exist."""
        language = _language(request)
        channel = await self._find(request, channel_key)
        if channel is None:
            return self._render_missing(language)
        problem = WORDINGS[language].paused if channel.is_paused else ""
        visitor = self._cookie_visitor(request, channel)
        return await self._render(request, channel, visitor, problem)

    async def take(self, request: Request, channel_key: str) -> Response:
        """Store the form of a browser without scripts, and show the page again."""
        language, parts = _language(request), self._parts
        wording = WORDINGS[language]
        channel = await self._find(request, channel_key)
        if channel is None:
            return self._render_missing(language)
        visitor = self._cookie_visitor(request, channel)
        draft = ""
        address = parts.addresses.read(request)
        try:
            draft = await _read_content(request)
            if channel.is_paused:
                raise ChannelPausedError  # noqa: TRY301 - rendered below, like all others
            known = visitor or await parts.visitors.issue(channel, address)
            message = webhook.check_message(known.id, draft)
            await parts.rate_limiter.admit(f"{channel.id}:{known.id}", address)
            event = webhook.build_event(
                channel, message, uuid4().hex, parts.clock.now()
            )
            await parts.shards.submit(event)
        except (InvalidFieldError, BodyTooLargeError, ActorError) as error:
            return await self._render(
                request, channel, visitor, wording.refused, draft, status_of(error)
            )
        except ChannelPausedError as error:
            return await self._render(
                request, channel, visitor, wording.paused, draft, status_of(error)
            )
        except TooManyRequestsError as error:
            return await self._render(
                request, channel, visitor, wording.too_fast, draft, status_of(error)
            )
        # A relative address: whatever prefix a proxy put before ours is kept.
        again = f"./{channel.account_id}"
        if "lang" in request.query_params:
            again += f"?lang={language}"
        response = RedirectResponse(again, 303, SECURITY_HEADERS)
        response.set_cookie(
            COOKIE,
            f"{known.id}.{known.token}",
            max_age=COOKIE_AGE_S,
            path=request.url.path,
            httponly=True,
            samesite="lax",
            secure=self._parts.is_https or request.url.scheme == "https",
        )
        return response

    async def send_asset(self, request: Request, name: str) -> Response:
        """Send an asset; an address with its version may be cached for ever."""
        asset = self._assets.get(name)
        if asset is None:
            return Response(status_code=404)
        is_pinned = request.query_params.get("v") == asset.version
        caching = "public, max-age=31536000, immutable" if is_pinned else "no-cache"
        headers = {
            "Cache-Control": caching,
            "ETag": f'"{asset.version}"',
            "X-Content-Type-Options": "nosniff",
        }
        if request.headers.get("if-none-match") == headers["ETag"]:
            return Response(status_code=304, headers=headers)
        return Response(asset.content, 200, headers, asset.media_type)

    async def follow(
        self, socket: WebSocket, channel_key: str, visitor_id: str
    ) -> None:
        """Send new messages to a visitor."""
        await live.follow(socket, self._parts, channel_key, visitor_id)

    async def _find(self, request: Request, channel_key: str) -> Channel | None:
        address = self._parts.addresses.read(request)
        return await self._parts.lookup.find_website(channel_key, address)

    def _cookie_visitor(self, request: Request, channel: Channel) -> Visitor | None:
        """Return who the cookie proves; a cookie without a token proves nobody."""
        text, _, token = request.cookies.get(COOKIE, "").rpartition(".")
        try:
            visitor_id = webhook.check_visitor_id(text)
        except InvalidFieldError:
            return None
        visitors = self._parts.visitors
        if not visitors.is_proven(channel, visitor_id, Proof(token=token)):
            return None
        return Visitor(visitor_id, token)

    async def _render(
        self,
        request: Request,
        channel: Channel,
        visitor: Visitor | None,
        problem: str = "",
        draft: str = "",
        status: int = 200,
    ) -> Response:
        messages: tuple[StoredMessage, ...] = ()
        if visitor is not None:
            conversation_id = derive_conversation_id(channel.id, visitor.id)
            messages = await fetch_latest_messages(
                self._parts.pool, conversation_id, SHOWN_MESSAGES
            )
        language = _language(request)
        page = self._templates.get_template("chat.html").render(
            language=language,
            words=WORDINGS[language],
            shop=channel.name,
            channel_key=channel.account_id,
            assets=self._assets,
            messages=messages,
            authors=live.AUTHORS,
            split_links=split_links,
            suggestions=channel.suggestions,
            offered=_choose_offered(channel.suggestions, messages),
            problem=problem,
            draft=draft,
            max_chars=webhook.MAX_CONTENT_CHARS,
        )
        return HTMLResponse(page, status, SECURITY_HEADERS)

    def _render_missing(self, language: Language) -> Response:
        other = Language.EN if language is Language.FA else Language.FA
        page = self._templates.get_template("missing.html").render(
            language=language,
            assets=self._assets,
            texts=[(tongue, WORDINGS[tongue]) for tongue in (language, other)],
        )
        return HTMLResponse(page, 404, SECURITY_HEADERS)


def build_website_router(parts: live.WebsiteDependencies) -> APIRouter:
    """Build the router; the app that includes it renders errors."""
    pages = ChatPages(parts)
    router = APIRouter(include_in_schema=False)
    router.add_api_route(
        "/chat/assets/{name}", pages.send_asset, methods=["GET"], response_model=None
    )
    router.add_api_route(
        "/chat/{channel_key}", pages.show, methods=["GET"], response_model=None
    )
    router.add_api_route(
        "/chat/{channel_key}", pages.take, methods=["POST"], response_model=None
    )
    router.add_api_websocket_route(
        "/ws/website/{channel_key}/{visitor_id}", pages.follow
    )
    return router


def _choose_offered(
    suggestions: Suggestions, messages: Sequence[StoredMessage]
) -> Suggestions:
    """Choose what the page offers now: all before the first message, or a follow-up.

    A follow-up leans on the question before it: behind another it asks nothing.
    """
    if not messages:
        return Suggestions(suggestions.first)
    asked = [one.content for one in messages if _is_customer(one)]
    if len(asked) != 1 or _is_customer(messages[-1]):
        return NO_SUGGESTIONS
    pairs = zip(suggestions.first, suggestions.follow_ups, strict=False)
    return Suggestions((), tuple(text for one, text in pairs if one == asked[0])[:1])


def _is_customer(message: StoredMessage) -> bool:
    return live.AUTHORS[message.type] == "customer"


def _language(request: Request) -> Language:
    asked = request.query_params.get("lang", "")
    if asked in set(Language):
        return Language(asked)
    return choose_language(request.headers.get("accept-language", ""))


async def _read_content(request: Request) -> str:
    body = await read_body(request.scope, request.receive, webhook.MAX_BODY_BYTES)
    try:
        fields = parse_qs(body.decode("utf-8", "replace"), max_num_fields=10)
    except ValueError as error:
        raise InvalidFieldError(str(error), "content") from error
    # Browsers write line ends of a text area as CR LF.
    return fields.get("content", [""])[0].replace("\r\n", "\n")
