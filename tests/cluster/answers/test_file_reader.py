"""Uploaded files are read in workers that end with them, on a real Ray."""

import warnings
from datetime import timedelta

import pytest

from retrieval.errors import UnreadableFileError
from tests.support.files import make_docx

with warnings.catch_warnings():
    # Ray's own imports warn of its own fields.
    warnings.simplefilter("ignore")
    from deployments.web.file_reader import RayFileReader

pytestmark = [
    pytest.mark.cluster,
    pytest.mark.usefixtures("_serve"),
    pytest.mark.timeout(300),
    # Ray leaves sockets of its own to the collector.
    pytest.mark.filterwarnings("ignore"),
]


async def test_a_file_is_read_and_a_refused_one_says_why() -> None:
    read_file = RayFileReader()
    file = await read_file("راهنما.docx", make_docx())
    assert (file.title, file.text.splitlines()[0]) == ("راهنما", "# گل‌فروشی نرگس")
    with pytest.raises(UnreadableFileError, match="content is not that of a pdf"):
        await read_file("a.pdf", b"text")


async def test_a_file_that_takes_too_long_is_given_up() -> None:
    hasty = RayFileReader(timeout=timedelta(0))
    with pytest.raises(UnreadableFileError, match="takes too long"):
        await hasty("a.txt", b"text")
    # The reader is free for the next one.
    assert (await RayFileReader()("a.txt", b"text")).text == "text"
