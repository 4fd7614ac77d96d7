"""The words of replies that no document holds: small talk, questions, hand-overs."""

from collections.abc import Mapping

from config import prompts
from deployments.answers.answer_draft import AnswerDraft
from retrieval.answer.drafts import Draft, DraftAct
from retrieval.dialogue.acts import Act, Talk

_TALK: Mapping[Talk, Mapping[str, str]] = {
    Talk.CONGRATULATION: prompts.CONGRATULATION,
    Talk.WHO_ARE_YOU: prompts.WHO_ARE_YOU,
    Talk.HOW_ARE_YOU: prompts.HOW_ARE_YOU,
    Talk.COMPLIMENT: prompts.COMPLIMENT,
    Talk.LAUGH: prompts.LAUGH,
}
#: Replies in kind; of several acts the first here is answered.
_IN_KIND: Mapping[Act, Mapping[str, str]] = {
    Act.COMMAND: prompts.COMMAND_HELP,
    Act.NO: prompts.NO_THANKS,
    Act.GOODBYE: prompts.FAREWELL,
    Act.THANKS: prompts.WELCOME,
    Act.OK: prompts.ACKNOWLEDGEMENT,
    Act.YES: prompts.ACKNOWLEDGEMENT,
    Act.SMALL_TALK: prompts.HOW_ARE_YOU,
    Act.GREETING: prompts.GREETING,
}
_HANDED_OVER: Mapping[Act, Mapping[str, str]] = {
    Act.ADVERSARIAL: prompts.REFUSAL,
    Act.WANTS_PERSON: prompts.PERSON_CALLED,
    Act.COMPLAINT: prompts.REGRET,
    Act.ORDER_STATUS: prompts.ORDER_STATUS,
}
_START = "/start"


def write_reply(draft: Draft | AnswerDraft, *, said: str = "") -> str:
    """Write the whole reply of a draft, in the customer's language.

    `said` is the customer's message: opening a bot is a greeting, other commands ask
    for help.
    """
    language = str(draft.understanding.language)
    match draft.act:
        case DraftAct.ANSWER if draft.is_partial:
            return f"{draft.text}\n\n{prompts.REST_HANDOVER[language]}"
        case DraftAct.ANSWER:
            return draft.text
        case DraftAct.SMALL_TALK:
            return _in_kind(draft, said)[language]
        case DraftAct.ASK_BACK:
            return _ask_back(draft, language)
        case DraftAct.HANDOVER:
            acts = draft.understanding.acts
            named = (_HANDED_OVER[act] for act in acts if act in _HANDED_OVER)
            return next(named, prompts.HANDOVER)[language]


def _in_kind(draft: Draft | AnswerDraft, said: str) -> Mapping[str, str]:
    if said.strip().casefold().startswith(_START):
        return prompts.GREETING
    understanding = draft.understanding
    if understanding.talk is not None:
        return _TALK[understanding.talk]
    replies = (reply for act, reply in _IN_KIND.items() if act in understanding.acts)
    return next(replies, prompts.WELCOME)


def _ask_back(draft: Draft | AnswerDraft, language: str) -> str:
    if draft.options:
        names = prompts.NAMES_JOINED[language].join(draft.options)
        return prompts.WHICH_ONE[language].format(names=names)
    acts = draft.understanding.acts
    if Act.UNREADABLE in acts:
        return prompts.UNREADABLE[language]
    if Act.CORRECTION in acts:
        return prompts.WHAT_INSTEAD[language]
    if Act.QUESTION in acts:
        return prompts.WHICH_THING[language]
    return prompts.WHICH_MATTER[language]
