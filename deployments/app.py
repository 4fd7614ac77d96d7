"""Starts the actors and builds the Serve applications, with their dependencies.

Each process of the runtime imports the module of its own part, and no other's: that is
why the parts are imported where they are named.
"""

from datetime import timedelta
from functools import partial
from uuid import UUID

from pydantic import BaseModel, ConfigDict
from ray import serve
from ray.serve import Application
from starlette.types import ASGIApp

from config.settings import Settings
from deployments.http.asgi import OpenedApp, Opener

#: Enough to hand over the lease; checks under way are recorded as missed.
MONITOR_STOP_TIMEOUT = timedelta(seconds=1.5)


class AppArgs(BaseModel):
    """Arguments that `serve_config.yaml` may give to an application; none so far."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def start_actors(settings: Settings) -> UUID:
    """Start the shards and the monitor, which waits until no other one watches.

    Returns:
        The id of this runtime's term.
    """
    from deployments import shards
    from deployments.monitoring import process as monitor

    term_id = shards.start(settings)
    monitor.start(settings)
    return term_id


def stop_actors(settings: Settings) -> None:
    """Let monitor and shards finish what they accepted, then end them."""
    from actors.monitor.client import stop_monitor
    from deployments import shards

    stop_monitor(MONITOR_STOP_TIMEOUT)
    shards.stop(settings)


def build_webhooks(args: AppArgs) -> Application:  # noqa: ARG001 - Serve's signature
    """Build the application that takes what platforms deliver."""
    from deployments.integrations.webhooks import open_webhooks

    return _bind_ingress("Webhooks", open_webhooks)


def build_web(args: AppArgs) -> Application:  # noqa: ARG001 - Serve's signature
    """Build the application of the API, the sockets and the pages."""
    from deployments.console.router import build_console_router
    from deployments.web.process import open_web

    return _bind_ingress("Web", partial(open_web, build_pages=build_console_router))


def build_answers(args: AppArgs) -> Application:  # noqa: ARG001 - Serve's signature
    """Build the answering side; it has no route of its own."""
    from deployments.answers.replicas import ResponderReplica, RetrieverReplica
    from deployments.answers.reranking.replica import RerankerReplica

    reranker = serve.deployment(name="Reranker")(RerankerReplica).bind()
    retriever = serve.deployment(name="Retriever")(RetrieverReplica).bind()
    responder = serve.deployment(name="Responder")(ResponderReplica)
    return responder.bind(retriever, reranker)


def _bind_ingress(name: str, opener: Opener) -> Application:
    def build() -> ASGIApp:
        return OpenedApp(opener)

    return serve.deployment(name=name)(serve.ingress(build)()).bind()
