"""Has a model write an answer, and lets nothing pass that the gate refuses twice."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from actors.conversation.trace import PromptMessage
from config import prompts
from deployments.answers.errors import ModelFailedError
from deployments.answers.llm import LlmClient
from deployments.answers.prompt import (
    Prompt,
    asks_back,
    passages_of,
    read_verdict,
)
from persistence.messages import Turn
from retrieval.answer.gate import Fault, check_answer
from retrieval.answer.plain_text import to_plain_text

if TYPE_CHECKING:
    from openai.types.chat import ChatCompletionMessageParam

#: Once, and once more with the faults named.
ATTEMPTS = 2
_CUSTOMER = "customer"


@dataclass(frozen=True, slots=True)
class Grounds:
    """What a model's text is checked against: see `check_answer`."""

    sources: tuple[str, ...]
    turns: tuple[str, ...]
    customer_words: tuple[str, ...]
    secrets: tuple[str, ...]
    language: str

    def find_faults(self, text: str) -> tuple[Fault, ...]:
        """List the faults of a text."""
        return check_answer(
            text,
            self.sources,
            self.turns,
            self.language,
            customer_words=self.customer_words,
            secrets=self.secrets,
        )


@dataclass(frozen=True, slots=True)
class Draft:
    """A model's answer as plain text, and how it came to be.

    `text` is empty where the model knows no answer or where `refusal` says why nothing
    that it wrote may be sent. `faults` are those of all texts that were refused.
    """

    text: str
    is_handover: bool
    model: str
    tokens: int
    prompt: tuple[PromptMessage, ...] = ()
    faults: tuple[str, ...] = ()
    refusal: str = ""
    #: The text is a question back to the customer.
    asks_back: bool = False


def build_grounds(
    prompt: Prompt, turns: Sequence[Turn], asked: Sequence[str], language: str
) -> Grounds:
    """Gather what an answer may rest on; `asked` are the question and the share."""
    ours = tuple(turn.content for turn in turns if turn.type != _CUSTOMER)
    theirs = tuple(turn.content for turn in turns if turn.type == _CUSTOMER)
    return Grounds(
        sources=(*passages_of(prompt.information), prompt.instructions),
        turns=ours,
        customer_words=(*theirs, *asked),
        secrets=(*prompt.secrets, prompts.RETRY[language]),
        language=language,
    )


async def write_draft(llm: LlmClient, prompt: Prompt, grounds: Grounds) -> Draft:
    """Have the answer written; a refused text once more, with its faults named.

    Raises:
        ModelFailedError: the first call failed. After a refusal the failure of the
            second one is a refusal too.
    """
    messages = list(prompt.messages)
    refused: list[Fault] = []
    tokens = 0
    failure = ""
    completion = await llm.complete(messages)
    for attempt in range(1, ATTEMPTS + 1):
        tokens += completion.tokens
        text, is_handover = read_verdict(completion.text)
        text = to_plain_text(text)
        faults = grounds.find_faults(text) if text or not is_handover else ()
        if not faults:
            return Draft(
                text,
                is_handover,
                completion.model,
                tokens,
                _seen(messages),
                _write(refused),
                asks_back=asks_back(completion.text),
            )
        refused.extend(faults)
        if attempt == ATTEMPTS:
            break
        messages.extend(_name_faults(completion.text, faults, grounds.language))
        try:
            completion = await llm.complete(messages)
        except ModelFailedError as error:
            failure = f"; then {error}"
            break
    return Draft(
        text="",
        is_handover=True,
        model=completion.model,
        tokens=tokens,
        prompt=_seen(messages),
        faults=_write(refused),
        refusal=f"{_refusal(refused)}{failure}",
    )


def _seen(
    messages: "Sequence[ChatCompletionMessageParam]",
) -> tuple[PromptMessage, ...]:
    return tuple(
        PromptMessage(message["role"], str(message.get("content")))
        for message in messages
    )


def _write(faults: Sequence[Fault]) -> tuple[str, ...]:
    return tuple(f"{fault.kind}: {fault.words}".rstrip(": ") for fault in faults)


def _name_faults(
    text: str, faults: Sequence[Fault], language: str
) -> "list[ChatCompletionMessageParam]":
    names = prompts.FAULTS[language]
    named = "\n".join(
        f"- {names[fault.kind].format(words=fault.words)}" for fault in faults
    )
    return [
        {"role": "assistant", "content": text},
        {"role": "user", "content": prompts.RETRY[language].format(faults=named)},
    ]


def _refusal(faults: Sequence[Fault]) -> str:
    """Say why nothing was sent, without the words: this reason stands beside others."""
    kinds = ", ".join(dict.fromkeys(fault.kind.value for fault in faults))
    return f"the model's answer was refused: {kinds}"
