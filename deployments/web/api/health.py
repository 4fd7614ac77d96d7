"""`/healthz`, `/readyz` and `/metrics`: health and counters of the runtime."""

import asyncio
from dataclasses import asdict
from typing import Literal

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse
from prometheus_client import CONTENT_TYPE_LATEST

from deployments.health.exposition import render_metrics
from deployments.health.probes import PartStatus, is_ready
from deployments.http.addresses import is_this_machine
from deployments.http.secrets import is_same_secret
from deployments.web.api.auth import authenticate, client_address
from deployments.web.api.errors import NotSignedInError
from deployments.web.api.schemas import Answer, Problem
from deployments.web.dependencies import Context, WebDependencies
from persistence.errors import DATABASE_AWAY

_UNKNOWN: tuple[type[Exception], ...] = (NotSignedInError, *DATABASE_AWAY)
router = APIRouter(tags=["health"])


class ReadinessOut(Answer):
    """Whether messages can be taken."""

    status: Literal["ready", "not ready"]


class LifeOut(Answer):
    """The process is alive."""

    status: PartStatus


class PartOut(Answer):
    """The health of a part."""

    status: PartStatus
    reason: str


@router.get("/healthz")
async def show_life() -> LifeOut:
    """Answer while the process is alive."""
    return LifeOut(status=PartStatus.OK)


@router.get(
    "/readyz",
    response_model=dict[str, PartOut] | ReadinessOut,
    responses={503: {"model": dict[str, PartOut] | ReadinessOut}},
)
async def show_parts(request: Request, context: Context) -> JSONResponse:
    """Say whether messages can be taken; 503 when they can't.

    With the metrics token, a superuser's token, or from this machine, the health of
    each part is shown.
    """
    parts = await context.readiness.read(context.probes)
    ready = is_ready(parts)
    status = 200 if ready else 503
    if await may_see_inside(request, context):
        content = {name: asdict(health) for name, health in parts.items()}
        return JSONResponse(content, status)
    return JSONResponse({"status": "ready" if ready else "not ready"}, status)


@router.get("/metrics", response_class=Response, responses={401: {"model": Problem}})
async def show_metrics(request: Request, context: Context) -> Response:
    """Show the metrics of all processes together.

    Needs the metrics token, or a superuser's, unless asked from this machine.
    """
    if not await may_see_inside(request, context):
        raise NotSignedInError
    loop = asyncio.get_running_loop()
    # Reads a file per process: not on the event loop, and not in the threads that
    # passwords and documents share.
    text = await loop.run_in_executor(context.metrics_thread, render_metrics)
    return Response(text, media_type=CONTENT_TYPE_LATEST)


async def may_see_inside(request: Request, context: WebDependencies) -> bool:
    """Whether the caller may see what tells of all tenants.

    A database that is away knows no superuser: the metrics token still counts.
    """
    settings = context.settings
    if is_this_machine(request, (settings.http_host,)):
        return True
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    token = token.strip()
    if scheme.lower() != "bearer" or not token:
        return False
    word = settings.metrics_token
    if word is not None and is_same_secret(word.get_secret_value(), token):
        return True
    try:
        principal = await authenticate(context, token, client_address(request, context))
    except _UNKNOWN:
        return False
    return principal.is_superuser
