# `make demo` and `make test` are all that a newcomer needs; both set up their own environment in .venv.
VENV ?= .venv
PYTHON ?= python3
BIN := $(VENV)/bin

.PHONY: demo test test-all test-apps lint docs bench evidence clean

$(VENV)/.ready: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet -c constraints.txt -e '.[dev]'
	touch $@

demo: $(VENV)/.ready
	$(BIN)/innerloop demo --out demo

test: $(VENV)/.ready
	$(BIN)/python -m pytest -n auto -m "not slow and not apps"

test-all: $(VENV)/.ready
	$(BIN)/pip install --quiet -c constraints.txt -e '.[dev,bench,peft]'
	$(BIN)/python -m pytest -n auto -m "not apps"

test-apps: $(VENV)/.ready
	$(BIN)/pip install --quiet -c constraints.txt -e '.[dev,control,rl,recommend,ray]'
	$(BIN)/python -m pytest -n auto -m apps --ignore=tests/bench/test_peers.py --ignore=tests/gradient/test_lora.py

lint: $(VENV)/.ready
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

docs: $(VENV)/.ready
	$(BIN)/pip install --quiet -c constraints.txt -e '.[docs]'
	$(BIN)/sphinx-build -W -b html docs docs/_build

bench: $(VENV)/.ready
	$(BIN)/pip install --quiet -c constraints.txt -e '.[dev,bench]'
	$(BIN)/innerloop bench
	$(BIN)/python benchmarks/mappings.py
	$(BIN)/python benchmarks/memory.py
	$(BIN)/python benchmarks/recommend_stream.py

evidence: $(VENV)/.ready
	$(BIN)/python evidence/sinusoids.py
	$(BIN)/python evidence/omniglot_pixels.py
	$(BIN)/python evidence/kill.py --kills 20
	$(BIN)/python evidence/sinusoid_family.py
	$(BIN)/python evidence/omniglot.py
	$(BIN)/python evidence/omniglot.py --methods maml prototypes ridge --seeds 1 2
	$(BIN)/python evidence/omniglot.py --methods prototypes ridge pretraining --shapes 5x5 20x1 20x5 --minutes 10
	$(BIN)/python evidence/omniglot.py --methods prototypes ridge --protocol B --shapes 20x1 --minutes 60
	$(BIN)/python evidence/omniglot_attempts.py
	$(BIN)/python evidence/explain.py
	$(BIN)/python evidence/curves.py
	$(BIN)/python evidence/parkinsons.py
	$(BIN)/python evidence/families.py
	$(BIN)/python evidence/control.py
	$(BIN)/python evidence/rl.py --seeds 0 1 2
	$(BIN)/python evidence/recommend.py
	$(BIN)/python evidence/onboarding.py

clean:
	rm -rf $(VENV) demo docs/_build .pytest_cache .mypy_cache .ruff_cache
