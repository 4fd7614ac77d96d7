"""What the chat window is given from outside."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from actors.clock import Clock
from deployments.integrations.channel_directory import ChannelDirectory
from deployments.integrations.website.hub import WebsiteHub
from deployments.integrations.website.throttle import VisitorThrottle
from persistence.database import Pool

if TYPE_CHECKING:
    # Importing it imports Ray, which the pages do not need.
    from actors.conversation.client import Shards


@dataclass(frozen=True, slots=True)
class WebsiteServices:
    """The parts; the hub must be started and hear `pilito_messages`."""

    pool: Pool
    shards: "Shards"
    directory: ChannelDirectory
    hub: WebsiteHub
    throttle: VisitorThrottle
    clock: Clock
