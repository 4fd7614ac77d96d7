"""Looks customer profiles up, a few at a time, and reports each result as an event."""

import asyncio
from collections import Counter
from collections.abc import Callable
from uuid import UUID

import structlog

from actors.clock import Clock
from actors.conversation.events import Event, ProfileLearned, ProfileMissed
from actors.conversation.ports import CustomerRef, Profiles, ProfileUnavailable
from actors.conversation.reasons import FailureReason
from actors.conversation.rules.placeholders import strip_unstorable
from actors.conversation.state import Conversation, Profile
from actors.fair_semaphore import FairSemaphore
from actors.tasks import cancel_and_wait
from persistence.ids import ConversationId, EventId, TenantId

#: Platforms count an account's requests, and messages come first. The places are shared
#: out over tenants.
MAX_LOOKUPS = 4
#: A look-up beyond these is left to the customer's next event.
MAX_WAITING = 256
#: Of one tenant, whose flood of new customers must leave room for others'.
MAX_WAITING_PER_TENANT = 64
#: Before each attempt; by the first an answer has long been on its way.
PAUSES_S = (0.0, 5.0, 60.0)

log = structlog.get_logger("profile_lookups")


class ProfileLookups:
    """Owns the tasks of the look-ups."""

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
        self._waiting: Counter[TenantId] = Counter()
        self._places = FairSemaphore(MAX_LOOKUPS)

    def begin(self, state: Conversation) -> None:
        """Look the customer's profile up, unless too many look-ups wait."""
        if (
            state.id in self._tasks
            or len(self._tasks) >= MAX_WAITING
            or self._waiting[state.tenant_id] >= MAX_WAITING_PER_TENANT
        ):
            return
        task = asyncio.create_task(self._run(state))
        self._tasks[state.id] = task
        self._waiting[state.tenant_id] += 1
        task.add_done_callback(lambda _: self._forget(state))

    async def stop(self) -> None:
        """Cancel all look-ups: the rules repeat them later."""
        await cancel_and_wait(*self._tasks.values())

    def _forget(self, state: Conversation) -> None:
        del self._tasks[state.id]
        self._waiting[state.tenant_id] -= 1
        if not self._waiting[state.tenant_id]:
            del self._waiting[state.tenant_id]

    async def _run(self, state: Conversation) -> None:
        customer = CustomerRef(
            state.tenant_id, state.channel_id, state.source, state.platform_id
        )
        result: Profile | ProfileUnavailable = ProfileUnavailable("not asked")
        for pause_s in PAUSES_S:
            await asyncio.sleep(pause_s)
            async with self._places.place(state.tenant_id):
                result = await self._look_up(customer)
            if isinstance(result, Profile) or not result.is_temporary:
                break
        match result:
            case Profile():
                self._post(
                    ProfileLearned(
                        id=EventId(self._new_id()),
                        conversation_id=state.id,
                        at=self._clock.now(),
                        profile=Profile(
                            strip_unstorable(result.first_name),
                            strip_unstorable(result.last_name),
                            strip_unstorable(result.username),
                        ),
                    )
                )
            case ProfileUnavailable(is_held=False):
                self._post(
                    ProfileMissed(
                        id=EventId(self._new_id()),
                        conversation_id=state.id,
                        at=self._clock.now(),
                        reason=strip_unstorable(result.reason),
                    )
                )
            case _:
                pass  # The platform was not asked, so nothing has happened.

    async def _look_up(self, customer: CustomerRef) -> Profile | ProfileUnavailable:
        try:
            return await self._profiles.look_up(customer)
        except Exception:
            # A bug must not cost more than a name.
            log.exception("profile_lookup_failed", channel_id=str(customer.channel_id))
            return ProfileUnavailable(FailureReason.PROFILE_FAILED)
