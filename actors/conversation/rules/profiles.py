"""The rules of profile look-ups: rarely, and never before an answer.

Telegram names the customer with each message; Instagram has to be asked. Nothing waits
for a name, and no timer is kept for it: after a failed look-up, a later event of the
conversation asks again, with growing pauses.
"""

from dataclasses import replace
from datetime import datetime, timedelta

from actors.conversation.effects import AskProfile, Decision, RecordProfile
from actors.conversation.events import ProfileLearned, ProfileMissed
from actors.conversation.state import Conversation, Profile, ProfileLookup, Source

#: Platforms whose messages do not name the customer.
ASKED = frozenset({Source.INSTAGRAM})
NAMELESS = Profile()
#: From one look-up to the next, by how many were in vain. The first covers a crash.
PAUSES = (
    timedelta(minutes=10),
    timedelta(hours=1),
    timedelta(hours=6),
    timedelta(days=1),
    timedelta(days=7),
)


def ask_profile(decision: Decision, at: datetime) -> Decision:
    """Order a profile look-up if the name is unknown and one is due.

    Instagram knows only customers who have written to the shop.
    """
    state = decision.state
    if (
        state.source not in ASKED
        or state.profile != NAMELESS
        or state.last_customer_at is None
    ):
        return decision
    lookup = state.profile_lookup or ProfileLookup(at)
    if at < lookup.next_lookup_at:
        return decision
    # The next time is set now: a look-up whose answer is lost is repeated then.
    lookup = replace(lookup, next_lookup_at=at + _pause_after(lookup.misses))
    state = replace(state, profile_lookup=lookup)
    return Decision(state, (*decision.effects, AskProfile()))


def on_looked_up(
    state: Conversation, event: ProfileLearned | ProfileMissed
) -> Decision:
    """Keep the name that was learned, or schedule the next look-up."""
    if isinstance(event, ProfileLearned):
        return _on_learned(state, event)
    return _on_missed(state, event)


def _on_learned(state: Conversation, event: ProfileLearned) -> Decision:
    """Keep the name; the customer's card shows it unless an operator wrote another."""
    if state.profile != NAMELESS or event.profile == NAMELESS:
        return Decision(state)
    state = replace(state, profile=event.profile, profile_lookup=None)
    return Decision(state, (RecordProfile(event.profile),))


def _on_missed(state: Conversation, event: ProfileMissed) -> Decision:
    """Schedule the next look-up, later than the one before."""
    if state.profile_lookup is None:
        return Decision(state)
    misses = state.profile_lookup.misses + 1
    lookup = ProfileLookup(event.at + _pause_after(misses), misses)
    return Decision(replace(state, profile_lookup=lookup))


def _pause_after(misses: int) -> timedelta:
    return PAUSES[min(misses, len(PAUSES) - 1)]
