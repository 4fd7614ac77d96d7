"""The page of security names each finding, its module, and tests that exist."""

import re
from functools import cache

import pytest

from tests.house.test_house import ROOT

PAGE = (ROOT / "docs" / "security.md").read_text(encoding="utf-8")
REVIEW, CASES = (
    PAGE.partition(f"\n## {title}\n")[2].partition("\n## ")[0]
    for title in ("Findings of the review of security", "Cases of the health monitor")
)
FINDINGS = (
    "C1",
    *(f"H{number}" for number in range(1, 8)),
    *(f"M{number}" for number in range(1, 17)),
    *(f"L{number}" for number in range(1, 14)),
    *(f"S{number}" for number in range(1, 8)),
)
ROW = re.compile(
    r"^\| ([A-Z]\d+) \| [^|]+ \| [^|]+ \| (`[^|]+`) \| (`test_[^|]+`) \|$", re.MULTILINE
)
#: A test may be about several findings: `test_trust_m5_case_h05_a_webhook_…`.
FINDING = re.compile(r"_(case_h\d\d|[chmls]\d{1,2})(?=_)")
TEST = re.compile(r"^(?:async )?def (test_\w+)", re.MULTILINE)


@cache
def find_tests() -> frozenset[str]:
    """Return the names of all tests."""
    return frozenset(
        name
        for path in (ROOT / "tests").rglob("test_*.py")
        for name in TEST.findall(path.read_text(encoding="utf-8"))
    )


def read_findings(test: str) -> frozenset[str]:
    """Return what a test of trust is about: `m5`, `case_h05`; nothing for others."""
    prefix, _, rest = test.partition("test_trust")
    found: set[str] = set()
    while not prefix and (match := FINDING.match(rest)):
        found.add(match[1])
        rest = rest[match.end() :]
    return frozenset(found)


def read_rows(table: str) -> list[tuple[str, list[str]]]:
    """Return the finding of each row with the names of its tests."""
    return [
        (finding, re.findall(r"`(\w+)`", tests))
        for finding, _, tests in ROW.findall(table)
    ]


def test_the_findings_of_a_test_are_read_from_its_name() -> None:
    assert read_findings("test_trust_m5_case_h05_a_webhook") == {"m5", "case_h05"}
    assert read_findings("test_trust_h1_one") == {"h1"}
    assert read_findings("test_s7_of_another_kind") == frozenset()


def test_every_finding_of_the_review_has_one_row_in_order() -> None:
    assert [finding for finding, _ in read_rows(REVIEW)] == list(FINDINGS)


def test_each_line_of_the_tables_is_a_row() -> None:
    for table in (REVIEW, CASES):
        lines = [line for line in table.splitlines() if line.startswith("| ")]
        assert len(read_rows(table)) == len(lines) - 1  # Without the heading.


@pytest.mark.parametrize(
    "name", sorted(set(re.findall(r"`(test_\w+)`", PAGE)) - {"test_trust_"})
)
def test_every_test_on_the_page_exists(name: str) -> None:
    assert name in find_tests()


@pytest.mark.parametrize(("table", "prefix"), [(REVIEW, ""), (CASES, "case_")])
def test_a_row_names_tests_of_its_finding(table: str, prefix: str) -> None:
    for finding, tests in read_rows(table):
        wanted = prefix + finding.lower()
        assert all(wanted in read_findings(test) for test in tests), finding


def test_every_finding_that_a_test_names_has_a_row() -> None:
    rows = {finding.lower() for finding, _ in read_rows(REVIEW)}
    rows |= {f"case_{finding.lower()}" for finding, _ in read_rows(CASES)}
    assert frozenset().union(*map(read_findings, find_tests())) == rows


def test_every_test_of_trust_is_about_a_finding() -> None:
    others = {
        test
        for test in find_tests()
        if test.startswith("test_trust_") and not read_findings(test)
    }
    assert sorted(test for test in others if f"`{test}`" not in PAGE) == []


def test_the_page_is_linked() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert "(docs/security.md)" in readme
