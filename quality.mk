# quality.mk -- what looks for mistakes and takes longer than `make test`: included by the Makefile.

# --- lint: both compilers, clang-tidy, cppcheck, shellcheck --------------------------------
# A mode whose compiler makes an object of what nobody complains of, so that only what changed is
# looked at again.  FILES="a.c b.sh": those alone.
FLAGS_lint = $(FLAGS_release)
SCRIPTS = $(wildcard tests/*.sh tests/cli/*.sh tests/long/*.sh harness/*.sh) \
    $(addprefix .ci/,commit deb deps emulated run sbom sysroot)
FILES ?= $(SRC) $(wildcard tests/*.c tests/*/*.c examples/*.c) $(SCRIPTS)

lint: ## gcc, clang, clang-tidy, cppcheck and shellcheck: what changed since, or FILES="..." (long at first)
	@sh .ci/deps clang clang-tidy cppcheck shellcheck
	@$(MAKE) --no-print-directory --keep-going MODE=lint CC="sh tests/lint_cc.sh" lint-only FILES="$(FILES)"

lint-only: $(patsubst %.c,$(BUILD)/%.o,$(filter %.c,$(wildcard $(FILES))))
	@$(if $(filter $(SCRIPTS),$(FILES)),shellcheck -s sh $(filter $(SCRIPTS),$(FILES)))

.PHONY: lint lint-only
