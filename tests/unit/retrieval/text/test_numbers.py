"""A number is one number, however it is written."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retrieval.text.normalise import ARABIC_DIGITS, PERSIAN_DIGITS
from retrieval.text.numbers import NumberKind, read_numbers, spoken_values
from tests.unit.retrieval.text.number_writing import english_words, persian_words

WRITTEN = [
    ("۱٬۲۸۰٬۰۰۰", "1280000"),
    ("۱٫۲۸۰٫۰۰۰", "1280000"),
    ("۱٬۲۸۰٫۰۰۰", "1280000"),
    ("١٬٢٨٠٬٠٠٠", "1280000"),
    ("1,280,000", "1280000"),
    ("1.280.000", "1280000"),
    ("1 280 000", "1280000"),
    ("1\u00a0280\u202f000", "1280000"),
    ("1'280'000", "1280000"),
    ("۱/۲۸۰/۰۰۰", "1280000"),
    ("۱،۲۸۰،۰۰۰", "1280000"),
    ("980 000", "980000"),
    ("۵۸۰.۰۰۰", "580000"),
    ("۵۸۰٫۰۰۰", "580000"),
    ("4.6", "4.6"),
    ("۴٫۶", "4.6"),
    ("۴٬۶", "4.6"),
    ("1,280.50", "1280.50"),
    ("1.280,50", "1280.50"),
    ("0.250", "0.25"),
    ("0.5", "0.5"),
    ("۹۸۰ هزار", "980000"),
    ("۹۸۰هزار", "980000"),
    ("۹۸۰‌هزار", "980000"),
    ("یک میلیون و ۲۰۰", "1200000"),
    ("یک میلیون و ۲۰۰ هزار", "1200000"),
    ("یک میلیون و دویست", "1200000"),
    ("۱ ملیون و ۲۰۰ هزار و ۵۰۰", "1200500"),
    ("یک‌میلیون و دویست‌هزار", "1200000"),
    ("۱٫۲ میلیون", "1200000"),
    ("1.280 million", "1280000"),
    ("1.46 million", "1460000"),
    ("دویست و ده هزار", "210000"),
    ("دویست‌وده هزار", "210000"),
    ("سیصد و چهل و پنج", "345"),
    ("دو هزار پونصد", "2500"),
    ("بیست‌وپنج", "25"),
    ("شیش صد", "600"),
    ("صد", "100"),
    ("هزار", "1000"),
    ("هزار میلیارد", "1000000000000"),
    ("یک و نیم میلیون", "1500000"),
    ("دو میلیون و نیم", "2500000"),
    ("نیم میلیون", "500000"),
    ("twenty-five", "25"),
    ("two hundred and ten thousand", "210000"),
    ("fifteen hundred", "1500"),
    ("half a million", "500000"),
    ("10k", "10000"),
    ("80 hezar", "80000"),
    ("۱،۵ میلیون", "1500000"),
    ("1,28 million", "1280000"),
    ("４５", "45"),
    ("⑤", "5"),
    ("سايز ٣٨", "38"),
    ("سایز۳۸", "38"),
    ("\u200f۳۸\u200f", "38"),
]


@pytest.mark.parametrize(("text", "value"), WRITTEN)
def test_one_number_is_read_from_each_writing(text: str, value: str) -> None:
    assert [number.value for number in read_numbers(text)] == [Decimal(value)]


WITH_UNITS = [
    ("۱۲۰ هزار تومانی", "120000", "money", "toman"),
    ("هزارتومن", "1000", "money", "toman"),
    ("۲۵۰ت", "250", "money", "toman"),
    ("یک و دویست تومن", "1200", "money", "toman"),
    ("۱۲٬۸۰۰٬۰۰۰ ریال", "12800000", "money", "rial"),
    ("$25", "25", "money", "dollar"),
    ("25 euros", "25", "money", "euro"),
    ("٪۲۰", "20", "percent", "percent"),
    ("20%", "20", "percent", "percent"),
    ("بیست درصدی", "20", "percent", "percent"),
    ("2.5%", "2.5", "percent", "percent"),
    ("نیم کیلو", "0.5", "measure", "kilogram"),
    ("۱/۵ لیتر", "1.5", "measure", "litre"),
    ("1.250 kg", "1.25", "measure", "kilogram"),
    ("250 سی سی", "250", "measure", "millilitre"),
    ("120cm", "120", "measure", "centimetre"),
    ("هفت روزه", "7", "duration", "day"),
    ("۲۴ ساعت", "24", "duration", "hour"),
    ("سه تا", "3", "count", "item"),
    ("نه نفر", "9", "count", "person"),
    ("۱۷:۳۰", "1050", "time", "pm"),
    ("ساعت ۹", "540", "time", ""),
    ("ساعت نه و نیم", "570", "time", ""),
    ("۵ عصر", "1020", "time", "pm"),
    ("5 p.m.", "1020", "time", "pm"),
    ("9:30 am", "570", "time", "am"),
    ("۱۴۰۵/۰۸/۱۲", "14050812", "date", "jalali"),
    ("۱۲/۸/۱۴۰۵", "14050812", "date", "jalali"),
    ("2026-11-03", "20261103", "date", "gregorian"),
    ("12 آبان", "812", "date", "jalali"),
    ("دوازدهم آبان‌ماه ۱۴۰۵", "14050812", "date", "jalali"),
    ("بیست و پنجم مهر", "725", "date", "jalali"),
    ("۳ نوامبر ۲۰۲۶", "20261103", "date", "gregorian"),
    ("November 3rd, 2026", "20261103", "date", "gregorian"),
    ("3rd of May", "503", "date", "gregorian"),
]


@pytest.mark.parametrize(("text", "value", "kind", "unit"), WITH_UNITS)
def test_the_unit_tells_what_a_number_is(
    text: str, value: str, kind: str, unit: str
) -> None:
    [number] = read_numbers(text)
    assert (number.value, number.kind, number.unit) == (Decimal(value), kind, unit)


@pytest.mark.parametrize(
    ("text", "kind", "digits"),
    [
        ("۰۹۱۲۳۴۵۶۷۸۹", "phone", "09123456789"),
        ("0912 345 6789", "phone", "09123456789"),
        ("+98 912-345-6789", "phone", "09123456789"),
        ("00989123456789", "phone", "09123456789"),
        ("9123456789", "phone", "09123456789"),
        ("۰۲۱-۸۸۷۷۶۶۵۵", "phone", "02188776655"),
        ("+44 20 7946 0958", "phone", "442079460958"),
        ("6037-9911-2233-4455", "card", "6037991122334455"),
        ("۶۰۳۷ ۹۹۱۱ ۲۲۳۳ ۴۴۵۵", "card", "6037991122334455"),
        ("6037991122334455", "card", "6037991122334455"),
        ("IR120170000000101234567890", "sheba", "120170000000101234567890"),
        ("IR12 0170 0000 0010 1234 5678 90", "sheba", "120170000000101234567890"),
    ],
)
def test_a_number_to_dial_or_to_pay_to_keeps_its_digits(
    text: str, kind: str, digits: str
) -> None:
    [number] = read_numbers(text)
    assert (number.kind, number.digits) == (kind, digits)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "نه ممنون",
        "سه‌شنبه",
        "پنج شنبه",
        "هیچ‌یک",
        "دو‌طرفه",
        "کد AVIN10 را بزنید",
        "iPhone13",
        "13pro",
        "avin_shop2",
        "v1.2.3",
        "https://shop.example/p/1280?x=7",
        "a1.b2@shop.example",
        "@shop_2024",
        "و",
        "5️⃣",
    ],
)
def test_what_is_no_number_is_read_as_none(text: str) -> None:
    assert read_numbers(text) == ()


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("سایزها: ۳۸ تا ۴۶", [38, 46]),
        ("36,38,40", [36, 38, 40]),
        ("100 105 110", [100, 105, 110]),
        ("۲ و ۳", [2, 3]),
        ("سی و چهل", [30, 40]),
        ("38/40", [38, 40]),
        ("۵۰*۷۰", [50, 70]),
        ("۱۲۰۰۰|۱۳۰۰۰", [12000, 13000]),
        ("یک\nدو", [1, 2]),
        ("۲۰۰ تا ۳۰۰ هزار تومان", [200000, 300000]),
    ],
)
def test_numbers_that_stand_in_a_row_stay_apart(text: str, values: list[int]) -> None:
    assert [number.value for number in read_numbers(text)] == values


def test_both_ends_of_a_range_have_the_unit_of_the_last() -> None:
    days = read_numbers("سه تا پنج روز کاری")
    hours = read_numbers("از ساعت ۹ تا ۱۷")
    assert [(int(day.value), day.unit) for day in days] == [(3, "day"), (5, "day")]
    assert [(int(hour.value), hour.kind) for hour in hours] == [
        (540, NumberKind.TIME),
        (1020, NumberKind.TIME),
    ]


def test_a_number_knows_its_place_in_what_was_written() -> None:
    text = "قِیمت \u200fیک میلیون و ۲۰۰ هزار تومان و ۱۲ آبان"
    spans = [text[number.start : number.end] for number in read_numbers(text)]
    assert spans == ["یک میلیون و ۲۰۰ هزار", "۱۲ آبان"]


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("۴۹۵ تومن", [495, 495_000]),
        ("۲ تومن", [2, 2_000, 2_000_000]),
        ("۱.۵ تومن", [Decimal("1.5"), 1500, 1_500_000]),
        ("یک و دویست تومن", [1200, 1_200_000]),
        ("۶۵۰", [650, 650_000]),
        ("۴۹۵ هزار تومان", [495_000]),
        ("۷ روز", [7]),
        ("1.280", [1280, Decimal("1.280")]),
        ("یک میلیون و ۲۰۰", [1_200_000, 1_000_200]),
    ],
)
def test_speech_leaves_the_thousands_out(text: str, values: list[Decimal]) -> None:
    [number] = read_numbers(text)
    assert list(spoken_values(number)) == values


def in_digits(text: str, digits: str) -> str:
    return text.translate(str.maketrans("0123456789", digits))


DIGITS = st.sampled_from(["0123456789", PERSIAN_DIGITS, ARABIC_DIGITS])
MARKS = st.sampled_from([",", "٬", "٫", ".", "،", "'", "_"])


@given(st.integers(0, 10**12), DIGITS, MARKS)
def test_groups_of_three_are_thousands_whatever_their_mark(
    value: int, digits: str, mark: str
) -> None:
    written = in_digits(f"{value:,}".replace(",", mark), digits)
    assert [number.value for number in read_numbers(written)] == [value]


@given(st.integers(0, 99_999), DIGITS)
def test_blanks_part_thousands(thousands: int, digits: str) -> None:
    value = thousands * 1000
    written = in_digits(f"{value:,}".replace(",", " "), digits)
    assert [number.value for number in read_numbers(written)] == [value]


@given(
    st.integers(0, 10**6), st.integers(1, 99), DIGITS, st.sampled_from([".", "٫", "٬"])
)
def test_fewer_than_three_digits_are_decimals(
    whole: int, part: int, digits: str, mark: str
) -> None:
    written = in_digits(f"{whole}{mark}{part:02}", digits)
    assert [number.value for number in read_numbers(written)] == [
        Decimal(f"{whole}.{part:02}")
    ]


@given(st.integers(1, 999_999_999), st.sampled_from([" و ", "‌و‌", " و‌"]))
def test_persian_words_are_read_back(value: int, joint: str) -> None:
    # «یک میلیون و دویست» means 1,200,000: who means 1,000,200 writes figures.
    value -= value % 1000 if value >= 1_000_000 else 0
    [number] = read_numbers(f"{persian_words(value, joint)} تومان")
    assert (int(number.value), number.kind) == (value, NumberKind.MONEY)
    assert number.is_in_words


@given(st.integers(1, 999_999_999))
def test_english_words_are_read_back(value: int) -> None:
    [number] = read_numbers(english_words(value))
    # See above: a tail below a thousand may have been left short.
    assert value in (number.value, *number.others)


@given(st.integers(1, 999), st.integers(0, 999), DIGITS)
def test_figures_and_words_may_be_mixed(
    millions: int, thousands: int, digits: str
) -> None:
    tail = f" و {thousands} هزار" if thousands else ""
    written = in_digits(f"{millions} میلیون{tail} تومان", digits)
    [number] = read_numbers(written)
    assert number.value == millions * 1_000_000 + thousands * 1000


@given(st.text(max_size=60))
def test_any_text_is_read_and_spans_lie_inside(text: str) -> None:
    end = 0
    for number in read_numbers(text):
        assert end <= number.start < number.end <= len(text)
        end = number.end


@given(
    st.text(
        st.sampled_from("۱2٣0.,٬٫/-: \u200cویکصدهزارمیلیونتامنasdk%$+IR\n"), max_size=40
    )
)
def test_any_row_of_figures_and_number_words_is_read(text: str) -> None:
    for number in read_numbers(text):
        assert number.value >= 0
        assert spoken_values(number)[0] == number.value
