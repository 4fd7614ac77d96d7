"""Calls webhooks of workflows: signed, behind the walls, with bounded answers."""

import asyncio
from collections.abc import Mapping
from datetime import datetime

import httpx
import orjson

from actors.monitor.checks.addresses import check_url
from actors.monitor.checks.outcome import FailureKind
from actors.monitor.checks.ssrf_guard import classify
from actors.workflow.ports import WorkTask
from actors.workflow.run import MAX_VALUE_CHARS, CallWebhook, StepDone, StepFailed
from deployments.http.signing import build_signed_headers

#: For the whole call: a server that sends a byte now and then would never exceed a
#: time-out for single reads.
TIMEOUT_S = 10.0
MAX_ANSWER_BYTES = 256 * 1024
#: The same at each attempt of a step, so that a receiver can drop repetitions.
IDEMPOTENCY_KEY = "Idempotency-Key"
HEADERS = {
    "User-Agent": "Pilito-Workflow",
    "Accept": "application/json, */*",
    # A compressed answer could grow to any size.
    "Accept-Encoding": "identity",
}
#: Refusals that another attempt may overcome, beside all of the server's own faults.
TEMPORARY = frozenset({408, 425, 429})
NO_ANSWER = "no complete answer in time"
BAD_BODY = "body: no JSON once its fields are filled in"
NOT_JSON = "the answer is not JSON, so nothing of it can be kept"
TOO_LARGE = f"the answer is larger than {MAX_ANSWER_BYTES // 1024} KiB"
COMPRESSED = "the answer is compressed, which was not asked for"


class WebhookCaller:
    """Calls addresses that tenants have chosen.

    `client` is one of `open_guarded_client`, which follows no redirect.
    """

    def __init__(
        self, client: httpx.AsyncClient, *, timeout_s: float = TIMEOUT_S
    ) -> None:
        self._client = client
        self._timeout_s = timeout_s

    async def call(
        self, task: WorkTask, work: CallWebhook, secret: str, at: datetime
    ) -> StepDone | StepFailed:
        """Call the address; the values are what `work.save` names of the answer.

        A call without an answer may have arrived: another attempt has the same key.
        """
        try:
            check_url(work.url)
        except ValueError as error:
            return StepFailed(task.step, f"url: {error}", is_permanent=True)
        has_body = work.method != "GET"
        body = work.body.encode() if has_body else b""
        if has_body and not _is_json(body):
            return StepFailed(task.step, BAD_BODY, is_permanent=True)
        request = self._client.build_request(
            work.method,
            work.url,
            headers={
                **HEADERS,
                **build_signed_headers(secret, at, body),
                IDEMPOTENCY_KEY: task.key,
            },
            content=body if has_body else None,
        )
        try:
            async with asyncio.timeout(self._timeout_s):
                return await self._send(task.step, request, work.save)
        except TimeoutError:
            return StepFailed(task.step, NO_ANSWER)
        except Exception as error:  # noqa: BLE001 - each is named by `classify`
            kind, reason = classify(error)
            is_forbidden = kind is FailureKind.FORBIDDEN
            return StepFailed(task.step, reason, is_permanent=is_forbidden)

    async def _send(
        self, step: int, request: httpx.Request, save: Mapping[str, str]
    ) -> StepDone | StepFailed:
        answer = await self._client.send(request, stream=True)
        try:
            status = answer.status_code
            if not 200 <= status < 300:
                return _refuse(step, status)
            if not save:
                # Nobody reads the answer.
                return StepDone(step, detail=f"HTTP {status}")
            if answer.headers.get("content-encoding", "identity") != "identity":
                return StepFailed(step, COMPRESSED, is_permanent=True)
            content = await _read(answer)
        finally:
            await answer.aclose()
        if content is None:
            return StepFailed(step, TOO_LARGE, is_permanent=True)
        try:
            values = pick_values(content, save)
        except ValueError:
            return StepFailed(step, NOT_JSON, is_permanent=True)
        return StepDone(step, values, detail=f"HTTP {status}")


def pick_values(content: bytes, save: Mapping[str, str]) -> dict[str, str]:
    """Pick values out of JSON, each as text of at most 1,000 characters.

    Args:
        content: the JSON.
        save: by the value's name the path to it: members with dots between them,
            numbers for places in lists, from 0. What is not there is an empty text.

    Raises:
        ValueError: the content is not JSON.
    """
    try:
        document = orjson.loads(content)
    except RecursionError as error:
        raise ValueError(NOT_JSON) from error
    return {name: _write(_find(document, path)) for name, path in save.items()}


def _find(document: object, path: str) -> object:
    found = document
    for part in path.split("."):
        if isinstance(found, dict):
            found = found.get(part)
        elif isinstance(found, list) and part.isascii() and part.isdigit():
            place = int(part[:9])
            found = found[place] if place < len(found) else None
        else:
            return None
    return found


def _write(value: object) -> str:
    """Write a JSON value as text; numbers and whole parts as JSON writes them."""
    if value is None:
        return ""
    try:
        text = value if isinstance(value, str) else orjson.dumps(value).decode()
    except TypeError:
        return ""  # Nested deeper than can be written.
    # PostgreSQL's text can't hold NUL.
    return text.replace("\x00", "")[:MAX_VALUE_CHARS]


def _is_json(body: bytes) -> bool:
    try:
        orjson.loads(body)
    except (ValueError, RecursionError):
        return False
    return True


def _refuse(step: int, status: int) -> StepFailed:
    if 300 <= status < 400:
        reason = f"HTTP {status}: it redirects; use the final address"
        return StepFailed(step, reason, is_permanent=True)
    is_temporary = status in TEMPORARY or status >= 500
    return StepFailed(step, f"HTTP {status}", is_permanent=not is_temporary)


async def _read(answer: httpx.Response) -> bytes | None:
    """Read the body; None where it is too large."""
    content = bytearray()
    async for chunk in answer.aiter_raw():
        content += chunk
        if len(content) > MAX_ANSWER_BYTES:
            return None
    return bytes(content)
