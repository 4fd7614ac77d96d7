"""Errors of retrieval explain themselves and travel between processes."""

import pickle

import pytest

from retrieval import errors
from retrieval.errors import RetrievalError

TREE = [
    error
    for error in vars(errors).values()
    if isinstance(error, type) and issubclass(error, RetrievalError)
]


@pytest.mark.parametrize("error", TREE)
def test_a_bare_error_says_what_to_do_next(error: type[RetrievalError]) -> None:
    assert str(error()) == error.__doc__
    assert str(error("more exactly")) == "more exactly"


@pytest.mark.parametrize("error", TREE)
def test_an_error_survives_pickling(error: type[RetrievalError]) -> None:
    copy = pickle.loads(pickle.dumps(error("told")))  # noqa: S301 - made one line up
    assert type(copy) is error
    assert str(copy) == "told"


def test_the_tree_is_small() -> None:
    assert len(TREE) <= 8
