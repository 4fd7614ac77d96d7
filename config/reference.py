"""The reference of all settings, written from their fields, comments and limits.

`python -m config.reference` writes `docs/configuration.md`; a test of the house
compares the page with the settings.
"""

import inspect
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType, NoneType
from typing import get_args

from annotated_types import Ge, Gt, Le, Lt
from pydantic import SecretStr
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from config.setting_sources import PREFIX
from config.settings import PASSWORD_VARIABLE, SECRETS, Settings

PAGE = Path(__file__).parents[1] / "docs" / "configuration.md"
INTRODUCTION = f"""# Settings

Written by `python -m config.reference` from `config/settings.py`: change the field or
its comment there. Set a variable in the environment or in `.env`, which
`.env.example` is a start for. For every `NAME` there is `NAME_FILE`, which reads the
value from a file. The environment wins over files, and files over `.env`. An unknown
variable that begins with `{PREFIX}` stops the start, and so does a wrong value.

A **secret** is never shown by a log, an error or a command. `{PASSWORD_VARIABLE}`, a
secret as well, is read only by the commands that set the password of a user.
"""
HEADER = "| Variable | Value | Default | Meaning |\n|---|---|---|---|"
#: A comment of a field, and the name that follows.
_FIELD = re.compile(r"((?:^    #:.*\n)+)^    (\w+):", re.MULTILINE)
_TYPES: Mapping[type, str] = MappingProxyType(
    {
        str: "text",
        SecretStr: "**secret**",
        int: "whole number",
        float: "number",
        bool: "`true` or `false`",
        Path: "path",
    }
)
_LIMITS = ((Gt, "gt", "more than"), (Ge, "ge", "at least"))
_UPPER_LIMITS = ((Lt, "lt", "less than"), (Le, "le", "at most"))


def read_comments(source: str) -> Mapping[str, str]:
    """Return the comment of each field as one line, by the field's name."""
    return {
        name: " ".join(
            line.strip().removeprefix("#:").strip() for line in comment.splitlines()
        )
        for comment, name in _FIELD.findall(source)
    }


def render_reference() -> str:
    """Render the page, one row per setting in the order of the fields.

    Raises:
        KeyError: a field has no comment.
    """
    comments = read_comments(inspect.getsource(Settings))
    rows = [
        _render_row(f"{PREFIX}{name.upper()}", field, comments[name])
        for name, field in Settings.model_fields.items()
    ]
    return "\n".join((INTRODUCTION, HEADER, *rows)) + "\n"


def _render_row(variable: str, field: FieldInfo, meaning: str) -> str:
    cells = (
        f"`{variable}`",
        ", ".join((_name_type(variable, field), *_name_limits(field))),
        _name_default(field),
        meaning.replace("|", "\\|"),
    )
    return f"| {' | '.join(cells)} |"


def _name_type(variable: str, field: FieldInfo) -> str:
    if variable in SECRETS:
        return _TYPES[SecretStr]
    kinds = {field.annotation, *get_args(field.annotation)} - {None, NoneType}
    names = [name for kind, name in _TYPES.items() if kind in kinds]
    return names[0] if names else "text"


def _name_limits(field: FieldInfo) -> Iterator[str]:
    for limits in (_LIMITS, _UPPER_LIMITS):
        for kind, name, words in limits:
            for limit in field.metadata:
                if isinstance(limit, kind):
                    yield f"{words} {getattr(limit, name)}"


def _name_default(field: FieldInfo) -> str:
    default = write_default(field.default)
    return f"`{default}`" if default else ""


def write_default(value: object) -> str:
    """Write a default as a variable holds it: `true`, `30`, `a,b`; empty for none."""
    if value is None or value is PydanticUndefined:
        return ""
    if isinstance(value, tuple | list | frozenset):
        return ",".join(map(write_default, value))
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return f"{value:g}"
    return str(value)


if __name__ == "__main__":
    PAGE.write_text(render_reference(), encoding="utf-8")
