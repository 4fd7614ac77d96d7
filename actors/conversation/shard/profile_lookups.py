"""Asks platforms who customers are, a few at a time; an answer is an event."""

import asyncio
from collections.abc import Callable
from uuid import UUID

import structlog

from actors.clock import Clock
from actors.conversation.events import Event, ProfileLearned, ProfileMissed
from actors.conversation.ports import NoProfile, Profiles, Unnamed
from actors.conversation.rules.placeholders import storable
from actors.conversation.state import Conversation, Profile
from persistence.ids import ConversationId, EventId

#: Platforms count what an account asks, and messages come first.
MAX_INQUIRIES = 4
#: What is over it is asked for when the customer is heard of next.
MAX_WAITING = 256
#: Before each attempt; by then an answer has long been on its way.
PAUSES_S = (0.0, 5.0, 60.0)

log = structlog.get_logger("inquiries")


class Inquiries:
    """Owns the tasks that ask."""

    def __init__(
        self,
        profiles: Profiles,
        clock: Clock,
        post: Callable[[Event], None],
        new_id: Callable[[], UUID],
    ) -> None:
        self._profiles = profiles
        self._clock = clock
        self._post = post
        self._new_id = new_id
        self._tasks: dict[ConversationId, asyncio.Task[None]] = {}
        self._semaphore = asyncio.Semaphore(MAX_INQUIRIES)

    def begin(self, state: Conversation) -> None:
        """Ask who the customer is, unless too many are being asked for."""
        if state.id in self._tasks or len(self._tasks) >= MAX_WAITING:
            return
        task = asyncio.create_task(self._ask(state))
        self._tasks[state.id] = task
        task.add_done_callback(lambda _: self._tasks.pop(state.id, None))

    async def stop(self) -> None:
        """Give up what is being asked: it is asked again some time."""
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _ask(self, state: Conversation) -> None:
        who = Unnamed(
            state.tenant_id, state.channel_id, state.source, state.platform_id
        )
        found: Profile | NoProfile = NoProfile("nobody was asked", is_held=True)
        for pause_s in PAUSES_S:
            await asyncio.sleep(pause_s)
            async with self._semaphore:
                found = await self._look_up(who)
            if isinstance(found, Profile) or not found.is_passing:
                break
        match found:
            case Profile():
                self._post(
                    ProfileLearned(
                        id=EventId(self._new_id()),
                        conversation_id=state.id,
                        at=self._clock.now(),
                        profile=Profile(
                            storable(found.first_name),
                            storable(found.last_name),
                            storable(found.username),
                        ),
                    )
                )
            case NoProfile(is_held=False):
                self._post(
                    ProfileMissed(
                        id=EventId(self._new_id()),
                        conversation_id=state.id,
                        at=self._clock.now(),
                        reason=storable(found.reason),
                    )
                )
            case _:
                pass  # Nobody was asked, so nothing has happened.

    async def _look_up(self, who: Unnamed) -> Profile | NoProfile:
        try:
            return await self._profiles.look_up(who)
        except Exception as error:
            # A bug there must not cost more than a name.
            log.exception("profile_inquiry_failed", channel_id=str(who.channel_id))
            return NoProfile(repr(error))
