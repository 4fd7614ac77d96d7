"""What a burst does is read from its words, and what it asks is left to the search."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retrieval.dialogue import HANDED_OVER, Act, Talk, read_burst
from retrieval.text.language import Language

#: Of bursts of other businesses; see `bursts.tsv`.
LEAST_SHARE_RIGHT = 0.95
Burst = tuple[str, int, tuple[str, ...]]


def load_bursts() -> list[Burst]:
    """Load the labelled bursts: the first act, the number of questions, the texts."""
    lines = (Path(__file__).parent / "bursts.tsv").read_text(encoding="utf-8")
    rows = [line.split("\t") for line in lines.splitlines() if line and line[0] != "#"]
    return [(act, int(n), tuple(texts.split(" // "))) for act, n, texts in rows]


def acts_of(*texts: str) -> tuple[Act, ...]:
    return read_burst(texts).acts


def test_bursts_of_other_businesses_are_read_right() -> None:
    bursts = load_bursts()
    wrong = [
        texts
        for act, n_questions, texts in bursts
        if (spoken := read_burst(texts)).acts[0] != act
        or len(spoken.questions) != n_questions
    ]
    assert len(bursts) >= 150
    assert len(wrong) <= (1 - LEAST_SHARE_RIGHT) * len(bursts), wrong


def test_a_greeting_before_a_question_is_left_out_of_the_search() -> None:
    spoken = read_burst(["سلام وقتتون بخیر خداقوت، زیره‌ی سیاه کیلویی چنده؟"])
    assert spoken.acts == (Act.QUESTION, Act.GREETING)
    assert spoken.questions == ("زیره‌ی سیاه کیلویی چنده؟",)


@pytest.mark.parametrize(
    ("text", "acts"),
    [
        ("سلاااام عزیزم", (Act.GREETING,)),
        ("خسته‌نباشین", (Act.GREETING,)),
        ("خستهنباشید", (Act.GREETING,)),
        ("مرصی داداش", (Act.THANKS,)),
        ("ممنونننن", (Act.THANKS,)),
        ("متشکررم از لطفتون", (Act.THANKS,)),
        ("خداحاقظ", (Act.GOODBYE,)),
        ("سلام 🌹", (Act.GREETING,)),
        ("❤️", (Act.THANKS,)),
        ("🙏🏾", (Act.THANKS,)),
        ("👍🏻", (Act.YES, Act.OK)),
        ("👎🏿", (Act.COMPLAINT,)),
        ("شب بخیر", (Act.GOODBYE,)),
        ("سلام شب بخیر", (Act.GREETING,)),
        ("آره مرسی", (Act.YES, Act.THANKS)),
        ("نه قربونت", (Act.NO, Act.THANKS)),
        ("باشه خداحافظ", (Act.GOODBYE, Act.YES, Act.OK)),
        ("آره همونو می‌خوام", (Act.YES,)),
        ("به خانمم میگم ببینم نظرش چیه", (Act.GOODBYE,)),
        ("ok", (Act.YES, Act.OK)),
        ("xoxoxox 🤷", (Act.QUESTION,)),
        ("", (Act.UNREADABLE,)),
        ("   ", (Act.UNREADABLE,)),
        ("شسیبل", (Act.UNREADABLE,)),
        ("g", (Act.UNREADABLE,)),
        ("L", (Act.QUESTION,)),
        ("۱۲۳۴۵", (Act.QUESTION,)),
        ("چطوری؟", (Act.SMALL_TALK,)),
        ("morning!", (Act.GREETING,)),
        ("nah", (Act.NO,)),
        ("/settings@clinic_bot", (Act.COMMAND,)),
        ("/start", (Act.COMMAND,)),
        ("/start from_insta-7", (Act.COMMAND,)),
    ],
)
def test_small_talk_is_told_by_its_words(text: str, acts: tuple[Act, ...]) -> None:
    assert acts_of(text) == acts
    if acts != (Act.QUESTION,):
        assert read_burst([text]).questions == ()


@pytest.mark.parametrize(
    ("text", "talk"),
    [
        ("سلام خوبید؟", Talk.HOW_ARE_YOU),
        ("روز پدر مبارک", Talk.CONGRATULATION),
        ("کاراتون محشره", Talk.COMPLIMENT),
        ("شما رباتید؟", Talk.WHO_ARE_YOU),
        ("خخخخ", Talk.LAUGH),
        ("ممنون", None),
    ],
)
def test_small_talk_has_a_kind_with_a_reply_of_its_own(
    text: str, talk: Talk | None
) -> None:
    assert read_burst([text]).talk == talk


@pytest.mark.parametrize(
    "text",
    [
        "باشه؟",
        "خوبه برای موی چرب؟",
        "عالیه برای هدیه",
        "ممنون، فقط کی می‌رسه",
        "چه خبر از نمایشگاه کتاب",
        "عزیزم سایز ۳۸ داری",
        "کفش های چرمی",
        "فردا باز هستید",
        "نه ماهه‌ها رو هم ثبت‌نام می‌کنید؟",
        "شماره‌تون رو بدید زنگ بزنم",
        "ساعت کاری کارشناس‌ها؟",
        "اگه معیوب باشه چی؟",
        "در صورت خرابی پس می‌گیرید؟",
        "کد رهگیری رو چه روزی می‌فرستید؟",
        "چجوری سفارشم رو پیگیری کنم؟",
        "قوانین مرجوعی رو بگید",
        "فقط بگو چنده",
        "how can I cancel a booking?",
        "is there a refund if it arrives broken?",
    ],
)
def test_a_question_stays_one_whatever_small_words_it_holds(text: str) -> None:
    spoken = read_burst([text])
    assert spoken.acts[0] is Act.QUESTION
    assert not set(spoken.acts) & set(HANDED_OVER)
    assert spoken.questions


@pytest.mark.parametrize(
    "text",
    [
        "چطوری ثبت‌نام کنم",
        "چه خبر از دوره‌ی جدید؟",
        "کادو برای داداش",
        "یه هدیه برای عشقم",
        "no smoking rooms?",
        "are you open in the morning",
        "morning classes?",
        "gift for my mate",
        "how do you do refunds?",
        "فعلا موجوده؟",
        "رنگش آبی باشه",
        "برای پوست خشک خوبه",
    ],
)
def test_a_word_of_small_talk_with_another_meaning_stays_in_the_question(
    text: str,
) -> None:
    assert read_burst([text]).questions == (text,)


def test_anger_in_a_question_is_heard() -> None:
    assert acts_of("چرا ارسال گرونه 😡") == (Act.COMPLAINT, Act.QUESTION)


def test_a_complaint_keeps_the_question_beside_it() -> None:
    spoken = read_burst(["کفشی که فرستادید پاره بود. چطور پس بدم؟"])
    assert spoken.acts == (Act.COMPLAINT, Act.QUESTION)
    assert spoken.questions == ("چطور پس بدم؟",)


@pytest.mark.parametrize(
    ("text", "corrected"),
    [
        ("منظورم طرح گل‌دار بود", "طرح گل‌دار"),
        ("نه، پایه بلندش رو میگم", "پایه بلندش"),
        ("اشتباه گفتم، مدل ۱۴۰۲", "مدل ۱۴۰۲"),
        ("I meant the linen one", "linen one"),
        ("sorry, the green one", "green"),
        ("manzooram abi bood", "abi"),
    ],
)
def test_a_correction_says_what_is_asked_instead(text: str, corrected: str) -> None:
    spoken = read_burst([text])
    assert spoken.acts[:2] == (Act.CORRECTION, Act.QUESTION)
    assert spoken.questions == (corrected,)


def test_what_was_wrong_may_be_left_open() -> None:
    assert acts_of("ببخشید اشتباه نوشتم")[0] is Act.CORRECTION
    assert read_burst(["ببخشید اشتباه نوشتم"]).questions == ()


def test_a_yes_or_no_with_more_behind_it_asks_as_well() -> None:
    spoken = read_burst(["نه، چرمیش رو می‌خوام چنده"])
    assert spoken.acts == (Act.QUESTION, Act.NO)
    assert spoken.questions == ("چرمیش رو می‌خوام چنده",)


def test_a_question_behind_a_command_is_a_question() -> None:
    assert read_burst(["/start قیمت این چنده؟"]).questions == ("قیمت این چنده؟",)


@pytest.mark.parametrize(
    ("text", "shop", "language", "is_finglish"),
    [
        ("ساعت کاری؟", Language.EN, Language.FA, False),
        ("do you ship abroad?", Language.FA, Language.EN, False),
        ("ghaymatesh chande?", Language.EN, Language.FA, True),
        ("salam mifrestid shiraz?", Language.EN, Language.FA, True),
        ("mersi azizam", None, Language.FA, True),
        ("hello", Language.FA, Language.EN, False),
        ("ok", Language.FA, Language.FA, False),
        ("ok", Language.EN, Language.EN, False),
        ("iphone 13", Language.FA, Language.FA, False),
        ("❤️", Language.EN, Language.EN, False),
        ("/help", Language.EN, Language.EN, False),
        ("??", None, Language.FA, False),
        ("سلام https://shop.example/new/linen-shirt", None, Language.FA, False),
    ],
)
def test_the_language_is_the_customers_and_else_the_shops(
    text: str, shop: Language | None, language: Language, *, is_finglish: bool
) -> None:
    spoken = read_burst([text], shop)
    assert (spoken.language, spoken.is_finglish) == (language, is_finglish)


def test_what_is_near_to_a_complaint_is_one_and_is_not_searched() -> None:
    spoken = read_burst(["بند دلم پاره شد"], nearest=lambda _: Act.COMPLAINT)
    assert spoken.acts == (Act.COMPLAINT,)
    assert spoken.questions == ()


def test_what_asks_is_searched_however_near_to_small_talk_it_is() -> None:
    spoken = read_burst(["پسته دارید؟"], nearest=lambda _: Act.SMALL_TALK)
    assert spoken.acts == (Act.QUESTION,)


def test_nearness_is_not_asked_where_words_tell() -> None:
    asked: list[str] = []
    read_burst(["سلام", "ممنون", "اپراتور"], nearest=asked.append)
    assert asked == []


WORDS = st.sampled_from(
    (
        *("سلام", "خوبی", "ممنون", "نه", "آره", "و،", "پسته؟", "چنده", "دارید"),
        *("/help", "😡", "اگه", "خراب", "بود", "من", "منظورم", "ok", "the"),
    )
)
BURSTS = st.lists(st.text() | st.lists(WORDS).map(" ".join), max_size=4)


@given(BURSTS)
def test_every_burst_does_something_and_asks_in_its_own_words(texts: list[str]) -> None:
    spoken = read_burst(texts)
    assert spoken.acts == tuple(sorted(set(spoken.acts), key=list(Act).index))
    assert spoken.acts
    assert (Act.QUESTION in spoken.acts) == bool(spoken.questions)
    assert (Act.SMALL_TALK in spoken.acts) == (spoken.talk is not None)
    written = set("".join(texts))
    assert all(set(question) <= written | {" "} for question in spoken.questions)
