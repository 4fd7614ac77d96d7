"""Customers of a tenant, and what its operators noted about them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import TypeAlias

from persistence import ids
from persistence.database import Db
from persistence.paging import Found, Window, fetch_window
from persistence.queries import build_row, load_queries
from persistence.search import build_search_pattern

_SQL = load_queries("customers")

AttributeValue: TypeAlias = str | bool | int | float | None


@dataclass(frozen=True, slots=True)
class Customer:
    """One customer on one channel, and so one conversation."""

    id: ids.CustomerId
    channel_id: ids.ChannelId
    source: str
    platform_id: str
    first_name: str
    last_name: str
    username: str
    tags: tuple[str, ...]
    attributes: Mapping[str, AttributeValue]
    notes: str
    created_at: datetime

    @property
    def conversation_id(self) -> ids.ConversationId:
        """The one conversation of the customer."""
        return ids.derive_conversation_id(self.channel_id, self.platform_id)


@dataclass(frozen=True, slots=True)
class CustomerFilter:
    """Filters of a page of customers; None leaves a filter out."""

    channel_id: ids.ChannelId | None = None
    tag: str | None = None
    words: str | None = None

    @property
    def is_search(self) -> bool:
        """Whether no index knows which rows pass."""
        return bool(self.tag or self.words)


@dataclass(frozen=True, slots=True)
class CustomerEdit:
    """A change of a customer; None leaves a field as it is."""

    first_name: str | None = None
    last_name: str | None = None
    tags: tuple[str, ...] | None = None
    attributes: Mapping[str, AttributeValue] | None = None
    notes: str | None = None


async def fetch_customers_page(
    db: Db, tenant_id: ids.TenantId, wanted: CustomerFilter, window: Window
) -> Found[Customer]:
    """Fetch a page of the customers; a search is not counted."""
    return await fetch_window(
        db,
        (
            _SQL["fetch_customers_page"],
            None if wanted.is_search else _SQL["count_customers"],
        ),
        (
            tenant_id,
            wanted.channel_id,
            wanted.tag,
            build_search_pattern(wanted.words or ""),
        ),
        window,
        ("created_at", "id"),
        partial(build_row, Customer),
    )


async def fetch_customer(
    db: Db, tenant_id: ids.TenantId, customer_id: ids.CustomerId
) -> Customer | None:
    """Fetch one customer; None if it is not this tenant's."""
    row = await db.fetchrow(_SQL["fetch_customer"], tenant_id, customer_id)
    return None if row is None else build_row(Customer, row)


async def update_customer(
    db: Db, tenant_id: ids.TenantId, customer_id: ids.CustomerId, edit: CustomerEdit
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
