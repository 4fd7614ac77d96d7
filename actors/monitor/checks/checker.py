"""Checks a service over HTTP, with retries, and returns the outcome."""

import asyncio
import ssl
import time
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from http.cookiejar import CookieJar, DefaultCookiePolicy

import httpx
import stamina
import structlog

from actors.monitor.checks import ssrf_guard
from actors.monitor.checks.conditions import Condition, Effort, find_unmet
from actors.monitor.checks.outcome import NETWORK_KINDS, FailureKind, Outcome
from persistence.monitor import Method

ATTEMPTS = 3
#: 0.2 s, 0.4 s: a service's worker has restarted by then.
FIRST_PAUSE_S = 0.2
MAX_REDIRECTS = 5
#: At most so much of a body is read.
MAX_BODY_BYTES = 1024 * 1024
MAX_ERROR_CHARS = 300
USER_AGENT = "Pilito-Monitor"
#: Failures that a retry may cure.
RETRIED_KINDS = NETWORK_KINDS | {FailureKind.PROTOCOL}
#: The share of a service's time-out that its conditions may take after the answer, but
#: at least so long: other checks may have the processor meanwhile.
CONDITIONS_SHARE = 0.5
MIN_CONDITIONS_S = 0.5
RETRIED_STATUSES = frozenset({429, *range(500, 600)})
NOT_CHECKED = "this service can't be checked as it is stored; change its settings"
#: What would tell a tenant more of an inside address than whether it is well.
INSIDE_FACTS = frozenset({"content_type", "body_bytes", "http_version"})

log = structlog.get_logger("monitor")


@dataclass(frozen=True, slots=True)
class Target:
    """The request of a check, and the answer that it expects."""

    url: str
    method: Method = Method.GET
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: str | None = None
    timeout_s: float = 10.0
    #: Empty: any 2xx.
    expected_status: frozenset[int] = frozenset()
    conditions: tuple[Condition, ...] = ()
    #: Host and port that the runtime itself has chosen, and that need no permission.
    exempt: tuple[str, int] | None = None


class _AttemptFailedError(Exception):
    """A failed attempt and its outcome."""

    def __init__(self, outcome: Outcome, *, is_retried: bool) -> None:
        super().__init__(outcome.error)
        self.outcome = outcome
        self.is_retried = is_retried


class HttpChecker:
    """Checks over one shared client."""

    def __init__(
        self,
        policy: ssrf_guard.EgressPolicy,
        *,
        ssl_context: ssl.SSLContext | None = None,
        attempts: int = ATTEMPTS,
    ) -> None:
        context = ssl_context or httpx.create_ssl_context(trust_env=False)
        self._attempts = attempts
        self._client = httpx.AsyncClient(
            transport=ssrf_guard.GuardedTransport(policy, context),
            trust_env=False,
            # One client serves all tenants, so it keeps no cookies.
            cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
            headers={
                "User-Agent": USER_AGENT,
                "Accept": "*/*",
                # A compressed body could grow to any size.
                "Accept-Encoding": "identity",
            },
        )

    async def stop(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def check(self, target: Target) -> Outcome:
        """Check with retries; every failure is part of the outcome."""
        trace = ssrf_guard.Trace(exempt=target.exempt)
        ssrf_guard.TRACE.set(trace)
        try:
            outcome = await self._try_all(target)
        except Exception:
            # Of this service alone: the others of the slot go on.
            log.exception("check_failed_unexpectedly")
            outcome = build_broken_outcome()
        metadata = dict(outcome.metadata)
        if trace.is_inside:
            metadata = {k: v for k, v in metadata.items() if k not in INSIDE_FACTS}
        elif trace.connected:
            metadata["address"] = trace.connected[-1]
        failure = outcome.failure
        is_suspect = failure in NETWORK_KINDS and trace.is_network_suspect
        if is_suspect and not ssrf_guard.has_route(trace.resolved):
            failure = FailureKind.OFFLINE
        # A way out plays no part for a target inside, only a route to it.
        is_offline = failure is FailureKind.OFFLINE
        return replace(
            outcome,
            metadata=metadata,
            failure=failure,
            is_doubtful=is_suspect and (is_offline or not trace.is_aimed_inside),
            is_outside=trace.is_outside,
        )

    async def _try_all(self, target: Target) -> Outcome:
        retries = stamina.retry_context(
            on=lambda error: (
                isinstance(error, _AttemptFailedError) and error.is_retried
            ),
            attempts=self._attempts,
            timeout=None,
            wait_initial=FIRST_PAUSE_S,
            wait_jitter=FIRST_PAUSE_S,
        )
        number = 0
        try:
            async for attempt in retries:
                with attempt:
                    number = attempt.num
                    return replace(await self._try_once(target), attempts=number)
        except _AttemptFailedError as error:
            return replace(error.outcome, attempts=number)
        raise AssertionError  # The retries end with a result or an error.

    async def _try_once(self, target: Target) -> Outcome:
        """Send one request. Raises _AttemptFailedError."""
        began = time.perf_counter()
        try:
            # For the whole attempt: a server that sends a byte now and then would never
            # exceed a time-out for single reads.
            async with asyncio.timeout(target.timeout_s):
                answer = await self._ask(target)
        except _AttemptFailedError:
            raise
        except Exception as error:
            kind, text = ssrf_guard.classify(error, quotes_answer=not _is_inside())
            raise _failure(Outcome(0), kind, text) from error
        elapsed_ms = round((time.perf_counter() - began) * 1000, 3)
        outcome = replace(answer.outcome, latency_ms=elapsed_ms)
        return await _check_expectations(target, outcome, answer)

    async def _ask(self, target: Target) -> "_Answer":
        timeout = httpx.Timeout(target.timeout_s)
        request = self._client.build_request(
            target.method,
            target.url,
            headers=dict(target.headers),
            content=target.body if target.method is Method.POST else None,
            timeout=timeout,
        )
        for redirects in range(MAX_REDIRECTS + 1):
            response = await self._client.send(request, stream=True)
            try:
                if not _is_followed(response, target):
                    return await _read(response, redirects)
                request = self._follow(request, response, timeout)
            finally:
                await response.aclose()
        text = f"more than {MAX_REDIRECTS} redirects"
        raise _failure(Outcome(0), FailureKind.REDIRECT, text)

    def _follow(
        self, request: httpx.Request, response: httpx.Response, timeout: httpx.Timeout
    ) -> httpx.Request:
        try:
            url = request.url.join(response.headers["location"])
        except httpx.InvalidURL as error:
            text = "a redirect to an invalid address"
            raise _failure(Outcome(0), FailureKind.REDIRECT, text) from error
        if url.scheme not in {"http", "https"} or not url.host:
            text = "a redirect to an address that is not http or https"
            raise _failure(Outcome(0), FailureKind.REDIRECT, text)
        keeps_body = response.status_code in {307, 308}
        is_same = (url.scheme, url.host, url.port) == (
            request.url.scheme,
            request.url.host,
            request.url.port,
        )
        # Headers and bodies are the service's secrets: another host gets neither.
        is_posted = request.method == Method.POST and keeps_body and is_same
        method = request.method if is_posted or request.method == "HEAD" else "GET"
        names = ("host", "content-length", "content-type", "transfer-encoding")
        kept = {
            name: value
            for name, value in request.headers.items()
            if name not in names[: 4 if not is_posted else 2]
        }
        return self._client.build_request(
            method,
            url,
            headers=kept if is_same else None,
            content=request.content if is_posted else None,
            timeout=timeout,
        )


@dataclass(frozen=True, slots=True)
class _Answer:
    outcome: Outcome
    body: bytes
    content_type: str
    is_cut: bool


def build_broken_outcome() -> Outcome:
    """Build the outcome of a check that an unexpected error ended."""
    return Outcome(1, failure=FailureKind.PROTOCOL, error=NOT_CHECKED)


def _is_inside() -> bool:
    trace = ssrf_guard.TRACE.get()
    return trace is not None and trace.is_inside


def _is_followed(response: httpx.Response, target: Target) -> bool:
    is_wanted = response.status_code in target.expected_status
    return response.has_redirect_location and not is_wanted


async def _read(response: httpx.Response, redirects: int) -> _Answer:
    """Read the body up to the cap."""
    # Read first: the connection ends with the body.
    expires_at = _read_certificate(response)
    raw = bytearray()
    is_cut = False
    async for chunk in response.aiter_raw():
        raw += chunk
        if len(raw) > MAX_BODY_BYTES:
            is_cut = True
            break
    body, is_longer = _unpack(bytes(raw), response.headers.get("content-encoding", ""))
    content_type = response.headers.get("content-type", "")[:200]
    metadata: dict[str, object] = {
        "http_version": response.http_version,
        "content_type": content_type,
        "body_bytes": len(raw),
    }
    if redirects:
        metadata["redirects"] = redirects
    outcome = Outcome(
        0, response.status_code, tls_expires_at=expires_at, metadata=metadata
    )
    return _Answer(outcome, body, content_type, is_cut or is_longer)


def _unpack(raw: bytes, encoding: str) -> tuple[bytes, bool]:
    """Unpack a body that was compressed against our wish, up to the cap."""
    if encoding.strip().lower() not in {"gzip", "deflate"}:
        return raw, False
    unpacker = zlib.decompressobj(zlib.MAX_WBITS | 32)
    try:
        body = unpacker.decompress(raw, MAX_BODY_BYTES)
    except zlib.error:
        return raw, False
    return body, bool(unpacker.unconsumed_tail)


def _read_certificate(response: httpx.Response) -> datetime | None:
    """Return when the certificate expires; None without TLS."""
    stream = response.extensions.get("network_stream")
    tls = None if stream is None else stream.get_extra_info("ssl_object")
    certificate = None if tls is None else tls.getpeercert()
    if not certificate:
        return None
    seconds = ssl.cert_time_to_seconds(str(certificate["notAfter"]))
    return datetime.fromtimestamp(seconds, UTC)


async def _check_expectations(
    target: Target, outcome: Outcome, answer: _Answer
) -> Outcome:
    """Return the outcome of an expected answer. Raises _AttemptFailedError."""
    status = outcome.status_code or 0
    is_expected = (
        status in target.expected_status
        if target.expected_status
        else 200 <= status < 300
    )
    if not is_expected:
        text = f"unexpected status: HTTP {status}"
        raise _failure(outcome, FailureKind.STATUS, text)
    if target.conditions:
        if answer.is_cut:
            text = f"the body is larger than {MAX_BODY_BYTES} bytes"
            raise _failure(outcome, FailureKind.TOO_LARGE, text)
        effort = Effort(max(target.timeout_s * CONDITIONS_SHARE, MIN_CONDITIONS_S))
        # In a thread: a path with a wildcard may visit much of a large body.
        unmet = await asyncio.to_thread(
            find_unmet,
            target.conditions,
            answer.body,
            effort,
            content_type=answer.content_type,
            quotes_values=not _is_inside(),
        )
        if unmet is not None:
            raise _failure(outcome, FailureKind.CONDITION, unmet)
    return outcome


def _failure(outcome: Outcome, kind: FailureKind, text: str) -> _AttemptFailedError:
    # PostgreSQL's text holds neither NUL nor half a surrogate pair; a body may.
    clean = text.replace("\x00", "\ufffd").encode(errors="replace").decode()
    is_retried = kind in RETRIED_KINDS or (
        kind is FailureKind.STATUS and outcome.status_code in RETRIED_STATUSES
    )
    failed = replace(outcome, failure=kind, error=clean[:MAX_ERROR_CHARS])
    return _AttemptFailedError(failed, is_retried=is_retried)
