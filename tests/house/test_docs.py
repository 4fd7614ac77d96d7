"""The docs name files and things that exist."""

import re
from pathlib import Path

import pytest

from tests.house.test_house import ROOT

ROOMS = "config|retrieval|persistence|actors|deployments|tests|docs|benchmarks"
#: A path in backquotes; patterns such as `versions/NNNN_name.sql` are none.
PATH = re.compile(rf"`((?:{ROOMS}|notebooks)/[\w./-]*)`")
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").glob("*.md")]
ARCHITECTURE = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_path_in_a_page_exists(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    named = {path for path in PATH.findall(text) if "NNNN" not in path}
    assert sorted(path for path in named if not (ROOT / path).exists()) == []


@pytest.mark.parametrize(
    ("path", "name"),
    re.findall(r"^\|.*\| `(\S+)` \| `(\w+)` \|$", ARCHITECTURE, re.MULTILINE),
)
def test_what_a_newcomer_looks_for_is_where_the_page_says(path: str, name: str) -> None:
    assert re.search(rf"\b{name}\b", (ROOT / path).read_text(encoding="utf-8"))


def test_every_room_is_on_the_map() -> None:
    rooms = {
        f"{path.parent.relative_to(ROOT)}/"
        for package in ("actors", "retrieval", "deployments", "persistence")
        for path in (ROOT / package).glob("*/__init__.py")
    }
    assert sorted(room for room in rooms if f"`{room}`" not in ARCHITECTURE) == []


def test_a_newcomer_is_sent_to_the_map_and_the_glossary() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    links = re.findall(r"\]\(([\w/]+\.md)\)", readme)
    assert links[0] == "docs/architecture.md"
    assert "(glossary.md)" in ARCHITECTURE
