"""`/api/knowledge/`: the documents that answers are written from, and a search."""

import asyncio
from collections.abc import Callable
from datetime import datetime
from enum import StrEnum
from typing import Annotated
from uuid import UUID, uuid4

from fastapi import APIRouter, Depends, Response
from fastapi import Query as Parameter
from pydantic import Field, StringConstraints

from deployments.web.api import schemas
from deployments.web.api.auth import SignedIn
from deployments.web.api.errors import (
    EditedMeanwhileError,
    InvalidValueError,
    NotFoundError,
)
from deployments.web.dependencies import Context, WebDependencies
from persistence import documents
from persistence.database import Connection, Db
from persistence.document_files import delete_document_file
from persistence.documents import (
    Document,
    DocumentContent,
    DocumentFilter,
    DocumentSummary,
)
from persistence.ids import DocumentId, TenantId
from persistence.knowledge_use import KnowledgeUse, check_knowledge_use
from persistence.paging import Found
from retrieval.answer.context import RetrievedContext
from retrieval.documents.chunking import Parent, chunk_document
from retrieval.index.knowledge import RetrievalFilter, SourceType

router = APIRouter(prefix="/api/knowledge", tags=["knowledge"])

#: Longer than any question.
MAX_QUERY_CHARS = 2000
#: Two people may edit one document at the same time; more are told.
EDIT_ATTEMPTS = 3

Title = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=500),
    schemas.NoNul,
]
Body = Annotated[
    str,
    StringConstraints(min_length=1, max_length=200_000),
    schemas.NoNul,
    schemas.NotBlank,
]
Link = Annotated[
    str, StringConstraints(pattern=r"^https?://\S+$", max_length=2000), schemas.NoNul
]
Query = Annotated[
    str,
    Parameter(description="A question, as a customer would ask it."),
    StringConstraints(min_length=1, max_length=MAX_QUERY_CHARS),
    schemas.NoNul,
    schemas.NotBlank,
]

Share = Annotated[
    str,
    Parameter(description="The caption of a post that the question may be about."),
    StringConstraints(max_length=MAX_QUERY_CHARS),
    schemas.NoNul,
]


Tag = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=100),
    schemas.NoNul,
]
Tags = Annotated[tuple[Tag, ...], Field(max_length=50)]


def _narrow(
    source: Annotated[tuple[SourceType, ...], Parameter()] = (),
    tag: Annotated[Tags, Parameter()] = (),
    document: Annotated[tuple[UUID, ...], Parameter(max_length=200)] = (),
) -> RetrievalFilter:
    return RetrievalFilter(source, tag, document)


Narrowed = Annotated[RetrievalFilter, Depends(_narrow)]


class DocumentIn(schemas.RequestBody):
    """A document."""

    source_type: SourceType
    title: Title
    text: Body
    url: Link | None = None
    tags: Tags = ()


class DocumentPatch(schemas.RequestBody):
    """A change of a document; a url of null removes the link."""

    source_type: SourceType | None = None
    title: Title | None = None
    text: Body | None = None
    url: Link | None = None
    tags: Tags | None = None


class IndexState(StrEnum):
    """Progress of indexing by meaning; words of a document are found at once."""

    PENDING = "pending"
    INDEXED = "indexed"
    FAILED = "failed"


class DocumentSummaryOut(schemas.Answer):
    """A document in a list: its size, and the progress of its indexing."""

    id: UUID
    source_type: SourceType
    title: str
    #: Of the text, in UTF-8.
    size_bytes: int
    url: str | None
    tags: tuple[str, ...]
    state: IndexState
    chunks: int
    embedded_chunks: int
    failed_chunks: int
    #: The model's last error with a chunk of the document.
    index_error: str | None
    created_at: datetime
    updated_at: datetime


class DocumentOut(DocumentSummaryOut):
    """A document with its text."""

    text: str


@router.get("/documents/")
async def list_documents(
    principal: SignedIn,
    context: Context,
    paging: schemas.Paging,
    source_type: SourceType | None = None,
    q: schemas.SearchWords | None = None,
) -> schemas.Page[DocumentSummaryOut]:
    """List documents without their texts, last changed first."""
    tenant_id, window = principal.tenant_id, paging.window()
    wanted = DocumentFilter(source_type, q or None)

    async def fetch(db: Db) -> Found[DocumentSummary]:
        return await documents.fetch_documents_page(db, tenant_id, wanted, window)

    found = await (context.searches.run(tenant_id, fetch) if q else fetch(context.pool))
    return paging.build_found(found, map(_summarise, found.rows))


@router.post("/documents/", status_code=201)
async def create_document(
    body: DocumentIn, principal: SignedIn, context: Context
) -> DocumentOut:
    """Add a document; it can be found within two seconds."""
    content = _content_of(body)
    parents = await build_parents(context, principal.tenant_id, content)
    document_id = DocumentId(uuid4())
    async with context.pool.acquire() as connection, connection.transaction():
        await documents.create_document(
            connection, principal.tenant_id, document_id, content, parents
        )
        await check_knowledge_use(
            connection, principal.tenant_id, context.knowledge_limits
        )
        return await _show(connection, principal.tenant_id, document_id)


@router.get("/documents/{document_id}/")
async def show_document(
    document_id: UUID, principal: SignedIn, context: Context
) -> DocumentOut:
    """Show one document."""
    async with context.pool.acquire() as connection:
        return await _show(connection, principal.tenant_id, DocumentId(document_id))


@router.put("/documents/{document_id}/")
async def replace_document(
    document_id: UUID, body: DocumentIn, principal: SignedIn, context: Context
) -> DocumentOut:
    """Replace a document."""
    content = _content_of(body)
    its_id = DocumentId(document_id)
    return await _replace(context, principal.tenant_id, its_id, lambda _: content)


@router.patch("/documents/{document_id}/")
async def edit_document(
    document_id: UUID, body: DocumentPatch, principal: SignedIn, context: Context
) -> DocumentOut:
    """Change parts of a document."""

    def edit(old: DocumentContent) -> DocumentContent:
        return DocumentContent(
            source_type=body.source_type or old.source_type,
            title=body.title or old.title,
            text=body.text or old.text,
            # Null is a value here: only an omitted field leaves the link.
            url=body.url if "url" in body.model_fields_set else old.url,
            tags=old.tags if body.tags is None else (*dict.fromkeys(body.tags),),
        )

    its_id = DocumentId(document_id)
    return await _replace(context, principal.tenant_id, its_id, edit)


@router.delete("/documents/{document_id}/", status_code=204)
async def delete_document(
    document_id: UUID, principal: SignedIn, context: Context
) -> Response:
    """Delete a document; answers no longer use it."""
    async with context.pool.acquire() as connection, connection.transaction():
        if not await documents.delete_document(
            connection, principal.tenant_id, DocumentId(document_id)
        ):
            raise NotFoundError
        await delete_document_file(
            connection, principal.tenant_id, DocumentId(document_id)
        )
    return Response(status_code=204)


@router.get("/search/", response_model=dict[str, object])
async def search_knowledge(
    principal: SignedIn,
    context: Context,
    query: Query,
    only: Narrowed,
    share: Share = "",
) -> RetrievedContext:
    """Show the passages that an answer to the query would be written from.

    `source`, `tag` and `document` filter the documents and may each be repeated: a
    document must match one value of each.
    """
    return await context.retriever.retrieve(
        principal.tenant_id, query, share=share, only=only
    )


def _content_of(body: DocumentIn) -> DocumentContent:
    return DocumentContent(
        body.source_type, body.title, body.text, body.url, (*dict.fromkeys(body.tags),)
    )


async def build_parents(
    context: WebDependencies, tenant_id: TenantId, content: DocumentContent
) -> tuple[Parent, ...]:
    """Cut a document into chunks, one of a tenant's documents at a time.

    Raises:
        InvalidValueError: the document has no words.
        TooManyWaitingError: too many of this tenant's wait already.
    """
    # A long document takes some hundred milliseconds: not on the event loop.
    async with context.chunking.place(tenant_id):
        parents = await asyncio.to_thread(
            chunk_document, content.title, content.text, context.count_tokens
        )
    if not parents:
        message = "text: must contain words"
        raise InvalidValueError(message)
    return parents


async def _replace(
    context: WebDependencies,
    tenant_id: TenantId,
    document_id: DocumentId,
    edit: Callable[[DocumentContent], DocumentContent],
) -> DocumentOut:
    """Store a document's new content, which is cut before any connection is held."""
    for _ in range(EDIT_ATTEMPTS):
        old = await documents.fetch_document(context.pool, tenant_id, document_id)
        if old is None:
            raise NotFoundError
        content = edit(old.content)
        parents = await build_parents(context, tenant_id, content)
        async with context.pool.acquire() as connection, connection.transaction():
            held = await documents.lock_document(connection, tenant_id, document_id)
            if held is None:
                raise NotFoundError
            if held.revision != old.revision:
                continue  # Another edit came first: this one begins with its result.
            before = await KnowledgeUse.fetch(connection, tenant_id)
            await documents.replace_document(connection, held, content, parents)
            await check_knowledge_use(
                connection, tenant_id, context.knowledge_limits, before
            )
            return await _show(connection, tenant_id, document_id)
    raise EditedMeanwhileError


async def _show(
    connection: Connection, tenant_id: TenantId, document_id: DocumentId
) -> DocumentOut:
    document = await documents.fetch_document(connection, tenant_id, document_id)
    if document is None:
        raise NotFoundError
    return _render(document)


def _render(document: Document) -> DocumentOut:
    content = document.content
    summary = DocumentSummary(
        id=document.id,
        source_type=content.source_type,
        title=content.title,
        size_bytes=len(content.text.encode()),
        url=content.url,
        tags=content.tags,
        chunks=document.chunks,
        embedded_chunks=document.embedded_chunks,
        failed_chunks=document.failed_chunks,
        embedding_error=document.embedding_error,
        created_at=document.created_at,
        updated_at=document.updated_at,
    )
    return DocumentOut(**_summarise(summary).model_dump(), text=content.text)


def _summarise(document: DocumentSummary) -> DocumentSummaryOut:
    return DocumentSummaryOut(
        id=document.id,
        source_type=document.source_type,
        title=document.title,
        size_bytes=document.size_bytes,
        url=document.url,
        tags=document.tags,
        state=_state_of(document),
        chunks=document.chunks,
        embedded_chunks=document.embedded_chunks,
        failed_chunks=document.failed_chunks,
        index_error=document.embedding_error,
        created_at=document.created_at,
        updated_at=document.updated_at,
    )


def _state_of(document: DocumentSummary) -> IndexState:
    if document.embedded_chunks == document.chunks:
        return IndexState.INDEXED
    if document.embedded_chunks + document.failed_chunks == document.chunks:
        return IndexState.FAILED
    return IndexState.PENDING
