"""What the web application is given from outside."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from actors.clock import Clock, SystemClock
from actors.conversation.client import Shards
from actors.monitor.client import Monitors
from config.settings import Settings
from deployments.answers.ports import Retriever
from deployments.flags import FeatureFlags
from deployments.health.probes import Probe
from deployments.monitoring.analysis_jobs import AnalysisRunner
from deployments.web.inbox_feed import ChangeFeed
from persistence.database import Pool


@dataclass(frozen=True, slots=True)
class WebServices:
    """The parts that the API calls; `settings.secret_key` must be set."""

    settings: Settings
    pool: Pool
    shards: Shards
    retriever: Retriever
    flags: FeatureFlags
    #: Must be started, and hear `pilito_messages`.
    changes: ChangeFeed
    #: The embedder's own measure, by which documents are cut.
    count_tokens: Callable[[str], int]
    monitor: Monitors
    #: By the name of the part, as `/readyz` lists them.
    probes: Mapping[str, Probe] = field(default_factory=dict)
    clock: Clock = field(default_factory=SystemClock)
    #: Runs analyses; without it, Ray does in processes of their own.
    analysis: AnalysisRunner | None = None
