"""What callers learn of an answering side that fails: never its stack."""

import asyncio
import warnings
from collections.abc import Awaitable, Callable
from types import SimpleNamespace
from uuid import UUID

import pytest

from actors.conversation.errors import AnswerFailedError
from actors.conversation.ports import AnswerJob
from actors.conversation.reasons import FailureReason
from deployments.answers.errors import RetrieverUnavailableError
from deployments.answers.ports import JudgeJob, NotJudged, Verdict
from persistence.ids import ChannelId, ConversationId, MessageId, TenantId
from retrieval.dialogue.turns import Burst
from retrieval.errors import SearchFailedError
from retrieval.text.language import Language

with warnings.catch_warnings():
    # Serve's own models use what pydantic has deprecated.
    warnings.simplefilter("ignore", DeprecationWarning)
    from ray.exceptions import RayTaskError

    from deployments.answers import clients as handles
    from deployments.answers.clients import (
        JUDGED_TOO_LATE,
        NOBODY_JUDGES,
        RemoteJudge,
        RemoteResponder,
        RemoteRetriever,
    )

TENANT = TenantId(UUID(int=1))
JOB = AnswerJob(TENANT, ConversationId(UUID(int=2)), (MessageId(UUID(int=3)),))

QUESTION = JudgeJob(TENANT, ChannelId(UUID(int=4)), ("polite?",), True, "سلام")


@pytest.fixture
def answer_with(
    monkeypatch: pytest.MonkeyPatch,
) -> Callable[[Callable[..., Awaitable[object]]], None]:
    """Let a function stand in for the replica."""

    def install(answer: Callable[..., Awaitable[object]]) -> None:
        handle = SimpleNamespace(
            retrieve=SimpleNamespace(remote=answer),
            answer=SimpleNamespace(remote=answer),
            write=SimpleNamespace(remote=answer),
            judge=SimpleNamespace(remote=answer),
        )
        handle.options = lambda **_: handle
        monkeypatch.setattr(handles, "_handle", lambda _name: handle)

    return install


def remote_error(cause: Exception) -> BaseException:
    """Build what Ray raises here for an error there."""
    stack = 'Traceback (most recent call last):\n  File "/srv/pilito/secret.py"'
    # Ray's own code has no annotations here.
    build: Callable[..., RayTaskError] = RayTaskError
    raised = build("retrieve", stack, cause)
    convert: Callable[[], BaseException] = raised.as_instanceof_cause
    return convert()


@pytest.mark.parametrize(
    ("cause", "seen"),
    [
        (SearchFailedError(), SearchFailedError),
        (KeyError("a bug"), RetrieverUnavailableError),
        (ConnectionResetError(), RetrieverUnavailableError),
    ],
)
async def test_an_error_of_the_search_comes_without_its_stack(
    answer_with: Callable[[Callable[..., Awaitable[object]]], None],
    monkeypatch: pytest.MonkeyPatch,
    cause: Exception,
    seen: type[Exception],
) -> None:
    async def fail(*_: object, **__: object) -> object:
        raise remote_error(cause)

    monkeypatch.setattr(handles, "SEARCH_TIMEOUT_S", 0.0)
    answer_with(fail)
    with pytest.raises(seen) as caught:
        await RemoteRetriever().retrieve(TENANT, "q")
    assert "Traceback" not in str(caught.value)
    assert ".py" not in str(caught.value)
    with pytest.raises(seen):
        await RemoteRetriever().answer(TENANT, Burst(("q",)), (), Language.EN)


async def test_a_search_that_nobody_takes_ends(
    answer_with: Callable[[Callable[..., Awaitable[object]]], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # Without a replica Serve keeps the call until one comes, and none may.
    async def wait(*_: object, **__: object) -> object:
        return await asyncio.get_running_loop().create_future()

    monkeypatch.setattr(handles, "SEARCH_LIMIT_S", 0.01)
    answer_with(wait)
    with pytest.raises(RetrieverUnavailableError):
        await RemoteRetriever().retrieve(TENANT, "q")


async def test_an_answer_that_nobody_ends_fails_with_a_reason_to_store(
    answer_with: Callable[[Callable[..., Awaitable[object]]], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def wait(*_: object, **__: object) -> object:
        return await asyncio.get_running_loop().create_future()

    monkeypatch.setattr(handles, "ANSWER_TIMEOUT_S", 0.01)
    monkeypatch.setattr(handles, "SEARCH_LIMIT_S", 0.0)
    answer_with(wait)
    with pytest.raises(AnswerFailedError, match="too long"):
        await RemoteResponder(llm_timeout_s=0.0).write(JOB)


async def test_a_judgement_comes_as_it_was_given(
    answer_with: Callable[[Callable[..., Awaitable[object]]], None],
) -> None:
    async def judge(job: JudgeJob) -> Verdict:
        return Verdict(True, job.text)

    answer_with(judge)
    assert await RemoteJudge(60).judge(QUESTION) == Verdict(True, "سلام")


@pytest.mark.parametrize(
    ("cause", "reason"),
    [
        (KeyError("a bug"), FailureReason.NOT_PREPARED),
        (ConnectionResetError(), NOBODY_JUDGES),
    ],
)
async def test_a_judgement_that_fails_there_comes_without_its_stack(
    answer_with: Callable[[Callable[..., Awaitable[object]]], None],
    cause: Exception,
    reason: str,
) -> None:
    async def fail(*_: object) -> object:
        raise remote_error(cause)

    answer_with(fail)
    assert await RemoteJudge(1.0).judge(QUESTION) == NotJudged(reason)


async def test_a_judgement_that_nobody_takes_ends(
    answer_with: Callable[[Callable[..., Awaitable[object]]], None],
) -> None:
    async def wait(*_: object) -> object:
        return await asyncio.get_running_loop().create_future()

    answer_with(wait)
    assert await RemoteJudge(0.01).judge(QUESTION) == NotJudged(JUDGED_TOO_LATE)
