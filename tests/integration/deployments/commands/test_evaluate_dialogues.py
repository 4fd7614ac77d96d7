"""`pilito evaluate --dialogues` as a person runs it: no runtime, no database."""

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from tests.support.servers.llm_server import MODEL, Fail, Reply, Say, running_model

RUN = "from deployments.commands.cli import main; main()"
DOCUMENTS = [
    {
        "source_type": "faq",
        "title": "ارسال",
        "text": "سؤال: هزینه‌ی ارسال چقدر است؟\nجواب: هزینه‌ی ارسال ۴۵ هزار تومان است.",
    },
    {
        "source_type": "products",
        "title": "گلدان سفالی",
        "text": "گلدان سفالی بزرگ ۳۲۰ هزار تومان است.",
    },
]
DIALOGUES = [
    {
        "id": "t-1",
        "channel": "website",
        "about": "plain",
        "turns": [
            {"say": "سلام", "expect": {"act": "smalltalk"}},
            {
                "say": "هزینه ارسال چقدره؟",
                "expect": {"act": "answer", "must": ["۴۵ هزار"], "must_not": ["۳۲۰"]},
            },
        ],
    },
    {
        "id": "t-2",
        "channel": "instagram",
        "about": "share",
        "turns": [
            {
                "say": "قیمتش چنده؟",
                "share": {"title": "گلدان سفالی", "caption": "گلدان سفالی بزرگ"},
                # On purpose: the answer holds what it must not.
                "expect": {"act": "answer", "must_not": ["320"]},
            },
        ],
    },
]

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]


def evaluate(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", RUN, "evaluate", *map(str, arguments)]
    return subprocess.run(
        command, capture_output=True, text=True, check=False, env=os.environ
    )


def write_lines(path: Path, rows: Sequence[Mapping[str, object]]) -> None:
    lines = (json.dumps(row, ensure_ascii=False) for row in rows)
    path.write_text("\n".join(lines), encoding="utf-8")


@pytest.fixture
def shops(tmp_path: Path) -> Path:
    shop = tmp_path / "shops" / "golkhane"
    shop.mkdir(parents=True)
    write_lines(shop / "documents.jsonl", DOCUMENTS)
    write_lines(shop / "dialogues.jsonl", DIALOGUES)
    return shop.parent


def test_the_result_is_one_json_object_on_stdout(shops: Path) -> None:
    done = evaluate("--dialogues", shops, "--json", "--failures")
    assert done.returncode == 0, done.stderr
    figures = json.loads(done.stdout)
    assert (figures["dialogues"], figures["turns"]) == (2, 3)
    assert figures["dialogues_passed"] == 1 / 2
    assert figures["turns_passed"] == pytest.approx(2 / 3)
    assert (figures["small_talk"], figures["handed_over_small_talk"]) == (1, 0)
    assert figures["by_category"]["plain"]["turns_passed"] == 1
    assert figures["by_shop"]["golkhane"]["wrong"] == pytest.approx(1 / 3)
    (wrong,) = figures["wrong_figures"]
    assert (wrong["dialogue"], wrong["turn"], wrong["held"]) == ("t-2", 0, ["320"])
    assert "۳۲۰ هزار" in wrong["answered"]
    assert figures["failures"] == figures["wrong_figures"]


def test_every_wrong_figure_is_printed_with_what_was_said(shops: Path) -> None:
    done = evaluate("--dialogues", shops, "--shop", "golkhane")
    assert done.returncode == 0, done.stderr
    report = done.stdout
    assert "2 dialogues, 3 turns" in report
    assert "small talk handed over  0 of 1" in report
    assert "wrong figures: 1\n  t-2 turn 0 (share)\n    said      قیمتش" in report
    assert report.endswith("held      320\n")


@pytest.mark.parametrize(
    ("file", "content", "complaint"),
    [
        ("dialogues.jsonl", "nonsense", "dialogues.jsonl: line 1: not JSON"),
        ("documents.jsonl", "{}", "documents.jsonl: line 1: title and text: must be"),
        ("documents.jsonl", None, "documents.jsonl: No such file or directory"),
    ],
)
def test_a_wrong_file_is_one_clear_line_and_exit_2(
    shops: Path, file: str, content: str | None, complaint: str
) -> None:
    path = shops / "golkhane" / file
    path.unlink()
    if content is not None:
        path.write_text(content, encoding="utf-8")
    done = evaluate("--dialogues", shops)
    assert (done.returncode, done.stdout) == (2, "")
    assert complaint in done.stderr
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("--dialogues", "{shops}", "--shop", "x"), "no shop x, but golkhane"),
        (("--dialogues", "{shops}/golkhane"), "no folder in it has dialogues.jsonl"),
        (("--dialogues", "{shops}/nowhere"), "no such folder"),
        (("--corpus", "x.jsonl"), "give --corpus and --queries, or --dialogues"),
        ((), "give --corpus and --queries, or --dialogues"),
    ],
)
def test_what_cannot_be_played_is_one_clear_line_and_exit_2(
    shops: Path, arguments: tuple[str, ...], complaint: str
) -> None:
    done = evaluate(*(one.format(shops=shops) for one in arguments))
    assert (done.returncode, done.stdout) == (2, "")
    assert complaint in done.stderr
    assert len(done.stderr.splitlines()) == 1


async def ask_model(
    shops: Path, *replies: Reply
) -> tuple[subprocess.CompletedProcess[str], list[str]]:
    async with running_model() as model:
        model.answer(*replies)
        options = ("--llm-url", model.url, "--llm-model", MODEL, "--json")
        done = await asyncio.to_thread(evaluate, "--dialogues", shops, *options)
        return done, [asked.text for asked in model.asked]


async def test_a_model_answers_what_is_searched_and_the_gate_reads_it(
    shops: Path,
) -> None:
    # The price of another shop is refused twice: a person is called.
    bad = Say("قیمت آن ۹۹۰ هزار تومان است.")
    done, asked = await ask_model(shops, Say("ارسال ۴۵ هزار تومان است."), bad)
    assert done.returncode == 0, done.stderr
    figures = json.loads(done.stdout)
    assert len(asked) == 3
    assert "۴۵ هزار" in asked[0]
    assert "۳۲۰ هزار" in asked[1]
    assert figures["dialogues_passed"] == 1 / 2
    assert (figures["wrong"], figures["model_failures"]) == (0, 0)


async def test_a_model_that_fails_later_leaves_the_rules_answer(shops: Path) -> None:
    done, _ = await ask_model(shops, Say("ارسال ۴۵ هزار تومان است."), Fail(400))
    figures = json.loads(done.stdout)
    assert figures["model_failures"] == 1
    assert figures["wrong_figures"][0]["held"] == ["320"]


async def test_a_model_that_fails_at_once_is_one_clear_line(shops: Path) -> None:
    done, _ = await ask_model(shops, Fail(401))
    assert (done.returncode, done.stdout) == (1, "")
    assert "pilito: the model answered 401" in done.stderr
