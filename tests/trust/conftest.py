"""The fixtures of the application, as the integration tests have them."""

from tests.integration.deployments.conftest import (
    alice,
    api,
    app,
    bob,
    client,
    line,
    live,
    nobody,
    stranger,
)

__all__ = ["alice", "api", "app", "bob", "client", "line", "live", "nobody", "stranger"]
