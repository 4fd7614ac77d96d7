"""Pages of the documents, of the try-out, and of an answer's proof."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import Query, Request
from pydantic import ValidationError
from starlette.responses import RedirectResponse, Response

from deployments.console import rendering, routing
from deployments.console.session import SentForm, SignedIn, Visit
from deployments.web.api import documents, messages, schemas
from persistence.errors import KnowledgeFullError
from persistence.ids import MessageId
from retrieval.errors import KnowledgeTooLargeError, RetrievalError
from retrieval.index.knowledge import EVERYTHING, SourceType

router = routing.build_router()

HOME = "/console/knowledge"
_LIST = "GET /api/knowledge/documents/"
_SEARCH = "GET /api/knowledge/search/"
_DOCUMENT = "/api/knowledge/documents/{document_id}/"
PAGE = 50
MAX_QUERY_CHARS = 2000

Search = Annotated[str, Query(max_length=200)]
Question = Annotated[str, Query(max_length=MAX_QUERY_CHARS)]


@router.get(HOME)
async def show_documents(
    request: Request,
    visit: SignedIn,
    q: Search = "",
    cursor: Annotated[str | None, Query(max_length=100)] = None,
) -> Response:
    """List the documents, last changed first."""
    visit.check_access(_LIST)
    paging = schemas.PageRequest(request, page_size=PAGE, cursor=cursor)
    page = await documents.list_documents(
        visit.principal, visit.context, paging, None, q.strip() or None
    )
    values = {"documents": page.results, "q": q, "next": page.next}
    return _respond(request, visit, "knowledge/list.html", values)


@router.get(f"{HOME}/try")
async def try_search(
    request: Request, visit: SignedIn, query: Question = ""
) -> Response:
    """Show what the search finds for a question, with its scores."""
    visit.check_access(_SEARCH)
    found, problem = None, ""
    if query.strip():
        try:
            found = await visit.context.retriever.retrieve(
                visit.principal.tenant_id, query, share="", only=EVERYTHING
            )
        except RetrievalError:
            words = rendering.choose_locale(request, visit.context.clock.now()).words
            problem = words.unavailable
    values = {"query": query, "found": found, "problem": problem}
    return _respond(request, visit, "knowledge/try.html", values)


@router.get(f"{HOME}/new")
async def show_new(
    request: Request, visit: SignedIn, question: Question = ""
) -> Response:
    """Show an empty form, or one for the answer to a question."""
    visit.check_access(f"POST {_DOCUMENT.partition('{')[0]}")
    kind = SourceType.FAQ if question else SourceType.MANUAL
    fields = {"title": question[:200], "text": "", "source_type": kind.value}
    return _show_form(request, visit, None, fields)


@router.post(f"{HOME}/new")
async def create(request: Request, form: SentForm) -> Response:
    """Store a new document."""
    visit = form.visit
    visit.check_access(f"POST {_DOCUMENT.partition('{')[0]}")
    try:
        body = _read(form.fields)
        made = await documents.create_document(body, visit.principal, visit.context)
    except (ValidationError, KnowledgeFullError, KnowledgeTooLargeError) as error:
        return _show_form(request, visit, None, form.fields, _reason_of(error))
    return RedirectResponse(f"{HOME}/{made.id}", routing.SEE_OTHER)


@router.get(f"{HOME}/{{document_id}}")
async def show_document(
    request: Request, visit: SignedIn, document_id: UUID
) -> Response:
    """Show a document in the form that changes it."""
    visit.check_access(f"GET {_DOCUMENT}")
    found = await documents.show_document(document_id, visit.principal, visit.context)
    fields = {
        "title": found.title,
        "text": found.text,
        "source_type": found.source_type.value,
    }
    return _show_form(request, visit, found, fields)


@router.post(f"{HOME}/{{document_id}}")
async def save(request: Request, form: SentForm, document_id: UUID) -> Response:
    """Change a document; its link and tags stay."""
    visit = form.visit
    visit.check_access(f"PATCH {_DOCUMENT}")
    try:
        body = documents.DocumentPatch.model_validate(
            _read(form.fields).model_dump(include={"title", "text", "source_type"})
        )
        await documents.edit_document(document_id, body, visit.principal, visit.context)
    except (ValidationError, KnowledgeFullError, KnowledgeTooLargeError) as error:
        found = await documents.show_document(
            document_id, visit.principal, visit.context
        )
        return _show_form(request, visit, found, form.fields, _reason_of(error))
    return RedirectResponse(f"{HOME}/{document_id}", routing.SEE_OTHER)


@router.post(f"{HOME}/{{document_id}}/delete")
async def delete(form: SentForm, document_id: UUID) -> Response:
    """Delete a document."""
    visit = form.visit
    visit.check_access(f"DELETE {_DOCUMENT}")
    await documents.delete_document(document_id, visit.principal, visit.context)
    return RedirectResponse(HOME, routing.SEE_OTHER)


@router.get("/console/messages/{message_id}/proof")
async def show_proof(request: Request, visit: SignedIn, message_id: UUID) -> Response:
    """Show what an answer of the AI rests on."""
    visit.check_access("GET /api/messages/{message_id}/proof/")
    proof = await messages.get_proof(message_id, visit.principal, visit.context)
    message = await messages.fetch_message(
        visit.context, visit.principal, MessageId(message_id)
    )
    values = {"proof": proof, "message": message, "section": "inbox"}
    return _respond(request, visit, "knowledge/proof.html", values)


def _read(fields: dict[str, str]) -> documents.DocumentIn:
    """Read a document. Raises ValidationError."""
    text = fields.get("text", "").replace("\r\n", "\n")
    return documents.DocumentIn.model_validate(
        {
            "title": fields.get("title", ""),
            "text": text,
            "source_type": fields.get("source_type", ""),
        }
    )


def _show_form(
    request: Request,
    visit: Visit,
    document: documents.DocumentOut | None,
    fields: dict[str, str],
    problem: str = "",
) -> Response:
    values = {
        "document": document,
        "fields": {"title": "", "text": "", "source_type": "manual", **fields},
        "kinds": list(SourceType),
        "problem": problem,
    }
    status = 422 if problem else 200
    return _respond(request, visit, "knowledge/form.html", values, status)


def _respond(
    request: Request,
    visit: Visit,
    template: str,
    values: dict[str, Any],
    status: int = 200,
) -> Response:
    locale = rendering.choose_locale(request, visit.context.clock.now())
    shown = {"visit": visit, "path": request.url.path, "section": "knowledge"}
    return rendering.respond(template, locale, {**shown, **values}, status)


def _reason_of(error: Exception) -> str:
    if isinstance(error, ValidationError):
        return "; ".join(f"{one['loc'][0]}: {one['msg']}" for one in error.errors())
    return str(error)
