"""How lists are cut into pages."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated, Generic, TypeVar

from fastapi import Depends, Query, Request

from deployments.web.api.schemas import Answer

DEFAULT_PAGE_SIZE = 20
MAX_PAGE_SIZE = 200
#: Far past any list, and small enough for the database's numbers.
MAX_PAGE = 1_000_000

Row = TypeVar("Row")


class Page(Answer, Generic[Row]):
    """One page; the links are null at the ends."""

    count: int
    next: str | None
    previous: str | None
    results: list[Row]


@dataclass(frozen=True, slots=True)
class PageRequest:
    """Which page was asked for, and at which address."""

    request: Request
    page: int
    page_size: int

    @property
    def limit(self) -> int:
        """How many rows the page has."""
        return self.page_size

    @property
    def offset(self) -> int:
        """How many rows come before it."""
        return (self.page - 1) * self.page_size

    def build(self, count: int, results: Iterable[Row]) -> Page[Row]:
        """Build the page's answer. A page past the end is empty, not an error."""
        last = max(1, -(-count // self.page_size))
        return Page(
            count=count,
            next=self._link(self.page + 1) if self.page < last else None,
            previous=self._link(min(self.page - 1, last)) if self.page > 1 else None,
            results=list(results),
        )

    def _link(self, page: int) -> str:
        return str(self.request.url.include_query_params(page=page))


def parse_page(
    request: Request,
    page: Annotated[int, Query(ge=1, le=MAX_PAGE)] = 1,
    page_size: Annotated[int, Query(ge=1, le=MAX_PAGE_SIZE)] = DEFAULT_PAGE_SIZE,
) -> PageRequest:
    """Read which page is asked for."""
    return PageRequest(request, page, page_size)


Paging = Annotated[PageRequest, Depends(parse_page)]
