"""The rules of automatic greetings: what an app says to everybody for the shop."""

from datetime import timedelta

from actors.conversation.events import EchoReceived
from actors.conversation.state import Conversation

#: Nobody reads a first message, opens the app and types an answer within this.
GREETING_WINDOW = timedelta(seconds=10)
#: Other conversations with the same text: a person does not type it a fourth time.
MANY_CONVERSATIONS = 3
#: Shorter texts are said by people to many: a "hello", a "yes", a "you are welcome".
MIN_GREETING_CHARS = 20


def is_greeting(state: Conversation, event: EchoReceived) -> bool:
    """Whether an automation said this, so that no person leads now.

    It came within seconds of the customer's first words, or its text went to many
    customers. Both are compared by when things were said: after an outage a person's
    answer comes together with the question.
    """
    if not event.may_be_greeting:
        return False
    said_at = event.written_at or event.at
    first_at = state.first_customer_at
    if first_at is not None and timedelta(0) <= said_at - first_at <= GREETING_WINDOW:
        return True
    is_long = len(event.text.strip()) >= MIN_GREETING_CHARS
    return is_long and event.same_echoes >= MANY_CONVERSATIONS
