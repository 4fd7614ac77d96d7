"""A request for an answer: the customer's words, and what they are about."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from actors.conversation.ports import AnswerJob
from actors.conversation.rules.placeholders import (
    EMPTY_SHARE,
    WORDLESS,
    drop_placeholders,
    has_placeholder,
    has_words,
)
from actors.conversation.state import MessageType
from persistence.messages import Question
from persistence.tenants import Tenant
from retrieval.dialogue.turns import Burst
from retrieval.text.language import Language
from retrieval.text.normalise import has_words as has_letters

#: A caption is searched by its beginning: the hashtags at its end find nothing.
MAX_SHARE_CHARS = 400
#: Only a person can look at these or listen to them.
_MEDIA_TYPES = frozenset({MessageType.IMAGE, MessageType.VOICE, MessageType.VIDEO})
_SHARE_LABEL = re.compile(r"^(?:عنوان|زیرعنوان|کپشن): ", re.MULTILINE)
_SHARE_LINK = re.compile(r"^لینک: .*$\n?", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Request:
    """The customer's questions of a job, and the tenant that they go to.

    `share` is what they are about: posts, ads, and words that they answer. `at` is the
    time of the last message.
    """

    job: AnswerJob
    tenant: Tenant
    texts: tuple[str, ...]
    share: str
    at: datetime
    #: Some of the messages are pictures, voices or videos.
    has_media: bool = False

    @property
    def said(self) -> str:
        """The texts, one below the other."""
        return "\n".join(self.texts)

    @property
    def language(self) -> Language:
        """The shop's language."""
        return Language(self.tenant.language)

    @property
    def burst(self) -> Burst:
        """The burst that is to be understood.

        A mark alone below a post asks about the post.
        """
        referred = shorten_share(self.share)
        texts = tuple(text for text in self.texts if has_letters(text))
        if not texts and referred:
            return Burst((share_as_query(self.share),), referred)
        return Burst(self.texts, referred)


def build_request(
    job: AnswerJob, tenant: Tenant, messages: Sequence[Question]
) -> Request:
    """Build the request of a job from its messages, of which there is at least one."""
    words = (drop_placeholders(message.content) for message in messages)
    has_media = any(
        message.message_type in _MEDIA_TYPES or has_placeholder(message.content)
        for message in messages
    )
    return Request(
        job=job,
        tenant=tenant,
        texts=tuple(filter(has_words, words)),
        share=_add_referred(job.share, messages),
        at=messages[-1].created_at,
        has_media=has_media,
    )


def _add_referred(share: str, messages: Sequence[Question]) -> str:
    """Add the stored messages that the questions answer to what they are about."""
    referred = (message.referred for message in messages)
    texts = [text for text in referred if text.strip() and text not in WORDLESS]
    return "\n\n".join(dict.fromkeys(filter(None, (share, *texts))))


def shorten_share(share: str) -> str:
    """Return a shared post with its labels, without links; empty if it has no words."""
    words = _SHARE_LINK.sub("", share).replace(EMPTY_SHARE, "").strip()
    return _cut(words) if has_letters(words) else ""


def share_as_query(share: str) -> str:
    """Return a shared post's words without labels and links, empty if it has none."""
    words = _SHARE_LABEL.sub("", _SHARE_LINK.sub("", share)).replace(EMPTY_SHARE, "")
    return _cut(" ".join(words.split()))


def _cut(words: str) -> str:
    if len(words) <= MAX_SHARE_CHARS:
        return words
    return words[:MAX_SHARE_CHARS].rpartition(" ")[0]
