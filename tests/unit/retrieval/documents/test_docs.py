"""The examples of docs/knowledge.md are read as the page says."""

import re
from dataclasses import replace
from pathlib import Path

import pytest

from retrieval.answer.superseding import drop_superseded
from retrieval.documents.files import MAX_FILE_BYTES, MAX_PAGES, MAX_ROWS
from retrieval.documents.reading import read_blocks
from retrieval.text.figures import bare_figures
from tests.unit.retrieval.samples import a_chunk

PAGE = Path(__file__).parents[4] / "docs" / "knowledge.md"
EXAMPLE = re.compile(
    r"<!-- example: (\w+) -->\n```text\n(.*?)```\n\n\| kind .*?\n\|---.*?\n(.*?)\n\n",
    re.DOTALL,
)
EXAMPLES = EXAMPLE.findall(PAGE.read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    ("text", "table"),
    [example[1:] for example in EXAMPLES],
    ids=[example[0] for example in EXAMPLES],
)
def test_an_example_is_read_as_the_page_says(text: str, table: str) -> None:
    rows = [
        tuple(cell.strip() for cell in line.strip("|").split("|"))
        for line in table.splitlines()
    ]
    blocks = read_blocks(text)
    # A cell of the page has one line: the lines of a product stand behind each other.
    said = [
        (block.kind, block.question, block.text.replace("\n", " / "))
        for block in blocks
    ]
    assert said == rows


def test_every_example_of_the_page_was_found() -> None:
    n_marked = PAGE.read_text(encoding="utf-8").count("<!-- example:")
    assert len(EXAMPLES) == n_marked == 13


def rows_below(mark: str) -> list[list[str]]:
    """Read the table that stands below a mark of the page."""
    table = PAGE.read_text(encoding="utf-8").partition(f"<!-- {mark} -->\n")[2]
    lines = table.partition("\n\n")[0].split("\n")[2:]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


@pytest.mark.parametrize(("written", "figures"), rows_below("numbers"))
def test_a_number_is_found_as_the_page_says(written: str, figures: str) -> None:
    assert bare_figures(written) == figures.split()


@pytest.mark.parametrize(("older", "newer", "left"), rows_below("contradictions"))
def test_of_two_statements_the_page_says_which_is_left(
    older: str, newer: str, left: str
) -> None:
    both = [
        replace(
            a_chunk(name, "فروشگاه", text, document=name),
            parent_text=text,
            revision=revision,
        )
        for revision, (name, text) in enumerate((("a", older), ("b", newer)))
    ]
    expected = {"newer": both[1:], "both": both}
    assert drop_superseded(both) == expected[left]


def test_the_limits_of_the_page_are_those_of_the_code() -> None:
    limits = (
        f"{MAX_FILE_BYTES // 2**20} MB a file, {MAX_PAGES} pages, {MAX_ROWS:,} rows"
    )
    assert limits in PAGE.read_text(encoding="utf-8")
