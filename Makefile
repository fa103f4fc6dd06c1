# make demo | make test | make an4 | make librispeech-5h | make setup — each makes the environment it needs.
PYTHON ?= python3
BIN := .venv/bin
unexport PYTHONDONTWRITEBYTECODE # where it is set, every start compiles PyTorch's sources anew

.PHONY: setup demo an4 librispeech-5h test test-slow format

setup: .venv/ready

.venv/ready: pyproject.toml constraints.txt
	@echo "Making .venv with everything this project needs (a minute or two) ..."
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' || \
	    { echo "Python 3.11 to 3.13 is needed; name one with make PYTHON=python3.12"; exit 1; }
	@$(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check uv
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --constraint constraints.txt \
	    --editable '.[espeak,media,vad,bpe,serve]' --group dev
	@touch $@

demo: setup
	@bash recipes/digits/demo.sh $(BIN)/asr

an4: setup
	@bash recipes/an4/run.sh $(BIN)/asr "$(SOURCE)" $(SEED)

librispeech-5h: setup
	@bash recipes/librispeech/run.sh $(BIN)/asr "$(SOURCE)" $(SEED)

test: setup
	@echo "Linters: ruff and mypy"
	@$(BIN)/ruff check --quiet . && $(BIN)/ruff format --quiet --check . && $(BIN)/mypy --no-error-summary
	@echo "Tests: pytest"
	@OMP_NUM_THREADS=1 $(BIN)/python -m pytest --numprocesses 2 --dist loadfile

test-slow: setup
	@$(BIN)/python -m pytest -m slow

format: setup
	@$(BIN)/ruff check --quiet --fix . ; $(BIN)/ruff format --quiet .
