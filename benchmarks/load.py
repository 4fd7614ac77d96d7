"""A load generator: keep-alive connections that post prepared requests in turn."""

import asyncio
import hashlib
import hmac
import time
from collections.abc import Sequence
from dataclasses import dataclass

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
    remaining = iter(requests)
    latencies: list[float] = []
    failures = 0

    async def work() -> None:
        nonlocal failures
        reader, writer = await asyncio.open_connection(host, port)
        try:
            for request in remaining:
                began = time.perf_counter()
                writer.write(request)
                if not await _read_answer(reader):
                    failures += 1
                latencies.append(time.perf_counter() - began)
        finally:
            writer.close()

    began = time.perf_counter()
    async with asyncio.TaskGroup() as group:
        for _ in range(connections):
            group.create_task(work())
    elapsed = time.perf_counter() - began
    return LoadResult(len(requests), failures, elapsed, tuple(sorted(latencies)))


async def _read_answer(reader: asyncio.StreamReader) -> bool:
    """Read one answer to its end; say whether it was a 200."""
    head = await reader.readuntil(b"\r\n\r\n")
    length = 0
    for line in head.split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            length = int(value)
    await reader.readexactly(length)
    return head.startswith(b"HTTP/1.1 200")
