"""Of two passages that contradict each other the newer one is left."""

import pytest

from retrieval.answer.superseding import drop_superseded, supersedes
from retrieval.documents.chunking import chunk_document
from retrieval.index.knowledge import IndexedChunk, SourceType
from tests.unit.retrieval.samples import an_id


def chunks_of(
    name: str,
    title: str,
    text: str,
    *,
    revision: int = 1,
    source: SourceType = SourceType.MANUAL,
) -> list[IndexedChunk]:
    parents = chunk_document(title, text, lambda words: len(words.split()))
    return [
        IndexedChunk(
            an_id(f"{name}-{chunk.position}"),
            an_id(name),
            source,
            title,
            chunk.text,
            an_id(f"{name}-p{parent.position}"),
            parent.text,
            block=chunk.block,
            revision=revision,
        )
        for parent in parents
        for chunk in parent.chunks
    ]


def one(name: str, title: str, text: str, revision: int = 1) -> IndexedChunk:
    (chunk,) = chunks_of(name, title, text, revision=revision)
    return chunk


CONTRADICTING = [
    # Title and text of the older, title and text of the newer.
    (
        "قوانین مراجعه",
        "بیعانه‌ی نوبت ۱۰۰ هزار تومان است.",
        "اطلاعیه‌ی مطب",
        "از این ماه بیعانه‌ی نوبت ۲۰۰ هزار تومان است و برنمی‌گردد.",
    ),
    (
        "ارسال",
        "هزینه‌ی ارسال ۶۵ هزار تومان است.",
        "ارسال",
        "از این ماه هزینه‌ی ارسال ۷۵ هزار تومان است.",
    ),
    (
        "ارسال",
        "هزینه ارسال به همه‌ی شهرها ۶۵٬۰۰۰ تومان است.",
        "اطلاعیه‌ی ارسال",
        "هزینه ارسال ۸۰ هزار تومان شد.",
    ),
    (
        "سوالات متداول",
        "س: هزینه ارسال چقدر است؟\nج: ۶۵ هزار تومان.",
        "تعرفه‌ی ارسال",
        "هزینه ارسال ۹۰ هزار تومان است.",
    ),
    ("ساعت کار", "جمعه‌ها باز هستیم.", "ساعت کار", "جمعه‌ها تعطیل هستیم."),
    (
        "پرداخت",
        "پرداخت در محل برای شیراز داریم.",
        "پرداخت",
        "پرداخت در محل برای شیراز نداریم.",
    ),
    ("مرجوعی", "لباس زیر را پس می‌گیریم.", "مرجوعی", "لباس زیر را پس نمی‌گیریم."),
    (
        "ساعت کار",
        "شنبه تا چهارشنبه از ساعت ۹ تا ۱۷ پاسخ‌گو هستیم.",
        "ساعت کار جدید",
        "شنبه تا چهارشنبه از ساعت ۱۰ تا ۱۸ پاسخ‌گو هستیم.",
    ),
    (
        "ارسال رایگان",
        "خرید بالای ۲ میلیون تومان ارسال رایگان دارد.",
        "ارسال رایگان",
        "خرید بالای ۳ میلیون تومان ارسال رایگان دارد.",
    ),
    ("کادو", "بسته‌بندی کادو رایگان است.", "کادو", "بسته‌بندی کادو ۵۰ هزار تومان است."),
    (
        "گل",
        "گل,شاخه,قیمت\nرز,۲۰,۴۸۰٬۰۰۰\nمریم,۱۲,۳۵۰٬۰۰۰",
        "گل",
        "گل,شاخه,قیمت\nرز,۲۰,۵۲۰٬۰۰۰\nمریم,۱۲,۳۵۰٬۰۰۰",
    ),
    (
        "Shipping",
        "Shipping costs 65,000 tomans.",
        "Shipping",
        "From this month shipping costs 75,000 tomans.",
    ),
    (
        "Opening hours",
        "We are open on Fridays.",
        "Opening hours",
        "We are closed on Fridays.",
    ),
]


@pytest.mark.parametrize(("old_title", "old", "new_title", "new"), CONTRADICTING)
def test_the_newer_statement_is_left(
    old_title: str, old: str, new_title: str, new: str
) -> None:
    older = chunks_of("old", old_title, old, revision=1)
    newer = chunks_of("new", new_title, new, revision=2)
    left = drop_superseded([*older, *newer])
    assert older[0] not in left
    assert [chunk for chunk in left if chunk in newer] == newer
    assert drop_superseded([*newer, *older])[: len(newer)] == newer


AGREEING = [
    (
        "راهنمای مانتو",
        "دور کمر سایز بزرگ ۹۲ سانتی‌متر است.",
        "راهنمای شلوار",
        "دور کمر سایز بزرگ ۹۶ سانتی‌متر است.",
    ),
    (
        "ارسال",
        "هزینه‌ی ارسال ۶۵ هزار تومان است.",
        "ارسال",
        "هزینه‌ی ارسال به کیش ۱۴۵ هزار تومان است.",
    ),
    (
        "ارسال",
        "هزینه‌ی ارسال به تهران ۴۵ هزار تومان است.",
        "ارسال",
        "هزینه‌ی ارسال به شیراز ۶۵ هزار تومان است.",
    ),
    (
        "ارسال",
        "هزینه‌ی ارسال ۶۵ هزار تومان است.",
        "ارسال",
        "هزینه‌ی ارسال ۶۵٬۰۰۰ تومان است.",
    ),
    ("ارسال", "ارسال سه روز طول می‌کشد.", "ارسال", "هزینه‌ی ارسال ۶۵ هزار تومان است."),
    (
        "گل رز",
        "قیمت هر شاخه ۲۰ هزار تومان است.",
        "گل مریم",
        "قیمت هر شاخه ۳۰ هزار تومان است.",
    ),
    ("مدل یک", "قیمت ۹۸۰ هزار تومان است.", "مدل دو", "قیمت ۷۸۰ هزار تومان است."),
    ("جدول", "سایز,دور کمر,قد\n۴۴,۹۲,۱۰۵", "جدول", "سایز,دور کمر,قد\n۴۶,۹۶,۱۰۶"),
    (
        "سایزها",
        "دور کمر سایز ۴۴ برابر ۹۲ سانتی‌متر است.",
        "سایزها",
        "دور کمر سایز ۴۶ برابر ۹۶ سانتی‌متر است.",
    ),
    ("تماس", "تلفن فروشگاه ۰۷۱۳۶۴۷۵۸۶۹ است.", "تماس", "تلفن فروشگاه ۰۹۱۲۳۴۵۶۷۸۹ است."),
    ("مرجوعی", "لباس زیر را پس نمی‌گیریم.", "مرجوعی", "مانتو را پس می‌گیریم."),
    ("ساعت کار", "شنبه‌ها باز هستیم.", "ساعت کار", "جمعه‌ها تعطیل هستیم."),
]


@pytest.mark.parametrize(("old_title", "old", "new_title", "new"), AGREEING)
def test_what_can_be_true_together_stays(
    old_title: str, old: str, new_title: str, new: str
) -> None:
    both = [
        *chunks_of("old", old_title, old, revision=1),
        *chunks_of("new", new_title, new, revision=2),
    ]
    assert drop_superseded(both) == both


def test_rows_of_one_table_and_products_never_contradict_each_other() -> None:
    rows = chunks_of("t", "قیمت", "گل,شاخه,قیمت\nرز,۲۰,۴۸۰٬۰۰۰\nرز,۱۲,۳۵۰٬۰۰۰")
    text = "قیمت ۵۸۰٬۰۰۰ تومان. رنگ‌ها: سفید و آبی."
    goods = [
        *chunks_of("a", "شومیز نسیم", text, source=SourceType.PRODUCTS),
        *chunks_of(
            "b",
            "شومیز باران",
            text.replace("۵۸۰", "۶۲۰"),
            revision=2,
            source=SourceType.PRODUCTS,
        ),
    ]
    assert drop_superseded(rows) == rows
    assert drop_superseded(goods) == goods


@pytest.mark.parametrize(
    ("older", "newer"),
    [
        ("آخرین ویرایش: اسفند ۱۴۰۲", "آخرین ویرایش: خرداد ۱۴۰۴"),
        ("آخرین ویرایش: ۱۴۰۲/۱۲/۰۱", "آخرین ویرایش: مرداد ماه ۱۴۰۳"),
        ("Last updated: March 2024", "آخرین ویرایش: خرداد ۱۴۰۴"),
        ("Last updated: 2024-03-01", "Last updated: April 2024"),
        ("به‌روزرسانی: مهر ۱۴۰۲", "از این ماه پیک هم داریم."),
        ("نسخه‌ی فروشگاه", "این صفحه جایگزین صفحه‌ی پیشین است."),
        ("فروشگاه آوین", "اصلاحیه"),
        ("فروشگاه آوین", "Updated"),
    ],
)
def test_the_text_itself_says_which_is_newer(older: str, newer: str) -> None:
    text = "هزینه‌ی ارسال {} هزار تومان است.\n\n{}"
    old = chunks_of("old", "ارسال", text.format("۶۵", older), revision=9)
    new = chunks_of("new", "ارسال", text.format("۷۵", newer), revision=1)
    assert supersedes(new[0], old[0])
    assert not supersedes(old[0], new[0])


def test_the_rest_of_a_passage_stays() -> None:
    old = one("old", "ارسال", "هزینه‌ی ارسال ۶۵ هزار تومان است. بسته‌ها با پست می‌روند.")
    new = one("new", "ارسال", "هزینه‌ی ارسال ۷۵ هزار تومان است.", 2)
    kept, newer = drop_superseded([old, new])
    assert newer == new
    assert kept.text == kept.parent_text == "بسته‌ها با پست می‌روند."
    assert kept.block is not None
    assert kept.block.text == kept.text
    assert kept.chunk_id == old.chunk_id


def test_of_a_product_the_outdated_attribute_goes() -> None:
    text = "جنس: چرم گاوی\nقیمت: {} هزار تومان"
    old = one("old", "کیف رها", text.format("۹۸۰"))
    new = one("new", "کیف رها", text.format("۱۲۰۰"), 2)
    kept, newer = drop_superseded([old, new])
    assert newer == new
    assert kept.block is not None
    assert [cell.name for cell in kept.block.cells] == ["جنس"]
    assert kept.text == "جنس: چرم گاوی"


def test_without_an_order_both_stay() -> None:
    both = [
        one("a", "ارسال", "هزینه‌ی ارسال ۶۵ هزار تومان است."),
        one("b", "ارسال", "هزینه‌ی ارسال ۷۵ هزار تومان است."),
    ]
    assert drop_superseded(both) == both


SUBJECTS = [
    "کیف",
    "کفش",
    "مانتو",
    "شلوار",
    "روسری",
    "جوراب",
    "پیراهن",
    "شال",
    "دستکش",
    "کلاه",
]


def test_of_forty_passages_the_last_of_each_subject_hold() -> None:
    text = (
        "{0} را با پست {1} هزار تومان می‌فرستیم. {0} پس از {2} روز می‌رسد. "
        "پرداخت {0} در محل هم ممکن است. {0} را جمعه‌ها نمی‌فرستیم."
    )
    passages = [
        one(
            f"d{n}",
            f"ارسال {subject}",
            text.format(subject, n + 40, n % 5 + 2),
            revision=n,
        )
        for n, subject in enumerate(SUBJECTS * 4)
    ]
    kept = "\n".join(chunk.text for chunk in drop_superseded(passages))
    for n, subject in enumerate(SUBJECTS * 4):
        is_last = n >= 3 * len(SUBJECTS)
        assert (f"{subject} را با پست {n + 40} هزار" in kept) is is_last


def test_an_outdated_statement_goes_from_every_copy_and_the_rest_stays() -> None:
    rest = "پرداخت در محل هم ممکن است."
    copies = [
        one(f"d{n}", "ارسال", f"هزینه‌ی ارسال ۶۵ هزار تومان است. {rest}")
        for n in range(10)
    ]
    newer = one("new", "ارسال", "هزینه‌ی ارسال ۷۵ هزار تومان است.", revision=2)
    left = drop_superseded([*copies, newer])
    assert [chunk.text for chunk in left] == [rest] * 10 + [newer.text]
