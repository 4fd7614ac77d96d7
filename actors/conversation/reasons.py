"""The reasons that tenants are shown when something failed: a closed list.

What a library said about its failure is logged, and never shown: such a text may name
hosts, tables, files and versions.
"""

from enum import StrEnum


class FailureReason(StrEnum):
    """Why there is no answer, or why a part was not sent."""

    DATABASE_AWAY = "the database did not answer in time"
    TOO_SLOW = "the answer took too long to write"
    NO_REPLICA = "no process was free to write the answer"
    NOT_PREPARED = "the answer could not be prepared"
    QUESTIONS_GONE = "the questions are not there any more"
    NO_WORDS = "the answer has no words"
    NOT_STORED = "the answer could not be stored"
    TOO_MANY_WAIT = "too many questions of this business wait for an answer"
    CHANNEL_LIMIT = (
        "the channel has had all its answers of this minute (PILITO_ANSWERS_PER_MINUTE)"
    )
    TOO_MUCH_TO_SEND = "too much waits to be sent to this customer"
    SEARCH_FAILED = "the search failed"
    KNOWLEDGE_TOO_LARGE = "the knowledge is larger than the search can hold"
    MODEL_UNREADABLE = "the model's answer can't be read"
    NO_PLATFORM_ANSWER = "the platform did not answer"
    SENDER_FAILED = "sending failed on our side"
    PROFILE_FAILED = "the look-up failed on our side"
    NOT_EMBEDDED = "the embedding model could not read this passage"
