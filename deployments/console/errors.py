"""Errors of the console."""

from deployments.web.api.errors import ApiError


class ForgedFormError(ApiError):
    """The form is too old, or another site has sent it. Open the page again."""
