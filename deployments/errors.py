"""HTTP statuses of all our errors, and the handlers that answer with them."""

import math
from collections.abc import Mapping, Sequence
from datetime import timedelta

import structlog
from fastapi import Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from actors.conversation import errors as conversation_errors
from actors.errors import ActorError, TooManyWaitingError
from actors.monitor import errors as monitor_errors
from config import flags
from deployments.answers import errors as answers_errors
from deployments.console import errors as console_errors
from deployments.http import errors as request_errors
from deployments.integrations import errors as channel_errors
from deployments.monitoring import errors as analysis_errors
from deployments.web.api import errors as api_errors
from persistence import errors as persistence_errors
from persistence.channels import ChannelInUseError
from retrieval import errors as retrieval_errors

#: A class without a row has the status of its nearest ancestor.
STATUSES: Mapping[type[Exception], int] = {
    api_errors.ApiError: 400,
    api_errors.NotSignedInError: 401,
    api_errors.WrongPasswordError: 401,
    api_errors.SuperuserOnlyError: 403,
    api_errors.RoleNeededError: 403,
    api_errors.ScopeNeededError: 403,
    api_errors.LastOwnerError: 409,
    api_errors.TooManyError: 409,
    api_errors.NotFoundError: 404,
    api_errors.EditedMeanwhileError: 409,
    api_errors.VersionConflictError: 409,
    api_errors.AnswerOvertakenError: 409,
    api_errors.StateUnavailableError: 409,
    api_errors.SearchTooWideError: 422,
    api_errors.InvalidValueError: 422,
    api_errors.LimitReachedError: 409,
    request_errors.RequestError: 400,
    request_errors.BodyTooLargeError: 413,
    request_errors.BodyTooSlowError: 408,
    request_errors.TooManyRequestsError: 429,
    console_errors.ForgedFormError: 403,
    analysis_errors.AnalysisError: 503,
    analysis_errors.AnalysisBusyError: 409,
    analysis_errors.AnalysisQueueFullError: 503,
    analysis_errors.AnalysisFailedError: 503,
    flags.FlagError: 400,
    flags.UnknownFlagError: 404,
    flags.InvalidFlagValueError: 422,
    flags.FlagsUnreadError: 503,
    channel_errors.ChannelError: 400,
    channel_errors.WrongSignatureError: 401,
    channel_errors.WrongVerifyTokenError: 403,
    channel_errors.BrokenBodyError: 400,
    channel_errors.InvalidFieldError: 422,
    channel_errors.ClientIdTakenError: 409,
    channel_errors.UnknownChannelError: 404,
    channel_errors.UnprovenVisitorError: 401,
    channel_errors.ChannelPausedError: 503,
    channel_errors.TokenRefusedError: 422,
    channel_errors.PlatformRefusedError: 502,
    channel_errors.PlatformUnreachableError: 502,
    channel_errors.DirectoryUnavailableError: 503,
    ActorError: 503,
    TooManyWaitingError: 429,
    conversation_errors.ShardUnavailableError: 503,
    conversation_errors.UnknownConversationError: 404,
    conversation_errors.InvalidEventError: 400,
    conversation_errors.WindowClosedError: 409,
    conversation_errors.TooMuchToSendError: 409,
    conversation_errors.NewerMessagesError: 409,
    conversation_errors.SendRefusedError: 502,
    conversation_errors.SendOutcomeUnknownError: 502,
    conversation_errors.AnswerFailedError: 502,
    conversation_errors.ReplayError: 500,
    monitor_errors.MonitorError: 503,
    monitor_errors.MonitorUnavailableError: 503,
    monitor_errors.MonitorStandbyError: 503,
    monitor_errors.ServiceGoneError: 404,
    persistence_errors.PersistenceError: 503,
    persistence_errors.ShardFencedError: 503,
    persistence_errors.DatabaseAwayError: 503,
    persistence_errors.CommitTimedOutError: 503,
    persistence_errors.BatchRefusedError: 400,
    persistence_errors.DuplicateRowError: 409,
    persistence_errors.KnowledgeFullError: 409,
    ChannelInUseError: 409,
    # Only a person can bring the old key back: waiting does not help.
    persistence_errors.SecretUnreadableError: 500,
    # Never a request's: the mirror has a task of its own.
    persistence_errors.MirrorUnreachableError: 503,
    persistence_errors.MirrorEmptiedError: 503,
    retrieval_errors.RetrievalError: 503,
    retrieval_errors.EmbeddingError: 503,
    retrieval_errors.DimensionMismatchError: 500,
    retrieval_errors.SearchFailedError: 503,
    retrieval_errors.RerankerUnavailableError: 503,
    retrieval_errors.KnowledgeTooLargeError: 409,
    retrieval_errors.UnreadableFileError: 422,
    answers_errors.AnswersError: 502,
    answers_errors.RetrieverUnavailableError: 503,
    answers_errors.ModelFailedError: 502,
    # Never a request's: a start is refused, or the reranker stays degraded.
    answers_errors.ModelMissingError: 503,
}
ROOTS = tuple(error for error in STATUSES if error.__base__ not in STATUSES)
#: Told to clients where the error itself names no time.
RETRY_AFTER = timedelta(seconds=2)
#: Names the header too: without it a body is not read as JSON.
NO_OBJECT = "must be a JSON object, sent with Content-Type: application/json"

log = structlog.get_logger("http")


def status_of(error: Exception) -> int:
    """Return the HTTP status of an error; 500 when it is none of ours."""
    if persistence_errors.is_database_away(error):
        return 503
    for ancestor in type(error).__mro__:
        if ancestor in STATUSES:
            return STATUSES[ancestor]
    return 500


def install_error_handlers(app: Starlette) -> None:
    """Have the app answer every error with `{"detail": ...}`."""
    for root in ROOTS:
        app.add_exception_handler(root, _on_known_error)
    for root in persistence_errors.DATABASE_AWAY:
        app.add_exception_handler(root, _on_connection_error)
    app.add_exception_handler(ClientDisconnect, _on_disconnect)
    app.add_exception_handler(RequestValidationError, _on_invalid_request)
    app.add_exception_handler(HTTPException, _on_http_exception)
    app.add_exception_handler(Exception, _on_unknown_error)


async def _on_known_error(_: Request, error: Exception) -> JSONResponse:
    return build_error_response(error)


async def _on_connection_error(request: Request, error: Exception) -> JSONResponse:
    """Answer an error of a type that the database raises, whoever raised this one."""
    if persistence_errors.is_database_away(error):
        return build_error_response(error)
    return await _on_unknown_error(request, error)


def build_error_response(error: Exception) -> JSONResponse:
    """Build the answer to one of our errors, for code outside an app's handlers."""
    status = status_of(error)
    detail = str(error)
    if persistence_errors.is_database_away(error):
        log.warning("database_away", error=repr(error))
        detail = "The database does not answer. Try again in a few seconds."
    elif status >= 500 and not isinstance(error, channel_errors.ChannelPausedError):
        # A paused chat may be flooded: its owner knows, and the log must not grow.
        log.warning("request_failed", status=status, error=repr(error))
    answer: dict[str, object] = {"detail": detail}
    field, colon, message = detail.partition(": ")
    if isinstance(error, api_errors.InvalidValueError) and colon:
        answer["fields"] = {field: message}
    if isinstance(error, api_errors.VersionConflictError):
        answer["versions"] = {"given": error.given, "newest": error.newest}
    if isinstance(error, api_errors.AnswerOvertakenError):
        answer["code"] = "newer_messages"
        answer["newer"] = [row.model_dump(mode="json") for row in error.newer]
    return JSONResponse(answer, status, _headers(error, status))


def _headers(error: Exception, status: int) -> dict[str, str]:
    if status == 401:
        return {"WWW-Authenticate": "Bearer"}
    if status in {408, 413}:
        # The rest of the body is not read: the next request can't follow it.
        return {"Connection": "close"}
    if status in {429, 503}:
        wait = getattr(error, "retry_after", RETRY_AFTER)
        # Rounded up: a client that returns a little early would be refused again.
        return {"Retry-After": str(max(1, math.ceil(wait.total_seconds())))}
    return {}


async def _on_disconnect(_: Request, __: Exception) -> Response:
    """Answer nobody, with the status that proxies log for a caller who went away."""
    return Response(status_code=499)


async def _on_invalid_request(_: Request, error: Exception) -> JSONResponse:
    """Name each field that is wrong; a body that is no JSON at all is a 400."""
    problems = error.errors() if isinstance(error, RequestValidationError) else ()
    body = error.body if isinstance(error, RequestValidationError) else None
    if any(problem["type"] == "json_invalid" for problem in problems):
        return JSONResponse({"detail": "body: this is not valid JSON"}, 400)
    fields: dict[str, str] = {}
    for problem in problems:
        name, message = _field_name(problem["loc"], body), problem["msg"]
        match problem["type"]:
            case "union_tag_not_found":
                name, message = problem["ctx"]["discriminator"], "Field required"
            case "union_tag_invalid":
                name = problem["ctx"]["discriminator"]
                message = f"Input should be {problem['ctx']['expected_tags']}"
            case "tuple_type":
                message = "Input should be a valid list"
            case "model_attributes_type" if name == "body":
                message = NO_OBJECT
        fields[name.strip("'")] = message.removeprefix("Value error, ")
    detail = "; ".join(f"{name}: {message}" for name, message in fields.items())
    return JSONResponse({"detail": detail, "fields": fields}, 422)


def _field_name(location: Sequence[str | int], body: object) -> str:
    # The first part says where: body, query, path. A wrong body as a whole is "body".
    rest = location[1:]
    if rest and isinstance(body, Mapping) and rest[0] not in body:
        # Of several kinds of body the second part says which was meant, by its tag.
        rest = rest[1:] if len(rest) > 1 and rest[0] in body.values() else rest
    return ".".join(str(part) for part in rest) or str(location[0])


async def _on_http_exception(request: Request, error: Exception) -> JSONResponse:
    if not isinstance(error, HTTPException):
        return await _on_unknown_error(request, error)
    detail = error.detail
    if isinstance(error.__cause__, UnicodeDecodeError):
        detail = "body: this is not UTF-8"
    return JSONResponse({"detail": detail}, error.status_code, error.headers)


async def _on_unknown_error(request: Request, error: Exception) -> JSONResponse:
    log.error("request_crashed", path=request.url.path, exc_info=error)
    return JSONResponse({"detail": "Something broke on our side. It is logged."}, 500)
