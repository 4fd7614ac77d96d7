"""The webhook route of the runtime, answering without storing: the peer to compare.

It is the same code on the same Serve path: signature, parsing, events. Only the shards
are replaced by one that forgets.
"""

from contextlib import AsyncExitStack

from ray import serve
from ray.serve import Application
from starlette.types import ASGIApp

from actors.conversation.events import Event
from actors.conversation.shard.shard import Receipt
from deployments.http.asgi import OpenedApp
from deployments.integrations.webhooks import open_webhooks


class ForgetfulShards:
    """Says yes to everything and keeps nothing."""

    async def submit(self, event: Event) -> Receipt:
        """Forget the event."""
        return Receipt(event.id, 0)


def _build() -> ASGIApp:
    async def opener(stack: AsyncExitStack) -> ASGIApp:
        return await open_webhooks(stack, shards=ForgetfulShards())

    return OpenedApp(opener)


def build() -> Application:
    """Build the application, with the real one's options."""
    ingress = serve.ingress(_build)()
    return serve.deployment(
        name="Unstored",
        num_replicas=1,
        max_ongoing_requests=1000,
        ray_actor_options={"num_cpus": 0},
        logging_config={"enable_access_log": False},
    )(ingress).bind()
