"""The report of `pilito evaluate --dialogues`: shares, and every wrong figure."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypedDict

from retrieval.evaluation.dialogues import (
    Figures,
    PlayedDialogue,
    PlayedTurn,
    Summary,
    summarise,
)


@dataclass(frozen=True, slots=True)
class Played:
    """All dialogues as they went, and how long everything took, in seconds."""

    dialogues: Sequence[PlayedDialogue]
    seconds: float
    #: Turns that the rules answered, as the model failed.
    model_failures: int = 0


class ReportedTurn(TypedDict):
    """A turn to be looked at; `turn` counts from 0, as `reply_to` does."""

    shop: str
    dialogue: str
    about: str
    turn: int
    said: str
    answered: str
    held: Sequence[str]
    faults: Sequence[str]


class Report(Summary):
    """All that is printed; plain values, ready for JSON."""

    seconds: float
    model_failures: int
    wrong_figures: list[ReportedTurn]
    #: None where nobody asked for them.
    failures: list[ReportedTurn] | None


def build_report(played: Played, *, shows_failures: bool) -> Report:
    """Sum up, and list the turns that hold what they must not, or all that failed."""
    dialogues = played.dialogues
    return Report(
        **summarise(dialogues),
        seconds=round(played.seconds, 1),
        model_failures=played.model_failures,
        wrong_figures=_pick(dialogues, lambda turn: turn.verdict.is_wrong),
        failures=_pick(dialogues, lambda turn: bool(turn.verdict.faults))
        if shows_failures
        else None,
    )


def _pick(
    dialogues: Sequence[PlayedDialogue], is_wanted: Callable[[PlayedTurn], bool]
) -> list[ReportedTurn]:
    return [
        ReportedTurn(
            shop=dialogue.shop,
            dialogue=dialogue.id,
            about=dialogue.about,
            turn=number,
            said=turn.said,
            answered=turn.answer.text,
            held=turn.verdict.wrong,
            faults=turn.verdict.faults,
        )
        for dialogue in dialogues
        for number, turn in enumerate(dialogue.turns)
        if is_wanted(turn)
    ]


def render_report(report: Report) -> str:
    """Write a report for a person."""
    return "\n".join(_lines(report)) + "\n"


def _lines(report: Report) -> Iterator[str]:
    yield (
        f"{report['dialogues']} dialogues, {report['turns']} turns, "
        f"{report['seconds']:.1f} s"
    )
    yield f"  turns passed            {report['turns_passed']:.3f}"
    yield f"  dialogues passed        {report['dialogues_passed']:.3f}"
    yield f"  wrong                   {report['wrong']:.3f}"
    lost, talk = report["handed_over_small_talk"], report["small_talk"]
    yield f"  small talk handed over  {lost} of {talk}"
    if report["model_failures"]:
        yield f"  the model failed        {report['model_failures']} times"
    yield from _table("by shop", report["by_shop"])
    yield from _table("by category", report["by_category"])
    yield from _turns("wrong figures", report["wrong_figures"], "held")
    if report["failures"] is not None:
        yield from _turns("failed turns", report["failures"], "faults")


def _table(title: str, rows: Mapping[str, Figures]) -> Iterator[str]:
    yield f"{title:<24}  turns  passed  wrong"
    for name, row in sorted(rows.items(), key=lambda row: row[1]["turns_passed"]):
        passed, wrong = row["turns_passed"], row["wrong"]
        yield f"  {name:<22}  {row['turns']:>5}  {passed:>6.3f}  {wrong:.3f}"


def _turns(title: str, turns: Sequence[ReportedTurn], shown: str) -> Iterator[str]:
    yield f"{title}: {len(turns)}"
    for turn in turns:
        what = turn["held"] if shown == "held" else turn["faults"]
        yield f"  {turn['dialogue']} turn {turn['turn']} ({turn['about']})"
        yield f"    said      {_on_one_line(turn['said'])}"
        yield f"    answered  {_on_one_line(turn['answered'])}"
        yield f"    {shown:<8}  {'; '.join(map(_on_one_line, what))}"


def _on_one_line(text: str) -> str:
    return " | ".join(filter(None, (line.strip() for line in text.splitlines())))
