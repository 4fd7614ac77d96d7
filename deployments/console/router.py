"""Puts the console's pages together."""

from fastapi import APIRouter, Request
from starlette.responses import RedirectResponse, Response

from deployments.console import rendering, sign_in
from deployments.console.inbox import actions, live, pages
from deployments.console.knowledge import pages as knowledge

_FOREVER = {"Cache-Control": "public, max-age=31536000, immutable"}
_OPTIONS = {"X-Content-Type-Options": "nosniff", "Vary": "Accept-Encoding"}


def build_console_router() -> APIRouter:
    """Build the routes of all pages, their socket and their assets."""
    router = APIRouter(include_in_schema=False)
    router.add_api_route("/", _lead_to_console)
    router.add_api_route("/console", _lead_to_console)
    router.add_api_route("/console/assets/{name}", _send_asset)
    for part in (sign_in, pages, actions, live, knowledge):
        router.include_router(part.router)
    return router


async def _lead_to_console() -> Response:
    return RedirectResponse("/console/")


async def _send_asset(request: Request, name: str) -> Response:
    asset = rendering.assets().by_url.get(f"/console/assets/{name}")
    if asset is None:
        return Response(status_code=404)
    headers = {**_FOREVER, **_OPTIONS}
    if asset.zipped and "gzip" in request.headers.get("accept-encoding", ""):
        headers["Content-Encoding"] = "gzip"
        return Response(asset.zipped, 200, headers, asset.media_type)
    return Response(asset.content, 200, headers, asset.media_type)
