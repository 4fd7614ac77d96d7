"""The chat window of a shop's website, and what it follows live."""

from deployments.integrations.website.hub import WebsiteHub
from deployments.integrations.website.router import build_website_router
from deployments.integrations.website.services import WebsiteServices

__all__ = ["WebsiteHub", "WebsiteServices", "build_website_router"]
