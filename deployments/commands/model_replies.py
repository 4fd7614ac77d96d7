"""Replies of a model to labelled dialogues: the runtime's prompt and gate, no database.

Small talk and what a person must answer are told by rules, as in the runtime.
"""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import replace
from uuid import UUID

from config import prompts
from deployments.answers.drafting import Draft as ModelDraft
from deployments.answers.drafting import build_grounds, write_draft
from deployments.answers.errors import ModelFailedError
from deployments.answers.llm import LlmClient
from deployments.answers.prompt import build_prompt
from deployments.answers.wording import write_reply
from persistence import messages
from persistence.ids import TenantId
from persistence.tenants import Tenant
from retrieval.answer.drafts import Draft
from retrieval.answering import Answerer
from retrieval.dialogue.turns import Burst, Turn
from retrieval.embedding.embedder import Embedder
from retrieval.evaluation.dialogues import ExpectedAct, GivenAnswer
from retrieval.evaluation.playing import Exchange, exchange_of
from retrieval.index.knowledge_index import KnowledgeIndex
from retrieval.production_rag import ProductionRAG
from retrieval.text.language import Language

_SHOP = Tenant(TenantId(UUID(int=0)), "shop", Language.FA.value, "")


class ModelReplies:
    """Answers bursts from an index by a model. Close it at the end."""

    def __init__(self, llm: LlmClient, embedder: Embedder) -> None:
        self._llm = llm
        self._answerer = Answerer(embedder)
        self._rag: ProductionRAG[KnowledgeIndex] = ProductionRAG(
            lambda index: index, embedder, time.perf_counter
        )
        self._runner = asyncio.Runner()
        self._has_answered = False
        #: Turns that the rules answered, as the model failed.
        self.failures = 0

    def close(self) -> None:
        """Close the connections."""
        self._runner.run(self._llm.close())
        self._runner.close()

    def reply(
        self, burst: Burst, turns: Sequence[Turn], index: KnowledgeIndex
    ) -> Exchange:
        """Answer a burst.

        A model that fails leaves the rules' answer and calls a person. Raises
        ModelFailedError if it fails at the very first call: the address is wrong then.
        """
        draft = self._answerer.answer(burst, turns, index, Language.FA)
        said = "\n".join(burst.texts)
        ruled = exchange_of(said, draft, write_reply(draft, said=said))
        if not draft.understanding.questions:
            return ruled
        try:
            written = self._write(burst, turns, draft, index)
        except ModelFailedError:
            if not self._has_answered:
                raise
            self.failures += 1
            answer = replace(ruled.answer, act=ExpectedAct.HANDOVER)
            return replace(ruled, answer=answer)
        self._has_answered = True
        text = _with_handover(written, str(draft.understanding.language))
        return Exchange(
            replace(ruled.turn, answered=text, asked_back=written.asks_back),
            GivenAnswer(text, _act_of(written), is_sourced=bool(written.text)),
        )

    def _write(
        self,
        burst: Burst,
        turns: Sequence[Turn],
        draft: Draft,
        index: KnowledgeIndex,
    ) -> ModelDraft:
        language = str(draft.understanding.language)
        said = "\n".join(burst.texts)
        questions = draft.understanding.questions
        subjects = tuple(one.subject for one in questions if one.subject)
        searched = "\n".join(one.text for one in questions)
        context = self._rag.retrieve_context(
            searched, index, share=burst.referred or "\n".join(subjects)
        )
        past = [
            messages.Turn(kind, text)
            for turn in turns
            for kind, text in (("customer", turn.said), ("ai", turn.answered))
        ]
        understood = {"questions": tuple(one.text for one in questions)}
        if subjects:
            understood["subject"] = subjects
        prompt = build_prompt(
            _SHOP, context, past, said, language, burst.referred, understood
        )
        grounds = build_grounds(prompt, past, (said, burst.referred), language)
        return self._runner.run(write_draft(self._llm, prompt, grounds))


def _with_handover(written: ModelDraft, language: str) -> str:
    if not written.is_handover:
        return written.text
    if not written.text:
        return prompts.HANDOVER[language]
    return f"{written.text}\n\n{prompts.REST_HANDOVER[language]}"


def _act_of(written: ModelDraft) -> ExpectedAct:
    if written.is_handover:
        return ExpectedAct.HANDOVER
    return ExpectedAct.CLARIFY if written.asks_back else ExpectedAct.ANSWER
