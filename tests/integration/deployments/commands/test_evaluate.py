"""`pilito evaluate` as a person runs it: no runtime, no database."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.embedding_models import save_word_model

DEMO = Path(__file__).parents[4] / "deployments" / "commands" / "demo"
RUN = "from deployments.commands.cli import main; main()"
KEYS = {"hit@1", "hit@8", "hit@20", "mrr@10", "ndcg@10", "queries", "passages"}

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]


def evaluate(
    *arguments: str | Path, **settings: str
) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", RUN, "evaluate", *map(str, arguments)]
    return subprocess.run(
        command,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, **settings},
    )


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    lines = (DEMO / "documents.jsonl").read_text(encoding="utf-8").splitlines()
    path = tmp_path / "corpus.jsonl"
    path.write_text("\n".join(lines[:6]), encoding="utf-8")
    return path


@pytest.fixture
def queries(tmp_path: Path, corpus: Path) -> Path:
    known = {json.loads(line)["key"] for line in corpus.read_text().splitlines()}
    lines = (DEMO / "questions.jsonl").read_text(encoding="utf-8").splitlines()
    kept = [line for line in lines if known & {*json.loads(line)["relevant"]}]
    path = tmp_path / "queries.jsonl"
    path.write_text("\n".join(kept[:6]), encoding="utf-8")
    return path


@pytest.mark.parametrize("pipeline", ["production_rag", "sparse"])
def test_the_result_is_one_json_object_on_stdout(
    corpus: Path, queries: Path, pipeline: str
) -> None:
    done = evaluate(
        "--corpus", corpus, "--queries", queries, "--pipeline", pipeline, "--json"
    )
    assert done.returncode == 0, done.stderr
    figures = json.loads(done.stdout)
    assert figures.keys() == KEYS | {"p50_ms", "p99_ms"}
    assert (figures["queries"], figures["passages"]) == (6, 6)
    assert figures["hit@8"] >= 5 / 6


def test_unanswerable_questions_add_the_rates_of_wrong_decisions(
    corpus: Path, queries: Path
) -> None:
    with queries.open("a", encoding="utf-8") as file:
        file.write('\n{"text": "پایتخت فرانسه کجاست؟", "relevant": []}')
    done = evaluate("--corpus", corpus, "--queries", queries, "--json")
    figures = json.loads(done.stdout)
    assert 0 <= figures["false_refusals"] <= 1
    assert figures["false_answers"] in (0, 1)


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ("nonsense", "queries.jsonl: line 1: not JSON"),
        ('{"text": "x", "relevant": ["?"]}', "none of the relevant ids is in the"),
        (None, "queries.jsonl: No such file or directory"),
    ],
)
def test_a_wrong_file_is_one_clear_line_and_exit_2(
    corpus: Path, tmp_path: Path, content: str | None, complaint: str
) -> None:
    wrong = tmp_path / "queries.jsonl"
    if content is not None:
        wrong.write_text(content, encoding="utf-8")
    done = evaluate("--corpus", corpus, "--queries", wrong)
    assert done.returncode == 2
    assert done.stdout == ""
    assert complaint in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_the_model_of_the_setting_is_what_is_measured(
    corpus: Path, queries: Path, tmp_path: Path
) -> None:
    model = save_word_model(tmp_path / "words")
    files = ("--corpus", corpus, "--queries", queries)
    done = evaluate(*files, "--pipeline", "dense", PILITO_EMBEDDING_MODEL=model)
    assert done.returncode == 0, done.stderr
    assert f"model    {model}\n" in done.stdout


def test_a_model_that_is_not_there_is_named_and_no_other_is_measured(
    corpus: Path, queries: Path
) -> None:
    done = evaluate(
        "--corpus",
        corpus,
        "--queries",
        queries,
        PILITO_EMBEDDING_MODEL="no/such-model",
        HF_HUB_OFFLINE="1",
    )
    assert done.returncode == 1
    assert done.stdout == ""
    assert "pilito: the embedding model 'no/such-model' can't be loaded" in done.stderr


def test_the_weight_of_the_setting_is_what_is_measured(
    corpus: Path, queries: Path
) -> None:
    files = ("--corpus", corpus, "--queries", queries)
    done = evaluate(*files, PILITO_DENSE_WEIGHT="2")
    assert done.returncode == 2
    assert done.stderr.startswith("pilito: PILITO_DENSE_WEIGHT")
