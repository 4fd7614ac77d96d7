"""The meaning of a conversation's events to its runs."""

from collections.abc import Iterator

from actors.conversation import effects, events
from actors.conversation.effects import Decision
from actors.conversation.rules.delivery import ECHOING
from actors.conversation.rules.workflows.effects import derive_text_id
from actors.conversation.state import Author, Conversation, Delivery, MessageType
from actors.workflow import run as workflow
from actors.workflow.run import Phase, Run, RunEvent
from retrieval.dialogue.acts import Act, read_burst
from retrieval.dialogue.splitting import asks

#: Events by which a person answers, or decides who leads.
_BY_PERSON = (
    events.OperatorAnswered,
    events.ConversationRedirected,
    events.StatusSet,
    events.AiSwitched,
)
TAKEN_OVER = "a person took over"
HANDED_OVER = "the conversation was handed to a person"
ENDED = "an operator ended it"
TOO_MUCH_TO_SEND = "too much waits to be sent to the customer already"


def read_meanings(
    decision: Decision, event: events.Event
) -> Iterator[tuple[Run, RunEvent]]:
    """Tell what an event means to each run that it means something to."""
    is_taken_over = _is_taken_over(decision, event)
    for run in decision.state.runs:
        if is_taken_over:
            if any(token.phase is not Phase.DELAYED for token in run.tokens):
                yield run, workflow.Cancelled(TAKEN_OVER)
            continue
        meaning = _read_words(decision.state, event, run) or _read_own(event, run)
        if meaning is not None:
            yield run, meaning
        if isinstance(event, events.WorkflowSpoke) and event.run_id == run.id:
            yield from _read_spoken(decision, event, run)
        for told in read_deliveries(decision, run):
            yield run, told


def is_in(run: Run, phase: Phase) -> bool:
    """Whether a token of the run is in the phase."""
    return any(token.phase is phase for token in run.tokens)


def awaits_words(run: Run) -> bool:
    """Whether the customer's next message may be an answer to the run."""
    return is_in(run, Phase.ASKED) or is_in(run, Phase.AI_ANSWERS)


def _read_words(state: Conversation, event: events.Event, run: Run) -> RunEvent | None:
    match event:
        case events.CustomerWrote():
            is_question = events.message_id_of(event) in state.questions
            if awaits_words(run) and is_question:
                return _as_answer(state, event)
        case events.ReplyWritten() | events.ReplyFailed():
            if is_in(run, Phase.AI_ANSWERS) and state.reply is None:
                return _as_answered(state)
        case _:
            pass
    return None


def _read_own(event: events.Event, run: Run) -> RunEvent | None:
    """Read the events that are about workflows alone."""
    match event:
        case events.WorkflowFellDue():
            if run.due_at is not None and run.due_at <= event.at:
                return workflow.TimerFired()
        case events.WorkflowReported(run_id=run_id, result=result):
            if run_id == run.id:
                return result
        case events.WorkflowCancelled(run_id=run_id):
            if run_id == run.id:
                return workflow.Cancelled(ENDED)
        case _:
            pass
    return None


def _read_spoken(
    decision: Decision, event: events.WorkflowSpoke, run: Run
) -> Iterator[tuple[Run, RunEvent]]:
    """Tell whether a text of the run is on its way, or was delivered at once."""
    stored = [one for one in decision.effects if isinstance(one, effects.RecordMessage)]
    if stored and stored[0].delivery is Delivery.SENT and event.is_awaited:
        yield run, workflow.StepDone(event.step)
    elif not stored and event.is_awaited:
        yield run, workflow.StepFailed(event.step, TOO_MUCH_TO_SEND)
    elif not stored:
        # A question that nobody reads would wait for nothing.
        yield run, workflow.Cancelled(TOO_MUCH_TO_SEND)


def read_deliveries(decision: Decision, run: Run) -> Iterator[RunEvent]:
    """Tell how the messages fared whose delivery a run awaits."""
    if not is_in(run, Phase.SENDING):
        return
    has_echoes = decision.state.source in ECHOING
    for effect in decision.effects:
        if not isinstance(effect, effects.RecordSend):
            continue
        send = effect.send
        for token in run.tokens:
            text_id = derive_text_id(decision.state.id, run.id, token.text_number)
            if token.phase is not Phase.SENDING or text_id != send.message_id:
                continue
            if send.delivery is Delivery.FAILED:
                yield workflow.StepFailed(token.step, effect.error or "refused")
            elif send.delivery is Delivery.SENT and effect.is_last_part:
                yield workflow.StepDone(token.step)
            elif send.delivery is Delivery.UNKNOWN and not has_echoes:
                # Nobody will ever tell; it has probably arrived.
                yield workflow.StepDone(token.step, detail=effect.error)


def _is_taken_over(decision: Decision, event: events.Event) -> bool:
    """Whether a person answered, or decided who leads."""
    if isinstance(event, _BY_PERSON):
        return True
    is_echo = isinstance(event, events.EchoReceived | events.PartDelivered)
    return (
        is_echo
        and not decision.state.is_led_by_ai
        and any(
            isinstance(effect, effects.RecordMessage)
            and effect.author is Author.SUPPORT
            for effect in decision.effects
        )
    )


def _as_answer(state: Conversation, event: events.CustomerWrote) -> workflow.Answered:
    is_text = event.message_type is MessageType.TEXT and bool(event.text.strip())
    return workflow.Answered(
        text=event.text,
        is_text=is_text,
        # Without the AI nobody would answer what is asked back.
        looks_like_question=is_text and state.is_led_by_ai and _asks_back(event.text),
    )


def _asks_back(text: str) -> bool:
    """Whether the words ask something; «باشه» alone begins like a question."""
    return asks(text) and Act.QUESTION in read_burst((text,)).acts


def _as_answered(state: Conversation) -> RunEvent:
    if state.is_led_by_ai:
        return workflow.AiAnswered()
    return workflow.Cancelled(HANDED_OVER)
