"""Labelled dialogues: how they are read, judged and summed up."""

import json

import pytest

from retrieval.evaluation.dialogues import (
    Expected,
    ExpectedAct,
    GivenAnswer,
    LabelledTurn,
    PlayedDialogue,
    PlayedTurn,
    Verdict,
    holds,
    judge,
    parse_dialogues,
    summarise,
)
from retrieval.evaluation.labelled import LabelledSetError
from retrieval.evaluation.playing import parse_documents

ANSWER, HANDOVER = ExpectedAct.ANSWER, ExpectedAct.HANDOVER
SMALLTALK, CLARIFY = ExpectedAct.SMALLTALK, ExpectedAct.CLARIFY


def line(*turns: object, **changed: object) -> str:
    row = {"id": "d", "channel": "website", "about": "plain", "turns": turns}
    return json.dumps(row | changed, ensure_ascii=False)


def turn(**changed: object) -> dict[str, object]:
    return {"say": "چنده؟", "expect": {"act": "answer"}} | changed


def test_a_dialogue_is_read_whole() -> None:
    expect = {
        "act": "answer|clarify",
        "must": ["۱۲۰", ["نقد", "نقدی"]],
        "must_not": ["۱۳۰"],
        "max_chars": 90,
    }
    share = {"title": "گلدان", "caption": "سفید"}
    (dialogue,) = parse_dialogues(
        ["", line(turn(share=share), turn(say="و این؟", reply_to=0, expect=expect))]
    )
    assert (dialogue.id, dialogue.channel, dialogue.about) == ("d", "website", "plain")
    first, second = dialogue.turns
    assert first.share == "عنوان: گلدان\nکپشن: سفید"
    assert second == LabelledTurn(
        "و این؟",
        Expected(
            frozenset({ANSWER, CLARIFY}),
            (("۱۲۰",), ("نقد", "نقدی")),
            (("۱۳۰",),),
            90,
        ),
        reply_to=0,
    )


@pytest.mark.parametrize(
    ("row", "complaint"),
    [
        ("nonsense", "line 1: not JSON"),
        ("[]", "line 1: not a JSON object"),
        (line(), "line 1: turns: must be a list, and not empty"),
        (line("hello"), "line 1: not a JSON object"),
        (line(turn(), channel="fax"), "line 1: 'fax' is not a valid Channel"),
        (line({"expect": {"act": "answer"}}), "line 1: say is missing"),
        (line(turn(expect={})), "line 1: act is missing"),
        (line(turn(expect={"act": "dance"})), "'dance' is not a valid ExpectedAct"),
        (line(turn(expect={"act": "answer", "must": "x"})), "must: must be a list"),
        (line(turn(expect={"act": "answer", "mustnt": []})), "knows the field mustnt"),
        (line(turn(expect={"act": "answer", "max_chars": "9"})), "must be a number"),
        (line(turn(reply_to=0)), "line 1: reply_to: turn 0 is not before turn 0"),
        ("", "there is nothing in it"),
    ],
)
def test_a_wrong_line_is_named(row: str, complaint: str) -> None:
    with pytest.raises(LabelledSetError, match=complaint):
        parse_dialogues([row])


@pytest.mark.parametrize(
    ("row", "complaint"),
    [
        ("nonsense", "line 1: not JSON"),
        ("[]", "line 1: not a JSON object of"),
        ('{"source_type": "faq", "title": "x", "text": " "}', "line 1: title and text"),
        ('{"source_type": "rumour", "title": "x", "text": "y"}', "'rumour' is not a"),
        ('{"source_type": "faq", "title": "x", "text": "y", "url": 3}', "url"),
        ("", "there is nothing in it"),
    ],
)
def test_a_wrong_document_is_named(row: str, complaint: str) -> None:
    with pytest.raises(LabelledSetError, match=complaint):
        parse_documents([row])


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("قیمت ۱٬۲۸۰٬۰۰۰ تومان است.", "1280000"),
        ("قیمت 1.280.000 تومان", "۱٬۲۸۰٬۰۰۰"),
        ("قیمت ۱ ۲۸۰ ۰۰۰ تومان", "1,280,000"),
        ("كتاب‌هاي ما", "کتاب های"),
        ("ساعت ۹–۱۸", "9 - 18"),
        ("آدرس: «میدان»", "ادرس میدان"),
        ("قـیـمَت", "قیمت"),
    ],
)
def test_spellings_of_one_text_are_the_same(text: str, wanted: str) -> None:
    assert holds(text, wanted)


@pytest.mark.parametrize(
    ("text", "wanted"), [("۱۲۸۰", "1281"), ("مانتو", "مانتوی"), ("", "x")]
)
def test_other_texts_are_not(text: str, wanted: str) -> None:
    assert not holds(text, wanted)


def expected(*acts: ExpectedAct, must: str = "", must_not: str = "") -> Expected:
    return Expected(
        frozenset(acts),
        ((must,),) if must else (),
        ((must_not,),) if must_not else (),
        20,
    )


@pytest.mark.parametrize(
    ("answer", "wanted", "faults"),
    [
        (GivenAnswer("۱۲۰ تومان", ANSWER, True), expected(ANSWER, must="120"), ()),
        (
            GivenAnswer("۱۳۰ تومان", ANSWER, True),
            expected(ANSWER, must="120", must_not="130"),
            ("lacks 120", "holds 130"),
        ),
        (
            GivenAnswer("همکارم می‌گوید", HANDOVER, False),
            expected(ANSWER, must="120"),
            ("handed over", "lacks 120"),
        ),
        (
            GivenAnswer("نمی‌دانم", ANSWER, True),
            expected(HANDOVER),
            ("not handed over",),
        ),
        # A person will say it.
        (
            GivenAnswer("همکارم می‌گوید", HANDOVER, False),
            expected(ANSWER, HANDOVER, must="120"),
            (),
        ),
        # The wrong figure is wrong, whoever is called.
        (
            GivenAnswer("۱۳۰ تومان", HANDOVER, True),
            expected(HANDOVER, must_not="130"),
            ("holds 130",),
        ),
        (
            GivenAnswer("پست می‌کنیم", ANSWER, True),
            expected(SMALLTALK),
            ("small talk answered from documents",),
        ),
        (GivenAnswer("پست می‌کنیم", ANSWER, True), expected(SMALLTALK, ANSWER), ()),
        (GivenAnswer("x" * 20, ANSWER, True), expected(ANSWER), ()),
        (GivenAnswer("x" * 21, ANSWER, True), expected(ANSWER), ("21 characters",)),
        (GivenAnswer("x" * 21, HANDOVER, False), expected(HANDOVER), ()),
        (GivenAnswer("x" * 21, ANSWER, True), Expected(frozenset({ANSWER})), ()),
    ],
)
def test_an_answer_is_judged(
    answer: GivenAnswer, wanted: Expected, faults: tuple[str, ...]
) -> None:
    verdict = judge(answer, wanted)
    assert verdict.faults == faults
    assert verdict.wrong == tuple(
        fault.removeprefix("holds ") for fault in faults if fault.startswith("holds")
    )


def test_one_of_several_spellings_is_enough() -> None:
    either = Expected(frozenset({ANSWER}), (("نقد", "کارت"),), (("چک", "قسط"),))
    assert judge(GivenAnswer("با کارت", ANSWER, True), either) == Verdict(())
    verdict = judge(GivenAnswer("قسطی", ANSWER, True), either)
    assert (verdict.faults, verdict.wrong) == (("lacks نقد", "holds قسط"), ("قسط",))


def played(shop: str, about: str, *turns: tuple[Expected, str, str]) -> PlayedDialogue:
    given = [(wanted, GivenAnswer(text, act, False)) for wanted, text, act in turns]
    return PlayedDialogue(
        shop,
        "d",
        about,
        tuple(PlayedTurn("...", one, judge(one, wanted)) for wanted, one in given),
    )


def test_what_was_played_is_summed_up() -> None:
    price = expected(ANSWER, must="120", must_not="130")
    talk = expected(SMALLTALK)
    summary = summarise(
        [
            played("a", "plain", (price, "۱۲۰", ANSWER), (talk, "سلام", SMALLTALK)),
            played("a", "talk", (talk, "همکارم", HANDOVER)),
            played("b", "plain", (price, "۱۳۰", ANSWER)),
            # Both were allowed: no small talk was lost.
            played("b", "talk", (expected(SMALLTALK, HANDOVER), "همکارم", HANDOVER)),
        ]
    )
    assert (summary["dialogues"], summary["turns"]) == (4, 5)
    assert summary["dialogues_passed"] == 2 / 4
    assert summary["turns_passed"] == 3 / 5
    assert summary["wrong"] == 1 / 5
    assert (summary["small_talk"], summary["handed_over_small_talk"]) == (2, 1)
    assert summary["by_category"] == {
        "plain": {"turns": 3, "turns_passed": 2 / 3, "wrong": 1 / 3},
        "talk": {"turns": 2, "turns_passed": 1 / 2, "wrong": 0},
    }
    assert summary["by_shop"]["b"] == {"turns": 2, "turns_passed": 1 / 2, "wrong": 0.5}


def test_nothing_played_is_nothing_passed() -> None:
    summary = summarise([])
    assert (summary["turns"], summary["turns_passed"], summary["by_shop"]) == (0, 0, {})
