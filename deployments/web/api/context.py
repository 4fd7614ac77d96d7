"""What every endpoint can ask for: the services, and what is made from the settings."""

import asyncio
from dataclasses import dataclass, field
from typing import Annotated, cast

from fastapi import Depends
from starlette.requests import HTTPConnection

from deployments.accounts import MAX_PARALLEL_CHECKS
from deployments.flags import FeatureFlags
from deployments.integrations.channel_registration import Connections
from deployments.monitoring.analysis_jobs import AnalysisRunner, RayAnalysis
from deployments.rate_limit import Throttle
from deployments.web.api.tokens import TokenSigner
from deployments.web.services import WebServices
from persistence.database import Pool
from persistence.secrets import Cipher


@dataclass(frozen=True, slots=True)
class ApiContext:
    """One per application."""

    services: WebServices
    cipher: Cipher
    signer: TokenSigner
    throttle: Throttle
    connections: Connections
    analysis: AnalysisRunner
    password_checks: asyncio.Semaphore = field(
        default_factory=lambda: asyncio.Semaphore(MAX_PARALLEL_CHECKS)
    )

    @property
    def pool(self) -> Pool:
        """The connections to the database."""
        return self.services.pool

    @property
    def flags(self) -> FeatureFlags:
        """The runtime's flags."""
        return self.services.flags

    async def stop(self) -> None:
        """Close what the context itself has opened; the services are the caller's."""
        await self.throttle.stop()
        await self.connections.stop()


def build_context(services: WebServices) -> ApiContext:
    """Build what the settings ask for. Raises ValueError without a secret key."""
    settings = services.settings
    if settings.secret_key is None:
        message = "PILITO_SECRET_KEY must be set by now"
        raise ValueError(message)
    secret_key = settings.secret_key.get_secret_value()
    redis_url = settings.redis_url
    cipher = Cipher(secret_key)
    return ApiContext(
        services=services,
        cipher=cipher,
        signer=TokenSigner(secret_key),
        throttle=Throttle(
            services.clock, None if redis_url is None else redis_url.get_secret_value()
        ),
        connections=Connections(services.pool, cipher, settings),
        analysis=services.analysis or RayAnalysis(),
    )


def fetch_context(connection: HTTPConnection) -> ApiContext:
    """Return the application's context."""
    return cast("ApiContext", connection.app.state.context)


Context = Annotated[ApiContext, Depends(fetch_context)]
