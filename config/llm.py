"""Chooses the answering model from the keys that are set."""

from dataclasses import dataclass

from config.settings import (
    GEMINI_BASE_URL,
    GEMINI_MODEL,
    OPENAI_BASE_URL,
    OPENAI_MODEL,
    Settings,
)

#: Attempts after the first, with the client's backoff, and only for passing failures.
RETRIES = 2


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
