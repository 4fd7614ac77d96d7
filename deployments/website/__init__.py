"""The chat window of a shop's website, and what it follows live."""

from deployments.website.hub import WebsiteHub
from deployments.website.router import build_website_router
from deployments.website.services import WebsiteServices

__all__ = ["WebsiteHub", "WebsiteServices", "build_website_router"]
