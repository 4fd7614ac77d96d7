"""Has the model answer yes-or-no questions about a customer's text."""

import re
from dataclasses import replace
from typing import TYPE_CHECKING

import orjson

from actors.conversation.errors import AnswerFailedError
from actors.conversation.reasons import FailureReason
from actors.conversation.rules.markers import disarm_marks
from config import prompts
from deployments.answers.budget import AnswerBudget
from deployments.answers.errors import ModelFailedError
from deployments.answers.llm import LlmClient
from deployments.answers.ports import JudgeJob, NotJudged, Verdict
from deployments.answers.prompt import fence, fit_lines
from retrieval.answer.sayings import note_injected

if TYPE_CHECKING:
    from openai.types.chat import ChatCompletionMessageParam

#: Of the customer's text; longer ones are cut at a line or a word.
MAX_TEXT_TOKENS = 2000
MAX_REASON_CHARS = 200
NO_MODEL = "no model is set, so nobody can judge it"
NO_TEXT = "there is no message of the customer to judge"
_OBJECT = re.compile(r"\{.*\}", re.DOTALL)


class TextJudge:
    """Asks the model; each question counts as one of the channel's answers."""

    def __init__(
        self, llm: LlmClient | None, budget: AnswerBudget | None = None
    ) -> None:
        self._llm = llm
        self._budget = budget

    async def judge(self, job: JudgeJob) -> Verdict | NotJudged:
        """Ask one question after another, until one decides."""
        if self._llm is None:
            return NotJudged(NO_MODEL)
        if not job.text.strip():
            return NotJudged(NO_TEXT)
        try:
            return await self._ask_all(self._llm, job)
        except (AnswerFailedError, ModelFailedError) as error:
            return NotJudged(str(error))

    async def _ask_all(self, llm: LlmClient, job: JudgeJob) -> Verdict:
        verdict = Verdict(job.must_all_hold, "")
        for number, prompt in enumerate(job.prompts, 1):
            if self._budget is not None:
                await self._budget.spend(job.channel_id)
            completion = await llm.complete(build_question(prompt, job.text))
            verdict = read_verdict(completion.text)
            if len(job.prompts) > 1:
                verdict = replace(verdict, reason=f"{number}: {verdict.reason}")
            if verdict.holds is not job.must_all_hold:
                break
        return verdict


def build_question(prompt: str, text: str) -> "list[ChatCompletionMessageParam]":
    """Build the messages of one question; the text stands there as data.

    A prompt may hold templates, which a customer has filled: its fence ends with it.
    """
    data = note_injected(disarm_marks(text), prompts.ORDER_NOTE["en"])
    asked = (
        f"{prompts.JUDGE_QUESTION_TITLE}\n{fence(prompt)}\n\n"
        f"{prompts.JUDGE_TEXT_TITLE}\n{fence(fit_lines(data, MAX_TEXT_TOKENS))}"
    )
    return [
        {"role": "system", "content": prompts.JUDGE_RULES},
        {"role": "user", "content": asked},
    ]


def read_verdict(text: str) -> Verdict:
    """Read the model's JSON, also between other words.

    Raises:
        ModelFailedError: there is no such JSON.
    """
    found = _OBJECT.search(text)
    try:
        said = orjson.loads(found[0]) if found else {}
    except (ValueError, RecursionError):
        said = {}
    answer = said.get("answer")
    if not isinstance(answer, bool):
        raise ModelFailedError(FailureReason.MODEL_UNREADABLE)
    reason = said.get("reason")
    words = reason if isinstance(reason, str) else ""
    # PostgreSQL's text can't hold NUL.
    words = " ".join(words.replace("\x00", "").split())
    return Verdict(answer, words[:MAX_REASON_CHARS])
