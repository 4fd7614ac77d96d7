"""Attachments of an Instagram message: shared posts, and all other media."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from actors.conversation.events import Media
from actors.conversation.rules.placeholders import EMPTY_SHARE
from actors.conversation.state import MessageType
from deployments.integrations.lenient_json import (
    Json,
    read_identifier,
    read_object,
    read_objects,
    read_text,
)

#: Posts, reels and stories that a customer may have a question about.
#: Source: Meta, Instagram messaging webhooks, attachment types.
SHARES = frozenset({"share", "ig_post", "ig_reel", "reel", "story_mention", "ig_story"})
OTHER_MEDIA = {
    "image": MessageType.IMAGE,
    "audio": MessageType.VOICE,
    "voice": MessageType.VOICE,
    "video": MessageType.VIDEO,
}
_MEDIA_IDS = (
    "ig_post_media_id",
    "reel_video_id",
    "ig_reel_media_id",
    "story_media_id",
    "story_id",
    "media_id",
    "id",
)
#: The lines of a rendered share, in this order.
_LINES = (
    ("title", "عنوان"),
    ("subtitle", "زیرعنوان"),
    ("caption", "کپشن"),
    ("url", "لینک"),
)


@dataclass(frozen=True, slots=True)
class Attached:
    """Attachments of a message. `share` is a shared post as text, None without one.

    `message_type` is that of the other media, the first if there are several.
    """

    share: str | None = None
    share_media: tuple[Media, ...] = ()
    media: tuple[Media, ...] = ()
    message_type: MessageType = MessageType.TEXT
    #: A heart is an attachment that is shown as text.
    text: str = ""


_NOTHING = Attached()


@dataclass(frozen=True, slots=True)
class _Share:
    kind: str
    media_id: str
    title: str = ""
    subtitle: str = ""
    caption: str = ""
    url: str = ""

    def is_same_as(self, other: "_Share") -> bool:
        """Whether both are one post: Meta sends one as `share` and as `ig_post`."""
        if {self.kind, other.kind} == {"share", "ig_post"}:
            return True
        if self.media_id and other.media_id:
            return self.media_id == other.media_id
        return bool(self.url) and self.url == other.url


def read_attachments(message: Json) -> Attached:
    """Read the attachments of a message, and the story that it answers."""
    attachments = read_objects(message.get("attachments"))
    story = read_object(read_object(message.get("reply_to")).get("story"))
    if not attachments and not story:
        return _NOTHING
    shares: list[_Share] = []
    media: list[Media] = []
    text = ""
    for attachment in attachments:
        kind = attachment.get("type")
        if isinstance(kind, str) and kind in SHARES:
            _add(shares, _read_share(kind, attachment))
        elif kind == "like_heart":
            text = "❤️"
        else:
            media.append(_read_media(kind, attachment))
    if story:
        _add(shares, _read_share("ig_story", {"payload": story}))
    return Attached(
        share=_render(shares) if shares else None,
        share_media=tuple(
            Media(MessageType.SHARE, share.url, share.media_id) for share in shares
        ),
        media=tuple(media),
        message_type=media[0].kind if media else MessageType.TEXT,
        text=text,
    )


def _add(shares: list[_Share], share: _Share) -> None:
    for index, known in enumerate(shares):
        if known.is_same_as(share):
            shares[index] = _merge(known, share)
            return
    shares.append(share)


def _merge(post: _Share, other: _Share) -> _Share:
    """Let an `ig_post` speak first; a `share` beside it fills what it leaves out."""
    if post.kind == "share":
        post, other = other, post
    return replace(
        post,
        media_id=post.media_id or other.media_id,
        title=post.title or other.title,
        subtitle=post.subtitle or other.subtitle,
        caption=post.caption or other.caption,
        url=post.url or other.url,
    )


def _read_share(kind: str, attachment: Json) -> _Share:
    payload = read_object(attachment.get("payload"))

    def read(name: str) -> str:
        return read_text(payload.get(name)) or read_text(attachment.get(name))

    return _Share(
        kind,
        _read_media_id(payload),
        read("title"),
        read("subtitle"),
        read("caption"),
        read("url"),
    )


def _render(shares: Iterable[_Share]) -> str:
    lines = [
        f"{label}: {value}"
        for share in shares
        for name, label in _LINES
        if (value := getattr(share, name).strip())
    ]
    return "\n".join(lines) or EMPTY_SHARE


def _read_media(kind: object, attachment: Json) -> Media:
    known = OTHER_MEDIA.get(kind) if isinstance(kind, str) else None
    payload = read_object(attachment.get("payload"))
    return Media(
        known or MessageType.TEXT,
        read_text(payload.get("url")),
        _read_media_id(payload),
    )


def _read_media_id(payload: Json) -> str:
    ids = (read_identifier(payload.get(name)) for name in _MEDIA_IDS)
    return next(filter(None, ids), "")
