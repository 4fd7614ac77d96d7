"""The website: its webhook, the chat page and the page's live feed."""

from deployments.integrations.website.chat_page import build_website_router
from deployments.integrations.website.hub import WebsiteHub
from deployments.integrations.website.live import WebsiteDependencies

__all__ = ["WebsiteDependencies", "WebsiteHub", "build_website_router"]
