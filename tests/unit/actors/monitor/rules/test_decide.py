"""The monitor's rules, as tables: thresholds, flapping, maintenance, alerts."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import orjson
import pytest

from actors.monitor.rules.alert_rules import AlertRules
from actors.monitor.rules.decide import decide
from actors.monitor.rules.effects import Effect, Notify, RecordTransition
from actors.monitor.rules.events import (
    AnomalyFound,
    CheckFailed,
    CheckMissed,
    CheckPassed,
    Event,
    NetworkLost,
)
from actors.monitor.rules.state import ServiceHealth, check_invariants, decode_state
from persistence.ids import ResultId, ServiceId, TenantId
from persistence.monitor import AlertKind, Status

START = datetime(2026, 3, 1, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
NEW = ServiceHealth(ServiceId(UUID(int=1)), TenantId(UUID(int=2)))


@dataclass
class Story:
    """A service's checks, a minute apart."""

    rules: AlertRules = field(default_factory=AlertRules)
    state: ServiceHealth = NEW
    at: datetime = START
    effects: list[Effect] = field(default_factory=list)
    count: int = 0

    def run(self, signs: str) -> "Story":
        """Apply checks.

        `+` passed, `s` slowly, `-` failed, `?` network lost, `m` in maintenance
        and failed, `.` missed.
        """
        for sign in signs:
            self.count += 1
            self.apply(_event(sign, ResultId(UUID(int=self.count)), self.at))
            self.at += MINUTE
        return self

    def apply(self, event: Event) -> None:
        """Apply one event."""
        decision = decide(self.state, event, self.rules)
        check_invariants(decision.state)
        self.state = decision.state
        self.effects.extend(decision.effects)

    @property
    def statuses(self) -> list[str]:
        """The statuses that were gone through."""
        return [e.new.value for e in self.effects if isinstance(e, RecordTransition)]

    @property
    def alerts(self) -> list[Notify]:
        """The alerts."""
        return [effect for effect in self.effects if isinstance(effect, Notify)]

    @property
    def kinds(self) -> list[str]:
        """The kinds of the alerts."""
        return [alert.kind.value for alert in self.alerts]


def _event(sign: str, event_id: ResultId, at: datetime) -> Event:
    match sign:
        case "+":
            return CheckPassed(event_id, at, 20.0)
        case "s":
            return CheckPassed(event_id, at, 900.0)
        case "-":
            return CheckFailed(event_id, at, "HTTP 500")
        case "?":
            return NetworkLost(event_id, at, "our network")
        case "m":
            return CheckFailed(event_id, at, "HTTP 500", in_maintenance=True)
        case _:
            return CheckMissed(event_id, at, "nobody watched")


SLOW = AlertRules(degraded_after_ms=500.0)


@pytest.mark.parametrize(
    ("rules", "checks", "statuses"),
    [
        (AlertRules(), "+", ["up"]),
        (AlertRules(), "--", []),
        (AlertRules(), "---", ["down"]),
        (AlertRules(), "+--+--+", ["up"]),
        (AlertRules(), "+---", ["up", "down"]),
        (AlertRules(), "+---+", ["up", "down"]),
        (AlertRules(), "+---++", ["up", "down", "up"]),
        (AlertRules(), "+---+-+", ["up", "down"]),
        (
            AlertRules(failure_threshold=1, success_threshold=1),
            "+-+",
            ["up", "down", "up"],
        ),
        (SLOW, "+ss", ["up"]),
        (SLOW, "+sss", ["up", "degraded"]),
        (SLOW, "+sss+", ["up", "degraded"]),
        (SLOW, "+sss++", ["up", "degraded", "up"]),
        (SLOW, "+sss---", ["up", "degraded", "down"]),
        (AlertRules(), "+??", ["up", "unknown"]),
        (AlertRules(), "+??+", ["up", "unknown", "up"]),
        (AlertRules(), "+--?-", ["up", "unknown", "down"]),
        (AlertRules(), "+--??", ["up", "unknown"]),
        (AlertRules(), "+mmm", ["up", "maintenance"]),
        (AlertRules(), "+mmm+", ["up", "maintenance", "up"]),
        (AlertRules(), "+--m--", ["up", "maintenance", "up"]),
        (AlertRules(), "+---mm-", ["up", "down", "maintenance", "down"]),
        (AlertRules(), "+..+", ["up"]),
        (AlertRules(), "+--..-", ["up", "down"]),
    ],
)
def test_checks_lead_to_statuses(
    rules: AlertRules, checks: str, statuses: Sequence[str]
) -> None:
    assert Story(rules).run(checks).statuses == list(statuses)


def test_a_first_failure_raises_no_alert_and_a_lasting_one_raises_one() -> None:
    assert Story().run("+--").kinds == []
    story = Story().run("+" + "-" * 60)
    assert story.kinds == ["down"]
    assert story.alerts[0].reason == "HTTP 500"


def test_a_recovery_says_for_how_long_it_was_down() -> None:
    story = Story().run("+---------++")
    assert story.kinds == ["down", "recovered"]
    assert story.alerts[1].down_for == 8 * MINUTE
    assert story.alerts[0].incident_id == story.alerts[1].incident_id


def test_a_service_that_stays_down_is_alerted_again_after_the_reminder() -> None:
    rules = AlertRules(reminder=timedelta(minutes=30))
    story = Story(rules).run("-" * 70)
    assert story.kinds == ["down", "reminder", "reminder"]
    assert story.alerts[2].at - story.alerts[1].at == timedelta(minutes=30)
    assert Story(AlertRules(reminder=timedelta(0))).run("-" * 70).kinds == ["down"]


def test_the_cool_down_delays_an_alert_but_does_not_drop_it() -> None:
    rules = AlertRules(1, 1, cooldown=timedelta(minutes=10))
    # Down, back, and down again within the cool-down: told when that is over.
    story = Story(rules).run("+-+" + "-" * 12)
    assert story.kinds == ["down", "recovered", "down"]
    assert story.alerts[2].at - story.alerts[0].at == timedelta(minutes=10)


def test_an_outage_without_an_alert_has_no_recovery_alert() -> None:
    rules = AlertRules(1, 1, cooldown=timedelta(minutes=10))
    assert Story(rules).run("+-+-+").kinds == ["down", "recovered"]


def test_a_flapping_service_is_degraded_and_alerted_once() -> None:
    story = Story().run("+-" * 15)
    assert story.state.is_flapping
    assert story.statuses == ["up", "degraded"]
    assert story.kinds == ["flapping"]


def test_a_flapping_service_must_fail_longer_to_be_down() -> None:
    story = Story().run("+-" * 5 + "--")
    assert story.state.status is Status.DEGRADED
    assert story.run("---").state.status is Status.DOWN


def test_flapping_ends_when_it_has_been_steady() -> None:
    story = Story().run("+-" * 6 + "+" * 17)
    assert not story.state.is_flapping
    assert story.state.status is Status.UP


def test_a_lost_network_of_ours_is_no_alarm_and_changes_no_verdict() -> None:
    story = Story().run("+" + "?" * 100)
    assert story.kinds == []
    assert story.state.verdict is Status.UP


def test_maintenance_is_silent_and_an_outage_before_it_goes_on_after_it() -> None:
    story = Story().run("+---" + "m" * 20 + "--")
    assert story.kinds == ["down"]
    assert story.statuses[-2:] == ["maintenance", "down"]
    assert story.run("++").kinds == ["down", "recovered"]


def test_a_certificate_is_alerted_once_for_each_term() -> None:
    story = Story()
    for days in (40, 13, 13, 12, 6, 2, 0, 0, 90, 13):
        expires_at = story.at + timedelta(days=days, hours=1)
        event_id = ResultId(UUID(int=story.count))
        story.apply(CheckPassed(event_id, story.at, 10.0, expires_at))
        story.count += 1
    assert story.kinds == ["certificate"] * 5


def test_an_anomaly_is_alerted_once_in_the_cool_down_and_not_while_down() -> None:
    def anomaly(at: datetime) -> AnomalyFound:
        return AnomalyFound(ResultId(UUID(int=9)), at, "slow", "latency", 0.8)

    story = Story().run("+")
    story.apply(anomaly(story.at))
    story.apply(anomaly(story.at + MINUTE))
    assert story.kinds == [AlertKind.ANOMALY]
    down = Story().run("---")
    down.apply(anomaly(down.at + timedelta(hours=1)))
    assert down.kinds == ["down"]


def test_a_clock_that_was_wrong_does_not_silence_the_monitor() -> None:
    story = Story(AlertRules(1, 1), at=START + timedelta(days=3650)).run("-")
    story.at = START
    story.run("+--")
    assert story.kinds == ["down", "recovered", "down"]
    assert story.alerts[1].down_for == timedelta(0)


def test_an_alert_is_identified_by_the_result_that_caused_it() -> None:
    first = Story().run("---").alerts[0]
    again = Story().run("---").alerts[0]
    assert (first.cause, first.kind) == (again.cause, again.kind)


def test_the_state_survives_json() -> None:
    story = Story(AlertRules(1, 1)).run("+-+-s-")
    story.state = replace(story.state, certificate_notified=7)
    assert decode_state(orjson.loads(orjson.dumps(story.state))) == story.state


def test_a_state_of_a_former_release_is_read() -> None:
    state = Story(AlertRules(1, 1)).run("+-").state
    state = replace(state, certificate_notified=7)
    former = orjson.dumps(state).replace(b"notified_at", b"told_at")
    former = former.replace(b"certificate_notified", b"certificate_told")
    assert state.notified_at is not None
    assert decode_state(orjson.loads(former)) == state
