"""The web application: the API, the pages, health and metrics in one app."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from fastapi import APIRouter, FastAPI

from deployments.errors import install_error_handlers
from deployments.http.security_headers import SecurityHeaders
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
from deployments.web.api.inbox import (
    arranging,
    canned_answers,
    notes,
    read_marks,
    states,
)
from deployments.web.api.monitor import alert_routes as monitor_alert_routes
from deployments.web.api.monitor import alerts as monitor_alerts
from deployments.web.api.monitor import analysis as monitor_analysis
from deployments.web.api.monitor import maintenance as monitor_maintenance
from deployments.web.api.monitor import results as monitor_results
from deployments.web.api.monitor import services as monitor_services
from deployments.web.api.monitor import uptime as monitor_uptime
from deployments.web.api.people import invitations, keys, sign_in, users
from deployments.web.api.schemas import Problem
from deployments.web.api.workflow import dry_run, signing_secret
from deployments.web.api.workflow import executions as workflow_executions
from deployments.web.api.workflow import graph as workflow_graph
from deployments.web.api.workflow import settings as workflow_settings
from deployments.web.api.workflow import workflows as workflow_workflows
from deployments.web.body_limit import BodyLimit
from deployments.web.dependencies import WebDependencies

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
    read_marks.router,
    arranging.router,
    notes.router,
    states.router,
    canned_answers.router,
    customers.router,
    outbox.router,
    dead_letters.router,
    monitor_services.router,
    monitor_results.router,
    monitor_uptime.router,
    monitor_maintenance.router,
    monitor_alerts.router,
    monitor_alert_routes.router,
    monitor_analysis.router,
    workflow_workflows.router,
    workflow_graph.router,
    workflow_executions.router,
    workflow_settings.router,
    signing_secret.router,
    dry_run.router,
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
    app.add_middleware(BodyLimit, context=context)
    # Outermost: refusals of the other one carry them, too.
    app.add_middleware(SecurityHeaders)
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
