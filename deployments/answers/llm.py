"""The answering model: the endpoint that the settings choose, and its client."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import structlog

from actors.conversation.reasons import FailureReason
from config.settings import Settings
from deployments.answers.errors import ModelFailedError

if TYPE_CHECKING:
    from openai.types.chat import ChatCompletion, ChatCompletionMessageParam

GEMINI_BASE_URL = "https://generativelanguage.googleapis.com/v1beta/openai/"
GEMINI_MODEL = "gemini-2.5-flash"
OPENAI_BASE_URL = "https://api.openai.com/v1"
OPENAI_MODEL = "gpt-4o-mini"
#: Attempts after the first, with the client's backoff, and only for passing failures.
RETRIES = 2

log = structlog.get_logger("llm")


@dataclass(frozen=True, slots=True)
class LlmEndpoint:
    """An OpenAI-compatible endpoint."""

    base_url: str
    api_key: str
    model: str


def resolve_llm(settings: Settings) -> LlmEndpoint | None:
    """Choose the endpoint; None means that answers are extractive.

    An endpoint of your own takes precedence over a vendor's key; it may need no key.
    """
    if settings.llm_base_url:
        key = settings.llm_api_key
        secret = key.get_secret_value() if key else "none"
        return LlmEndpoint(
            settings.llm_base_url, secret, settings.llm_model or "default"
        )
    for key, base_url, model in (
        (settings.llm_api_key, OPENAI_BASE_URL, OPENAI_MODEL),
        (settings.openai_api_key, OPENAI_BASE_URL, OPENAI_MODEL),
        (settings.gemini_api_key, GEMINI_BASE_URL, GEMINI_MODEL),
    ):
        if key:
            secret = key.get_secret_value()
            return LlmEndpoint(base_url, secret, settings.llm_model or model)
    return None


@dataclass(frozen=True, slots=True)
class Completion:
    """The model's text, and how many tokens it took."""

    text: str
    model: str
    tokens: int


class LlmClient:
    """Calls one endpoint. Errors name the kind of failure, never the key."""

    def __init__(self, endpoint: LlmEndpoint, *, timeout_s: float) -> None:
        # Most of a second and 40 MB: imported only where a key is set.
        from openai import AsyncOpenAI

        self._model = endpoint.model
        self._client = AsyncOpenAI(
            base_url=endpoint.base_url,
            api_key=endpoint.api_key,
            timeout=timeout_s,
            max_retries=RETRIES,
        )

    async def complete(
        self, messages: "Sequence[ChatCompletionMessageParam]"
    ) -> Completion:
        """Complete the messages.

        Raises:
            ModelFailedError: after the retries; the text is the reason to store.
        """
        import openai

        try:
            answer = await self._client.chat.completions.create(
                model=self._model,
                messages=list(messages),
                # No max_tokens and no temperature: some models refuse one of them, and
                # others, Gemini's too, count their thinking as output.
            )
            return self._read(answer)
        except openai.APITimeoutError as error:
            message = "the model took too long"
            raise ModelFailedError(message) from error
        except openai.APIConnectionError as error:
            message = "the model can't be reached"
            raise ModelFailedError(message) from error
        except openai.APIStatusError as error:
            message = f"the model answered {error.status_code}"
            raise ModelFailedError(message) from error
        except (
            # The client validates nothing: a login page with status 200 ends up here.
            openai.OpenAIError,
            ValueError,
            AttributeError,
            TypeError,
            IndexError,
        ) as error:
            log.warning("answer_unreadable", error=repr(error)[:500])
            raise ModelFailedError(FailureReason.MODEL_UNREADABLE) from error

    async def close(self) -> None:
        """Close the connections."""
        await self._client.close()

    def _read(self, answer: "ChatCompletion") -> Completion:
        text = str.strip(answer.choices[0].message.content or "")
        tokens = answer.usage.total_tokens if answer.usage else 0
        model = str(answer.model or self._model)
        if not text:
            message = "the model answered with nothing"
            raise ModelFailedError(message)
        return Completion(text, model, tokens)
