"""The driver with made-up processes: who is asked when, and what becomes of rows that fail."""

import pytest

from innerloop.bench import Settings, _driver, chosen, failures, measure, tables
from innerloop.bench._child import Child, WorkerError
from innerloop.errors import ConfigurationError

IMPLEMENTATIONS = [
    {"implementation": "loop", "peer": False, "chunk": None},
    {"implementation": "wrong", "peer": False, "chunk": 8},
    {"implementation": "broken", "peer": False, "chunk": None},
    {"implementation": "library", "peer": True, "chunk": None},
]
SECONDS = {"loop": 0.02, "library": 0.06}


class FakeChild:
    asked: list = []  # noqa: RUF012
    missing = False

    def __init__(self, job, allocator="default"):
        self.allocator, self.name = allocator, None

    def ask(self, do, **arguments):
        name = arguments.get("implementation", self.name)
        if do == "about":
            if self.missing:
                raise WorkerError("ConfigurationError: higher is not installed.")
            return {"implementations": IMPLEMENTATIONS, "peak_flops": {"matrix product": 1e9}}
        if do == "work":
            return {"flops": 10**6, "picked": "loop"}
        if do == "check":
            return {"difference": 1e-3 if name == "wrong" else 1e-15}
        if do == "ready":
            self.name = name
            return {"first": 9.0, "second": SECONDS.get(name, 1.0)}
        if do == "begun":
            return {"begun": True}
        if do == "memory":
            return {"baseline_megabytes": 100.0, "peak_megabytes": 150.0}
        self.asked.append((self.name, self.allocator, arguments["steps"]))
        if self.name == "broken":
            raise WorkerError("MemoryError: too much")
        return {"seconds": SECONDS[self.name] / (2 if self.allocator == "kept" else 1)}

    def close(self):
        pass

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass


@pytest.fixture
def fake(monkeypatch):
    monkeypatch.setattr(_driver, "Child", FakeChild)
    monkeypatch.setattr(_driver, "PAUSE_SECONDS", 0.0)
    monkeypatch.setattr(FakeChild, "asked", [])
    return FakeChild


def settings(**others):
    return Settings(chosen(["S1"]), **{"rounds": 2, "allocator": "installed", **others})


def test_rows_take_turns(fake):
    measure(settings(), say=lambda line: None)
    first = [("loop", "kept", 2), ("broken", "kept", 1), ("library", "default", 1)]
    assert fake.asked == [*first, first[0], first[2]]  # what broke is not asked again, what is wrong never


def test_rows_say_what_happened(fake):
    result = measure(settings(), say=lambda line: None)
    loop, wrong, broken, library = result["workloads"][0]["rows"]
    assert "another meta-gradient: 1.0e-03" in wrong["error"]
    assert broken["error"] == "MemoryError: too much"
    assert loop["as_installed"]["speed"] == pytest.approx(6.0)
    assert "same_allocator" not in loop
    assert library["as_installed"]["speed"] == 1.0
    assert loop["seconds"] == [0.01, 0.01]
    assert loop["picked"]
    assert not library["picked"]
    assert loop["fraction_of_peak"] == pytest.approx(1e6 / 0.01 / 1e9)
    assert len(tables(result)) == 1
    assert [line.split(" ")[0] for line in failures(result["workloads"][0])] == ["wrong", "broken"]


def test_every_allocator(fake):
    result = measure(settings(allocator="all"), say=lambda line: None)
    rows = [(row["implementation"], row["allocator"]) for row in result["workloads"][0]["rows"] if "error" not in row]
    assert rows == [(name, allocator) for name in ("loop", "library") for allocator in ("default", "kept")]
    # a GPU has an allocator of its own
    result = measure(settings(allocator="all", device="cuda"), say=lambda line: None)
    assert {row["allocator"] for row in result["workloads"][0]["rows"]} == {"default"}


def test_a_chunk_that_holds_all_tasks_is_no_row_of_its_own(fake):
    few = Settings(chosen(["S1"], small=True), rounds=1)
    rows = measure(few, say=lambda line: None)["workloads"][0]["rows"]
    assert "wrong" not in {row["implementation"] for row in rows}


def test_no_round_begins_after_the_time_and_one_is_always_there(fake):
    result = measure(settings(seconds=1e-9), say=lambda line: None)
    assert len(result["workloads"][0]["rows"][0]["seconds"]) == 1


def test_what_is_done_is_kept_after_every_workload(fake):
    kept = []
    both = Settings(chosen(["S"]), rounds=1)
    measure(both, say=lambda line: None, keep=lambda result: kept.append(len(result["workloads"])))
    assert kept == [1, 2]


def test_a_missing_library_is_said_before_anything_is_measured(fake, monkeypatch):
    monkeypatch.setattr(fake, "missing", True)
    with pytest.raises(ConfigurationError, match=r"^higher is not installed"):
        measure(settings(), say=lambda line: None)


@pytest.mark.parametrize("wrong", [{"rounds": 0}, {"threads": 0}, {"seconds": 0.0}, {"seconds": float("nan")}])
def test_numbers_that_make_no_sense(wrong):
    with pytest.raises(ConfigurationError, match=next(iter(wrong))):
        settings(**wrong)


def test_a_worker_that_dies_says_its_last_words():
    with Child({"threads": "no number", "device": "cpu", "quick": True}) as child, pytest.raises(WorkerError) as said:
        child.ask("about")
    assert "ended with code 1" in str(said.value)


def test_only_some_rows(fake):
    (workload,) = measure(settings(only=("library",)), say=lambda line: None)["workloads"]
    assert [row["implementation"] for row in workload["rows"]] == ["library"]


def test_a_row_that_is_not_known(fake):
    with pytest.raises(ConfigurationError, match="There is no row 'vmaps'; there are loop, "):
        measure(settings(only=("loop", "vmaps")), say=lambda line: None)


def test_without_pictures_channels_last_is_the_loop():
    row = {"implementation": "loop, channels last", "chunk": None}
    assert [_driver._worth_a_row(row, workload, "cpu") for workload in chosen(["S1", "O1"])] == [False, True]
