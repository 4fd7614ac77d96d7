"""Texts of strangers in pages: isolated, linked, and never obeyed."""

import pytest

from deployments.console.rendering import render_lines, show_controls


def test_each_line_has_a_direction_of_its_own() -> None:
    assert render_lines("سلام\nhello") == (
        '<span class="line" dir="auto">سلام</span>'
        '<span class="line" dir="auto">hello</span>'
    )
    assert render_lines("") == '<span class="line" dir="auto"></span>'


@pytest.mark.parametrize(
    "text",
    [
        "<script>alert(1)</script>",
        '"><img src=x onerror=alert(1)>',
        "javascript:alert(1)",
        "https://x.example/<script>alert(1)</script>",
        "https://x.example/\"onmouseover='alert(1)'",
        "{{ 7 * 7 }}",
    ],
)
def test_attack_strings_are_text(text: str) -> None:
    html = render_lines(text)
    assert "<script" not in html
    assert "<img" not in html
    assert 'href="javascript' not in html
    assert "onmouseover='" not in html
    assert "49" not in html


@pytest.mark.parametrize(
    ("text", "link", "rest"),
    [
        ("سفارش: https://x.ir/a?b=1 ارسال شد.", "https://x.ir/a?b=1", " ارسال شد."),
        ("ببینید https://x.ir/a.", "https://x.ir/a", "."),
        ("(https://x.ir/a)، ممنون", "https://x.ir/a", ")، ممنون"),
        ("«https://x.ir/a»", "https://x.ir/a", "»"),
        ("https://x.ir/a?b=1&amp=2", "https://x.ir/a?b=1&amp;amp=2", ""),
    ],
)
def test_a_link_reads_from_left_to_right_and_ends_where_it_ends(
    text: str, link: str, rest: str
) -> None:
    html = render_lines(text)
    assert f'<bdi dir="ltr"><a href="{link}" rel="noreferrer" target="_blank">' in html
    assert html.endswith(f"</a></bdi>{rest}</span>")


def test_characters_that_turn_the_direction_are_shown() -> None:
    shown = show_controls("a\u202egnp\u2066<b>")
    assert shown == (
        'a<span class="control">U+202E</span>gnp'
        '<span class="control">U+2066</span>&lt;b&gt;'
    )
    # The joiners of Persian are letters like others.
    assert show_controls("می\u200cخواهم") == "می\u200cخواهم"
