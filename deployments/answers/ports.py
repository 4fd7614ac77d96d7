"""The protocols of searches and judgements, and what judgements carry."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from deployments.answers.answer_draft import AnswerDraft
from persistence.ids import ChannelId, ConversationId, TenantId
from retrieval.answer.context import RetrievedContext
from retrieval.dialogue.turns import Burst, Turn
from retrieval.index.knowledge import EVERYTHING, RetrievalFilter
from retrieval.text.language import Language


@dataclass(frozen=True, slots=True)
class JudgeJob:
    """Questions about a text; with `must_all_hold` all must be answered with yes."""

    tenant_id: TenantId
    channel_id: ChannelId
    prompts: tuple[str, ...]
    must_all_hold: bool
    text: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """The judgement, and the model's reason for it."""

    holds: bool
    reason: str


@dataclass(frozen=True, slots=True)
class NotJudged:
    """Why there is no judgement."""

    reason: str


class Judge(Protocol):
    """Answers yes-or-no questions about a customer's text."""

    async def judge(self, job: JudgeJob) -> Verdict | NotJudged:
        """Judge the text; never raises for what may happen outside."""
        ...


class Retriever(Protocol):
    """Searches a tenant's knowledge."""

    async def retrieve(
        self,
        tenant_id: TenantId,
        query: str,
        *,
        share: str = "",
        conversation_id: ConversationId | None = None,
        only: RetrievalFilter = EVERYTHING,
    ) -> RetrievedContext:
        """Retrieve the context for an answer to the query.

        `share` is the caption of a post that the query may be about; `only` limits the
        search to some sources, tags or documents.
        """
        ...

    async def answer(
        self,
        tenant_id: TenantId,
        burst: Burst,
        turns: Sequence[Turn],
        language: Language,
        *,
        only: RetrievalFilter = EVERYTHING,
    ) -> AnswerDraft:
        """Understand a burst, search for what it asks, and compose an answer.

        `turns` are the exchanges before it, oldest first; `language` is the shop's.
        """
        ...
