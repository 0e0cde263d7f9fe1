"""Applications are tested with their packages installed (`make test-apps`): there, a skipped test has failed."""

import pytest


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    outcome = yield
    report = outcome.get_result()
    if report.skipped and item.get_closest_marker("apps"):
        report.outcome = "failed"
        report.longrepr = f"{item.nodeid} was skipped: a test of an application runs or fails. {report.longrepr}"


@pytest.fixture(autouse=True)
def _own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("INNERLOOP_CACHE", str(tmp_path / "cache"))
