"""`pilito evaluate --dialogues`: plays labelled dialogues and counts what is wrong."""

import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Protocol

import orjson
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn

from config.settings import Settings
from deployments.answers.llm import LlmClient, LlmEndpoint
from deployments.answers.wording import write_reply
from deployments.commands.dialogue_report import (
    Played,
    Report,
    build_report,
    render_report,
)
from deployments.commands.labelled_files import load_lines
from deployments.commands.model_replies import ModelReplies
from retrieval.answering import Answerer
from retrieval.dialogue.turns import Burst, Turn
from retrieval.embedding.embedder import BUILT_IN, Embedder, open_embedder
from retrieval.evaluation.dialogues import (
    parse_dialogues,
)
from retrieval.evaluation.labelled import LabelledSetError
from retrieval.evaluation.playing import (
    Exchange,
    LabelledShop,
    RememberingEmbedder,
    ShopKnowledge,
    exchange_of,
    parse_documents,
    play,
)
from retrieval.index.knowledge_index import KnowledgeIndex
from retrieval.text.language import Language

_DIALOGUES = "dialogues.jsonl"
_DOCUMENTS = "documents.jsonl"


class Reply(Protocol):
    """Answers a burst after the turns before it, from a shop's index."""

    def __call__(
        self, burst: Burst, turns: Sequence[Turn], index: KnowledgeIndex
    ) -> Exchange:
        """Answer."""


def evaluate_dialogues(
    folder: Path,
    *,
    shop: str = "",
    model: str = BUILT_IN,
    llm: LlmEndpoint | None = None,
    llm_timeout_s: float = 30.0,
    as_json: bool = False,
    shows_failures: bool = False,
) -> Report:
    """Play the shops of a folder, print the report, and return it.

    Without `llm` the rules answer, as the runtime does without a model. The progress
    bar goes to stderr. Raises LabelledSetError, in one line, if a file can't be used,
    EmbeddingError if the embedding model can't, and ModelFailedError if the answering
    model fails at once.
    """
    shops = load_shops(folder, shop)
    # Threads that spin while they wait slow a busy machine down.
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    client = None if llm is None else LlmClient(llm, timeout_s=llm_timeout_s)
    played = play_shops(shops, model, client)
    report = build_report(played, shows_failures=shows_failures)
    sys.stdout.write(
        orjson.dumps(report).decode() + "\n" if as_json else render_report(report)
    )
    return report


def name_endpoint(
    settings: Settings, url: str, model: str, key: str
) -> LlmEndpoint | None:
    """Name the endpoint at an address; None without one. The settings fill in gaps.

    Only what is asked for spends money: an endpoint of the settings alone is not used.
    """
    if not url:
        return None
    secret = settings.llm_api_key
    key = key or (secret.get_secret_value() if secret else "none")
    return LlmEndpoint(url, key, model or settings.llm_model or "default")


def load_shops(folder: Path, shop: str = "") -> tuple[LabelledShop, ...]:
    """Load every shop of a folder, or the one that is named, in their names' order.

    Raises LabelledSetError, which names the file and the line.
    """
    if not folder.is_dir():
        message = f"{folder}: no such folder"
        raise LabelledSetError(message)
    found = [path.parent for path in sorted(folder.glob(f"*/{_DIALOGUES}"))]
    wanted = [path for path in found if shop in ("", path.name)]
    if not wanted:
        names = ", ".join(path.name for path in found)
        message = (
            f"{folder}: no shop {shop}, but {names}"
            if found
            else f"{folder}: no folder in it has {_DIALOGUES}"
        )
        raise LabelledSetError(message)
    return tuple(
        LabelledShop(
            path.name,
            load_lines(path / _DOCUMENTS, parse_documents),
            load_lines(path / _DIALOGUES, parse_dialogues),
        )
        for path in wanted
    )


def play_shops(
    shops: Sequence[LabelledShop], model: str, llm: LlmClient | None = None
) -> Played:
    """Index each shop's documents, and play its dialogues.

    Raises EmbeddingError and ModelFailedError.
    """
    started = time.perf_counter()
    with Progress(
        "{task.description}",
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=Console(stderr=True),
    ) as progress:
        loading = progress.add_task("loading the model", total=None)
        embedder = RememberingEmbedder(open_embedder(model))
        progress.remove_task(loading)
        knowledge = {shop.name: ShopKnowledge(shop, embedder) for shop in shops}
        indexing = progress.add_task(
            "embedding passages", total=sum(map(len, knowledge.values()))
        )
        for one in knowledge.values():
            for n_done in one.embed():
                progress.advance(indexing, n_done)
        playing = progress.add_task(
            "playing dialogues", total=sum(len(shop.dialogues) for shop in shops)
        )
        played = []
        with _replies(embedder, llm) as (reply, count_failures):
            for shop in shops:
                index = knowledge[shop.name].index
                for dialogue in shop.dialogues:
                    answer = partial(reply, index=index)
                    played.append(play(shop.name, dialogue, answer))
                    progress.advance(playing)
            failures = count_failures()
    return Played(played, time.perf_counter() - started, failures)


@contextmanager
def _replies(
    embedder: Embedder, llm: LlmClient | None
) -> Iterator[tuple[Reply, Callable[[], int]]]:
    """Give what answers, and what counts the model's failures."""
    if llm is None:
        answerer = Answerer(embedder)

        def reply(
            burst: Burst, turns: Sequence[Turn], index: KnowledgeIndex
        ) -> Exchange:
            draft = answerer.answer(burst, turns, index, Language.FA)
            said = "\n".join(burst.texts)
            return exchange_of(said, draft, write_reply(draft, said=said))

        yield reply, lambda: 0
        return
    replies = ModelReplies(llm, embedder)
    try:
        yield replies.reply, lambda: replies.failures
    finally:
        replies.close()
