"""Customers of a tenant, and what its operators noted about them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias, cast

import asyncpg

from persistence.database import Db
from persistence.ids import (
    ChannelId,
    ConversationId,
    CustomerId,
    TenantId,
    derive_conversation_id,
)
from persistence.queries import load_queries
from persistence.search import build_search_pattern

_SQL = load_queries("customers")

AttributeValue: TypeAlias = str | bool | int | float | None


@dataclass(frozen=True, slots=True)
class Customer:
    """One customer on one channel, and so one conversation."""

    id: CustomerId
    channel_id: ChannelId
    source: str
    conversation_id: ConversationId
    platform_id: str
    first_name: str
    last_name: str
    username: str
    tags: tuple[str, ...]
    attributes: Mapping[str, AttributeValue]
    notes: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class CustomerFilter:
    """Filters of a page of customers; None leaves a filter out."""

    channel_id: ChannelId | None = None
    tag: str | None = None
    words: str | None = None


@dataclass(frozen=True, slots=True)
class CustomerEdit:
    """A change of a customer; None leaves a field as it is."""

    first_name: str | None = None
    last_name: str | None = None
    tags: tuple[str, ...] | None = None
    attributes: Mapping[str, AttributeValue] | None = None
    notes: str | None = None


async def fetch_customers_page(
    db: Db, tenant_id: TenantId, wanted: CustomerFilter, limit: int, offset: int
) -> tuple[int, tuple[Customer, ...]]:
    """Fetch a page of the customers and how many there are in all."""
    pattern = build_search_pattern(wanted.words or "")
    arguments = (tenant_id, wanted.channel_id, wanted.tag, pattern)
    rows = await db.fetch(_SQL["fetch_customers_page"], *arguments, limit, offset)
    total = await db.fetchval(_SQL["count_customers"], *arguments)
    return cast("int", total), tuple(_customer(row) for row in rows)


async def fetch_customer(
    db: Db, tenant_id: TenantId, customer_id: CustomerId
) -> Customer | None:
    """Fetch one customer; None if it is not this tenant's."""
    row = await db.fetchrow(_SQL["fetch_customer"], tenant_id, customer_id)
    return None if row is None else _customer(row)


async def update_customer(
    db: Db, tenant_id: TenantId, customer_id: CustomerId, edit: CustomerEdit
) -> bool:
    """Apply an edit; False if there is no such customer of this tenant."""
    updated_id = await db.fetchval(
        _SQL["update_customer"],
        tenant_id,
        customer_id,
        edit.first_name,
        edit.last_name,
        edit.tags,
        edit.attributes,
        edit.notes,
    )
    return updated_id is not None


def _customer(row: asyncpg.Record) -> Customer:
    return Customer(
        id=CustomerId(row["id"]),
        channel_id=ChannelId(row["channel_id"]),
        source=row["source"],
        conversation_id=derive_conversation_id(row["channel_id"], row["platform_id"]),
        platform_id=row["platform_id"],
        first_name=row["first_name"],
        last_name=row["last_name"],
        username=row["username"],
        tags=tuple(row["tags"]),
        attributes=row["attributes"],
        notes=row["notes"],
        created_at=row["created_at"],
    )
