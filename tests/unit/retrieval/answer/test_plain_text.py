"""A customer reads words, not marks."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retrieval.answer.plain_text import to_plain_text
from retrieval.text.numbers import read_numbers


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("## باشگاه مشتریان", "باشگاه مشتریان"),
        ("**قیمت:** ۵۸۰٬۰۰۰ تومان", "قیمت: ۵۸۰٬۰۰۰ تومان"),
        ("**قیمت**۵۸۰", "قیمت۵۸۰"),
        ("*۱۰۰ هزار تومان*", "۱۰۰ هزار تومان"),
        ("***هر دو***", "هر دو"),
        ("_توجه_ کنید", "توجه کنید"),
        ("~~۵۰۰~~ ۴۰۰", "۵۰۰ ۴۰۰"),
        ("کد `VIP_20`", "کد VIP_20"),
        ("- سفید\n- آبی", "• سفید\n• آبی"),
        ("* سفید\n+ آبی", "• سفید\n• آبی"),
        ("  - زیرمورد", "• زیرمورد"),
        ("- [x] آماده", "• آماده"),
        ("1. اول\n2. دوم", "1. اول\n2. دوم"),
        ("[شرایط](https://shop.example/club)", "شرایط (https://shop.example/club)"),
        (
            "**[شرایط](https://shop.example/a_b_c)**",
            "شرایط (https://shop.example/a_b_c)",
        ),
        ("[https://shop.example](https://shop.example)", "https://shop.example"),
        ("<https://shop.example/x>", "https://shop.example/x"),
        ("[ایمیل](mailto:a@shop.example)", "ایمیل (a@shop.example)"),
        ("[شرایط][1]\n\n[1]: https://shop.example/t", "شرایط (https://shop.example/t)"),
        ("![عکس](https://shop.example/i.jpg)", "عکس (https://shop.example/i.jpg)"),
        ("> نقل قول", "نقل قول"),
        ("بالا\n\n---\n\nپایین", "بالا\n\nپایین"),
        ("```\nکد\n```", "کد"),
        (
            "| سایز | دور کمر |\n|---|:-:|\n| ۵۸ | ۱۲۰ |\n| ۶۰ | |",
            "• سایز: ۵۸، دور کمر: ۱۲۰\n• سایز: ۶۰",
        ),
        ("a | b\n--|--\n1 | 2", "• a: 1, b: 2"),
        ("۶۵ هزار تومان است [1][2].", "۶۵ هزار تومان است."),
        ("۶۵ هزار تومان است [۱، ۲]", "۶۵ هزار تومان است"),
        ("ok【4†source】", "ok"),
        (
            "<p>ارسال&nbsp;رایگان</p><ul><li>یک</li><li>دو</li></ul>",
            "ارسال رایگان\n\n• یک\n• دو",
        ),
        ("<a href='https://x.example/p'>خرید</a>", "خرید (https://x.example/p)"),
        ("<b>۱۰</b><br>۲۰", "۱۰\n۲۰"),
        ("<script>x()</script>سلام<!-- y -->", "سلام"),
        ("AT&amp;T &lt;۵", "AT&T <۵"),
        (r"\*ستاره\*", "*ستاره*"),
        ("سطر اول  \nسطر دوم", "سطر اول\nسطر دوم"),
        ("a\n\n\n\nb", "a\n\nb"),
    ],
)
def test_marks_go_and_words_stay(written: str, shown: str) -> None:
    assert to_plain_text(written) == shown


@pytest.mark.parametrize(
    "text",
    [
        "2*3=6 و 4*5=20",
        "۵۰*۷۰ و ۴۰ * ۶۰",
        "user_name_x و a_b",
        "https://shop.example/a_b_/c*d?x=1&copy=2#t",
        "#تخفیف #عید",
        "+98 912 345 6789",
        "-۵ درجه",
        "قیمت < ۵۰۰ و > ۳۰۰",
        "سایز | رنگ",
        "ساعت ۹ - ۱۷",
        "۱٬۲۸۰٬۰۰۰ تومان.\nرنگ‌ها: کرم، سبز",
        "پاسخ (بله/خیر) [اختیاری]",
        "☎️ ۰۲۱-۸۸۷۷۶۶۵۵ 🌹",
    ],
)
def test_what_is_no_mark_stays_as_it_was(text: str) -> None:
    assert to_plain_text(text) == text


@given(st.text(max_size=80))
def test_any_text_becomes_plain(text: str) -> None:
    assert "\0" not in to_plain_text(text)


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["**{}**", "- {}", "## {}", "`{}`", "> {}", "{}", "1) {}"]),
            st.integers(10, 10**9).map("{:,} تومان".format),
        ),
        min_size=1,
        max_size=6,
    )
)
def test_figures_and_their_lines_stay(lines: list[tuple[str, str]]) -> None:
    text = "\n".join(mark.format(words) for mark, words in lines)
    shown = to_plain_text(text)
    assert [n.value for n in read_numbers(shown)] == [
        n.value for n in read_numbers(text)
    ]
    assert len(shown.split("\n")) == len(lines)
    assert not re.search(r"\*\*|^#|`|^>", shown, re.MULTILINE)
