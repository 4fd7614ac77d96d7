"""The web application: the API, the pages, health and metrics in one app."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from fastapi import APIRouter, FastAPI
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from deployments.errors import build_error_response, install_error_handlers
from deployments.http.errors import BodyTooLargeError
from deployments.http.requests import find_header, read_body
from deployments.web import alert_confirmation, reference
from deployments.web.api import (
    channels,
    conversations,
    customers,
    dead_letters,
    documents,
    flags,
    health,
    live,
    messages,
    outbox,
    routing,
    tenant,
    uploads,
)
from deployments.web.api.monitor import alert_routes as monitor_alert_routes
from deployments.web.api.monitor import alerts as monitor_alerts
from deployments.web.api.monitor import analysis as monitor_analysis
from deployments.web.api.monitor import maintenance as monitor_maintenance
from deployments.web.api.monitor import results as monitor_results
from deployments.web.api.monitor import services as monitor_services
from deployments.web.api.people import invitations, keys, sign_in, users
from deployments.web.api.schemas import Problem
from deployments.web.dependencies import WebDependencies

#: The longest document with every letter as a JSON escape, and room to spare.
MAX_BODY_BYTES = 4 * 1024 * 1024
PROBLEMS: dict[int | str, dict[str, type[Problem]]] = {
    status: {"model": Problem}
    for status in (400, 401, 403, 404, 409, 413, 422, 429, 500, 503)
}
ROUTERS = (
    sign_in.router,
    users.router,
    invitations.router,
    keys.router,
    tenant.router,
    channels.router,
    # Before the documents: `upload` is no document's id.
    uploads.router,
    documents.router,
    flags.router,
    routing.router,
    conversations.router,
    messages.router,
    customers.router,
    outbox.router,
    dead_letters.router,
    monitor_services.router,
    monitor_results.router,
    monitor_maintenance.router,
    monitor_alerts.router,
    monitor_alert_routes.router,
    monitor_analysis.router,
)


def build_web_app(context: WebDependencies, pages: Sequence[APIRouter] = ()) -> FastAPI:
    """Build the application; `pages` are routers that are made elsewhere."""

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        yield
        await context.stop()

    app = FastAPI(
        title="Pilito",
        version="1",
        lifespan=lifespan,
        openapi_url="/openapi.json",
        # Its own pages load scripts from another host; ours needs none.
        docs_url=None,
        redoc_url=None,
    )
    app.state.context = context
    app.add_middleware(BodyLimit)
    install_error_handlers(app)
    for router in ROUTERS:
        app.include_router(router, responses={**PROBLEMS})
    for router in (
        health.router,
        reference.router,
        alert_confirmation.router,
        live.router,
        *pages,
    ):
        app.include_router(router)
    return app


class BodyLimit:
    """Limits the size of bodies by reading them: a header can lie, or be missing."""

    def __init__(self, app: ASGIApp, max_bytes: int = MAX_BODY_BYTES) -> None:
        self._app = app
        self._max_bytes = max_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or refuse a body that is too large."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        try:
            body = await read_body(scope, receive, self._limit(scope))
        except BodyTooLargeError as error:
            await build_error_response(error)(scope, receive, send)
            return
        except ClientDisconnect:
            return  # Nobody is left to answer.
        pending: list[Message] = [{"type": "http.request", "body": body}]

        async def receive_read() -> Message:
            return pending.pop() if pending else await receive()

        await self._app(scope, receive_read, send)

    def _limit(self, scope: Scope) -> int:
        # Files come only from people who at least claim to be signed in.
        is_upload = scope["path"] == uploads.PATH and find_header(
            scope, b"authorization"
        )
        return uploads.MAX_UPLOAD_BYTES if is_upload else self._max_bytes
