"""Client of an OpenAI-compatible model endpoint."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from config.llm import RETRIES, LlmEndpoint
from deployments.answers.errors import ModelFailedError

if TYPE_CHECKING:
    from openai.types.chat import ChatCompletion, ChatCompletionMessageParam


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
        from openai import (
            APIConnectionError,
            APIStatusError,
            APITimeoutError,
            OpenAIError,
        )

        try:
            answer = await self._client.chat.completions.create(
                model=self._model,
                messages=list(messages),
                # No max_tokens and no temperature: some models refuse one of them, and
                # others, Gemini's too, count their thinking as output.
            )
            return self._read(answer)
        except APITimeoutError as error:
            message = "the model took too long"
            raise ModelFailedError(message) from error
        except APIConnectionError as error:
            message = "the model can't be reached"
            raise ModelFailedError(message) from error
        except APIStatusError as error:
            message = f"the model answered {error.status_code}"
            raise ModelFailedError(message) from error
        except (
            # The client validates nothing: a login page with status 200 ends up here.
            OpenAIError,
            ValueError,
            AttributeError,
            TypeError,
        ) as error:
            message = f"the model's answer can't be read: {type(error).__name__}"
            raise ModelFailedError(message) from error

    async def close(self) -> None:
        """Close the connections."""
        await self._client.close()

    def _read(self, answer: "ChatCompletion") -> Completion:
        try:
            # Not validated by the client: a proxy's page may be here instead of JSON.
            text = str.strip(answer.choices[0].message.content or "")
            tokens = answer.usage.total_tokens if answer.usage else 0
            model = str(answer.model or self._model)
        except (AttributeError, TypeError, IndexError) as error:
            message = f"the model's answer can't be read: {type(error).__name__}"
            raise ModelFailedError(message) from error
        if not text:
            message = "the model answered with nothing"
            raise ModelFailedError(message)
        return Completion(text, model, tokens)
