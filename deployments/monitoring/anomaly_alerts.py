"""Tells tenants of new anomalies, as the monitor's rules allow it."""

from collections.abc import Sequence
from datetime import datetime

from actors.monitor.codec import decode_state
from actors.monitor.finding import build_alert
from actors.monitor.rules.alert_rules import rules_of
from actors.monitor.rules.decide import decide
from actors.monitor.rules.effects import Tell
from actors.monitor.rules.events import AnomalyFound
from actors.monitor.rules.state import ServiceHealth
from persistence.alerts import insert_alerts
from persistence.database import Connection
from persistence.ids import ServiceId
from persistence.monitor import AlertRow
from persistence.watch import fetch_one_watched, fetch_states


async def tell_anomalies(
    db: Connection, found: Sequence[tuple[ServiceId, AnomalyFound]], at: datetime
) -> int:
    """Note notices inside the caller's transaction; return how many are new.

    The state is only read: it belongs to the one who watches. What the rules would
    note there, when it was told last, is not needed. A notice's id is its anomaly's, so
    it is told once; and no fall should be hushed up because it was odd before.
    """
    states = await fetch_states(db, [service_id for service_id, _ in found])
    alerts: list[AlertRow] = []
    for service_id, event in found:
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
            if isinstance(effect, Tell)
        )
    return await insert_alerts(db, alerts) if alerts else 0
