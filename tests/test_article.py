"""The page that follows an introductory article has all its parts in order, and in each a call that runs."""

import re
import shlex

import pytest

from helpers.pages import ROOT, blocks, run_python
from innerloop.cli import main

PAGE = ROOT / "docs" / "article.md"
PARTS = [
    "Why meta-learning",
    "Few-shot learning",
    "Fast adaptation",
    "Personalisation",
    "Meta-learning and transfer learning",
    "Three families",
    "Memory-based",
    "Metric-based",
    "Optimisation-based",
    "The algorithm of MAML",
    "The formula",
    "The code sample",
    "Four applications",
    "Pictures from a few examples",
    "Robot control from demonstrations",
    "Personalised recommendation",
    "Meta-reinforcement learning",
    "Tools",
    "PyTorch",
    "learn2learn",
    "Meta-World",
    "Challenges",
    "Data efficiency",
    "Model complexity",
    "Interpretability",
    "Outlook",
]
HEADING = re.compile(r"^(##+) (.*)$", re.MULTILINE)


def run(monkeypatch, folder, capsys):
    """Every block from the first to the last: Python in one namespace, commands in the same folder."""
    monkeypatch.chdir(folder)
    monkeypatch.setenv("INNERLOOP_CACHE", str(folder / "cache"))
    namespace: dict[str, object] = {"__name__": "__main__"}
    done = 0
    for block in blocks(PAGE):
        if block.language == "python":
            run_python(block, PAGE, namespace)
            done += block.runs
        elif block.language == "sh":
            for line in block.program.strip().splitlines():
                program, *arguments = shlex.split(line)
                assert program == "innerloop"
                assert main(arguments) == 0, capsys.readouterr().err
                done += 1
    return done


def test_parts_come_in_the_order_of_the_article_each_with_a_call():
    text = PAGE.read_text(encoding="utf-8")
    code = [range(m.start(), m.end()) for m in re.finditer(r"^```\w+\n.*?^```$", text, re.MULTILINE | re.DOTALL)]
    headings = [m for m in HEADING.finditer(text) if not any(m.start() in part for part in code)]
    assert [heading[2] for heading in headings] == PARTS
    ends = [*(heading.start() for heading in headings[1:]), len(text)]
    calls = [m.start() for m in re.finditer(r"^```(?:python|sh)$", text, re.MULTILINE)]
    for at, (heading, end) in enumerate(zip(headings, ends, strict=True)):
        holds = any(heading.end() < call < end for call in calls)
        divided = at + 1 < len(headings) and len(headings[at + 1][1]) > len(heading[1])
        assert holds or divided, heading[2]


def test_what_needs_no_simulator_runs(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("helpers.pages.Block.runs", property(lambda block: not block.needs))
    assert run(monkeypatch, tmp_path, capsys) >= 25


@pytest.mark.apps
def test_everything_runs(tmp_path, monkeypatch, capsys):
    """Blocks that need a simulator are judged by themselves: what is missing is a failure here."""
    assert all(block.runs for block in blocks(PAGE))
    run(monkeypatch, tmp_path, capsys)
