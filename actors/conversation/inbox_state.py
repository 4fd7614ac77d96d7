"""The part of a conversation's state that serves the people of the inbox."""

from dataclasses import dataclass
from datetime import datetime

from persistence import ids


@dataclass(frozen=True, slots=True)
class InboxState:
    """What the inbox needs to know; no rule of the AI reads it."""

    #: The highest position of a message; 0 while there is none.
    newest_position: int = 0
    #: The operator who wrote that message; None if nobody signed in did.
    newest_user_id: ids.UserId | None = None
    #: The highest position of a message that this operator did not write.
    others_position: int = 0
    #: Since when the customer waits, for an answer or for the person who is needed.
    waiting_since: datetime | None = None
    #: Whoever looks after the conversation; the person may be gone since.
    assignee_id: ids.UserId | None = None
    #: Until when it is put aside.
    snoozed_until: datetime | None = None

    def newest_for(self, user_id: ids.UserId) -> int:
        """Return the highest position of a message that somebody else wrote."""
        if user_id == self.newest_user_id:
            return self.others_position
        return self.newest_position
