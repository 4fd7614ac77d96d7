"""References of a Telegram message: replied-to words, a quote, a post, a story.

Source: Telegram, Bot API 10.3, Message, TextQuote and ExternalReplyInfo.
"""

from actors.conversation.rules.placeholders import Note
from deployments.integrations.lenient_json import Json, read_object, read_text
from deployments.integrations.telegram.content import (
    Content,
    find_story,
    read_content,
)
from deployments.integrations.telegram.members import ATTRIBUTES
from deployments.integrations.telegram.rich_text import write_links

#: As long as a text may be; a formatted message may be longer.
MAX_REFERRED_CHARS = 4096


def read_referred(message: Json) -> str:
    """Return the words that a message refers to, and the address of a public post.

    A part that the customer chose counts before the whole message. A file without words
    is named by its id alone: nothing of it can be searched.
    """
    lines = (_read_words(message), _read_address(message))
    return "\n".join(filter(None, lines))[:MAX_REFERRED_CHARS].strip()


def _read_words(message: Json) -> str:
    quote = read_object(message.get("quote"))
    quoted = read_text(write_links(quote.get("text"), quote.get("entities")))
    if quoted:
        return quoted
    if "reply_to_message" in message:
        return _read_content(read_object(message["reply_to_message"]))
    if "external_reply" in message:
        reply = read_object(message["external_reply"])
        content = {
            name: reply[name]
            for name in reply
            if name not in ATTRIBUTES and name != "origin"
        }
        return _read_content(content) if content else ""
    return ""


def _read_content(message: Json) -> str:
    content = read_content(message)
    if not isinstance(content, Content) or content.text == Note.NOT_SHOWN:
        return ""
    return content.text


def _read_address(message: Json) -> str:
    """Read the public address of the post or story; the search leaves this line out."""
    address = find_story(message.get("reply_to_story"))
    for member in ("external_reply", "forward_origin"):
        post = read_object(message.get(member))
        name = read_text(read_object(post.get("chat")).get("username"))
        number = post.get("message_id")
        if not address and name and isinstance(number, int):
            address = f"https://t.me/{name}/{number}"
    return f"لینک: {address}" if address else ""
