"""An application with two tenants, as the tests of the API have it."""

from tests.integration.deployments.conftest import (
    alice,
    api,
    app,
    bob,
    client,
    nobody,
    stranger,
)

__all__ = ["alice", "api", "app", "bob", "client", "nobody", "stranger"]
