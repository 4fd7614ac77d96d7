"""Every error of ours has a status, and survives the way between processes."""

import pickle
from collections.abc import Iterator

import pytest

from deployments.errors import ROOTS, STATUSES, status_of


def walk(root: type[Exception]) -> Iterator[type[Exception]]:
    """Yield the tree below a root, the root included."""
    yield root
    for child in root.__subclasses__():
        yield from walk(child)


# Errors that stand elsewhere are a special case of one of these, and take its status.
ERRORS = sorted(
    {
        error
        for root in ROOTS
        for error in walk(root)
        if error.__module__.endswith("errors")
    },
    key=lambda error: error.__name__,
)


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: error.__name__)
def test_every_error_has_a_row_of_its_own(error: type[Exception]) -> None:
    assert error in STATUSES
    assert 400 <= status_of(error()) < 600


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: error.__name__)
def test_an_errors_docstring_is_its_message(error: type[Exception]) -> None:
    assert str(error()) == (error.__doc__ or "").strip()
    assert str(error("told")) == "told"


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: error.__name__)
def test_an_error_survives_pickle(error: type[Exception]) -> None:
    first = error("told")
    again = pickle.loads(pickle.dumps(first))  # noqa: S301 - our own bytes
    assert type(again) is error
    assert str(again) == "told"
    assert vars(again) == vars(first)


def test_what_is_none_of_ours_is_a_500() -> None:
    assert status_of(ZeroDivisionError()) == 500


def test_a_database_that_is_away_is_worth_another_try() -> None:
    assert status_of(ConnectionRefusedError()) == 503
