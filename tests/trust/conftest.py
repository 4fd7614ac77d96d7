"""The applications and tenants of the integration tests."""

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
