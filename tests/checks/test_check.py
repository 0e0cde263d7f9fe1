"""What the call refuses, and what a report says."""

import threading

import pytest
import torch
from torch import nn

import innerloop as il
from innerloop.checks import Finding, Report, check
from innerloop.errors import ConfigurationError, DataError


class Locked(nn.Linear):
    def __init__(self):
        super().__init__(6, 3)
        self.lock = threading.Lock()


class TwoInputs(nn.Linear):
    def forward(self, x, y):
        return super().forward(x)


@pytest.mark.parametrize(
    ("module", "x", "error", "words"),
    [
        ("Net", torch.randn(8, 6), ConfigurationError, "Expected an nn.Module; got str"),
        (nn.Linear, torch.randn(8, 6), ConfigurationError, r"Give check\(\) an instance"),
        (Locked(), torch.randn(8, 6), ConfigurationError, "Locked cannot be copied"),
        (nn.Linear(6, 3), torch.randn(8, 5), DataError, r"cannot take one batch of inputs \(8, 5\) float32"),
        (nn.Linear(6, 3), torch.zeros(8, 6, dtype=torch.int64), DataError, r"inputs \(8, 6\) int64"),
        (nn.Linear(6, 3), torch.randn(3, 6), DataError, "at least 4 examples"),
        (nn.Linear(6, 3), [torch.randn(8, 6), torch.randn(7, 6)], DataError, "as many in every tensor"),
        (nn.Linear(6, 3), 3.0, DataError, "leading example axis"),
        (nn.Linear(6, 3), [], DataError, "leading example axis"),
        (TwoInputs(6, 3), torch.randn(8, 6), DataError, "as its only argument"),
    ],
)
def test_what_cannot_be_looked_at(module, x, error, words):
    with pytest.raises(error, match=words):
        check(module, x)


def test_no_parameters_at_all():
    report = il.check(nn.Flatten(), torch.randn(8, 6))
    assert report.problems[0].seen == "It has no parameters."
    assert "vmap" in report.not_run


def test_a_report_reads_well():
    report = Report("Net", (Finding("a", "ok", "All right."), Finding("b", "problem", "Wrong.", "It is.", "Mend it.")))
    assert not report.ok
    assert str(report).splitlines() == [
        "ok       a: All right.",
        "problem  b: Wrong.",
        "         why: It is.",
        "         change: Mend it.",
        "Net cannot be meta-trained as it is: 1 problem, no warnings.",
    ]
    assert max(map(len, str(il.check(nn.BatchNorm1d(6), torch.randn(8, 6))).splitlines())) <= 110


def test_it_is_public():
    assert il.check is check
