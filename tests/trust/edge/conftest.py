"""The website's fixtures, as the integration tests have them."""

from tests.integration.deployments.integrations.website.conftest import (
    browser,
    website,
)

__all__ = ["browser", "website"]
