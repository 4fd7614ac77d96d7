"""Metrics of each retrieval, their summary for the API, and the debug log line."""

import time
from collections import Counter, defaultdict
from datetime import timedelta
from threading import Lock
from typing import ClassVar, TypedDict

import structlog
from prometheus_client.samples import Sample

from config import metrics
from deployments.answers.answer_draft import AnswerDraft
from deployments.health.exposition import collect_metrics
from persistence.ids import ConversationId, TenantId
from retrieval.answer.context import RetrievedContext
from retrieval.index.knowledge import SourceType

#: A reading adds up one file per process, so its result is shared for a while.
CACHE_AGE = timedelta(seconds=5)

#: Degradations that are counted and are no reason to stop a roll-out: the reranker's
#: model is not downloaded yet, or a large import is being read.
EXPECTED = frozenset({"RerankerUnavailableError", "catching_up"})

#: The fields of a candidate in the debug log line.
LOGGED = (
    *("chunk_id", "title", "score", "rrf_score", "dense_rank", "dense_similarity"),
    *("sparse_rank", "sparse_score", "rerank_score"),
)

#: What of a question's analysis bears no word of the customer.
WORDLESS = ("language", "complexity", "intent", "primary_source", "secondary_sources")

log = structlog.get_logger("retriever")


class MethodSummary(TypedDict):
    """The figures of one retrieval method; shares and rates are 0 to 1.

    `errors` leaves out the errors of `rag_errors_total` that are `EXPECTED`.
    """

    retrievals: int
    errors: int
    error_rate: float
    latency_avg_ms: float
    under_2s: float
    chunks_avg: float


class RerankSummary(TypedDict):
    """The figures of one cross-encoder."""

    rerankings: int
    latency_avg_ms: float


class RagSummary(TypedDict):
    """The figures that a roll-out is judged by, since the runtime was started."""

    methods: dict[str, MethodSummary]
    reranking: dict[str, RerankSummary]
    query_complexity_avg: float
    active_models: dict[str, str]


class RAGMetrics:
    """Records retrievals. The counters are the process's, so this needs no instance."""

    #: When the last summary was read, and the summary.
    _cached: ClassVar[tuple[float, RagSummary] | None] = None
    _active: ClassVar[dict[str, str]] = {}
    _lock: ClassVar[Lock] = Lock()

    @staticmethod
    def record_retrieval(context: RetrievedContext, primary_source: SourceType) -> None:
        """Count a retrieval that returned a context, degraded or not."""
        method, performance = context["retrieval_method"], context["performance"]
        metrics.RAG_RETRIEVALS.labels(method, primary_source).inc()
        metrics.RAG_RETRIEVAL_SECONDS.labels(method).observe(
            performance["latency_ms"] / 1000
        )
        metrics.RAG_QUERY_COMPLEXITY.observe(performance["query_complexity"])
        for error_type in performance["degraded"].values():
            metrics.RAG_ERRORS.labels(method, error_type).inc()
        if performance["reranking_used"]:
            model = performance.get("rerank_model", "unknown")
            metrics.RAG_RERANKINGS.labels(model).inc()
            metrics.RAG_RERANKING_SECONDS.labels(model).observe(
                performance.get("reranking_ms", 0.0) / 1000
            )
        # The primary source is observed with zero chunks, too.
        shown = Counter({str(primary_source): 0})
        shown.update(used["source"] for used in context["sources_used"])
        for source, count in shown.items():
            metrics.RAG_CHUNKS.labels(method, source).observe(count)
        scores = {chunk["chunk_id"]: chunk["score"] for chunk in context["chunks"]}
        for used in context["sources_used"]:
            if used["chunk_id"] in scores:
                score = scores[used["chunk_id"]]
                metrics.RAG_CHUNK_SCORES.labels(used["source"]).observe(score)

    @staticmethod
    def record_answer(method: str, draft: AnswerDraft) -> None:
        """Count a search whose answer was composed, or that found none."""
        shown = Counter(cited.source_type for cited in draft.citations)
        primary_source = next(iter(shown), SourceType.FAQ.value)
        metrics.RAG_RETRIEVALS.labels(method, primary_source).inc()
        metrics.RAG_RETRIEVAL_SECONDS.labels(method).observe(draft.search_ms / 1000)
        for error_type in draft.degraded.values():
            metrics.RAG_ERRORS.labels(method, error_type).inc()
        for source, count in (shown or {primary_source: 0}).items():
            metrics.RAG_CHUNKS.labels(method, source).observe(count)

    @staticmethod
    def record_failure(
        method: str, primary_source: SourceType, error: BaseException
    ) -> None:
        """Count a retrieval that failed."""
        metrics.RAG_RETRIEVALS.labels(method, primary_source).inc()
        metrics.RAG_ERRORS.labels(method, type(error).__name__).inc()

    @classmethod
    def set_active_model(cls, component: str, value: str) -> None:
        """Export the model that a part of the retrieval uses from now on."""
        with cls._lock:
            old = cls._active.get(component)
            if old is not None and old != value:
                metrics.RAG_ACTIVE_MODEL.labels(component, old).set(0)
            cls._active[component] = value
            metrics.RAG_ACTIVE_MODEL.labels(component, value).set(1)

    @classmethod
    def get_cached_metrics(cls, max_age: timedelta = CACHE_AGE) -> RagSummary:
        """Sum up all processes. Reads files, so not inside an event loop."""
        with cls._lock:
            now = time.monotonic()
            if cls._cached is None or now - cls._cached[0] >= max_age.total_seconds():
                cls._cached = now, _summarise()
            return cls._cached[1]


def log_retrieval(
    tenant_id: TenantId,
    conversation_id: ConversationId | None,
    query: str,
    context: RetrievedContext,
) -> None:
    """Log a search and all its candidates, by their ids and titles.

    The question is in no log: an unsent message or an erased customer would live on
    there. The conversation's id leads to the words, as long as they are stored.
    """
    analysis = context.get("analysis")
    log.info(
        "retrieval",
        tenant_id=str(tenant_id),
        conversation_id=None if conversation_id is None else str(conversation_id),
        query_chars=len(query),
        method=context["retrieval_method"],
        relevance=context["relevance"],
        analysis=analysis and {name: analysis.get(name) for name in WORDLESS},
        performance=context["performance"],
        sources_used=[used["chunk_id"] for used in context["sources_used"]],
        candidates=[
            {name: chunk.get(name) for name in LOGGED} for chunk in context["chunks"]
        ],
    )


def _summarise() -> RagSummary:
    sums = _Sums()
    methods = sums.add_up("rag_retrieval_total", "method")
    models = sums.add_up("rag_reranking_total", "model")
    return RagSummary(
        methods={method: _summarise_method(sums, method) for method in methods},
        reranking={
            model: RerankSummary(
                rerankings=int(count),
                latency_avg_ms=1000
                * sums.average("rag_reranking_latency_seconds", "model", model),
            )
            for model, count in models.items()
        },
        query_complexity_avg=sums.average("rag_query_complexity"),
        active_models={
            sample.labels["component"]: sample.labels["value"]
            for sample in sums.samples["rag_active_model"]
            if sample.value
        },
    )


def _summarise_method(sums: "_Sums", method: str) -> MethodSummary:
    retrievals = sums.add_up("rag_retrieval_total", "method")[method]
    errors = sum(
        sample.value
        for sample in sums.samples["rag_errors_total"]
        if sample.labels["method"] == method
        and sample.labels["error_type"] not in EXPECTED
    )
    latency = "rag_retrieval_latency_seconds"
    done = sums.add_up(f"{latency}_count", "method")[method]
    in_time = sum(
        sample.value
        for sample in sums.samples[f"{latency}_bucket"]
        if sample.labels["method"] == method and float(sample.labels["le"]) == 2.0
    )
    chunks = sums.add_up("rag_chunks_retrieved_sum", "method")[method]
    return MethodSummary(
        retrievals=int(retrievals),
        errors=int(errors),
        error_rate=_divide(errors, retrievals),
        latency_avg_ms=1000 * sums.average(latency, "method", method),
        under_2s=_divide(in_time, done),
        chunks_avg=_divide(chunks, done),
    )


class _Sums:
    """The samples of one reading, by name."""

    def __init__(self) -> None:
        self.samples: defaultdict[str, list[Sample]] = defaultdict(list)
        for family in collect_metrics().collect():
            for sample in family.samples:
                self.samples[sample.name].append(sample)

    def add_up(self, name: str, label: str) -> defaultdict[str, float]:
        """Add up a metric by one of its labels."""
        sums: defaultdict[str, float] = defaultdict(float)
        for sample in self.samples[name]:
            sums[sample.labels[label]] += sample.value
        return sums

    def average(self, name: str, label: str = "", value: str = "") -> float:
        """Average the observations of a histogram, for a label's value or for all."""
        total, count = (
            sum(
                sample.value
                for sample in self.samples[f"{name}_{part}"]
                if not label or sample.labels[label] == value
            )
            for part in ("sum", "count")
        )
        return _divide(total, count)


def _divide(total: float, count: float) -> float:
    return total / count if count else 0.0
