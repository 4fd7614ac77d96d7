"""The way back to a customer within a chat: a topic, or the owner's own account.

A route is kept as text with each message, and read when its answer is sent.
"""

from collections.abc import Mapping
from urllib.parse import parse_qsl, urlencode

from deployments.integrations.lenient_json import Json, read_identifier

TOPIC = "message_thread_id"
BUSINESS = "business_connection_id"


def write_route(message: Json) -> str:
    """Return the route of an answer to the message; empty for the plain chat."""
    route: dict[str, str] = {}
    connection = read_identifier(message.get(BUSINESS))
    if connection:
        route[BUSINESS] = connection
    topic = message.get(TOPIC)
    if message.get("is_topic_message") is True and isinstance(topic, int):
        route[TOPIC] = str(topic)
    return urlencode(route)


def scope_of(connection: str) -> str:
    """Return what goes before a message's number in its platform id.

    The chats of a connected account count their messages apart from the bot's own.
    """
    return f"{connection}:" if connection else ""


def read_route(route: str) -> Mapping[str, str | int]:
    """Return the members that `sendMessage` needs for the route."""
    members: dict[str, str | int] = {}
    for name, value in parse_qsl(route):
        if name == BUSINESS:
            members[name] = value
        elif name == TOPIC and value.isdecimal():
            members[name] = int(value)
    return members
