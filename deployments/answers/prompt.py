"""Builds what the model reads: rules, instructions, context, turns, question."""

import math
from collections.abc import Sequence

from openai.types.chat import ChatCompletionMessageParam

from config.prompts import (
    INFORMATION_TITLE,
    INSTRUCTIONS_TITLE,
    QUESTION_TITLE,
    RULES,
)
from persistence.messages import Turn
from persistence.tenants import Tenant
from retrieval.retrieved import RetrievedContext

#: What was said before helps to understand "and the black one?", not more.
MAX_TURN_TOKENS = 600
#: A longer question is kept whole; it is the context that was cut to its budget.
_FENCE = '"""'


def build_messages(
    tenant: Tenant,
    context: RetrievedContext,
    turns: Sequence[Turn],
    question: str,
    language: str,
) -> list[ChatCompletionMessageParam]:
    """Build the messages, the question last and never cut."""
    parts = [RULES[language]]
    if tenant.instructions.strip():
        parts.append(f"{INSTRUCTIONS_TITLE[language]}\n{tenant.instructions.strip()}")
    information = "\n\n".join(
        text
        for text in (context["primary_context"], context["secondary_context"])
        if text
    )
    parts.append(f"{INFORMATION_TITLE[language]}\n{_fence(information)}")
    messages: list[ChatCompletionMessageParam] = [
        {"role": "system", "content": "\n\n".join(parts)}
    ]
    # A picture is a turn without words; some servers refuse an empty message.
    said = [turn for turn in turns if turn.content.strip()]
    for turn in recent_turns(said, MAX_TURN_TOKENS):
        if turn.type == "customer":
            messages.append({"role": "user", "content": turn.content})
        else:
            messages.append({"role": "assistant", "content": turn.content})
    asked = f"{QUESTION_TITLE[language]}\n{_fence(question)}"
    messages.append({"role": "user", "content": asked})
    return messages


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


def estimate_tokens(text: str) -> int:
    """Estimate a model's tokens from above: three UTF-8 bytes make at least one.

    Models differ in how they cut Persian; the estimate only bounds a budget.
    """
    return math.ceil(len(text.encode()) / 3)


def _fence(text: str) -> str:
    """Fence data off; a fence inside it must not end it early."""
    return f"{_FENCE}\n{text.replace(_FENCE, chr(39) * 3)}\n{_FENCE}"
