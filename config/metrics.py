"""The one list of Prometheus metrics, shared by all processes."""

from prometheus_client import Counter, Histogram

WEBHOOK_EVENTS = Counter(
    "webhook_events_total",
    "Events that platforms delivered, by what became of them.",
    ["channel", "outcome"],
)
UNKNOWN_ACCOUNTS = Counter(
    "webhook_unknown_accounts_total",
    "Events for accounts that no tenant has connected.",
    ["channel"],
)
MESSAGES_STORED = Counter(
    "messages_stored_total", "Messages recorded, by who wrote them.", ["type"]
)
AI_REPLIES = Counter(
    "ai_replies_total", "Answers written, by how they were found.", ["method"]
)
AI_REPLIES_DROPPED = Counter(
    "ai_replies_dropped_total",
    "Answers given up because the conversation had moved on.",
    ["reason"],
)
SENDS = Counter(
    "sends_total", "Attempts to send a part to a platform.", ["channel", "outcome"]
)
SHARD_BATCH_SIZE = Histogram(
    "shard_batch_events",
    "Events recorded by one transaction.",
    buckets=(1, 2, 4, 8, 16, 32, 64, 128, 256, 512),
)
SHARD_COMMIT_SECONDS = Histogram(
    "shard_commit_seconds",
    "Time that one transaction of a shard took.",
    buckets=(0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.5, 1, 5),
)
