"""`/api/flags/`: the runtime's flags, their history and the retrieval metrics."""

import asyncio
from datetime import datetime, timedelta
from typing import Annotated

from fastapi import APIRouter, Path, Response
from pydantic import BeforeValidator, Field, StrictBool, StrictInt, StrictStr

from config.flags import FLAGS, FlagState, FlagType, FlagValue, find_flag
from deployments.answers.rag_metrics import RAGMetrics
from deployments.flags import MAX_TTL
from deployments.web.api.auth import Principal, SignedIn
from deployments.web.api.errors import InvalidValueError
from deployments.web.api.schemas import Answer, Page, Paging, RequestBody
from deployments.web.dependencies import Context, WebDependencies
from persistence.flags import fetch_flag_changes_page

router = APIRouter(prefix="/api/flags", tags=["flags"])

Name = Annotated[str, Path(description="The name of a flag, as in the list.")]


def _check_type(value: object) -> object:
    """Refuse a value of no flag's type, with one message for all types."""
    if isinstance(value, bool | int) or (isinstance(value, str) and len(value) <= 100):
        return value
    message = "must be true or false, a whole number, or a short text"
    raise ValueError(message)


Value = Annotated[
    StrictBool | StrictInt | StrictStr,
    BeforeValidator(_check_type),
    Field(description="A value of the flag's own type; nothing is converted."),
]
Ttl = Annotated[
    float,
    Field(
        gt=0,
        le=MAX_TTL.total_seconds(),
        description="Seconds until the flag returns to its default; never if left out.",
    ),
]


class FlagIn(RequestBody):
    """A value, and for how long it is in force."""

    value: Value
    ttl: Ttl | None = None


class FlagPatch(RequestBody):
    """A change of a flag; a ttl of null keeps the value for good."""

    value: Value | None = None
    ttl: Ttl | None = None


class FlagOut(Answer):
    """A flag, with its value and its possible values.

    `enabled` is for everybody, `enabled_for_tenant` for the caller's own tenant.
    """

    enabled: bool
    enabled_for_tenant: bool
    value: bool | int | str
    default: bool | int | str
    expires_at: datetime | None
    is_set: bool
    type: FlagType
    about: str
    minimum: int | None
    maximum: int | None
    choices: list[str]


class FlagChangeOut(Answer):
    """A change; null as a value stands for the default."""

    id: int
    name: str
    at: datetime
    who: str = Field(validation_alias="author")
    old: bool | int | str | None
    new: bool | int | str | None
    expires_at: datetime | None


class MethodOut(Answer):
    """Metrics of a retrieval method; shares and rates are 0 to 1."""

    retrievals: int
    errors: int
    error_rate: float
    latency_avg_ms: float
    under_2s: float
    chunks_avg: float


class RerankOut(Answer):
    """Metrics of a cross-encoder."""

    rerankings: int
    latency_avg_ms: float


class RagMetricsOut(Answer):
    """The sums over all processes since the runtime was started."""

    methods: dict[str, MethodOut]
    reranking: dict[str, RerankOut]
    query_complexity_avg: float
    active_models: dict[str, str]


@router.get("/")
async def list_flags(principal: SignedIn, context: Context) -> dict[str, FlagOut]:
    """List all flags by name. Every user may read them."""
    # From the database: another process may have made the last change.
    await context.flags.refresh()
    states = context.flags.get_all_flags()
    return {
        name: _render(context, principal, name, state) for name, state in states.items()
    }


@router.get("/history/")
async def list_changes(
    _: SignedIn, context: Context, paging: Paging, name: str | None = None
) -> Page[FlagChangeOut]:
    """List changes of flags, newest first. For superusers."""
    if name is not None:
        find_flag(name)
    count, rows = await fetch_flag_changes_page(
        context.pool, name, paging.limit, paging.offset
    )
    return paging.build(count, map(FlagChangeOut.model_validate, rows))


@router.get("/metrics/")
async def show_metrics(_: SignedIn) -> RagMetricsOut:
    """Show the metrics of each retrieval method, to judge a roll-out by."""
    summary = await asyncio.to_thread(RAGMetrics.get_cached_metrics)
    return RagMetricsOut.model_validate(summary)


@router.get("/{name}/")
async def show_flag(name: Name, principal: SignedIn, context: Context) -> FlagOut:
    """Show a flag."""
    await context.flags.refresh()
    return _show(context, principal, name)


@router.put("/{name}/")
async def set_flag(
    name: Name, body: FlagIn, principal: SignedIn, context: Context
) -> FlagOut:
    """Set a flag in every process, within a second. For superusers."""
    return await _set(context, principal, name, body.value, body.ttl)


@router.patch("/{name}/")
async def edit_flag(
    name: Name, body: FlagPatch, principal: SignedIn, context: Context
) -> FlagOut:
    """Change a flag's value or its ttl, and keep the other. For superusers."""
    await context.flags.refresh()
    value, ttl, old = body.value, body.ttl, _show(context, principal, name)
    if value is None and old.is_set:
        value = old.value
    if value is None:
        message = "value: required, because the flag is not set"
        raise InvalidValueError(message)
    if "ttl" not in body.model_fields_set and old.expires_at is not None:
        ttl = (old.expires_at - context.clock.now()).total_seconds()
    return await _set(context, principal, name, value, ttl)


@router.delete("/{name}/", status_code=204)
async def clear_flag(name: Name, principal: SignedIn, context: Context) -> Response:
    """Return a flag to its default. For superusers."""
    await context.flags.clear(name, by=principal.user_id)
    return Response(status_code=204)


async def _set(
    context: WebDependencies,
    principal: Principal,
    name: str,
    value: FlagValue,
    ttl_s: float | None,
) -> FlagOut:
    ttl = None if ttl_s is None else timedelta(seconds=ttl_s)
    await context.flags.set_flag(name, value, ttl, by=principal.user_id)
    return _show(context, principal, name)


def _show(context: WebDependencies, principal: Principal, name: str) -> FlagOut:
    find_flag(name)
    return _render(context, principal, name, context.flags.get_all_flags()[name])


def _render(
    context: WebDependencies, principal: Principal, name: str, state: FlagState
) -> FlagOut:
    flag = FLAGS[name]
    return FlagOut(
        enabled=state["enabled"],
        enabled_for_tenant=context.flags.is_enabled(name, principal),
        value=state["value"],
        default=state["default"],
        expires_at=state["expires_at"],
        is_set=context.flags.get_explicit(name) is not None,
        type=flag.type,
        about=flag.about,
        minimum=flag.minimum,
        maximum=flag.maximum,
        choices=list(flag.choices),
    )
