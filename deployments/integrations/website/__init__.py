"""The chat window of a shop's website, and what it follows live."""

from deployments.integrations.website.hub import WebsiteHub
from deployments.integrations.website.live import WebsiteDependencies
from deployments.integrations.website.router import build_website_router

__all__ = ["WebsiteDependencies", "WebsiteHub", "build_website_router"]
