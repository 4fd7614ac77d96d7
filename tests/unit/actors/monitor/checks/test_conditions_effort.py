"""Limits on the work that conditions cost, whatever body a tenant's server sends."""

import json

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.monitor.checks.conditions import (
    MAX_VISITS,
    Comparison,
    Condition,
    Effort,
    Json,
    find_unmet,
    parse_path,
    select_values,
)

MEGABYTE = 1024 * 1024
NESTED = (
    b"[" + b",".join([b"[" * 90 + b'"' + b"0" * 778 + b'"' + b"]" * 90] * 1090) + b"]"
)
BRACKETS = b"[" + b",".join([b"[" * 90 + b"]" * 90] * 5700) + b"]"
WIDE = b"[" + b",".join([b"0"] * (MEGABYTE // 2 - 1)) + b"]"
ROWS = b"[" + b",".join([b"[" + b",".join([b"1"] * 511) + b"]"] * 1000) + b"]"
NAMED = (
    b"[" + b",".join([b'{"a":{"a":{"a":{"b":"' + b" " * 20 + b'"}}}}'] * 22_000) + b"]"
)
BODIES = {
    "nested": NESTED,
    "brackets": BRACKETS,
    "wide": WIDE,
    "rows": ROWS,
    "named": NAMED,
}
WORST_PATHS = (
    "$..[*]",
    "$[*]..[*]",
    "$[*][*]..a",
    "$[*][*]",
    "$[::-1][::-1]",
    "$..gone",
    "$..[0]" + "[0]" * 90,
    "$..a" + ".a" * 140,
)


@pytest.mark.parametrize("path", WORST_PATHS)
@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
def test_twenty_conditions_on_a_large_body_look_at_a_limited_number_of_values(
    body: bytes, path: str
) -> None:
    assert 0.9 * MEGABYTE < len(body) <= MEGABYTE
    effort = Effort()
    # No value is equal to this, so that all of them are visited.
    absent = Condition(Comparison.NOT_EQUAL, path, "absent")
    find_unmet([absent] * 20, body, effort)
    assert effort.visits <= MAX_VISITS + 1


@pytest.mark.parametrize("test", ["not_equal", "not_contains"])
def test_conditions_that_look_at_too_many_values_are_unmet_and_say_so(
    test: str,
) -> None:
    unmet = find_unmet([Condition(Comparison(test), "$..[*]", "absent")], ROWS)
    assert unmet == f"$..[*]: the conditions look at more than {MAX_VISITS} values"


def test_a_body_with_too_many_lists_is_not_parsed() -> None:
    unmet = find_unmet([Condition(Comparison.EXISTS, "$")], BRACKETS)
    assert unmet == f"the body has more than {MAX_VISITS} lists and objects"


def test_the_items_of_a_list_that_may_contain_a_value_count() -> None:
    unmet = find_unmet([Condition(Comparison.NOT_CONTAINS, "$", 7)], WIDE)
    assert unmet == f"$: the conditions look at more than {MAX_VISITS} values"


def test_a_slice_selects_nothing_from_a_string() -> None:
    condition = Condition(Comparison.EXISTS, "$.a[0:1]", value=False)
    assert find_unmet([condition], b'{"a": "text"}') is None


def test_the_limit_is_for_all_conditions_of_a_check_together() -> None:
    count = MAX_VISITS * 2 // 3
    body = orjson.dumps(list(range(count)))
    condition = Condition(Comparison.NOT_EQUAL, "$[*]", "absent")
    assert find_unmet([condition], body) is None
    assert find_unmet([condition] * 2, body)


def test_no_value_is_looked_at_after_the_first_unmet_one() -> None:
    effort = Effort()
    assert find_unmet([Condition(Comparison.EQUALS, "$[*]", 1)], WIDE, effort)
    assert effort.visits == 1


@pytest.mark.parametrize("path", ["$.a", "$..a", None])
def test_conditions_that_take_too_long_are_unmet_and_say_so(path: str | None) -> None:
    condition = Condition(Comparison.NOT_EQUAL, path, "absent")
    unmet = find_unmet([condition], b'{"a": 1}', Effort(timeout_s=1e-9))
    assert unmet == f"{path or 'the text'}: the conditions took longer than 1e-09 s"


@pytest.mark.parametrize("path", ["$", "$[0]", "$..[*]"])
def test_the_beginning_of_a_large_or_deep_value_is_shown(path: str) -> None:
    deep = b"[" * 1000 + b"]" * 1000
    for body in (deep, *BODIES.values()):
        unmet = find_unmet([Condition(Comparison.EQUALS, path, 77)], body)
        assert unmet is not None
        assert len(unmet) < 200


@pytest.mark.parametrize(
    "path",
    [
        "$[*][*][*]",
        "$[*][1:][*]",
        "$..[*][*]",
        "$..a[*].b[::2]",
        "$[*]..[*][*]",
        "$" + "[*]" * 98,
        "$.." + "[*]" * 98,
    ],
)
def test_a_path_that_multiplies_the_work_is_refused(path: str) -> None:
    with pytest.raises(ValueError, match="not supported"):
        parse_path(path)


# Strings are empty: the library's slices cut strings, which RFC 9535 does not allow.
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(0, 3) | st.just(""),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from("abc"), inner, max_size=3)
    ),
    max_leaves=20,
)
STEPS = st.lists(
    st.sampled_from([".a", ".b", "['c']", "[0]", "[-1]", "[2]", ".c"]), max_size=3
).map("".join)
SPREADS = st.sampled_from(
    ["", "[*]", ".*", "[1:]", "[::-1]", "[::0]", "[-2:9:2]", "..a", "..[*]", "..[0]"]
)


@given(JSON, STEPS, SPREADS, STEPS)
def test_values_are_those_that_the_library_selects(
    document: Json, before: str, spread: str, after: str
) -> None:
    path = parse_path(f"${before}{spread}{after}")
    # A string's text would be parsed by the library.
    if isinstance(document, str):
        return
    ours = list(select_values(path, document, Effort()))
    assert json.dumps(ours) == json.dumps(path.findall(document))
