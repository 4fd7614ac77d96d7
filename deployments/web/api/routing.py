"""`/api/knowledge/routing/`: the intents that route questions to sources."""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Annotated

from fastapi import APIRouter, Response
from pydantic import Field, StringConstraints, model_validator

from deployments.web.api.auth import SignedIn
from deployments.web.api.schemas import Answer, NoNul, NotBlank, RequestBody
from deployments.web.dependencies import Context
from persistence.routing import delete_routing, fetch_routing, replace_routing
from retrieval.index.knowledge import SourceType
from retrieval.routing import DEFAULT_INTENTS, Intent
from retrieval.text.normalise import normalise

router = APIRouter(prefix="/api/knowledge/routing", tags=["knowledge"])

MAX_INTENTS = 50
MAX_KEYWORDS = 200
#: Models do not read longer prompts to the end.
MAX_BUDGET_TOKENS = 8000

IntentName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,49}$")]
Keyword = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=100),
    NoNul,
    NotBlank,
]
Budget = Annotated[int, Field(ge=0, le=MAX_BUDGET_TOKENS, strict=True)]


class IntentIn(RequestBody):
    """A kind of question, with its keywords and the sources of its answers.

    The intent without keywords is for questions that match no keyword.
    """

    name: IntentName
    keywords: Annotated[list[Keyword], Field(max_length=MAX_KEYWORDS)]
    primary_source: SourceType
    secondary_sources: list[SourceType]
    primary_budget: Annotated[Budget, Field(ge=1)]
    secondary_budget: Budget

    @model_validator(mode="after")
    def _check(self) -> "IntentIn":
        sources = [self.primary_source, *self.secondary_sources]
        if len(set(sources)) < len(sources):
            message = f"{self.name}: a source is repeated"
            raise ValueError(message)
        for keyword in self.keywords:
            if not normalise(keyword):
                message = f"{self.name}: {keyword!r} has no letter and no digit"
                raise ValueError(message)
        return self


class RoutingIn(RequestBody):
    """All intents, by priority: the earlier wins if equally many keywords match."""

    intents: Annotated[list[IntentIn], Field(min_length=1, max_length=MAX_INTENTS)]

    @model_validator(mode="after")
    def _check(self) -> "RoutingIn":
        for name, count in Counter(intent.name for intent in self.intents).items():
            if count > 1:
                message = f"intents: {name} is repeated"
                raise ValueError(message)
        if sum(not intent.keywords for intent in self.intents) > 1:
            message = "intents: only one of them may have no keywords"
            raise ValueError(message)
        return self


class IntentOut(Answer):
    """A kind of question."""

    name: str
    keywords: list[str]
    primary_source: SourceType
    secondary_sources: list[SourceType]
    primary_budget: int
    secondary_budget: int


class RoutingOut(Answer):
    """The intents in force, and whether they are the defaults."""

    is_default: bool
    intents: list[IntentOut]


@router.get("/")
async def show_routing(principal: SignedIn, context: Context) -> RoutingOut:
    """Show the tenant's intents."""
    intents = await fetch_routing(context.pool, principal.tenant_id)
    return _render(intents)


@router.put("/")
async def replace(body: RoutingIn, principal: SignedIn, context: Context) -> RoutingOut:
    """Replace all intents, from the next question on."""
    intents = tuple(_build(body.intents))
    await replace_routing(context.pool, principal.tenant_id, intents)
    return _render(intents)


@router.delete("/", status_code=204)
async def reset(principal: SignedIn, context: Context) -> Response:
    """Return to the default intents."""
    await delete_routing(context.pool, principal.tenant_id)
    return Response(status_code=204)


def _build(intents: Iterable[IntentIn]) -> Iterable[Intent]:
    for intent in intents:
        yield Intent(
            name=intent.name,
            keywords=tuple(dict.fromkeys(intent.keywords)),
            primary_source=intent.primary_source,
            secondary_sources=tuple(intent.secondary_sources),
            primary_budget=intent.primary_budget,
            secondary_budget=intent.secondary_budget,
        )


def _render(intents: Sequence[Intent] | None) -> RoutingOut:
    shown = DEFAULT_INTENTS if intents is None else intents
    return RoutingOut(
        is_default=intents is None,
        intents=[IntentOut.model_validate(intent) for intent in shown],
    )
