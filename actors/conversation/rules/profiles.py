"""The rules of asking who a customer is: gently, and never on the way of an answer.

Telegram says with each message who wrote it; Instagram has to be asked. A name is a
courtesy: nothing waits for it, and no timer is kept for it. What could not be learned
is asked for again when something happens in the conversation, ever more rarely.
"""

from dataclasses import replace
from datetime import datetime, timedelta

from actors.conversation.effects import AskProfile, Decision, RecordProfile
from actors.conversation.events import ProfileLearned, ProfileMissed
from actors.conversation.state import Conversation, Profile, ProfileQuest, Source

#: Platforms whose messages do not say who wrote them.
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
    """Have the platform asked who the customer is, if nobody knows and it is time.

    Only of who wrote to the shop does Instagram tell anything.
    """
    state = decision.state
    if (
        state.source not in ASKED
        or state.profile != NAMELESS
        or state.last_customer_at is None
    ):
        return decision
    quest = state.quest or ProfileQuest(at)
    if at < quest.ask_at:
        return decision
    # Moved ahead as it is asked: should the answer be lost, it is asked again later.
    asked = replace(quest, ask_at=at + _pause_after(quest.misses))
    return Decision(replace(state, quest=asked), (*decision.effects, AskProfile()))


def on_profile_learned(state: Conversation, event: ProfileLearned) -> Decision:
    """Keep the name; the customer's card shows it unless an operator wrote another."""
    if state.profile != NAMELESS or event.profile == NAMELESS:
        return Decision(state)
    state = replace(state, profile=event.profile, quest=None)
    return Decision(state, (RecordProfile(event.profile),))


def on_profile_missed(state: Conversation, event: ProfileMissed) -> Decision:
    """Ask more rarely."""
    if state.quest is None:
        return Decision(state)
    misses = state.quest.misses + 1
    quest = ProfileQuest(event.at + _pause_after(misses), misses)
    return Decision(replace(state, quest=quest))


def _pause_after(misses: int) -> timedelta:
    return PAUSES[min(misses, len(PAUSES) - 1)]
