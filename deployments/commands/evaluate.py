"""`pilito evaluate`: measures how well a pipeline finds a labelled set's passages."""

import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import orjson
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn

from deployments.commands.labelled_files import load_lines
from retrieval.embedding.embedder import BUILT_IN, open_embedder
from retrieval.evaluation import labelled, report
from retrieval.evaluation.corpus import Corpus
from retrieval.evaluation.labelled import LabelledSetError
from retrieval.evaluation.report import Pipeline
from retrieval.index.knowledge import DENSE_WEIGHT
from retrieval.production_rag import RagOptions

_COLUMNS = ("hit@1", "hit@8", "hit@20", "mrr@10", "ndcg@10")


def evaluate(
    corpus: Path,
    queries: Path,
    pipeline: Pipeline,
    *,
    model: str = BUILT_IN,
    dense_weight: float = DENSE_WEIGHT,
    as_json: bool,
) -> dict[str, float]:
    """Measure the pipeline, print the figures, and return them.

    `model` and `dense_weight` are those of the settings, as the runtime searches. The
    progress bar goes to stderr, so that stdout holds nothing but the result. Raises
    LabelledSetError, in one line, if a file can't be used, and EmbeddingError if the
    model can't.
    """
    passages = load_lines(corpus, labelled.parse_passages)
    questions = load_lines(queries, labelled.parse_questions)
    _check_ids_match(passages, questions, queries)
    # Threads that spin while they wait slow a busy machine down.
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    name, measured = _run(passages, questions, pipeline, model, dense_weight)
    figures = measured.figures()
    sys.stdout.write(
        orjson.dumps(figures).decode() + "\n"
        if as_json
        else _as_text(pipeline, name, figures)
    )
    return figures


def _check_ids_match(
    passages: Sequence[labelled.LabelledPassage],
    questions: Sequence[labelled.LabelledQuestion],
    path: Path,
) -> None:
    known = {passage.id for passage in passages}
    wanted = {name for question in questions for name in question.relevant}
    if wanted and known.isdisjoint(wanted):
        message = f"{path}: none of the relevant ids is in the corpus"
        raise LabelledSetError(message)
    if not wanted <= known:
        sys.stderr.write(
            f"pilito: {len(wanted - known)} relevant ids are not in the corpus; "
            "they count as not found\n"
        )


def _run(
    passages: Sequence[labelled.LabelledPassage],
    questions: Sequence[labelled.LabelledQuestion],
    pipeline: Pipeline,
    model: str,
    dense_weight: float,
) -> tuple[str, report.Report]:
    with Progress(
        "{task.description}",
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=Console(stderr=True),
    ) as progress:
        loading = progress.add_task("loading the model", total=None)
        embedder = open_embedder(model)
        progress.remove_task(loading)
        indexing = progress.add_task("embedding passages", total=len(passages))
        corpus = Corpus(passages, embedder)
        for share in corpus.embed():
            progress.update(indexing, completed=int(share * len(passages)))
        asking = progress.add_task("asking questions", total=len(questions))
        results = []
        options = RagOptions(dense_weight=dense_weight)
        rank = corpus.ranker(pipeline, time.perf_counter, options)
        for result in report.run_questions(rank, questions, time.perf_counter):
            results.append(result)
            progress.advance(asking)
    return embedder.name, report.Report(tuple(results), len(passages))


def _as_text(pipeline: Pipeline, model: str, figures: dict[str, float]) -> str:
    lines = [
        f"{pipeline}: {figures['queries']} questions, {figures['passages']} passages",
        f"  model    {model}",
        *(f"  {name:8} {figures[name]:.3f}" for name in _COLUMNS),
        f"  p50      {figures['p50_ms']:.1f} ms",
        f"  p99      {figures['p99_ms']:.1f} ms",
    ]
    if "false_answers" in figures:
        lines += [
            f"  false answers  {figures['false_answers']:.3f}",
            f"  false refusals {figures['false_refusals']:.3f}",
        ]
    return "\n".join(lines) + "\n"
