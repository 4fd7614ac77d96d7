"""The examples of docs/knowledge.md are read as the page says."""

import re
from pathlib import Path

import pytest

from retrieval.documents.files import MAX_FILE_BYTES, MAX_PAGES, MAX_ROWS
from retrieval.documents.reading import read_blocks

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
    assert [(block.kind, block.question, block.text) for block in blocks] == rows


def test_every_example_of_the_page_was_found() -> None:
    assert len(EXAMPLES) == PAGE.read_text(encoding="utf-8").count("<!-- example:") == 4


def test_the_limits_of_the_page_are_those_of_the_code() -> None:
    limits = (
        f"{MAX_FILE_BYTES // 2**20} MB a file, {MAX_PAGES} pages, {MAX_ROWS:,} rows"
    )
    assert limits in PAGE.read_text(encoding="utf-8")
