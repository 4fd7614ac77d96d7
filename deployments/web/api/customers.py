"""`/api/customers/`: the tenant's customers, with tags, attributes and notes."""

from datetime import datetime
from typing import Annotated
from uuid import UUID, uuid4

from fastapi import APIRouter
from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    StringConstraints,
)

from actors.conversation.events import CustomerEdited, CustomerErased
from deployments.web.api import auth, errors, schemas
from deployments.web.dependencies import Context
from persistence import customers, ids
from persistence.database import Db
from persistence.paging import Found

router = APIRouter(prefix="/api/customers", tags=["customers"])

MAX_TAGS = 50
MAX_ATTRIBUTES = 50
MAX_NOTES_CHARS = 10_000
MAX_ATTRIBUTE_CHARS = 1000
#: Every JSON parser reads integers exactly up to here.
MAX_NUMBER = 2**53


def _refuse_repeated(tags: list[str]) -> list[str]:
    if len(set(tags)) < len(tags):
        message = "must not repeat a tag"
        raise ValueError(message)
    return tags


def _check_attribute(value: object) -> object:
    """Refuse a value that is not small and plain, with one message for all types."""
    match value:
        case None | bool():
            is_plain = True
        case str():
            is_plain = len(value) <= MAX_ATTRIBUTE_CHARS and "\x00" not in value
        case int() | float():
            is_plain = abs(value) <= MAX_NUMBER  # Which not-a-number is not.
        case _:
            is_plain = False
    if not is_plain:
        message = (
            f"must be a text of at most {MAX_ATTRIBUTE_CHARS} characters without NUL,"
            " a number, true, false or null"
        )
        raise ValueError(message)
    return value


PersonName = Annotated[
    str, StringConstraints(strip_whitespace=True, max_length=100), schemas.NoNul
]
Tag = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=50),
    schemas.NoNul,
]
Tags = Annotated[
    list[Tag], Field(max_length=MAX_TAGS), AfterValidator(_refuse_repeated)
]
AttributeName = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=100),
    schemas.NoNul,
]
AttributeValue = Annotated[
    str | bool | int | float | None, BeforeValidator(_check_attribute)
]


class CustomerPatch(schemas.RequestBody):
    """A change of a customer; tags and attributes replace all existing ones."""

    first_name: PersonName | None = None
    last_name: PersonName | None = None
    tags: Tags | None = None
    attributes: (
        Annotated[dict[AttributeName, AttributeValue], Field(max_length=MAX_ATTRIBUTES)]
        | None
    ) = None
    notes: (
        Annotated[str, StringConstraints(max_length=MAX_NOTES_CHARS), schemas.NoNul]
        | None
    ) = None


class CustomerCardOut(schemas.Answer):
    """A customer; the notes are the operators' own."""

    id: UUID
    channel_id: UUID
    source: str
    conversation_id: UUID
    platform_id: str
    first_name: str
    last_name: str
    username: str
    tags: list[str]
    attributes: dict[str, str | bool | int | float | None]
    notes: str
    created_at: datetime


@router.get("/")
async def list_customers(
    principal: auth.SignedIn,
    context: Context,
    paging: schemas.Paging,
    channel_id: Annotated[UUID | None, schemas.LeftEmpty] = None,
    tag: Annotated[str, StringConstraints(max_length=50), schemas.NoNul] | None = None,
    q: schemas.SearchWords | None = None,
) -> schemas.Page[CustomerCardOut]:
    """List customers, newest first."""
    wanted = customers.CustomerFilter(
        channel_id=None if channel_id is None else ids.ChannelId(channel_id),
        tag=tag or None,
        words=q or None,
    )
    tenant_id, window = principal.tenant_id, paging.window()

    async def fetch(db: Db) -> Found[customers.Customer]:
        return await customers.fetch_customers_page(db, tenant_id, wanted, window)

    found = await (
        context.searches.run(tenant_id, fetch)
        if wanted.is_search
        else fetch(context.pool)
    )
    return paging.build_found(found, map(CustomerCardOut.model_validate, found.rows))


@router.get("/{customer_id}/")
async def show_customer(
    customer_id: UUID, principal: auth.SignedIn, context: Context
) -> CustomerCardOut:
    """Show a customer."""
    customer = await customers.fetch_customer(
        context.pool, principal.tenant_id, ids.CustomerId(customer_id)
    )
    return CustomerCardOut.model_validate(errors.require(customer))


@router.delete("/{customer_id}/", status_code=204)
async def erase_customer(
    customer_id: UUID, principal: auth.SignedIn, context: Context
) -> None:
    """Forget a customer: card, messages, history and everything made of them.

    This can't be undone. A new message of the same person begins anew.
    """
    customer = errors.require(
        await customers.fetch_customer(
            context.pool, principal.tenant_id, ids.CustomerId(customer_id)
        )
    )
    await context.shards.submit(
        CustomerErased(
            id=ids.EventId(uuid4()),
            conversation_id=customer.conversation_id,
            at=context.clock.now(),
            user_id=principal.user_id,
        )
    )


@router.patch("/{customer_id}/")
async def edit_customer(
    customer_id: UUID, body: CustomerPatch, principal: auth.SignedIn, context: Context
) -> CustomerCardOut:
    """Change names, tags, attributes or notes."""
    edit = customers.CustomerEdit(
        first_name=body.first_name,
        last_name=body.last_name,
        tags=None if body.tags is None else tuple(body.tags),
        attributes=body.attributes,
        notes=body.notes,
    )
    changed = tuple(sorted(body.model_dump(exclude_none=True)))
    tenant_id, its_id = principal.tenant_id, ids.CustomerId(customer_id)
    before = errors.require(
        await customers.fetch_customer(context.pool, tenant_id, its_id)
    )
    if changed:
        await customers.update_customer(context.pool, tenant_id, its_id, edit)
    customer = errors.require(
        await customers.fetch_customer(context.pool, tenant_id, its_id)
    )
    if changed:
        # After the edit is stored, so that followers of the feed read it. If this fails
        # the caller repeats the edit, which changes nothing more.
        await context.shards.submit(
            CustomerEdited(
                id=ids.EventId(uuid4()),
                conversation_id=customer.conversation_id,
                at=context.clock.now(),
                user_id=principal.user_id,
                fields=changed,
                added_tags=tuple(
                    tag for tag in customer.tags if tag not in before.tags
                ),
            )
        )
    return CustomerCardOut.model_validate(customer)
