"""DECISIONS.md can be searched, and what the code cites is in it."""

import re

from tests.house.test_docs import PATH
from tests.house.test_house import ROOT, tracked

TEXT = (ROOT / "DECISIONS.md").read_text(encoding="utf-8")
SECTIONS = {
    title.split(" ", 1)[0]: f"{title}\n{body}"
    for title, body in re.findall(
        r"^## (D-\d{3} .+)\n((?:(?!## ).*\n?)*)", TEXT, re.MULTILINE
    )
}
#: Number, title, status, file.
INDEX = re.findall(r"^\| (D-\d{3}) \| (.+?) \| (.+?) \| (.+?) \|$", TEXT, re.MULTILINE)
MAX_LINES = 25
PARTS = ("Context", "Decision", "Consequences", "Rejected", "File")


def test_every_decision_that_is_cited_exists() -> None:
    cited = {
        number
        for path in tracked()
        if path.suffix in {".py", ".sql", ".yaml", ".toml"}
        or path.name == "architecture.md"
        for number in re.findall(r"\bD-\d{3}\b", path.read_text(encoding="utf-8"))
    }
    assert sorted(cited - SECTIONS.keys()) == []


def test_the_index_is_that_of_the_sections_in_order() -> None:
    titles = [section.splitlines()[0] for section in SECTIONS.values()]
    assert [f"{number} {title}" for number, title, _, _ in INDEX] == titles
    assert titles == sorted(titles)


def test_the_index_names_the_first_file_of_each_decision() -> None:
    for number, _, status, path in INDEX:
        if status == "accepted":
            assert f"- File: {path}" in SECTIONS[number], number


def test_a_decision_in_force_has_all_its_parts() -> None:
    for number, _, status, _ in INDEX:
        if status == "accepted":
            found = re.findall(r"^- (\w+):", SECTIONS[number], re.MULTILINE)
            assert tuple(found) == PARTS, number
        else:
            assert re.fullmatch(r"superseded by D-\d{3}", status), number
            assert status.split()[-1] in SECTIONS
            assert f"Superseded by: {status.split()[-1]}" in SECTIONS[number]


def test_no_decision_is_longer_than_a_screen() -> None:
    lengths = {number: len(text.splitlines()) for number, text in SECTIONS.items()}
    assert {n: lines for n, lines in lengths.items() if lines > MAX_LINES} == {}


def test_every_path_in_the_decisions_exists() -> None:
    named = set(PATH.findall(TEXT))
    assert sorted(path for path in named if not (ROOT / path).exists()) == []
