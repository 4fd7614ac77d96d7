"""Replies that no document holds have words in both languages."""

import pytest

from config import prompts
from deployments.answers.wording import write_reply
from retrieval.answer.drafts import Draft, DraftAct
from retrieval.dialogue.acts import HANDED_OVER, Act, Talk
from retrieval.dialogue.understanding import Understanding
from retrieval.text.language import Language

every_language = pytest.mark.parametrize("language", list(Language))


def draft(
    act: DraftAct,
    *acts: Act,
    language: Language = Language.FA,
    talk: Talk | None = None,
    text: str = "",
    options: tuple[str, ...] = (),
    is_partial: bool = False,
) -> Draft:
    return Draft(
        act,
        Understanding(acts, language, (), talk),
        text=text,
        options=options,
        is_partial=is_partial,
    )


def is_in(language: Language, text: str) -> bool:
    """Tell whether a text is written in the letters of a language."""
    return any("\u0600" <= letter <= "\u06ff" for letter in text) is (
        language is Language.FA
    )


@every_language
@pytest.mark.parametrize("act", list(Act))
@pytest.mark.parametrize(
    "does", [DraftAct.SMALL_TALK, DraftAct.ASK_BACK, DraftAct.HANDOVER]
)
def test_every_act_has_words_in_both_languages(
    does: DraftAct, act: Act, language: Language
) -> None:
    reply = write_reply(draft(does, act, language=language))
    assert reply.strip() == reply != ""
    assert is_in(language, reply)
    assert "{" not in reply


@every_language
@pytest.mark.parametrize("talk", list(Talk))
def test_every_kind_of_talk_is_answered_in_kind(talk: Talk, language: Language) -> None:
    reply = write_reply(
        draft(DraftAct.SMALL_TALK, Act.SMALL_TALK, language=language, talk=talk)
    )
    assert is_in(language, reply)


@pytest.mark.parametrize("act", HANDED_OVER)
def test_who_is_handed_over_is_told_why(act: Act) -> None:
    reply = write_reply(draft(DraftAct.HANDOVER, act))
    assert reply != prompts.HANDOVER["fa"]


@pytest.mark.parametrize("said", ["/start", "/START", " /start ref_7"])
def test_opening_a_bot_greets(said: str) -> None:
    written = write_reply(draft(DraftAct.SMALL_TALK, Act.COMMAND), said=said)
    assert written == prompts.GREETING["fa"]


def test_another_command_gets_help() -> None:
    written = write_reply(draft(DraftAct.SMALL_TALK, Act.COMMAND), said="/help")
    assert written == prompts.COMMAND_HELP["fa"]


@pytest.mark.parametrize(
    ("acts", "reply"),
    [
        ((Act.GREETING,), prompts.GREETING),
        ((Act.GREETING, Act.THANKS), prompts.WELCOME),
        ((Act.THANKS, Act.GOODBYE), prompts.FAREWELL),
        ((Act.NO, Act.THANKS), prompts.NO_THANKS),
        ((Act.OK,), prompts.ACKNOWLEDGEMENT),
        ((), prompts.WELCOME),
    ],
)
def test_of_several_acts_the_weightier_is_answered(
    acts: tuple[Act, ...], reply: dict[str, str]
) -> None:
    assert write_reply(draft(DraftAct.SMALL_TALK, *acts)) == reply["fa"]


def test_an_answer_is_sent_as_it_was_composed() -> None:
    text = "روشویی: ۱۵۰ هزار تومان"
    assert write_reply(draft(DraftAct.ANSWER, Act.QUESTION, text=text)) == text


@every_language
def test_an_answer_to_a_part_says_that_the_rest_is_handed_over(
    language: Language,
) -> None:
    written = write_reply(
        draft(
            DraftAct.ANSWER,
            Act.QUESTION,
            language=language,
            text="روشویی: ۱۵۰ هزار تومان",
            is_partial=True,
        )
    )
    assert written == (
        f"روشویی: ۱۵۰ هزار تومان\n\n{prompts.REST_HANDOVER[str(language)]}"
    )


@pytest.mark.parametrize(
    ("language", "reply"),
    [
        (Language.FA, "کدام مورد را می‌فرمایید؟ روشویی یا نانوشویی؟"),
        (Language.EN, "Which one do you mean: روشویی or نانوشویی?"),
    ],
)
def test_a_question_back_offers_the_names(language: Language, reply: str) -> None:
    written = write_reply(
        draft(
            DraftAct.ASK_BACK,
            Act.QUESTION,
            language=language,
            options=("روشویی", "نانوشویی"),
        )
    )
    assert written == reply


@pytest.mark.parametrize(
    ("act", "reply"),
    [
        (Act.UNREADABLE, prompts.UNREADABLE),
        (Act.CORRECTION, prompts.WHAT_INSTEAD),
        (Act.QUESTION, prompts.WHICH_THING),
        (Act.YES, prompts.WHICH_MATTER),
    ],
)
def test_a_question_back_without_names_asks_for_what_is_missing(
    act: Act, reply: dict[str, str]
) -> None:
    assert write_reply(draft(DraftAct.ASK_BACK, act)) == reply["fa"]
