"""The application, its users and its database, as the integration tests have them."""

from tests.integration.deployments.conftest import (
    alice,
    api,
    app,
    bob,
    client,
    line,
    nobody,
    stranger,
)

__all__ = ["alice", "api", "app", "bob", "client", "line", "nobody", "stranger"]
