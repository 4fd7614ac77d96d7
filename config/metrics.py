"""The list of all Prometheus metrics; every process imports it."""

from prometheus_client import Counter, Gauge, Histogram

WEBHOOK_EVENTS = Counter(
    "webhook_events_total",
    "Events delivered by platforms, by outcome.",
    ["channel", "outcome"],
)
DEAD_LETTERS = Counter(
    "dead_letters_total",
    "Events of webhooks that can never be stored, kept in /api/dead-letters/.",
    ["channel", "error"],
)
UNKNOWN_ACCOUNTS = Counter(
    "webhook_unknown_accounts_total",
    "Events for accounts that no tenant has connected.",
    ["channel"],
)
MESSAGES_STORED = Counter(
    "messages_stored_total", "Messages stored, by author type.", ["type"]
)
AI_REPLIES = Counter(
    "ai_replies_total", "Answers written, by retrieval method.", ["method"]
)
AI_REPLIES_DROPPED = Counter(
    "ai_replies_dropped_total",
    "Answers dropped because the conversation had moved on.",
    ["reason"],
)
AI_REPLIES_LIMITED = Counter(
    "ai_replies_limited_total",
    "Answers that were not written: a channel had reached its limit per minute.",
)
AI_CONTROL_CACHE = Counter(
    "ai_control_cache_total",
    "Looks at ai_control keys in Redis: hit, as it must be; miss, absent or wrong and "
    "set; error, an attempt that Redis did not answer.",
    ["result"],
)
SHARE_MESSAGES = Counter(
    "share_messages_total", "Posts, reels and stories that customers shared."
)
SHARE_COMBINED = Counter(
    "share_combined_total", "Shares that were combined with the question after them."
)
SHARE_TIMEOUTS = Counter("share_timeouts_total", "Shares without a question in time.")
PENDING_SHARE_LOOKUPS = Counter(
    "pending_share_lookups_total",
    "Instagram texts, by whether a share waited for a question.",
    ["result"],
)
REDIRECTS = Counter(
    "conversation_redirects_total",
    "Conversations redirected to a department or to the AI.",
    ["destination"],
)
WORKFLOW_RUNS = Counter(
    "workflow_runs_total",
    "Runs of workflows that ended, or were refused.",
    ["status"],
)
WORKFLOW_STEPS = Counter(
    "workflow_steps_total", "Steps of workflows that ended.", ["outcome"]
)
SENDS = Counter(
    "sends_total", "Attempts to send a part to a platform.", ["channel", "outcome"]
)
PROFILE_LOOKUPS = Counter(
    "profile_lookups_total",
    "Customers whose name the platform was asked for; held: it was not to be asked.",
    ["result"],
)
SHARD_BATCH_SIZE = Histogram(
    "shard_batch_events",
    "Events recorded by one transaction.",
    buckets=(1, 2, 4, 8, 16, 32, 64, 128, 256, 512),
)
SHARD_COMMIT_SECONDS = Histogram(
    "shard_commit_seconds",
    "Duration of one transaction of a shard.",
    buckets=(0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.5, 1, 5),
)

RAG_RETRIEVALS = Counter(
    "rag_retrieval_total",
    "Retrievals, failed ones included, by method and primary source.",
    ["method", "primary_source"],
)
RAG_RETRIEVAL_SECONDS = Histogram(
    "rag_retrieval_latency_seconds",
    "Time from the question to its context.",
    ["method"],
    # 2 s is the target, so it must be a bound.
    buckets=(0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10),
)
RAG_CHUNKS = Histogram(
    "rag_chunks_retrieved",
    "Passages that one retrieval gave to the answer, by source.",
    ["method", "source"],
    buckets=(0, 1, 2, 3, 4, 5, 6, 8, 12, 20),
)
RAG_RERANKINGS = Counter(
    "rag_reranking_total", "Retrievals reranked by a cross-encoder.", ["model"]
)
RAG_RERANKING_SECONDS = Histogram(
    "rag_reranking_latency_seconds",
    "Duration of reranking, waiting included.",
    ["model"],
    buckets=(0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10),
)
RAG_ERRORS = Counter(
    "rag_errors_total",
    "Failures in a retrieval, also of a part that it did without.",
    ["method", "error_type"],
)
RAG_QUERY_COMPLEXITY = Histogram(
    "rag_query_complexity",
    "Complexity of questions, 0 to 1.",
    buckets=(0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1),
)
RAG_CHUNK_SCORES = Histogram(
    "rag_chunk_scores",
    "Scores, 0 to 1, of the passages given to the answer.",
    ["source"],
    buckets=(0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1),
)
RAG_ACTIVE_MODEL = Gauge(
    "rag_active_model",
    "1 for the model or setting that a part of the retrieval uses.",
    ["component", "value"],
    # A replica that has ended uses no model any more.
    multiprocess_mode="livemax",
)

MONITOR_CHECKS = Counter(
    "monitor_checks_total",
    "Checks of services: passed, failed, excused (maintenance, our own network), or "
    "missed.",
    ["result"],
)
MONITOR_CHECK_SECONDS = Histogram(
    "monitor_check_duration_seconds",
    "Time that one check took, its retries included.",
    buckets=(0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60),
)
MONITOR_LATENESS = Histogram(
    "monitor_check_lateness_seconds",
    "How much later than planned a check began.",
    buckets=(0.01, 0.05, 0.1, 0.5, 1, 5, 10, 30, 60),
)
MONITOR_STATUS = Gauge(
    "monitor_service_status",
    "1 up, 0.5 degraded, 0 down, -1 unknown, -2 maintenance.",
    ["service_id"],
    multiprocess_mode="livemostrecent",
)
MONITOR_CERTIFICATE_DAYS = Gauge(
    "monitor_certificate_days",
    "Days until the certificate of a service expires.",
    ["service_id"],
    multiprocess_mode="livemostrecent",
)
MONITOR_IS_LEADER = Gauge(
    "monitor_is_leader",
    "1 where this runtime is the leader, 0 where it stands by.",
    multiprocess_mode="livemax",
)
MONITOR_DUTY_FAILURES = Counter(
    "monitor_duty_failures_total",
    "Failures of the monitor's housekeeping, by duty.",
    ["duty"],
)
MONITOR_RESULTS_DROPPED = Counter(
    "monitor_results_dropped_total",
    "Results that the database could not store.",
)
MONITOR_ALERTS = Counter("monitor_alerts_total", "Alerts, by kind.", ["kind"])
MONITOR_ALERT_SENDS = Counter(
    "monitor_alert_sends_total",
    "Attempts to send an alert, by route and outcome.",
    ["route", "outcome"],
)

WORKFLOW_WORK = Counter(
    "workflow_work_total",
    "What workflows did outside: done, refused, failed for good, or put off.",
    ["kind", "outcome"],
)
