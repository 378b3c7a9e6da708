# quality.mk -- what looks for mistakes and takes longer than `make test`: included by the Makefile.

# --- format: what changed since the last commit -----------------------------------------------
# Exit status 1 of newer versions: something was laid out anew.
format: ## lay out the lines of C that changed since the last commit, by .clang-format
	@sh .ci/deps clang-format
	@git-clang-format --force --extensions c,h || [ $$? -eq 1 ]

# --- lint: both compilers, clang-tidy, cppcheck, shellcheck --------------------------------
# A mode whose compiler makes an object of what nobody complains of, so that only what changed is
# looked at again.  FILES="a.c b.sh": those alone.
FLAGS_lint = $(FLAGS_release)
# Plug-ins; those made of the example have the contract's function under another name before.
$(BUILD)/examples/%.o $(BUILD)/tests/plugins/%.o: FLAGS_lint += -I$(CONTRACT) -Wno-missing-prototypes
$(BUILD)/tests/plugins/v1/%.o: CONTRACT = tests/plugins/v1
SCRIPTS = $(wildcard tests/*.sh tests/cli/*.sh tests/long/*.sh harness/*.sh) \
    $(addprefix .ci/,commit deb deps emulated run sbom sysroot)
FILES ?= $(SRC) $(wildcard tests/*.c tests/*/*.c examples/*.c) $(SCRIPTS)

lint: ## gcc, clang, clang-tidy, cppcheck and shellcheck: what changed since, or FILES="..." (long at first)
	@sh .ci/deps clang clang-tidy cppcheck shellcheck
	@$(MAKE) --no-print-directory --keep-going MODE=lint CC="sh tests/lint_cc.sh" lint-only FILES="$(FILES)"

lint-only: columns $(patsubst %.c,$(BUILD)/%.o,$(filter %.c,$(wildcard $(FILES))))
	@$(if $(filter $(SCRIPTS),$(FILES)),shellcheck -s sh $(filter $(SCRIPTS),$(FILES)))

# Characters, not bytes: what continues one in UTF-8 does not count.
columns:
	@LC_ALL=C awk '{ gsub(/[\200-\277]/, "") } length > 100 { bad = 1; \
	    print FILENAME ":" FNR ": " length " columns" } END { exit bad }' $(ROOMS:%=%/*.[ch])

# --- cov: lines and branches that the tests reach ------------------------------------------
# ONLY="test_store cli/gate": those alone, added to what ran since the last whole run.
cov: ## line and branch coverage of each room and the least covered files, build/cov/files.csv (long)
	@sh .ci/deps gcovr
	@$(MAKE) --no-print-directory MODE=cov cov-only

# What tests hold is not asked about.
$(BUILD)/tests/%.o: FLAGS_cov = -O1 -DNDEBUG

COVERING = $(patsubst %,$(BUILD)/tests/%,$(filter-out cli/%,$(ONLY)))
cov-only: $(BUILD)/densimeter $(if $(ONLY),$(COVERING),$(TESTS) $(TOOLS) $(FUZZ))
	@MODE=cov sh tests/long/cover.sh $(BUILD) $(ONLY)

# --- faults: each call of the system refused once ------------------------------------------
# POINTS: how many of each kind in each command; 0: all.
POINTS ?= 40
faults: build/densimeter $(BUILD)/tests/tool_tiny $(BUILD)/tests/test_refused ## refuse allocations, writes, fsync, rename, mmap, threads (POINTS=40)
	@DENSIMETER_LONG=1 $(BUILD)/tests/test_refused
	@python3 tests/long/faults.py $(BUILD)/densimeter $(BUILD)/tests/tool_tiny --points $(POINTS)

# --- what tests leave out for want of time ---------------------------------------------------
thorough: build/densimeter $(TESTS) $(TOOLS) ## the tests that leave something out for want of time, with all of it (long)
	@sh tests/long/thorough.sh $(BUILD) $(ONLY)

# --- all that is long -----------------------------------------------------------------------
LONG = $(BUILD)/densimeter $(BUILD)/tests/bench_store $(BUILD)/tests/tool_tiny
mutate: ## make one operator or constant wrong at a time: do the tests notice? (long)
	@python3 tests/long/mutate.py $(AREAS)

load: build/densimeter $(LONG) ## large databases, tasks, plans and models: the figures of docs/limits.md (SCALE=100)
	@sh tests/long/load.sh $(BUILD) $(PARTS)

# Fuzzing with clang for FUZZ_SECONDS each; each goes on when another failed.
test-long: deps ## everything that takes hours: golden, whole tests, lint, mutants, faults, load, fuzzing, sanitizers, two builds
	@failed=; for t in golden thorough lint mutate faults load fuzz sanitize reproducible; do \
	    echo "== $$t"; $(MAKE) --no-print-directory $$t || failed="$$failed $$t"; done; \
	    [ -z "$$failed" ] || { echo "failed:$$failed"; exit 1; }

.PHONY: mutate load thorough test-long format lint lint-only columns cov cov-only faults
