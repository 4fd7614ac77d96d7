"""The written dialogues: well formed, answerable, and free of contradictions."""

import re
from collections import Counter

import pytest

from retrieval.evaluation.dialogues import (
    Channel,
    ExpectedAct,
    LabelledDialogue,
    LabelledTurn,
    fold,
    holds,
)
from retrieval.evaluation.playing import LabelledShop
from tests.support.dialogues import load_written_shops, passages

SHOPS = load_written_shops()
#: What the dialogues are about, so that a shop leaves no kind of question out.
KINDS = frozenset(
    {
        "plain",
        "follow-up",
        "subject-change",
        "typo",
        "table-lookup",
        "two-questions",
        "share",
        "reply-to",
        "english",
        "finglish",
        "unknown",
        "comparison",
        "misleading",
        "complaint",
        "yes-no",
        "smalltalk",
        "human",
        "greeting+question",
        "price-by-number",
        "order-status",
        "out-of-scope",
        "adversarial",
        "outdated",
        "clarify",
        "exception",
    }
)
MAX_CHARS = {"two-questions": 450, "comparison": 500}

every_shop = pytest.mark.parametrize("shop", SHOPS, ids=lambda shop: shop.name)
every_dialogue = pytest.mark.parametrize(
    "dialogue",
    [
        pytest.param(dialogue, id=dialogue.id)
        for shop in SHOPS
        for dialogue in shop.dialogues
    ],
)
every_dialogue_of_a_shop = pytest.mark.parametrize(
    ("shop", "dialogue"),
    [
        pytest.param(shop, dialogue, id=dialogue.id)
        for shop in SHOPS
        for dialogue in shop.dialogues
    ],
)


def answers(dialogue: LabelledDialogue) -> list[LabelledTurn]:
    return [turn for turn in dialogue.turns if ExpectedAct.ANSWER in turn.expected.acts]


@every_shop
def test_a_shop_has_every_kind_of_dialogue(shop: LabelledShop) -> None:
    assert {dialogue.about for dialogue in shop.dialogues} == KINDS
    assert 14 <= len(shop.documents) <= 18
    assert sum(len(dialogue.turns) for dialogue in shop.dialogues) >= 100


def test_no_id_title_or_first_message_is_used_twice() -> None:
    dialogues = [dialogue for shop in SHOPS for dialogue in shop.dialogues]
    titles = [document.title for shop in SHOPS for document in shop.documents]
    used = Counter(
        [dialogue.id for dialogue in dialogues]
        + [dialogue.turns[0].say for dialogue in dialogues if not is_short(dialogue)]
        + titles
    )
    assert [name for name, times in used.items() if times > 1] == []


def is_short(dialogue: LabelledDialogue) -> bool:
    """A greeting, or "how much is this?", is said in the same words everywhere."""
    return len(dialogue.turns[0].say.split()) < 4


@every_dialogue
def test_a_dialogue_is_well_formed(dialogue: LabelledDialogue) -> None:
    assert dialogue.about in KINDS
    shares = [turn for turn in dialogue.turns if turn.share]
    assert not shares or dialogue.channel is Channel.INSTAGRAM
    for index, turn in enumerate(dialogue.turns):
        assert turn.reply_to is None or 0 <= turn.reply_to < index
        assert all(fold(want) for spellings in turn.expected.must for want in spellings)
        assert all(fold(one) for (one,) in turn.expected.must_not)
        longest = MAX_CHARS.get(dialogue.about, 400)
        assert turn.expected.max_chars is not None
        assert 200 <= turn.expected.max_chars <= longest
    for turn in answers(dialogue):
        assert turn.expected.must, turn.say


@every_dialogue
def test_no_forbidden_words_are_demanded(dialogue: LabelledDialogue) -> None:
    demanded = [
        (turn.say, spelling, forbidden)
        for turn in dialogue.turns
        for spellings in turn.expected.must
        for spelling in spellings
        for (forbidden,) in turn.expected.must_not
        if holds(spelling, forbidden)
    ]
    assert demanded == []


@every_dialogue_of_a_shop
def test_a_document_holds_the_words_of_every_answer(
    shop: LabelledShop, dialogue: LabelledDialogue
) -> None:
    quotes = QUOTES[shop.name]
    lacking = [
        (turn.say, spellings)
        for turn in answers(dialogue)
        for spellings in turn.expected.must
        if not any(
            any(fold(spelling) in quote for spelling in spellings)
            and not any(fold(one) in quote for (one,) in turn.expected.must_not)
            for quote in quotes
        )
    ]
    assert lacking == []


@every_dialogue_of_a_shop
def test_forbidden_figures_are_the_shops_own(
    shop: LabelledShop, dialogue: LabelledDialogue
) -> None:
    """A wrong figure that stands in no document tempts nobody, and checks nothing."""
    text = fold(" ".join(document.text for document in shop.documents))
    for turn in answers(dialogue):
        forbidden = [one for (one,) in turn.expected.must_not]
        figures = [words for words in forbidden if re.search(r"\d", fold(words))]
        assert not figures or holds(text, *forbidden), turn.say


#: What may be quoted of each shop's documents, folded.
QUOTES = {
    shop.name: frozenset(
        fold(passage)
        for document in shop.documents
        for passage in (document.title, *passages(document.text))
    )
    for shop in SHOPS
}
