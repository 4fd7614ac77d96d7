"""Tables that change most stay small (M16)."""

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

import pytest

from actors.conversation.events import CustomerWrote, PartDelivered, ReplyWritten
from persistence.database import Connection, Pool
from persistence.ids import EventId
from tests.support.api import Api
from tests.support.conversation.conversations import CHANNEL
from tests.support.conversation.seeding import add_channel

#: Table: its fillfactor, and the share of dead rows at which a vacuum begins.
HOT = {
    "shards": (10, 0.0),
    "timers": (70, 0.01),
    "conversations": (75, 0.01),
    "outbox": (80, 0.01),
    "messages": (85, 0.01),
    "service_states": (70, 0.01),
    "shown_windows": (70, 0.01),
    "alert_deliveries": (80, 0.02),
    "check_requests": (100, 0.0),
    "conversation_events": (100, 0.02),
}
