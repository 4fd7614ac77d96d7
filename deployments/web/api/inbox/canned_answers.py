"""`/api/canned-answers/`: words that stand ready, for everybody of a business."""

import re
from datetime import datetime
from typing import Annotated, Final
from uuid import UUID

from fastapi import APIRouter, Response
from pydantic import AfterValidator, StringConstraints

from deployments.web.api import auth, errors, schemas
from deployments.web.dependencies import Context
from persistence import canned_answers
from persistence.canned_answers import Shortcut
from persistence.ids import CannedAnswerId
from persistence.tenants import lock_tenant
from retrieval.text.normalise import normalise

router = APIRouter(prefix="/api/canned-answers", tags=["conversations"])

#: A page loads them all when it opens; more would be found by nobody.
MAX_ANSWERS: Final = 500
MAX_BODY_CHARS: Final = 10_000
#: What a body may name; whoever shows the answer fills it in.
VARIABLES: Final = ("customer_name", "shop_name", "operator_name")
_NAMED = re.compile(r"\{([^{}\n]*)\}")


def _check_shortcut(text: str) -> str:
    if re.search(r"[\s/]", text):
        message = "must not contain blanks or slashes"
        raise ValueError(message)
    if not normalise(text):
        message = "must contain a letter or a digit"
        raise ValueError(message)
    return text


def _check_variables(text: str) -> str:
    for name in _NAMED.findall(text):
        if name not in VARIABLES:
            known = ", ".join(f"{{{variable}}}" for variable in VARIABLES)
            message = f"there is no variable {{{name[:50]}}}; there are {known}"
            raise ValueError(message)
    return text


ShortcutText = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=32),
    schemas.NoNul,
    AfterValidator(_check_shortcut),
]
Body = Annotated[
    str,
    StringConstraints(min_length=1, max_length=MAX_BODY_CHARS),
    schemas.NoNul,
    schemas.NotBlank,
    AfterValidator(_check_variables),
]


class CannedAnswerIn(schemas.RequestBody):
    """An answer: its shortcut without blanks, a title for lists, and the words.

    The body may name `{customer_name}`, `{shop_name}` and `{operator_name}`.
    """

    shortcut: ShortcutText
    title: schemas.Name
    body: Body


class CannedAnswerPatch(schemas.RequestBody):
    """Changes of an answer; what is left out stays."""

    shortcut: ShortcutText | None = None
    title: schemas.Name | None = None
    body: Body | None = None


class CannedAnswerOut(schemas.Answer):
    """A canned answer."""

    id: UUID
    shortcut: str
    title: str
    body: str
    updated_at: datetime


@router.get("/")
async def list_canned_answers(
    principal: auth.SignedIn, context: Context, paging: schemas.Paging
) -> schemas.Page[CannedAnswerOut]:
    """List the canned answers of your business by shortcut."""
    count, rows = await canned_answers.fetch_canned_answers_page(
        context.pool, principal.tenant_id, paging.limit, paging.offset
    )
    return paging.build(count, map(CannedAnswerOut.model_validate, rows))


@router.post("/", status_code=201)
async def create_canned_answer(
    body: CannedAnswerIn, principal: auth.SignedIn, context: Context
) -> CannedAnswerOut:
    """Add a canned answer; shortcuts that are spelled alike are the same."""
    tenant_id = principal.tenant_id
    async with context.pool.acquire() as db, db.transaction():
        # Two that are made at once must both be counted.
        await lock_tenant(db, tenant_id)
        if await canned_answers.count_canned_answers(db, tenant_id) >= MAX_ANSWERS:
            message = f"There are {MAX_ANSWERS} canned answers: delete one first."
            raise errors.LimitReachedError(message)
        created = await canned_answers.create_canned_answer(
            db,
            tenant_id,
            _fold(body.shortcut),
            title=body.title,
            body=body.body,
            at=context.clock.now(),
        )
    return CannedAnswerOut.model_validate(created)


@router.get("/{answer_id}/")
async def show_canned_answer(
    answer_id: UUID, principal: auth.SignedIn, context: Context
) -> CannedAnswerOut:
    """Show a canned answer."""
    found = await canned_answers.fetch_canned_answer(
        context.pool, principal.tenant_id, CannedAnswerId(answer_id)
    )
    return CannedAnswerOut.model_validate(errors.require(found))


@router.patch("/{answer_id}/")
async def edit_canned_answer(
    answer_id: UUID,
    body: CannedAnswerPatch,
    principal: auth.SignedIn,
    context: Context,
) -> CannedAnswerOut:
    """Change a canned answer."""
    changed = await canned_answers.update_canned_answer(
        context.pool,
        principal.tenant_id,
        CannedAnswerId(answer_id),
        shortcut=None if body.shortcut is None else _fold(body.shortcut),
        title=body.title,
        body=body.body,
        at=context.clock.now(),
    )
    return CannedAnswerOut.model_validate(errors.require(changed))


@router.delete("/{answer_id}/", status_code=204)
async def delete_canned_answer(
    answer_id: UUID, principal: auth.SignedIn, context: Context
) -> Response:
    """Delete a canned answer."""
    is_deleted = await canned_answers.delete_canned_answer(
        context.pool, principal.tenant_id, CannedAnswerId(answer_id)
    )
    if not is_deleted:
        raise errors.NotFoundError
    return Response(status_code=204)


def _fold(text: str) -> Shortcut:
    return Shortcut(text, normalise(text))
