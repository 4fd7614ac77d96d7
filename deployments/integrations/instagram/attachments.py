"""Attachments of an Instagram message: shared posts, and all other media."""

from dataclasses import dataclass, replace

from actors.conversation.events import MAX_SHARES, Media
from actors.conversation.rules.placeholders import (
    EMPTY_SHARE,
    PLACEHOLDERS,
    describe_attachment,
)
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
SHARES = frozenset(
    {"share", "ig_post", "post", "ig_reel", "reel", "story_mention", "ig_story"}
)
OTHER_MEDIA = {
    "image": MessageType.IMAGE,
    # Beside an image of the same address until August 2026, alone after that.
    "sticker": MessageType.IMAGE,
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
    "sticker_id",
    "id",
)
#: Many more than Meta sends in one message. Each is compared with those before it.
MAX_ATTACHMENTS = 100
#: Files have a type, but nothing that we could show of them.
_FILE = "file"
#: Attachments that may hold a link or products, which are shares then.
_FALLBACK, _TEMPLATE = "fallback", "template"
#: The lines of a rendered share, in this order.
_LINES = (
    ("title", "عنوان"),
    ("subtitle", "زیرعنوان"),
    ("caption", "کپشن"),
    ("url", "لینک"),
)


@dataclass(frozen=True, slots=True)
class Share:
    """A shared post as text, and where it is."""

    text: str
    media: tuple[Media, ...] = ()


@dataclass(frozen=True, slots=True)
class Attached:
    """Attachments of a message; each of the `shares` is another post.

    `message_type` is that of the other media, the first if there are several.
    """

    shares: tuple[Share, ...] = ()
    media: tuple[Media, ...] = ()
    message_type: MessageType = MessageType.TEXT
    #: A heart is an attachment that is shown as text.
    text: str = ""
    #: Placeholders of what only a person can look at; none for pictures and voices.
    unshown: tuple[str, ...] = ()


_NOTHING = Attached()


@dataclass(frozen=True, slots=True)
class _Share:
    kind: str
    media_id: str
    title: str = ""
    subtitle: str = ""
    caption: str = ""
    url: str = ""
    #: Meta has sent it in both of its forms.
    is_paired: bool = False

    def is_same_as(self, other: "_Share") -> bool:
        """Whether both are one post by their ids or addresses."""
        if self.media_id and other.media_id:
            return self.media_id == other.media_id
        return bool(self.url) and self.url == other.url

    def is_other_form_of(self, other: "_Share") -> bool:
        """Whether both may be one post: Meta sends one as `share` and as `ig_post`."""
        forms = {self.kind, other.kind}
        return forms == {"share", "ig_post"} and not (self.is_paired or other.is_paired)


def read_attachments(message: Json) -> Attached:
    """Read the attachments of a message, and the story that it answers."""
    attachments = read_objects(message.get("attachments"))
    story = read_object(read_object(message.get("reply_to")).get("story"))
    if not attachments and not story:
        return _NOTHING
    shares: list[_Share] = []
    media: list[Media] = []
    unshown: list[str] = []
    text = ""
    surplus = len(attachments) - MAX_ATTACHMENTS
    if surplus > 0:
        # A person must see that there was more.
        unshown.append(describe_attachment(f"+{surplus}"))
    for attachment in attachments[:MAX_ATTACHMENTS]:
        kind = attachment.get("type")
        kind = kind if isinstance(kind, str) else ""
        shared = _read_shares(kind, attachment)[: MAX_ATTACHMENTS - len(shares)]
        if shared:
            for share in shared:
                _add(shares, share)
        elif kind == "like_heart":
            text = "❤️"
        else:
            found = _read_media(kind, attachment)
            if not any(_is_same_file(found, known) for known in media):
                media.append(found)
            if found.kind is MessageType.TEXT:
                unshown.append(_describe(kind))
    if story:
        _add(shares, _read_share("ig_story", story, {}))
    return Attached(
        shares=_render(shares),
        media=tuple(media),
        message_type=media[0].kind if media else MessageType.TEXT,
        text=text,
        unshown=tuple(dict.fromkeys(unshown)),
    )


def _read_shares(kind: str, attachment: Json) -> list[_Share]:
    """Return the posts or products that an attachment shows; none of other kinds."""
    payload = read_object(attachment.get("payload"))
    if kind in SHARES:
        return [_read_share(kind, payload, attachment)]
    if kind == _FALLBACK:
        link = _read_share(kind, payload, attachment)
        return [link] if link.title or link.url else []
    if kind == _TEMPLATE:
        # Source: Meta, webhook event `messages`, "message with product template".
        products = read_object(payload.get("product")).get("elements")
        return [_read_share("product", one, {}) for one in read_objects(products)]
    return []


def _add(shares: list[_Share], share: _Share) -> None:
    """Add a share, or merge it with the one that it is already there as."""
    same = [index for index, known in enumerate(shares) if known.is_same_as(share)]
    forms = [i for i, known in enumerate(shares) if known.is_other_form_of(share)]
    index = next(iter(same + forms), None)
    if index is None:
        shares.append(share)
    else:
        shares[index] = _merge(shares[index], share)


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
        is_paired=post.is_paired or other.is_paired or post.kind != other.kind,
    )


def _read_share(kind: str, payload: Json, attachment: Json) -> _Share:
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


def _render(shares: list[_Share]) -> tuple[Share, ...]:
    rendered = [
        Share(_describe_share(share), (_locate(share),))
        for share in shares[:MAX_SHARES]
    ]
    surplus = shares[MAX_SHARES:]
    if surplus:
        # Nothing of them is lost; only so many can be messages of their own.
        texts = (rendered[-1].text, *map(_describe_share, surplus))
        media = (*rendered[-1].media, *map(_locate, surplus))
        rendered[-1] = Share("\n".join(texts), media)
    return tuple(rendered)


def _describe_share(share: _Share) -> str:
    lines = [
        f"{label}: {value}"
        for name, label in _LINES
        if (value := getattr(share, name).strip())
    ]
    return "\n".join(lines) or EMPTY_SHARE


def _locate(share: _Share) -> Media:
    return Media(MessageType.SHARE, share.url, share.media_id)


def _describe(kind: str) -> str:
    """Return the placeholder of an attachment that can't be shown."""
    plain = PLACEHOLDERS[MessageType.TEXT]
    return plain if kind in {"", _FILE} else describe_attachment(kind)


def _is_same_file(one: Media, other: Media) -> bool:
    """Whether both are one picture: Meta sends a sticker as an image as well."""
    if one.kind is not other.kind:
        return False
    if one.url and other.url:
        return one.url == other.url
    return bool(one.media_id) and one.media_id == other.media_id


def _read_media(kind: str, attachment: Json) -> Media:
    payload = read_object(attachment.get("payload"))
    return Media(
        OTHER_MEDIA.get(kind, MessageType.TEXT),
        read_text(payload.get("url")),
        _read_media_id(payload),
    )


def _read_media_id(payload: Json) -> str:
    ids = (read_identifier(payload.get(name)) for name in _MEDIA_IDS)
    return next(filter(None, ids), "")
