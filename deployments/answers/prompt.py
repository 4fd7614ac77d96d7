"""Builds the model's prompt within a token budget, and reads what the model wrote."""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from actors.conversation.rules.markers import disarm_marks
from actors.conversation.rules.share import combine
from config import prompts
from config.prompts import CLARIFY, NO_ANSWER
from persistence.messages import Turn
from persistence.tenants import Tenant
from retrieval.answer.context import RetrievedContext
from retrieval.answer.sayings import note_injected

if TYPE_CHECKING:
    from openai.types.chat import ChatCompletionMessageParam

#: The whole prompt; small models take 8,192 and want room to answer.
MAX_PROMPT_TOKENS = 7000
#: Some two pages of the shop's own instructions.
MAX_INSTRUCTIONS_TOKENS = 2000
#: Earlier turns serve only to understand a follow-up such as "and the black one?".
MAX_TURN_TOKENS = 600
#: Reserved for instructions and context, however long the question is.
MIN_LEFT_TOKENS = 1500
_FENCE = '"""'
_BETWEEN_PASSAGES = re.compile(r"\n\n(?=\[\d+\] )")
_NUMBER = re.compile(r"^\[(\d+)\]", re.MULTILINE)
_CLARIFY_MARK = re.compile(
    rf"""^[ \t]*[*_"'(\[]*{CLARIFY}[*_]*[ \t]*:?[*_]*\s*""", re.MULTILINE
)
_NO_ANSWER_MARK = re.compile(rf"""\s*[*_"'(\[]*{NO_ANSWER}.*""")


@dataclass(frozen=True, slots=True)
class Prompt:
    """The messages for a model, and the parts that its answer is checked against."""

    messages: "list[ChatCompletionMessageParam]"
    #: The passages, as far as they had room.
    information: str
    #: The shop's own wishes, as far as they had room.
    instructions: str
    #: What nobody but the model may read.
    secrets: tuple[str, ...]


def build_messages(
    tenant: Tenant,
    context: RetrievedContext,
    turns: Sequence[Turn],
    question: str,
    language: str,
    share: str = "",
    *,
    is_post: bool = True,
) -> "list[ChatCompletionMessageParam]":
    """Build the messages alone; see `build_prompt`."""
    return build_prompt(
        tenant, context, turns, question, language, share, is_post=is_post
    ).messages


def build_prompt(
    tenant: Tenant,
    context: RetrievedContext,
    turns: Sequence[Turn],
    question: str,
    language: str,
    share: str = "",
    understanding: Mapping[str, object] | None = None,
    *,
    is_post: bool = True,
) -> Prompt:
    """Build the messages, the question last.

    Question and share are never cut. What is left of the budget goes to the shop's
    instructions (at most half), then to the context, then to the newest turns. What
    was understood stands before the question. Paragraphs of the data that give a model
    orders are marked as data. `is_post` tells that the share is a shared post alone.
    """
    rules = prompts.RULES[language]
    note = prompts.ORDER_NOTE[language]
    # Without a share, too: a customer could forge a post that nobody sent.
    asked = (
        combine(share, question, is_post=is_post) if share else disarm_marks(question)
    )
    asked = note_injected(asked, note)
    asked = f"{prompts.QUESTION_TITLE[language]}\n{fence(asked)}"
    if understanding:
        title = prompts.UNDERSTANDING_TITLE[language]
        asked = f"{title}\n{fence(_render_understanding(understanding))}\n\n{asked}"
    left = MAX_PROMPT_TOKENS - estimate_tokens(asked) - estimate_tokens(rules)
    left = max(left, MIN_LEFT_TOKENS)
    instructions = fit_lines(
        tenant.instructions.strip(), min(MAX_INSTRUCTIONS_TOKENS, left // 2)
    )
    left -= estimate_tokens(instructions)
    both = (context["primary_context"], context["secondary_context"])
    information = fit_passages("\n\n".join(text for text in both if text), left)
    left -= estimate_tokens(information)
    system = [rules]
    if instructions:
        system.append(f"{prompts.INSTRUCTIONS_TITLE[language]}\n{instructions}")
    shown = fence(note_injected(information, note))
    system.append(f"{prompts.INFORMATION_TITLE[language]}\n{shown}")
    messages: list[ChatCompletionMessageParam] = [
        {"role": "system", "content": "\n\n".join(system)}
    ]
    # An unsent message is a turn without words; some servers refuse an empty message.
    said = [turn for turn in turns if turn.content.strip()]
    for turn in recent_turns(said, min(MAX_TURN_TOKENS, left)):
        if turn.type == "customer":
            content = note_injected(disarm_marks(turn.content), note)
            messages.append({"role": "user", "content": content})
        else:
            messages.append({"role": "assistant", "content": turn.content})
    messages.append({"role": "user", "content": asked})
    return Prompt(messages, information, instructions, (rules, note))


def recent_turns(turns: Sequence[Turn], max_tokens: int) -> tuple[Turn, ...]:
    """Keep the newest turns that fit, in their order."""
    kept: list[Turn] = []
    left = max_tokens
    for turn in reversed(turns):
        left -= estimate_tokens(turn.content)
        if left < 0:
            break
        kept.append(turn)
    return tuple(reversed(kept))


def fit_lines(text: str, max_tokens: int) -> str:
    """Keep the first lines that fit; of a single long one, its first words."""
    if estimate_tokens(text) <= max_tokens:
        return text
    lines = _fit(text.split("\n"), "\n", max_tokens)
    return lines.rstrip() or _fit(text.split(" "), " ", max_tokens).rstrip()


def fit_passages(text: str, max_tokens: int) -> str:
    """Keep the passages that fit whole; where none does, the beginning of the first.

    A passage that does not fit leaves its room to smaller ones behind it.
    """
    passages = _BETWEEN_PASSAGES.split(text)
    kept: list[str] = []
    left = max_tokens
    for passage in passages:
        tokens = estimate_tokens(f"{passage}\n\n")
        if tokens <= left:
            kept.append(passage)
            left -= tokens
    return "\n\n".join(kept) or fit_lines(passages[0], max_tokens)


def shown_numbers(text: str) -> set[int]:
    """Return the numbers of the passages that a text holds."""
    return {int(number) for number in _NUMBER.findall(text)}


def passages_of(information: str) -> tuple[str, ...]:
    """Return the passages of a prompt without their numbers, which are no figures."""
    passages = _BETWEEN_PASSAGES.split(information)
    return tuple(_NUMBER.sub("", passage, count=1).strip() for passage in passages)


def read_verdict(text: str) -> tuple[str, bool]:
    """Return the part that answers, and whether a part of the question is left open.

    What follows the mark on its line is the model's reason, not for the customer. A
    question back is sent like an answer, without its mark.
    """
    text = _CLARIFY_MARK.sub("", text).strip()
    if NO_ANSWER not in text:
        return text, False
    lines = (_NO_ANSWER_MARK.sub("", line) for line in text.splitlines())
    answer = "\n".join(line for line in lines if line.strip()).strip()
    return answer, True


def asks_back(text: str) -> bool:
    """Tell whether a model's text is a question to the customer."""
    return _CLARIFY_MARK.search(text) is not None


def estimate_tokens(text: str) -> int:
    """Estimate a model's tokens from above: three UTF-8 bytes make at least one.

    Models differ in how they cut Persian; the estimate only bounds a budget.
    """
    return math.ceil(len(text.encode()) / 3)


def _render_understanding(understanding: Mapping[str, object]) -> str:
    lines = []
    for name, value in understanding.items():
        several = value if isinstance(value, list | tuple) else [value]
        words = "; ".join(str(item) for item in several)
        if words:
            lines.append(f"{name}: {words}")
    return "\n".join(lines)


def _fit(pieces: Sequence[str], between: str, max_tokens: int) -> str:
    size_bytes, kept = 0, 0
    for piece in pieces:
        size_bytes += len(piece.encode()) + len(between)
        if size_bytes > 3 * max_tokens:
            break
        kept += 1
    return between.join(pieces[:kept])


def fence(text: str) -> str:
    """Put data between fences; a fence inside it must not end it early."""
    return f"{_FENCE}\n{text.replace(_FENCE, chr(39) * 3)}\n{_FENCE}"
