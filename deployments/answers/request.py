"""The request for one answer: the customer's words, and what they are about."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from actors.conversation.ports import AnswerJob
from actors.conversation.rules.placeholders import (
    EMPTY_SHARE,
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
    #: All that they are about is a shared post.
    is_post: bool = True
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
    share, is_post = _add_referred(job.share, messages, is_post=job.is_post)
    return Request(
        job=job,
        tenant=tenant,
        texts=tuple(filter(has_words, words)),
        share=share,
        is_post=is_post,
        at=messages[-1].created_at,
        has_media=has_media,
    )


def _add_referred(
    share: str, messages: Sequence[Question], *, is_post: bool
) -> tuple[str, bool]:
    """Add the stored messages that the questions answer to what they are about."""
    for referred in dict.fromkeys(message.referred for message in messages):
        text = drop_placeholders(referred)
        # What came with the question is mostly in the job already.
        if text.strip() and referred not in share:
            share, is_post = f"{share}\n\n{text}".strip(), False
    return share, is_post


def shorten_share(share: str) -> str:
    """Return a shared post with its labels, without links; empty if it has no words."""
    words = drop_placeholders(_SHARE_LINK.sub("", share).replace(EMPTY_SHARE, ""))
    words = words.strip()
    return _cut(words) if has_letters(words) else ""


def share_as_query(share: str) -> str:
    """Return a shared post's words without labels and links, empty if it has none."""
    words = _SHARE_LABEL.sub("", _SHARE_LINK.sub("", share)).replace(EMPTY_SHARE, "")
    words = drop_placeholders(words)
    return _cut(" ".join(words.split()))


def _cut(words: str) -> str:
    if len(words) <= MAX_SHARE_CHARS:
        return words
    return words[:MAX_SHARE_CHARS].rpartition(" ")[0]
