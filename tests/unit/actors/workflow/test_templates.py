"""Templates: what is filled in is data, escaped for where it goes."""

from datetime import UTC, datetime

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.workflow.run import Facts
from actors.workflow.templates import (
    MAX_RENDERED_CHARS,
    Escape,
    TemplateSource,
    check_template,
    find_fields,
    render,
)

FACTS = Facts(
    first_name="سارا",
    last_name="محمدی",
    username="sara_m",
    tags=("خریدار", "vip"),
    attributes={"city": "شیراز"},
    tenant_name="گالری مهر",
)
NOW = datetime(2026, 3, 31, 22, 5, tzinfo=UTC)
SOURCE = TemplateSource(FACTS, {"code": "A-12"}, "قیمت؟", NOW)


@pytest.mark.parametrize(
    ("template", "text"),
    [
        ("سلام {{customer.first_name}} جان", "سلام سارا جان"),
        ("{{ customer.full_name }}", "سارا محمدی"),
        ("{{customer.username}}: {{message.text}}", "sara_m: قیمت؟"),
        ("{{customer.attributes.city}}/{{customer.attributes.street}}", "شیراز/"),
        ("{{customer.tags}}", "خریدار، vip"),
        ("{{values.code}}", "A-12"),
        ("{{values.city}}", "شیراز"),
        ("{{values.other|نامشخص}}", "نامشخص"),
        ("{{tenant.name}}", "گالری مهر"),
        ("{{date}} {{time}}", "۱۴۰۵/۰۱/۱۲ ۰۱:۳۵"),
        ("بدون فیلد", "بدون فیلد"),
    ],
)
def test_fields(template: str, text: str) -> None:
    assert render(template, SOURCE, Escape.TEXT) == text
    assert check_template(template, {"code", "other", "city"}) is None


def test_an_empty_name_is_the_default() -> None:
    nobody = TemplateSource(Facts(), {}, "", NOW)
    template = "سلام {{customer.first_name|دوست عزیز}}"
    assert render(template, nobody, Escape.TEXT) == "سلام دوست عزیز"
    assert render("سلام {{customer.first_name}}", nobody, Escape.TEXT) == "سلام "


def test_an_english_shop_has_the_other_calendar() -> None:
    english = TemplateSource(Facts(language="en"), {}, "", NOW)
    assert render("{{date}} {{time}}", english, Escape.TEXT) == "2026-04-01 01:35"


@pytest.mark.parametrize(
    ("template", "word"),
    [
        ("{{customer.name}}", "customer.name"),
        ("{{values.nothing}}", "values.nothing"),
        ("{{customer.attributes.}}", "customer.attributes."),
        ("{{}}", "{{}}"),
        ("سلام {{customer.first_name", "not closed"),
        ("سلام customer.first_name}}", "not closed"),
    ],
)
def test_what_is_unknown_is_named(template: str, word: str) -> None:
    assert word in (check_template(template, {"code"}) or "")


def test_a_customers_words_bring_in_no_field() -> None:
    sly = TemplateSource(
        Facts(first_name="{{values.code}}"), {"code": "secret"}, "", NOW
    )
    said = render("سلام {{customer.first_name}}", sly, Escape.TEXT)
    assert said == "سلام {{values.code}}"


def test_a_name_turns_no_text_around() -> None:
    sly = TemplateSource(Facts(first_name="a\u202eb\u0000c\u2066d"), {}, "", NOW)
    assert render("{{customer.first_name}}", sly, Escape.TEXT) == "abcd"


def test_escapes() -> None:
    sly = TemplateSource(Facts(first_name='a"\n& b'), {}, "", NOW)
    name = "{{customer.first_name}}"
    body = render(f'{{"name": "{name}"}}', sly, Escape.JSON)
    assert orjson.loads(body) == {"name": 'a"\n& b'}
    url = render(f"https://x.example/?n={name}", sly, Escape.URL)
    assert url == "https://x.example/?n=a%22%0A%26%20b"
    assert render(name, sly, Escape.HEADER) == 'a" & b'


def test_fields_are_found_in_order() -> None:
    assert find_fields("{{date}} {{ values.code | x }}") == ("date", "values.code")


@given(template=st.text(max_size=80), name=st.text(max_size=40))
def test_no_template_is_too_odd(template: str, name: str) -> None:
    source = TemplateSource(Facts(first_name=name), {}, name, NOW)
    for escape in Escape:
        text = render(template + "{{message.text}}", source, escape)
        assert len(text) <= MAX_RENDERED_CHARS
    check_template(template, ())


@given(st.text(max_size=200))
def test_any_words_stay_one_json_string(words: str) -> None:
    source = TemplateSource(Facts(), {}, words, NOW)
    body = orjson.loads(render('{"said": "{{message.text}}"}', source, Escape.JSON))
    assert list(body) == ["said"]
