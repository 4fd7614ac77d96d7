"""Warns of outsiders who can reach the runtime, and refuses a demo that they reach."""

import os
from collections.abc import Mapping

import structlog

from config.settings import Settings
from config.signatures import WARNINGS, judge_signatures
from deployments.runtime import errors
from deployments.runtime.ray_cluster import find_address

log = structlog.get_logger("runtime")

#: What a cluster that we join must be told about: Ray runs whatever reaches it.
CLUSTER_WARNING = (
    "whoever reaches a port of its nodes can run code there: docs/keys.md, The network"
)
TOKEN_WARNING = "RAY_AUTH_MODE is not `token`: Ray takes calls from everybody"  # noqa: S105 - a message


def check_demo_is_local(settings: Settings) -> None:
    """Refuse a demo, whose password is public, that others can reach.

    Raises:
        DemoExposedError: with what to change.
    """
    if settings.public_url is not None:
        message = (
            "PILITO_PUBLIC_URL: the demo's password is public, so --demo is refused"
            " while a public address is set. Remove one of the two."
        )
        raise errors.DemoExposedError(message)
    if not settings.is_local:
        raise errors.DemoExposedError


def collect_warnings(settings: Settings) -> Mapping[str, str]:
    """Return what the operator should know about who can reach us, and log it."""
    warnings: dict[str, str] = {}
    if warning := WARNINGS.get(judge_signatures(settings)):
        warnings["Webhooks"] = warning
    if find_address() is not None:
        warnings["Ray cluster"] = CLUSTER_WARNING
        if os.environ.get("RAY_AUTH_MODE") != "token":
            warnings["Ray token"] = TOKEN_WARNING
    for reason in warnings.values():
        log.warning("exposure", reason=reason)
    return warnings
