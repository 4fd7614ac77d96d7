"""The routes of the console; their errors are pages, and strangers sign in first."""

from collections.abc import Callable, Coroutine
from typing import Any
from urllib.parse import quote

import structlog
from fastapi import APIRouter, Request
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse, Response

from deployments.console import rendering
from deployments.console.errors import ForgedFormError
from deployments.errors import status_of
from deployments.web.api.errors import NotSignedInError

SIGN_IN = "/console/sign-in"
SEE_OTHER = 303

log = structlog.get_logger("console")

Handler = Callable[[Request], Coroutine[Any, Any, Response]]


class ConsoleRoute(APIRoute):
    """A route whose errors are answered with a page."""

    def get_route_handler(self) -> Handler:
        """Wrap the handler."""
        handle = super().get_route_handler()

        async def handle_errors(request: Request) -> Response:
            try:
                return await handle(request)
            except NotSignedInError:
                return redirect_to_sign_in(request)
            except Exception as error:  # noqa: BLE001 - each becomes a page
                return render_error(request, error)

        return handle_errors


def build_router() -> APIRouter:
    """Build a router of pages, which the description of the API leaves out."""
    return APIRouter(route_class=ConsoleRoute, include_in_schema=False)


def redirect_to_sign_in(request: Request) -> Response:
    """Lead to the sign-in, and back afterwards."""
    there = request.url.path if request.method == "GET" else "/console/"
    if request.method == "GET" and request.url.query:
        there += f"?{request.url.query}"
    return RedirectResponse(f"{SIGN_IN}?next={quote(there)}", SEE_OTHER)


def render_error(request: Request, error: Exception) -> Response:
    """Say in words what went wrong, and nothing of the inside."""
    now = request.app.state.context.clock.now()
    locale = rendering.choose_locale(request, now)
    words = locale.words
    status = status_of(error)
    if isinstance(error, HTTPException):
        status = error.status_code
    elif isinstance(error, RequestValidationError):
        status = 404
    text = {404: words.not_found, 403: words.not_allowed, 503: words.unavailable}.get(
        status, words.failed
    )
    if isinstance(error, ForgedFormError):
        text = words.forged
    if status == 500:
        log.exception("page_failed", path=request.scope["route"].path)
    return rendering.respond("error.html", locale, {"text": text}, status)
