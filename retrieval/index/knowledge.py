"""The records of a tenant's knowledge, as the index takes them in."""

from dataclasses import dataclass, field
from enum import StrEnum
from uuid import UUID

import numpy as np
from numpy.typing import NDArray


class SourceType(StrEnum):
    """Where a document came from."""

    MANUAL = "manual"
    FAQ = "faq"
    PRODUCTS = "products"
    WEBSITE = "website"


@dataclass(frozen=True, slots=True)
class IndexedChunk:
    """A child chunk with all that an answer needs to show and cite it.

    Texts are the original, for people to read. A chunk without a vector is not embedded
    yet: it is found by its words until then.
    """

    chunk_id: UUID
    document_id: UUID
    source: SourceType
    title: str
    text: str
    parent_id: UUID
    parent_text: str
    url: str | None = None
    tags: frozenset[str] = frozenset()
    vector: NDArray[np.float32] | None = field(default=None, compare=False, repr=False)
