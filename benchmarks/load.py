"""A load generator: keep-alive connections that post prepared requests in turn."""

import asyncio
import hashlib
import hmac
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

import orjson


@dataclass(frozen=True, slots=True)
class LoadResult:
    """What a run of the load generator saw; latencies in seconds, sorted."""

    requests: int
    failures: int
    elapsed_s: float
    latencies_s: tuple[float, ...]

    @property
    def per_second(self) -> float:
        """Requests that were answered 200, per second."""
        return (self.requests - self.failures) / self.elapsed_s

    def percentile_ms(self, share: float) -> float:
        """Return the latency below which `share` of the requests were answered."""
        if not self.latencies_s:
            return float("nan")
        last = len(self.latencies_s) - 1
        return 1000 * self.latencies_s[min(last, int(share * len(self.latencies_s)))]


def build_webhook(account: str, customer: str, mid: str, secret: str) -> bytes:
    """Build a signed Instagram webhook with one text message, headers and all.

    The path is a placeholder that `aim` fills in.
    """
    body = orjson.dumps(
        {
            "object": "instagram",
            "entry": [
                {
                    "id": account,
                    "time": 1_700_000_000_000,
                    "messaging": [
                        {
                            "sender": {"id": customer},
                            "recipient": {"id": account},
                            "timestamp": 1_700_000_000_000,
                            "message": {"mid": mid, "text": "هزینه ارسال چقدره؟"},
                        }
                    ],
                }
            ],
        }
    )
    signature = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    head = (
        "POST %s HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n"
        f"x-hub-signature-256: sha256={signature}\r\n"
        f"content-length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def aim(requests: Sequence[bytes], path: str) -> list[bytes]:
    """Point prepared requests at `path`."""
    return [request.replace(b"%s", path.encode(), 1) for request in requests]


async def run_load(
    host: str, port: int, requests: Sequence[bytes], connections: int
) -> LoadResult:
    """Post all requests over so many connections, each waiting for its answer."""
    run = _Run(list(reversed(requests)), [])
    began = time.perf_counter()
    await asyncio.gather(*(_keep_posting(run, host, port) for _ in range(connections)))
    elapsed = time.perf_counter() - began
    return LoadResult(len(requests), run.failures, elapsed, tuple(sorted(run.seen)))


async def _keep_posting(run: "_Run", host: str, port: int) -> None:
    """Hold one connection; a server may close it between two requests."""
    loop = asyncio.get_running_loop()
    while run.remaining:
        _, poster = await loop.create_connection(lambda: _Poster(run), host, port)
        await poster.done


@dataclass(slots=True)
class _Run:
    """What the connections share; the load must cost less than what it is put on."""

    #: The next one is the last.
    remaining: list[bytes]
    seen: list[float]
    failures: int = 0


class _Poster(asyncio.Protocol):
    """One connection: posts the next request once the last one is answered."""

    def __init__(self, run: _Run) -> None:
        self._run = run
        self._answer = b""
        self._began = 0.0
        self._request = b""
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's own transports are no subclass, but can do the same.
        self._transport = cast("asyncio.Transport", transport)
        self._post_next()

    def data_received(self, data: bytes) -> None:
        self._answer += data
        if not _is_whole(self._answer):
            return
        self._run.seen.append(time.perf_counter() - self._began)
        self._run.failures += not self._answer.startswith(b"HTTP/1.1 200")
        self._answer = b""
        self._post_next()

    def connection_lost(self, error: Exception | None) -> None:  # noqa: ARG002 - asyncio's signature
        if self._request:
            # It may have been taken; each carries its id, so once more does no harm.
            self._run.remaining.append(self._request)
        self.done.set_result(None)

    def _post_next(self) -> None:
        if not self._run.remaining:
            self._request = b""
            self._transport.close()
            return
        self._request = self._run.remaining.pop()
        self._began = time.perf_counter()
        self._transport.write(self._request)


def _is_whole(answer: bytes) -> bool:
    head, separator, body = answer.partition(b"\r\n\r\n")
    if not separator:
        return False
    head = head.lower()
    if b"transfer-encoding: chunked" in head:
        return body.endswith(b"0\r\n\r\n")
    _, name, rest = head.partition(b"content-length:")
    return len(body) >= int(rest.split(b"\r\n", 1)[0]) if name else True
