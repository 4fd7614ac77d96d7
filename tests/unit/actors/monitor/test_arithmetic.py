"""Sketches, rollups, addresses, conditions and wording, checked by hand."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.monitor.checks.conditions import (
    Comparison,
    Condition,
    find_unmet,
    parse_path,
)
from actors.monitor.checks.ssrf_guard import is_inside, why_refused
from actors.monitor.rollup_accumulator import (
    RollupAccumulator,
    bucket_of,
    keys_of,
    middle_of,
    quantile,
)
from actors.monitor.rules.decide import (
    Notify,
    count_changes,
    days_left,
    find_term,
    is_flapping,
)
from actors.monitor.rules.wording import render_alert, render_span
from persistence.ids import ResultId, ServiceId, TenantId
from persistence.monitor import AlertKind, CheckRow, RollupUnit

NOON = datetime(2026, 3, 1, 12, 30, tzinfo=UTC)


@given(st.floats(0.02, 500_000))
def test_a_latency_is_kept_within_five_percent(latency_ms: float) -> None:
    assert abs(middle_of(bucket_of(latency_ms)) / latency_ms - 1) < 0.05


def test_percentiles_are_by_nearest_rank() -> None:
    counts = Counter(bucket_of(float(ms)) for ms in [10] * 18 + [100, 1000])
    assert quantile(counts, 0.5) == pytest.approx(10, rel=0.05)
    assert quantile(counts, 0.95) == pytest.approx(100, rel=0.05)
    assert quantile(counts, 0.99) == pytest.approx(1000, rel=0.05)
    assert quantile({}, 0.5) is None


def test_hours_and_days_are_added_up_and_what_is_excused_counts_for_nothing() -> None:
    tally = RollupAccumulator()
    service, tenant = ServiceId(uuid4()), TenantId(uuid4())
    rows = [
        CheckRow(ResultId(uuid4()), tenant, service, None, NOON, 200, ok, latency, 1)
        for ok, latency in ((True, 10.0), (True, 10.0), (False, 5.0), (False, None))
    ]
    tally.load(rows, [])
    for row in rows:
        tally.add(row, is_excused=row.latency_ms is None)
    hour, day = (tally.build_row(key) for key in keys_of(rows[0]))
    assert (hour.unit, hour.starts_at.hour) == (RollupUnit.HOUR, 12)
    assert (day.unit, day.starts_at.hour) == (RollupUnit.DAY, 0)
    assert (hour.checks, hour.passed, hour.excused) == (4, 2, 1)
    assert (hour.latency_sum_ms, hour.counts) == (20.0, (2,))


@pytest.mark.parametrize(
    "address",
    [
        "169.254.169.254",
        "169.254.0.1",
        "fe80::1",
        "fe80::1%eth0",
        "fd00:ec2::254",
        "fd20:ce::254",
        "100.100.100.200",
        "168.63.129.16",
        "::ffff:169.254.169.254",
        "64:ff9b::a9fe:a9fe",
        "64:ff9b:1::a9fe:a9fe",
        "2002:a9fe:a9fe::1",
        "::169.254.169.254",
        "::ffff:0:a9fe:a9fe",
        "64:ff9b:1:a9fe:a9:fe00::",
        "2001:0:a9fe:a9fe::1",
        "2001:0:5ef5:79fb:0:5fe:5601:5601",
        "2606:4700::5efe:a9fe:a9fe",
        "0.0.0.0",  # noqa: S104 - not bound
        "::",
        "224.0.0.1",
        "255.255.255.255",
    ],
)
def test_these_addresses_are_never_checked(address: str) -> None:
    assert why_refused(address, allow_private=True)


@pytest.mark.parametrize(
    ("address", "inside"),
    [
        ("127.0.0.1", True),
        ("::1", True),
        ("10.1.2.3", True),
        ("192.168.1.1", True),
        ("100.64.0.1", True),
        ("fd12::1", True),
        ("::ffff:10.0.0.1", True),
        ("::ffff:0:10.0.0.1", True),
        ("64:ff9b:1:a00:0:100::", True),
        ("2002:a00:1::1", True),
        ("2001:0:a00:1::1", True),
        ("fec0::1", True),
        ("64:ff9b::5db8:d822", False),
        ("93.184.216.34", False),
        ("2606:2800:220:1::1", False),
    ],
)
def test_private_addresses_are_checked_unless_forbidden(
    address: str, inside: bool
) -> None:
    assert is_inside(address) is inside
    assert why_refused(address, allow_private=True) is None
    assert bool(why_refused(address, allow_private=False)) is inside


BODY = b"""{"a": {"b": [1, {"c d": "x"}]}, "n": 3, "yes": true, "none": null,
"flags": [true], "by_number": {"0": 1},
"parts": [{"state": "up", "load": 5}, {"state": "up", "load": 7}]}"""


@pytest.mark.parametrize(
    ("test", "path", "value", "is_met"),
    [
        ("equals", "$.n", 3, True),
        ("equals", "$.yes", 1, False),
        ("equals", "$.yes", True, True),
        ("equals", "$.none", None, True),
        ("equals", "$.gone", None, False),
        ("not_equal", "$.gone", "down", False),
        ("not_contains", "$.gone", "down", False),
        ("equals", '$.a.b[1]["c d"]', "x", True),
        ("equals", "$.a.b[-2]", 1, True),
        ("exists", "$.a.b[2]", None, False),
        ("exists", "$.a.b[2]", False, True),
        ("exists", "$.a", False, False),
        ("exists", "$", None, True),
        ("less", "$.n", 4, True),
        ("less", "$.n", 3, False),
        ("greater", "$.a", 1, False),
        ("contains", "$.a.b", 1, True),
        ("contains", "$.flags", 1, False),
        ("contains", "$.flags", True, True),
        ("exists", "$.parts[*].state", None, True),
        ("equals", "$.parts[*].state", "up", True),
        ("equals", "$..n", 3, True),
        ("not_equal", "$.parts[*].load", 7, False),
        ("less", "$.parts[*].load", 8, True),
        ("less", "$.parts[*].load", 7, False),
        ("exists", "$.by_number[0]", None, False),
        ("equals", '$.by_number["0"]', 1, True),
        ("contains", None, '"n": 3', True),
        ("not_contains", None, "error", True),
        ("not_contains", None, "yes", False),
    ],
)
def test_conditions_hold_or_not(
    test: str, path: str | None, value: str | int | None, is_met: bool
) -> None:
    unmet = find_unmet([Condition(Comparison(test), path, value)], BODY)
    assert (unmet is None) is is_met


def test_a_body_that_is_not_json_meets_no_condition_on_json() -> None:
    assert find_unmet([Condition(Comparison.EXISTS, "$.a")], b"<html>")


@pytest.mark.parametrize(
    "path",
    [
        "a",
        "$.",
        "$..",
        "$[",
        "$[]",
        "$a",
        "$.a.",
        "$.a[b]",
        "$.a.0",
        "$[9e99]",
        " $",
        "$[?" + "(" * 290,
    ],
)
def test_an_invalid_path_is_refused(path: str) -> None:
    with pytest.raises(ValueError, match="not a JSONPath"):
        parse_path(path)


@pytest.mark.parametrize("path", ["$[?@.a]", "$..a..b", "$[0,0]", "$['a','b']"])
def test_a_path_that_might_never_end_is_refused(path: str) -> None:
    with pytest.raises(ValueError, match="not supported"):
        parse_path(path)


def test_a_stored_path_that_is_no_jsonpath_is_an_unmet_condition() -> None:
    unmet = find_unmet([Condition(Comparison.EXISTS, "$.a.0")], BODY)
    assert unmet is not None
    assert unmet.startswith("$.a.0: not a JSONPath")


def test_a_body_that_is_nested_too_deeply_meets_no_condition() -> None:
    deep = b"[" * 500 + b"]" * 500
    assert find_unmet([Condition(Comparison.EXISTS, "$..a")], deep)


@given(st.text(max_size=30))
def test_no_path_breaks_the_parser(text: str) -> None:
    try:
        parse_path(f"${text}")
    except ValueError:
        return
    find_unmet([Condition(Comparison.EXISTS, f"${text}")], BODY)


def test_flapping_begins_at_eight_changes_and_ends_at_three() -> None:
    assert count_changes([True, False, True, True]) == 2
    eight = [index % 2 == 0 for index in range(9)]
    assert is_flapping(eight, was_flapping=False)
    assert not is_flapping(eight[1:], was_flapping=False)
    assert is_flapping(eight[:5], was_flapping=True)
    assert not is_flapping(eight[:4], was_flapping=True)


def test_the_terms_of_a_certificate() -> None:
    ends = NOON + timedelta(days=10)
    assert days_left(ends, NOON) == 10
    assert find_term(ends, NOON) == 14
    assert find_term(ends, NOON + timedelta(days=4)) == 7
    assert find_term(ends, NOON + timedelta(days=11)) == 1
    assert find_term(NOON + timedelta(days=30), NOON) is None


@pytest.mark.parametrize(
    ("span", "english", "persian"),
    [
        (timedelta(seconds=5), "1 min", "۱ دقیقه"),
        (timedelta(minutes=75), "1 h 15 min", "۱ ساعت و ۱۵ دقیقه"),
        (timedelta(days=2, minutes=3), "2 d 3 min", "۲ روز و ۳ دقیقه"),
    ],
)
def test_spans_are_worded(span: timedelta, english: str, persian: str) -> None:
    assert render_span(span, "en") == english
    assert render_span(span, "fa") == persian


@pytest.mark.parametrize("kind", AlertKind)
@pytest.mark.parametrize("language", ["fa", "en"])
def test_every_alert_names_its_service(kind: AlertKind, language: str) -> None:
    notify = Notify(kind, ResultId(UUID(int=1)), NOON, "HTTP {500}")
    text = render_alert(notify, "api {x}", language)
    assert "api {x}" in text
    assert bool(set("آبپتثجچحخد") & set(text)) is (language == "fa")


@pytest.mark.parametrize(
    ("left", "english", "persian"),
    [
        (
            timedelta(days=13, hours=1),
            "expires in 13 days",
            "تا ۱۳ روز دیگر منقضی می‌شود",
        ),
        (timedelta(days=1), "expires in 1 day", "تا ۱ روز دیگر منقضی می‌شود"),
        (timedelta(hours=1), "expires today", "امروز منقضی می‌شود"),
        (-timedelta(hours=1), "has expired", "منقضی شده است"),
    ],
)
def test_a_certificate_alert_says_when_it_expires(
    left: timedelta, english: str, persian: str
) -> None:
    notify = Notify(
        AlertKind.CERTIFICATE,
        ResultId(UUID(int=1)),
        NOON,
        tls_expires_at=NOON + left,
    )
    assert render_alert(notify, "api", "en").endswith(f"of api {english}")
    assert f"«api» {persian}؛" in render_alert(notify, "api", "fa")
