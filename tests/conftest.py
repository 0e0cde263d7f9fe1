"""Every test starts from the same random numbers and computes on one core."""

import pytest
import torch

torch.set_num_threads(1)


@pytest.fixture(autouse=True)
def _same_random_numbers():
    torch.manual_seed(0)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    """Applications are tested with their packages installed (`make test-apps`): a test of theirs runs or fails."""
    report = (yield).get_result()
    if report.skipped and item.get_closest_marker("apps"):
        report.outcome = "failed"
        report.longrepr = f"{item.nodeid} was skipped, and a test of an application must run. {report.longrepr}"
