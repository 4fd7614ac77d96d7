"""Flags by the book: the documented names, values, and who a roll-out reaches."""

import re
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID, uuid5

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config import metrics
from config.flags import (
    BUCKETS,
    FLAGS,
    FlagName,
    FlagType,
    FlagValue,
    FlagValues,
    InvalidFlagValueError,
    SetFlag,
    UnknownFlagError,
    bucket,
    find_flag,
    is_rolled_out,
)

DOCS = Path(__file__).parents[3] / "docs" / "flags.md"
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
RAG = FlagName.PRODUCTION_RAG
PERCENTAGE = FlagName.PRODUCTION_RAG_ROLLOUT_PERCENTAGE
#: Buckets 36 and 85 of production_rag.
EARLY = UUID("11111111-1111-1111-1111-111111111111")
LATE = UUID("00000000-0000-0000-0000-000000000000")
NOBODY = UUID(int=1)


def rows_of(section: str) -> list[list[str]]:
    """Return the cells of the first table below a heading of the docs."""
    text = DOCS.read_text(encoding="utf-8").split(f"# {section}\n")[1]
    table = text[text.index("|") :].split("\n\n")[0].splitlines()
    return [
        [cell.strip().strip("`") for cell in line.strip("|").split("|")]
        for line in table[2:]
    ]


def build_values(**values: FlagValue) -> FlagValues:
    return FlagValues({name: SetFlag(value) for name, value in values.items()})


def test_predecessor_faults_g3_the_docs_and_the_declarations_are_the_same() -> None:
    documented = {row[0]: row for row in rows_of("Flags")}
    assert documented.keys() == FLAGS.keys()
    for name, flag in FLAGS.items():
        _, kind, default, values, about = documented[name]
        assert kind == flag.type
        assert default == str(flag.default).lower()
        assert about == flag.about
        match flag.type:
            case FlagType.NUMBER:
                assert values == f"{flag.minimum} to {flag.maximum}"
            case FlagType.CHOICE:
                assert values.replace("`", "").split(", ") == [*flag.choices]
            case FlagType.SWITCH:
                assert values == "true`, `false"


def test_the_defaults_are_the_promised_ones() -> None:
    assert {name: flag.default for name, flag in FLAGS.items()} == {
        "production_rag": False,
        "production_rag_rollout_percentage": 0,
        "cross_encoder_reranking": True,
        "rerank_model": "base",
        "dense_top_k": 20,
        "sparse_top_k": 15,
        "rerank_top_k": 8,
        "production_rag_debug": False,
        "fusion": "weighted",
    }


def test_the_metrics_of_the_docs_are_the_declared_ones() -> None:
    documented = {
        row[0]: [cell for cell in re.findall(r"\w+", row[1]) if cell]
        for row in rows_of("What is counted")
    }
    declared = {}
    for name, metric in vars(metrics).items():
        if name.startswith("RAG_"):
            (family,) = metric.describe()
            suffix = "_total" if family.type == "counter" else ""
            declared[family.name + suffix] = [*metric._labelnames]
            assert family.documentation in DOCS.read_text("utf-8")
    assert declared == documented
    assert len(declared) == 9


@pytest.mark.parametrize("row", rows_of("Who is reached"), ids=lambda row: row[1][:4])
def test_the_published_vectors_hold(row: list[str]) -> None:
    flag, tenant, wanted = row
    assert bucket(flag, UUID(tenant)) == int(wanted)


def test_predecessor_faults_f1_every_process_puts_a_tenant_into_the_same_bucket() -> (
    None
):
    program = (
        "from uuid import UUID; from config.flags import bucket;"
        f"print(bucket('production_rag', UUID('{EARLY}')))"
    )
    # Python salts its own hash by this variable, anew for each process.
    found = {
        subprocess.run(
            [sys.executable, "-c", program],
            env={"PYTHONHASHSEED": seed, "PYTHONPATH": ":".join(sys.path)},
            capture_output=True,
            text=True,
            check=True,
        ).stdout.strip()
        for seed in ("1", "2")
    }
    assert found == {"36"}


@given(st.uuids(), st.integers(0, 100), st.integers(0, 100))
def test_whom_a_roll_out_has_reached_a_larger_one_still_reaches(
    tenant: UUID, some: int, more: int
) -> None:
    some, more = sorted((some, more))
    if is_rolled_out(RAG, tenant, some):
        assert is_rolled_out(RAG, tenant, more)
    assert not is_rolled_out(RAG, tenant, 0)
    assert is_rolled_out(RAG, tenant, BUCKETS)


@pytest.mark.parametrize("percentage", [1, 10, 50])
def test_a_percentage_is_about_that_share_of_tenants(percentage: int) -> None:
    tenants = [uuid5(NOBODY, str(number)) for number in range(10_000)]
    share = sum(is_rolled_out(RAG, tenant, percentage) for tenant in tenants) / 100
    # Four standard deviations of that many coins.
    deviation = 4 * (percentage * (100 - percentage) / 10_000) ** 0.5
    assert abs(share - percentage) < deviation


def test_a_roll_out_reaches_the_tenants_below_the_percentage() -> None:
    values = build_values(production_rag_rollout_percentage=50)
    assert values.is_enabled(RAG, NOON, EARLY)
    assert not values.is_enabled(RAG, NOON, LATE)
    assert not values.is_enabled(RAG, NOON)
    assert build_values(production_rag_rollout_percentage=100).is_enabled(RAG, NOON)


@given(st.integers(0, 100), st.uuids() | st.none())
def test_predecessor_faults_f3_a_switch_that_is_set_beats_any_percentage(
    percentage: int, tenant: UUID | None
) -> None:
    for switch in (False, True):
        values = build_values(
            production_rag=switch, production_rag_rollout_percentage=percentage
        )
        assert values.is_enabled(RAG, NOON, tenant) is switch


def test_a_kill_switch_that_runs_out_gives_the_percentage_its_word_back() -> None:
    values = FlagValues({RAG: SetFlag(value=False, expires_at=NOON + HOUR)})
    values = FlagValues({**values.set_flags, PERCENTAGE: SetFlag(50)})
    assert not values.is_enabled(RAG, NOON, EARLY)
    assert values.is_enabled(RAG, NOON + HOUR, EARLY)


def test_a_value_ends_at_its_very_moment_and_not_before() -> None:
    values = FlagValues({FlagName.DENSE_TOP_K: SetFlag(30, NOON + HOUR)})
    moment = timedelta(microseconds=1)
    assert values.value("dense_top_k", NOON + HOUR - moment) == 30
    assert values.value("dense_top_k", NOON + HOUR) == 20
    assert values.describe_one("dense_top_k", NOON)["expires_at"] == NOON + HOUR
    assert values.describe_one("dense_top_k", NOON + HOUR)["expires_at"] is None


def test_predecessor_faults_f2_a_value_without_an_end_stays() -> None:
    values = build_values(dense_top_k=30)
    assert values.value("dense_top_k", NOON + timedelta(days=3650)) == 30


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("production_rag", 1),
        ("production_rag", "true"),
        ("production_rag", None),
        ("production_rag_rollout_percentage", True),
        ("production_rag_rollout_percentage", -1),
        ("production_rag_rollout_percentage", 101),
        ("production_rag_rollout_percentage", 10.0),
        ("production_rag_rollout_percentage", "10"),
        ("dense_top_k", 0),
        ("dense_top_k", 10**30),
        ("rerank_model", "huge"),
        ("rerank_model", False),
    ],
)
def test_a_wrong_value_is_refused_with_the_flags_name(name: str, value: object) -> None:
    with pytest.raises(InvalidFlagValueError, match=f"^value: {name} must be "):
        find_flag(name).check(value)


@given(st.sampled_from([*FLAGS]), st.data())
def test_every_value_in_the_declared_range_is_taken(
    name: str, data: st.DataObject
) -> None:
    flag = FLAGS[name]
    value = data.draw(
        {
            FlagType.SWITCH: st.booleans(),
            FlagType.NUMBER: st.integers(flag.minimum, flag.maximum),
            FlagType.CHOICE: st.sampled_from(flag.choices or ("",)),
        }[flag.type]
    )
    checked = flag.check(value)
    assert checked == value
    assert type(checked) is type(flag.default)


def test_an_unknown_name_is_refused() -> None:
    with pytest.raises(UnknownFlagError, match="'use_production_rag'"):
        find_flag("use_production_rag")
    with pytest.raises(UnknownFlagError):
        build_values().is_enabled("", NOON)
