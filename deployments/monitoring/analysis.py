"""Analyzes a tenant's checks, and stores anomalies, their alerts and digests."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from uuid import uuid5

from actors.monitor.analysis.anomaly import AnomalySettings
from actors.monitor.analysis.digest import (
    rank_services,
    render_deviation,
    render_overall,
    render_results,
    render_service,
)
from actors.monitor.analysis.digest_words import Language, find_language
from actors.monitor.analysis.facts import (
    WEEK,
    DatedEpisode,
    DigestFacts,
    ServiceFacts,
    Span,
    build_overall,
    build_service_facts,
)
from actors.monitor.analysis.features import Series, build_series
from actors.monitor.finding import build_alert
from actors.monitor.rules.alert_rules import rules_of
from actors.monitor.rules.decide import decide
from actors.monitor.rules.effects import Notify
from actors.monitor.rules.events import AnomalyFound
from actors.monitor.rules.state import ServiceHealth, decode_state
from deployments.monitoring.digest_rewriter import BY_RULES, DigestRewriter, DigestText
from persistence.alerts import insert_alerts
from persistence.analysis import (
    CheckColumns,
    fetch_check_columns,
    fetch_result_ids,
    fetch_service_names,
    upsert_anomaly,
    upsert_digests,
)
from persistence.database import Connection
from persistence.ids import AnomalyId, DigestId, ResultId, ServiceId, TenantId
from persistence.monitor import AlertRow, AnomalyRow, DigestRow
from persistence.tenants import fetch_tenant
from persistence.watch import fetch_one_watched, fetch_states

#: Services read at a time: some megabytes.
CHUNK = 100
#: The same period of the week before must be complete.
HISTORY = WEEK
#: Ids kept with an anomaly, the first ones.
MAX_RESULT_IDS = 50
#: Services whose digest a model rewrites beside the overall one: each is a call.
MAX_REWRITTEN = 5


@dataclass(frozen=True, slots=True)
class Analysis:
    """The result of an analysis."""

    tenant_id: TenantId
    period_start: datetime
    period_end: datetime
    services: int
    checks: int
    anomaly_count: int
    #: Services with too little history.
    learning: int
    written_by: str
    #: Alerts of anomalies that were not known before.
    alerts_sent: int


class Analyst:
    """Analyzes tenants, one at a time, over one connection."""

    def __init__(
        self,
        db: Connection,
        rewriter: DigestRewriter,
        settings: AnomalySettings | None = None,
    ) -> None:
        self._db = db
        self._rewriter = rewriter
        self._settings = settings or AnomalySettings()

    async def analyze(
        self,
        tenant_id: TenantId,
        until: datetime,
        span: timedelta,
        service_id: ServiceId | None = None,
    ) -> Analysis | None:
        """Analyze a tenant's checks; None when there is no such tenant or service.

        With a service, only that service is analyzed, without an overall digest.
        """
        tenant = await fetch_tenant(self._db, tenant_id)
        names = await fetch_service_names(self._db, tenant_id, service_id)
        if tenant is None or (service_id is not None and not names):
            return None
        period = Span(until - span, until)
        facts, series = await self._collect_facts(tenant_id, names, period)
        overall = build_service_facts(
            None, "", build_overall(series), period, self._settings
        )
        if sum(one.now.checks > 0 for one in facts) < 2:
            # One service alone is not "all together".
            overall = replace(overall, episodes=())
        overall, *facts = [
            await self._add_result_ids(tenant_id, one) for one in (overall, *facts)
        ]
        digest = DigestFacts(period, overall, tuple(facts))
        language = find_language(tenant.language)
        written_by = await self._write(tenant_id, digest, language, service_id)
        alerts_sent = await self._keep_anomalies(tenant_id, digest, language)
        return Analysis(
            tenant_id=tenant_id,
            period_start=period.begin,
            period_end=period.end,
            services=len(facts),
            checks=sum(one.now.checks for one in facts),
            anomaly_count=sum(len(one.anomalies) for one in (overall, *facts)),
            learning=sum(one.is_learning for one in facts),
            written_by=written_by,
            alerts_sent=alerts_sent,
        )

    async def _collect_facts(
        self, tenant_id: TenantId, names: dict[ServiceId, str], period: Span
    ) -> tuple[list[ServiceFacts], list[Series]]:
        facts: list[ServiceFacts] = []
        known: list[Series] = []
        since = period.begin - HISTORY
        ids = list(names)
        chunks = [ids[begin : begin + CHUNK] for begin in range(0, len(ids), CHUNK)]
        reading: asyncio.Task[Mapping[ServiceId, CheckColumns]] | None = None
        try:
            for index, chunk in enumerate(chunks):
                columns = await (reading or self._read(tenant_id, chunk, since, period))
                if index + 1 < len(chunks):
                    # PostgreSQL reads the next ones while these are analyzed.
                    following = chunks[index + 1]
                    reading = asyncio.create_task(
                        self._read(tenant_id, following, since, period)
                    )
                built = await asyncio.to_thread(
                    _build_facts, chunk, names, columns, period, self._settings
                )
                facts.extend(one for one, _ in built)
                known.extend(series for _, series in built)
        finally:
            if reading is not None:
                reading.cancel()
        return facts, known

    async def _read(
        self,
        tenant_id: TenantId,
        services: Sequence[ServiceId],
        since: datetime,
        period: Span,
    ) -> Mapping[ServiceId, CheckColumns]:
        return await fetch_check_columns(
            self._db, tenant_id, services, since, period.end
        )

    async def _add_result_ids(
        self, tenant_id: TenantId, one: ServiceFacts
    ) -> ServiceFacts:
        """Add the ids of anomalous results; all services together have none."""
        if one.service_id is None or not one.episodes:
            return one
        episodes: list[DatedEpisode] = []
        for time in one.episodes:
            ids = await fetch_result_ids(
                self._db, tenant_id, one.service_id, time.checked_at, MAX_RESULT_IDS
            )
            episodes.append(replace(time, result_ids=ids))
        return replace(one, episodes=tuple(episodes))

    async def _write(
        self,
        tenant_id: TenantId,
        facts: DigestFacts,
        language: Language,
        service_id: ServiceId | None,
    ) -> str:
        """Write and store the digests; return the author of the first one."""
        names = [one.name for one in facts.services]
        rows: list[DigestRow] = []
        if service_id is None:
            by_rules = render_overall(facts, language)
            wording = await self._rewriter.rewrite(by_rules, language, names)
            every = (facts.overall, *facts.services)
            rows.append(_digest(tenant_id, facts, every, wording, language))
        worst = {
            one.service_id for one in rank_services(facts.services)[:MAX_REWRITTEN]
        }
        for one in facts.services:
            wording = DigestText(render_service(one, facts.period, language), BY_RULES)
            if one.service_id in worst or service_id is not None:
                wording = await self._rewriter.rewrite(wording.text, language, names)
            rows.append(_digest(tenant_id, facts, (one,), wording, language))
        await upsert_digests(self._db, rows)
        return rows[0].written_by if rows else BY_RULES

    async def _keep_anomalies(
        self, tenant_id: TenantId, facts: DigestFacts, language: Language
    ) -> int:
        """Store anomalies and alerts of new ones, all or nothing."""
        until = facts.period.end
        new: list[tuple[ServiceId, AnomalyFound]] = []
        async with self._db.transaction():
            for one in (facts.overall, *facts.services):
                for anomaly in one.anomalies:
                    row = _anomaly(tenant_id, one, anomaly, facts.period)
                    is_new = await upsert_anomaly(self._db, row)
                    if not is_new or one.service_id is None:
                        continue
                    text = render_deviation(anomaly, language, of_all=False)
                    event = AnomalyFound(
                        ResultId(row.id), until, text, row.feature, row.score
                    )
                    new.append((one.service_id, event))
            return await _record_alerts(self._db, new, until)


def _build_facts(
    services: Sequence[ServiceId],
    names: Mapping[ServiceId, str],
    columns: Mapping[ServiceId, CheckColumns],
    period: Span,
    settings: AnomalySettings,
) -> list[tuple[ServiceFacts, Series]]:
    """Build the facts of some services; takes seconds."""
    built: list[tuple[ServiceFacts, Series]] = []
    for service_id in services:
        checks = columns.get(service_id)
        series = (
            build_series(checks.at, checks.latency_ms, checks.ok)
            if checks is not None
            else build_series([], [])
        )
        facts = build_service_facts(
            service_id, names[service_id], series, period, settings
        )
        built.append((facts, series))
    return built


def _anomaly(
    tenant_id: TenantId, one: ServiceFacts, anomaly: DatedEpisode, period: Span
) -> AnomalyRow:
    key = f"anomaly:{anomaly.began_at.isoformat()}"
    return AnomalyRow(
        id=AnomalyId(uuid5(one.service_id or tenant_id, key)),
        tenant_id=tenant_id,
        service_id=one.service_id,
        started_at=anomaly.began_at,
        ended_at=anomaly.ended_at,
        score=anomaly.score,
        feature=anomaly.deviations[0].feature,
        details={"deviations": [asdict(reason) for reason in anomaly.deviations]},
        result_ids=anomaly.result_ids,
        created_at=period.end,
    )


def _digest(
    tenant_id: TenantId,
    digest: DigestFacts,
    every: Sequence[ServiceFacts],
    wording: DigestText,
    language: Language,
) -> DigestRow:
    """Build a digest of the first of `every`, which counts the anomalies of all."""
    period, subject = digest.period, every[0]
    key = f"digest:{period.begin.isoformat()}/{period.end.isoformat()}"
    facts = asdict(subject)
    for anomaly in facts["episodes"]:
        # Single checks are in the results; the facts name anomalies only.
        anomaly.pop("checked_at")
    anomalies = [time for one in every for time in one.anomalies]
    # Written below the text by us: a model could misspell the ids.
    results = render_results(anomalies, language)
    return DigestRow(
        id=DigestId(uuid5(subject.service_id or tenant_id, key)),
        tenant_id=tenant_id,
        service_id=subject.service_id,
        period_start=period.begin,
        period_end=period.end,
        summary_text=f"{wording.text}\n{results}" if results else wording.text,
        anomaly_count=len(anomalies),
        facts=facts,
        written_by=wording.written_by,
        created_at=period.end,
    )


async def _record_alerts(
    db: Connection, events: Sequence[tuple[ServiceId, AnomalyFound]], at: datetime
) -> int:
    """Record alerts inside the caller's transaction; return how many are new.

    The state is only read: it belongs to the leader. That the rules would note there
    when the last alert was sent is not needed: an alert's id is its anomaly's, so it is
    sent once, and an outage must not be hushed up because of an anomaly before it.
    """
    states = await fetch_states(db, [service_id for service_id, _ in events])
    alerts: list[AlertRow] = []
    for service_id, event in events:
        watched = await fetch_one_watched(db, service_id, at)
        if watched is None or watched.in_maintenance:
            continue
        stored = states.get(service_id)
        service = watched.service
        state = (
            ServiceHealth(service.id, service.tenant_id)
            if stored is None
            else decode_state(stored)
        )
        alerts.extend(
            build_alert(effect, watched)
            for effect in decide(state, event, rules_of(service)).effects
            if isinstance(effect, Notify)
        )
    return await insert_alerts(db, alerts) if alerts else 0
