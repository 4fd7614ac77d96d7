"""A scripted OpenAI-compatible model behind a real HTTP server."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta

from pydantic import BaseModel
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from config.llm import LlmEndpoint
from deployments.answers.llm import LlmClient
from tests.support.servers.http_server import serving

KEY = "sk-a-key-of-the-tests-that-nobody-may-see"
MODEL = "a-model-of-the-tests"


@dataclass(frozen=True, slots=True)
class Say:
    """Write this text."""

    text: str | None
    tokens: int = 321


@dataclass(frozen=True, slots=True)
class Fail:
    """Refuse with a status; the body repeats the key, as careless servers do."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Garbage:
    """Answer 200 with something that is no completion."""

    body: str
    content_type: str = "application/json"


@dataclass(frozen=True, slots=True)
class Hang:
    """Never answer."""


Reply = Say | Fail | Garbage | Hang


class AskedMessage(BaseModel):
    """A message as the model received it."""

    role: str
    content: str


class Asked(BaseModel):
    """A request as the model received it."""

    model: str
    messages: list[AskedMessage]

    @property
    def text(self) -> str:
        """All that the model could read."""
        return "\n".join(message.content for message in self.messages)


class FakeModel:
    """Answers with scripted replies, and repeats the last one."""

    def __init__(self) -> None:
        self.asked: list[Asked] = []
        self.keys: list[str] = []
        self.url = ""
        self._replies: deque[Reply] = deque([Say("یک جواب")])
        self._closing = asyncio.Event()

    def answer(self, *replies: Reply) -> None:
        """Answer the next requests so, one each; the last one for all that follow."""
        self._replies = deque(replies)

    def connect(self, timeout: timedelta = timedelta(seconds=60)) -> LlmClient:
        """Open a client."""
        endpoint = LlmEndpoint(self.url, KEY, MODEL)
        return LlmClient(endpoint, timeout_s=timeout.total_seconds())

    def close(self) -> None:
        """Let go of requests that hang."""
        self._closing.set()

    async def complete(self, request: Request) -> Response:
        """Answer one request."""
        self.keys.append(request.headers["authorization"].removeprefix("Bearer "))
        self.asked.append(Asked.model_validate_json(await request.body()))
        several = len(self._replies) > 1
        reply = self._replies.popleft() if several else self._replies[0]
        match reply:
            case Say():
                return JSONResponse(_completion(reply))
            case Fail():
                error = {"error": {"message": f"told to fail, key {KEY}"}}
                return JSONResponse(error, reply.status, dict(reply.headers))
            case Garbage():
                return Response(reply.body, media_type=reply.content_type)
            case Hang():
                await self._closing.wait()
                return Response(status_code=503)


@asynccontextmanager
async def running_model() -> AsyncIterator[FakeModel]:
    """Run a model on a port of its own."""
    model = FakeModel()
    route = Route("/v1/chat/completions", model.complete, methods=["POST"])
    async with serving(Starlette(routes=[route])) as address:
        model.url = f"http://{address}/v1"
        try:
            yield model
        finally:
            model.close()


def _completion(reply: Say) -> dict[str, object]:
    message = {"role": "assistant", "content": reply.text}
    return {
        "id": "completion-1",
        "object": "chat.completion",
        "created": 1,
        "model": MODEL,
        "choices": [{"index": 0, "finish_reason": "stop", "message": message}],
        "usage": {
            "prompt_tokens": reply.tokens - 1,
            "completion_tokens": 1,
            "total_tokens": reply.tokens,
        },
    }
