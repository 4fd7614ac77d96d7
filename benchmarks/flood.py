"""A tenant that asks for all it can get: the flood of `benchmarks.neighbours`."""

import asyncio
import multiprocessing
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from multiprocessing.synchronize import Event
from uuid import uuid4

import httpx

from tests.support.webhooks import sign, text_webhook

#: What says that a quota is full; the flood goes on after a moment.
REFUSALS = frozenset({409, 429, 503})
PAUSE_S = 0.2
#: Calls of each kind that are under way at once.
WORKERS = {
    "messages": 16,
    "huge state": 2,
    "checks": 16,
    "analyses": 4,
    "documents": 4,
    "searches": 8,
    "lists": 4,
    "alerts": 4,
}
QUESTION = "هزینه ارسال چقدره؟"
#: A question mark each, so that every sentence is a part of the search.
LONG = "پیراهن نخی در سه رنگ آبی و سبز و سرخ. " * 260
N_SERVICES = 40
N_ROUTES = 5

Call = Callable[[], Awaitable[httpx.Response]]


@dataclass(frozen=True, slots=True)
class Target:
    """The runtime, and who floods it."""

    url: str
    authorization: str
    account: str
    secret: str
    #: Where somebody listens who never answers.
    silent_url: str


@dataclass(frozen=True, slots=True)
class Answers:
    """The answers to a flood by kind and status; whose messages were answered 200."""

    outcomes: Mapping[tuple[str, int], int]
    stored: list[str]


@asynccontextmanager
async def flooding(target: Target) -> AsyncIterator[list[Answers]]:
    """Flood from a process of its own while the block runs; then the list has answers.

    In one process with who measures, the flood would delay the measuring itself.
    """
    context = multiprocessing.get_context("spawn")
    stop = context.Event()
    ours, theirs = context.Pipe()
    process = context.Process(target=_run, args=(target, stop, theirs), daemon=True)
    process.start()
    # The flood's end alone: when its process dies, waiting for it ends with an error.
    theirs.close()
    answers: list[Answers] = []
    try:
        await asyncio.to_thread(ours.recv)
        yield answers
    finally:
        stop.set()
        answers.append(await asyncio.to_thread(ours.recv))
        await asyncio.to_thread(process.join)


def _run(target: Target, stop: Event, pipe: Connection) -> None:
    asyncio.run(_flood(target, stop, pipe))


async def _flood(target: Target, stop: Event, pipe: Connection) -> None:
    async with httpx.AsyncClient(
        base_url=target.url,
        headers={"Authorization": target.authorization},
        timeout=60,
        limits=httpx.Limits(max_connections=None),
    ) as client:
        flood = Flood(client, target.account, target.secret, target.silent_url)
        await flood.prepare()
        flood.start()
        pipe.send("begun")
        await asyncio.to_thread(stop.wait)
        await flood.stop()
        pipe.send(Answers(dict(flood.outcomes), flood.stored))


@dataclass
class Flood:
    """Calls of one tenant, as many as its quotas allow, until it is stopped."""

    client: httpx.AsyncClient
    account: str
    secret: str
    silent_url: str
    #: Answers by kind and by status.
    outcomes: Counter[tuple[str, int]] = field(default_factory=Counter)
    #: Customers whose messages were answered 200.
    stored: list[str] = field(default_factory=list)
    _services: list[str] = field(default_factory=list)
    _conversation: str = ""
    _tasks: list[asyncio.Task[None]] = field(default_factory=list)

    async def prepare(self) -> None:
        """Make what the flood needs: services, routes, a conversation."""
        for number in range(N_ROUTES):
            await self.client.post(
                "/api/monitor/alert-routes/",
                json={"kind": "webhook", "name": f"{number}", "url": self.silent_url},
            )
        for _ in range(N_SERVICES):
            answer = await self._add_service()
            if answer.is_success:
                self._services.append(answer.json()["id"])
        await self._write()
        page = (await self.client.get("/api/conversations/")).json()
        self._conversation = page["results"][0]["id"]

    def start(self) -> None:
        """Begin all kinds at once."""
        calls: dict[str, Call] = {
            "messages": self._write,
            "huge state": self._answer,
            "checks": self._check,
            "analyses": self._analyze,
            "documents": self._add_document,
            "searches": self._search,
            "lists": self._list,
            "alerts": self._add_service,
        }
        self._tasks = [
            asyncio.create_task(self._insist(kind, call))
            for kind, call in calls.items()
            for _ in range(WORKERS[kind])
        ]

    async def stop(self) -> None:
        """End the calls that are under way."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _insist(self, kind: str, call: Call) -> None:
        while True:
            try:
                status = (await call()).status_code
            except httpx.TransportError:
                status = 0
            self.outcomes[kind, status] += 1
            if status in REFUSALS or not status:
                await asyncio.sleep(PAUSE_S)

    async def _write(self) -> httpx.Response:
        customer = uuid4().hex
        body = text_webhook(self.account, customer, f"m_{customer}", QUESTION)
        answer = await self.client.post(
            "/webhooks/instagram/", content=body, headers=sign(body, self.secret)
        )
        if answer.is_success:
            self.stored.append(customer)
        return answer

    async def _answer(self) -> httpx.Response:
        """Let one conversation's state grow by the longest answer."""
        return await self.client.post(
            f"/api/conversations/{self._conversation}/messages/",
            json={"content": LONG[:10_000]},
        )

    async def _check(self) -> httpx.Response:
        service = self._services[sum(self.outcomes.values()) % len(self._services)]
        return await self.client.post(f"/api/monitor/services/{service}/check/")

    async def _analyze(self) -> httpx.Response:
        return await self.client.post(
            "/api/monitor/analyze/", json={"period_hours": 744}
        )

    async def _add_document(self) -> httpx.Response:
        return await self.client.post(
            "/api/knowledge/documents/",
            json={"source_type": "manual", "title": "x", "text": LONG * 10},
        )

    async def _search(self) -> httpx.Response:
        return await self.client.get(
            "/api/knowledge/search/", params={"query": LONG[:400]}
        )

    async def _list(self) -> httpx.Response:
        """Search all messages for a text that is nowhere."""
        return await self.client.get("/api/conversations/", params={"q": "ژژژ" * 13})

    async def _add_service(self) -> httpx.Response:
        """Add a service that never answers: its alerts go to who never answers."""
        return await self.client.post(
            "/api/monitor/services/",
            json={
                "name": uuid4().hex,
                "base_url": self.silent_url,
                "timeout_s": 5,
                "failure_threshold": 1,
            },
        )
