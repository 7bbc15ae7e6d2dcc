# percept. `make run` and `make test` work from a bare clone; `make help` lists the rest.
#
# Everything uses one cargo profile (release), so that llama.cpp and whisper.cpp compile once.
# For the tests percept's own code, and only that, is compiled without optimisation: to optimise
# it (the library, and again with its tests) takes longer than the tests do.

CARGO ?= cargo
TARGET = $(if $(CARGO_TARGET_DIR),$(CARGO_TARGET_DIR),target)

.PHONY: help setup setup-tests build run test check bench clean

help: ## List what can be made
	@echo "make run     set up, build, open the chat (ARGS=... is passed on)"
	@echo "make test    set up; format, clippy, rustdoc and all tests"
	@echo "make build   set up and build"
	@echo "make check   the quick loop: no engine is compiled, the tests use the fake worker"
	@echo "make bench   measure against the worker's own cold path (docs/benchmarks.md; CLASS=2b)"
	@echo "make clean   delete what was built"

setup:
	@sh scripts/setup.sh

setup-tests:
	@sh scripts/setup.sh tests

build: setup
	$(CARGO) build --release --locked

run: build
	@PATH="$(TARGET)/release:$$PATH" sh scripts/run.sh $(ARGS)

test: export CARGO_PROFILE_RELEASE_OPT_LEVEL = 0
test: setup-tests
	$(CARGO) fmt --check
	$(CARGO) clippy --release --locked --all-targets -- -D warnings
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc --release --locked --no-deps
	$(CARGO) test --release --locked

check:
	$(CARGO) fmt --check
	$(CARGO) clippy --no-default-features --all-targets -- -D warnings
	$(CARGO) test --no-default-features

bench: build
	sh benches/run.sh $(TARGET)/release $(or $(CLASS),256m) $(CARGO)

clean:
	$(CARGO) clean
