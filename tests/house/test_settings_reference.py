"""The settings, their page and the example file say the same."""

import re

from config.reference import PAGE, render_reference, write_default
from config.settings import PREFIX, SECRETS, Settings
from tests.house.test_house import ROOT

EXAMPLE = (ROOT / ".env.example").read_text(encoding="utf-8")


def test_the_page_of_the_settings_is_what_the_settings_say() -> None:
    again = "run `python -m config.reference`"
    assert PAGE.read_text(encoding="utf-8") == render_reference(), again


def test_the_example_shows_each_default_and_no_other_value() -> None:
    shown = dict(re.findall(rf"^({PREFIX}[A-Z_]+)=(.*)$", EXAMPLE, re.MULTILINE))
    defaults = {
        f"{PREFIX}{name.upper()}": default
        for name, field in Settings.model_fields.items()
        if (default := write_default(field.default))
    }
    assert shown == defaults


def test_the_example_holds_no_secret() -> None:
    values = dict(re.findall(rf"^#?({PREFIX}[A-Z_]+)=(.*)$", EXAMPLE, re.MULTILINE))
    # An address may show its form, with words in the place of name and password.
    held = {name: values.get(name, "") for name in SECRETS if values.get(name)}
    assert {name for name, value in held.items() if "://" not in value} == set()


def test_every_secret_is_marked_on_the_page() -> None:
    rows = {
        name: row
        for row in render_reference().splitlines()
        if (name := row.removeprefix("| `").partition("`")[0]).startswith(PREFIX)
    }
    marked = {name for name, row in rows.items() if "**secret**" in row}
    assert marked == SECRETS & rows.keys()
    assert len(rows) == len(Settings.model_fields)
