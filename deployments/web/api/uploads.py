"""`/api/knowledge/documents/upload/`: documents handed in as files."""

import asyncio
from collections.abc import Sequence
from pathlib import PurePath
from typing import Annotated
from urllib.parse import quote
from uuid import UUID, uuid4

from fastapi import APIRouter, File, Form, Response, UploadFile
from pydantic import TypeAdapter, ValidationError

from deployments.web.api.auth import Principal, SignedIn
from deployments.web.api.documents import (
    Body,
    DocumentOut,
    Tags,
    Title,
    build_parents,
    show_document,
)
from deployments.web.api.errors import InvalidValueError, NotFoundError
from deployments.web.api.schemas import Answer
from deployments.web.dependencies import Context, WebDependencies
from persistence.document_files import (
    DocumentFile,
    fetch_document_file,
    insert_document_file,
)
from persistence.documents import DocumentContent, create_document
from persistence.errors import KnowledgeFullError
from persistence.ids import DocumentId
from persistence.knowledge_use import check_knowledge_use
from retrieval.documents.blocks import BlockKind
from retrieval.documents.files import MAX_FILE_BYTES
from retrieval.documents.reading import read_blocks
from retrieval.errors import UnreadableFileError
from retrieval.index.knowledge import SourceType

router = APIRouter(prefix="/api/knowledge/documents", tags=["knowledge"])

PATH = "/api/knowledge/documents/upload/"
MAX_FILES = 20
#: All files of one request together; the largest file, and room for the form.
MAX_UPLOAD_BYTES = MAX_FILE_BYTES + 2**20
_TITLE, _TEXT = TypeAdapter[str](Title), TypeAdapter[str](Body)


class UploadOut(Answer):
    """What became of one file: a document, or the reason why there is none."""

    file_name: str
    document: DocumentOut | None
    error: str | None


class UploadsOut(Answer):
    """What became of each file, in the order in which they were sent."""

    results: tuple[UploadOut, ...]


class CellOut(Answer):
    """A value of a table row under its column's name."""

    name: str
    value: str


class BlockOut(Answer):
    """One unit of a document, as it was understood."""

    kind: BlockKind
    text: str
    headings: tuple[str, ...]
    question: str
    cells: tuple[CellOut, ...]


@router.post("/upload/", status_code=201)
async def upload_documents(
    principal: SignedIn,
    context: Context,
    files: Annotated[list[UploadFile], File(max_length=MAX_FILES)],
    source_type: Annotated[SourceType, Form()] = SourceType.MANUAL,
    tags: Annotated[Tags, Form()] = (),
) -> UploadsOut:
    """Add a document for each file; a file that can't be read says why.

    Each file is stored whole or not at all, whatever becomes of the others.
    """
    results = [
        await _store(context, principal, file, source_type, tuple(dict.fromkeys(tags)))
        for file in files
    ]
    if not any(result.document for result in results):
        reasons = (f"{result.file_name}: {result.error}" for result in results)
        message = f"files: {'; '.join(reasons)}"
        raise InvalidValueError(message)
    return UploadsOut(results=tuple(results))


@router.get("/{document_id}/blocks/")
async def show_blocks(
    document_id: UUID, principal: SignedIn, context: Context
) -> tuple[BlockOut, ...]:
    """Show a document as it was understood: its blocks, in their order."""
    document = await show_document(document_id, principal, context)
    blocks = await asyncio.to_thread(read_blocks, document.text, document.title)
    return tuple(
        BlockOut.model_validate(block, from_attributes=True) for block in blocks
    )


@router.get("/{document_id}/original/", response_class=Response)
async def download_original(
    document_id: UUID, principal: SignedIn, context: Context
) -> Response:
    """Send the file that the document was read from, as it was handed in."""
    file = await fetch_document_file(
        context.pool, principal.tenant_id, DocumentId(document_id)
    )
    if file is None:
        raise NotFoundError
    return Response(
        file.content,
        # Never shown in a page of ours: a file may hold a script.
        media_type="application/octet-stream",
        headers={
            "Content-Disposition": f"attachment; filename*=UTF-8''{quote(file.name)}",
            "X-Content-Type-Options": "nosniff",
        },
    )


async def _store(
    context: WebDependencies,
    principal: Principal,
    upload: UploadFile,
    source_type: SourceType,
    tags: Sequence[str],
) -> UploadOut:
    name = PurePath((upload.filename or "").replace("\\", "/")).name or "file"
    file = DocumentFile(name, await upload.read())
    try:
        async with context.reading.place(principal.tenant_id):
            read = await context.read_file(file.name, file.content)
        content = DocumentContent(
            source_type,
            _TITLE.validate_python(read.title or name),
            _TEXT.validate_python(read.text),
            tags=tuple(tags),
        )
        parents = await build_parents(context, principal.tenant_id, content)
    except (UnreadableFileError, InvalidValueError) as error:
        return UploadOut(file_name=name, document=None, error=str(error))
    except ValidationError as error:
        reason = error.errors()[0]["msg"]
        return UploadOut(file_name=name, document=None, error=f"the text: {reason}")
    document_id = DocumentId(uuid4())
    tenant_id = principal.tenant_id
    try:
        async with context.pool.acquire() as connection, connection.transaction():
            await create_document(connection, tenant_id, document_id, content, parents)
            await insert_document_file(connection, tenant_id, document_id, file)
            await check_knowledge_use(connection, tenant_id, context.knowledge_limits)
    except KnowledgeFullError as error:
        return UploadOut(file_name=name, document=None, error=str(error))
    document = await show_document(document_id, principal, context)
    return UploadOut(file_name=name, document=document, error=None)
