"""Table of routes: the least role of a person, and the scope of a program's key.

A route that stands in neither table is left to superusers, and a test fails.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from enum import IntEnum
from types import MappingProxyType
from typing import Final

from deployments.web.api.errors import (
    RoleNeededError,
    ScopeNeededError,
    SuperuserOnlyError,
)
from persistence.api_keys import Scope


class Rank(IntEnum):
    """The roles by what they may do; each may do what those below may."""

    OPERATOR = 1
    OWNER = 2
    SUPERUSER = 3


@dataclass(frozen=True, slots=True)
class Access:
    """What a route asks for; no scope means that no key opens it."""

    rank: Rank
    scope: Scope | None = None


LIVE: Final = "WEBSOCKET /ws/conversations/"

_OPERATOR, _OWNER, _SUPERUSER = Rank.OPERATOR, Rank.OWNER, Rank.SUPERUSER
_CONVERSATIONS = "/api/conversations/"
_CONVERSATION = "/api/conversations/{conversation_id}/"
_CANNED = "/api/canned-answers/"
_DOCUMENTS = "/api/knowledge/documents/"
_DOCUMENT = "/api/knowledge/documents/{document_id}/"
_SERVICES = "/api/monitor/services/"
_SERVICE = "/api/monitor/services/{service_id}/"
_ROUTES = "/api/monitor/alert-routes/"
_WINDOWS = "/api/monitor/maintenance/"
_WORKFLOWS = "/api/workflow/workflows/"
_WORKFLOW = f"{_WORKFLOWS}{{workflow_id}}/"
_EXECUTIONS = "/api/workflow/executions/"
_EXECUTION = f"{_EXECUTIONS}{{run_id}}/"
#: Rows: the least role, the scope, and the routes.
_ROWS: tuple[tuple[Rank, Scope | None, tuple[str, ...]], ...] = (
    (
        _OPERATOR,
        Scope.CONVERSATIONS_READ,
        (
            f"GET {_CONVERSATIONS}",
            f"GET {_CONVERSATION}",
            f"GET {_CONVERSATION}events/",
            f"GET {_CONVERSATION}events/{{version}}/state/",
            f"GET {_CONVERSATION}messages/",
            f"GET {_CONVERSATION}notes/",
            "GET /api/messages/{message_id}/proof/",
            "GET /api/outbox/",
            f"GET {_CANNED}",
            f"GET {_CANNED}{{answer_id}}/",
            "GET /api/workflow/action-nodes/redirect_destinations/",
            LIVE,
        ),
    ),
    (
        _OPERATOR,
        Scope.CONVERSATIONS_WRITE,
        (
            f"POST {_CONVERSATION}messages/",
            f"POST {_CONVERSATION}redirect/",
            f"POST {_CONVERSATION}status/",
            f"POST {_CONVERSATION}ai/",
            f"POST {_CONVERSATION}notes/",
            f"POST {_CONVERSATION}assign/",
            f"POST {_CONVERSATION}snooze/",
            f"POST {_CONVERSATION}read/",
            f"DELETE {_CONVERSATION}read/",
            "POST /api/messages/{message_id}/feedback/",
            "POST /api/outbox/{message_id}/retry/",
            f"POST {_CANNED}",
            f"PATCH {_CANNED}{{answer_id}}/",
            f"DELETE {_CANNED}{{answer_id}}/",
        ),
    ),
    (
        _OPERATOR,
        Scope.CUSTOMERS_READ,
        ("GET /api/customers/", "GET /api/customers/{customer_id}/"),
    ),
    (_OPERATOR, Scope.CUSTOMERS_WRITE, ("PATCH /api/customers/{customer_id}/",)),
    (
        _OPERATOR,
        Scope.KNOWLEDGE_READ,
        (
            f"GET {_DOCUMENTS}",
            f"GET {_DOCUMENT}",
            f"GET {_DOCUMENT}blocks/",
            f"GET {_DOCUMENT}original/",
            "GET /api/knowledge/search/",
        ),
    ),
    (
        _OPERATOR,
        Scope.KNOWLEDGE_WRITE,
        (
            f"POST {_DOCUMENTS}",
            f"PUT {_DOCUMENT}",
            f"PATCH {_DOCUMENT}",
            f"DELETE {_DOCUMENT}",
            f"POST {_DOCUMENTS}upload/",
        ),
    ),
    # An inbox names the channels of its conversations; tokens are not among it.
    (
        _OPERATOR,
        Scope.CHANNELS_READ,
        ("GET /api/channels/", "GET /api/channels/{channel_id}/"),
    ),
    (
        _OPERATOR,
        Scope.MONITOR_READ,
        (
            f"GET {_SERVICES}",
            f"GET {_SERVICE}",
            f"GET {_SERVICE}stats/",
            f"GET {_WINDOWS}",
            "GET /api/monitor/results/",
            "GET /api/monitor/results/{result_id}/",
            "GET /api/monitor/transitions/",
            "GET /api/monitor/health/summary/",
            "GET /api/monitor/uptime/",
            "GET /api/monitor/digests/",
            "GET /api/monitor/digests/latest/",
            "GET /api/monitor/anomalies/",
            "GET /api/monitor/alerts/",
        ),
    ),
    # A service holds secrets in its headers, and its checks leave from our network.
    (
        _OWNER,
        Scope.MONITOR_WRITE,
        (
            f"POST {_SERVICES}",
            f"PUT {_SERVICE}",
            f"PATCH {_SERVICE}",
            f"DELETE {_SERVICE}",
            f"POST {_SERVICE}check/",
            f"POST {_WINDOWS}",
            f"DELETE {_WINDOWS}{{window_id}}/",
            "POST /api/monitor/analyze/",
        ),
    ),
    (
        _OPERATOR,
        Scope.WORKFLOWS_READ,
        (
            f"GET {_WORKFLOWS}",
            f"GET {_WORKFLOW}",
            f"GET {_WORKFLOW}export/",
            f"GET {_WORKFLOW}statistics/",
            f"GET {_WORKFLOW}nodes/",
            f"GET {_WORKFLOW}nodes/{{node_id}}/",
            f"GET {_WORKFLOW}connections/",
            f"GET {_EXECUTIONS}",
            f"GET {_EXECUTION}",
            "GET /api/workflow/schema/",
            "GET /api/workflow/templates/",
            "GET /api/workflow/business-hours/",
        ),
    ),
    # Operators begin and end runs in the conversations that they look after.
    (
        _OPERATOR,
        Scope.WORKFLOWS_WRITE,
        (
            f"POST {_WORKFLOW}run/",
            f"POST {_EXECUTION}cancel/",
            f"POST {_EXECUTION}replay/",
        ),
    ),
    (
        _OWNER,
        Scope.WORKFLOWS_WRITE,
        (
            f"POST {_WORKFLOWS}",
            f"POST {_WORKFLOWS}import/",
            f"PUT {_WORKFLOW}",
            f"PATCH {_WORKFLOW}",
            f"DELETE {_WORKFLOW}",
            f"POST {_WORKFLOW}activate/",
            f"POST {_WORKFLOW}pause/",
            f"POST {_WORKFLOW}duplicate/",
            f"POST {_WORKFLOW}nodes/",
            f"POST {_WORKFLOW}nodes/bulk/",
            f"PUT {_WORKFLOW}nodes/{{node_id}}/",
            f"DELETE {_WORKFLOW}nodes/{{node_id}}/",
            f"POST {_WORKFLOW}connections/",
            f"POST {_WORKFLOW}connections/bulk/",
            f"DELETE {_WORKFLOW}connections/",
            "POST /api/workflow/templates/{key}/create/",
            "PUT /api/workflow/business-hours/",
        ),
    ),
    # What decides about the business itself is done by people.
    (
        _OPERATOR,
        None,
        (
            "GET /api/me/",
            "GET /api/tenant/",
            "GET /api/knowledge/routing/",
            "GET /api/flags/",
            "GET /api/flags/{name}/",
            f"POST {_WORKFLOW}dry-run/",
            "POST /api/logout/",
            "POST /api/password/",
        ),
    ),
    (
        _OWNER,
        None,
        (
            "POST /api/channels/",
            "PATCH /api/channels/{channel_id}/",
            "DELETE /api/channels/{channel_id}/",
            "POST /api/channels/{channel_id}/connect/",
            "POST /api/channels/{channel_id}/disconnect/",
            "POST /api/channels/{channel_id}/visitor-secret/",
            "DELETE /api/customers/{customer_id}/",
            "GET /api/dead-letters/",
            "PATCH /api/tenant/",
            "PUT /api/knowledge/routing/",
            "DELETE /api/knowledge/routing/",
            f"GET {_ROUTES}",
            f"POST {_ROUTES}",
            f"PATCH {_ROUTES}{{route_id}}/",
            f"DELETE {_ROUTES}{{route_id}}/",
            f"POST {_ROUTES}{{route_id}}/confirmation/",
            "GET /api/workflow/signing-secret/",
            "POST /api/workflow/signing-secret/rotate/",
            "GET /api/users/",
            "POST /api/users/",
            "GET /api/users/{user_id}/",
            "PATCH /api/users/{user_id}/",
            "DELETE /api/users/{user_id}/",
            "GET /api/invitations/",
            "DELETE /api/invitations/{invitation_id}/",
            "GET /api/keys/",
            "POST /api/keys/",
            "DELETE /api/keys/{key_id}/",
        ),
    ),
    (
        _SUPERUSER,
        None,
        (
            "GET /api/flags/history/",
            "GET /api/flags/metrics/",
            "PUT /api/flags/{name}/",
            "PATCH /api/flags/{name}/",
            "DELETE /api/flags/{name}/",
        ),
    ),
)
#: Routes that need no sign-in, for the reason beside each.
OPEN: Final = frozenset(
    {
        "POST /api/token/",  # signing in
        "POST /api/token/refresh/",  # carries its own token
        "POST /api/invitations/accept/",  # carries its own token
        "GET /invitation",  # a form, which calls the route above
        "GET /confirm-alerts",  # a form, and the link's token is in its address
        "POST /confirm-alerts",  # the form's answer
        "GET /docs",  # describes the API, and shows no data
        "GET /openapi.json",  # the same
        "GET /healthz",  # programs that restart us ask
        "GET /readyz",  # the same
        "GET /metrics",  # Prometheus asks
    }
)


def _expand() -> Iterator[tuple[str, Access]]:
    for rank, scope, routes in _ROWS:
        for route in routes:
            yield route, Access(rank, scope)


ACCESS: Final = MappingProxyType(dict(_expand()))
_UNDECLARED: Final = Access(Rank.SUPERUSER)


def check_access(route: str, rank: Rank, scopes: Collection[str] | None) -> None:
    """Check a call of `route`, such as `GET /api/users/`.

    Args:
        route: the method and the path with its placeholders.
        rank: the rank of the person who calls, or for whom a key acts.
        scopes: the scopes of the key; None if a person calls.

    Raises:
        RoleNeededError: the person's role is too low; the message names the role.
        SuperuserOnlyError: the same, where no role of a tenant is enough.
        ScopeNeededError: the key lacks the scope, which the message names.
    """
    needed = ACCESS.get(route, _UNDECLARED)
    if scopes is not None and needed.scope is None:
        message = "No API key opens this: sign in as a person."
        raise ScopeNeededError(message)
    if scopes is not None and needed.scope not in scopes:
        message = f"This needs an API key with the scope {needed.scope}."
        raise ScopeNeededError(message)
    if rank >= needed.rank:
        return
    if needed.rank is Rank.SUPERUSER:
        raise SuperuserOnlyError
    name = needed.rank.name.lower()
    message = f"This needs the role {name}. Ask an owner of your business."
    raise RoleNeededError(message)
