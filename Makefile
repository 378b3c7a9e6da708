# Densimeter.  `make help` lists what there is.
MODE ?= release
# As many jobs as there are cores; V=1 shows whole commands.
ifeq ($(MAKELEVEL),0)
MAKEFLAGS += --jobs=$(shell nproc 2>/dev/null || echo 1)
endif
ifeq ($(V),)
Q = @$(if $(findstring s,$(firstword -$(MAKEFLAGS))),,echo "  $(if $(filter %.o,$@),CC,LD) $@";)
endif
BUILD = build/$(MODE)
CC ?= cc
# For another machine: CROSS=aarch64-linux-gnu- SYSROOT=DIR (.ci/sysroot makes one), and a MODE.
PKG_CONFIG = pkg-config
ifneq ($(CROSS),)
CC = $(CROSS)gcc $(if $(SYSROOT),--sysroot=$(SYSROOT))
PKG_CONFIG = PKG_CONFIG_SYSROOT_DIR=$(SYSROOT) \
    PKG_CONFIG_LIBDIR=$(SYSROOT)/usr/lib/$(CROSS:%-=%)/pkgconfig:$(SYSROOT)/usr/lib/pkgconfig pkg-config
endif
ROOMS = base tasks runners results reports harness

FLAGS_release = -O2 -g -DNDEBUG
FLAGS_arm64   = $(FLAGS_release)
FLAGS_riscv64 = $(FLAGS_release)
FLAGS_debug   = -O0 -g3
FLAGS_asan    = -O1 -g -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
FLAGS_tsan    = -O1 -g -fsanitize=thread
# -O1: at -O0 tests that run models take too long.  Counters are not atomic: threads may lose some.
FLAGS_cov     = -O1 --coverage -DNDEBUG
FLAGS_fuzz    = -O1 -g -DFUZZING_BUILD_MODE_UNSAFE_FOR_PRODUCTION -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all
WARN = -Wall -Wextra -Wpedantic -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wformat-security -Wvla -Wno-overlength-strings
LIBS = yaml-0.1 libcjson libpcre2-8 libutf8proc libcurl libcrypto libarchive sqlite3

PKG_CFLAGS := $(shell $(PKG_CONFIG) --cflags $(LIBS) 2>/dev/null)
PKG_LIBS   := $(shell $(PKG_CONFIG) --libs $(LIBS) 2>/dev/null)
# Contraction and relaxed maths would change the bits that engine_design.md section 2 defines.
CFLAGS ?=
ALL_CFLAGS = -std=c11 -D_GNU_SOURCE -I. -pthread $(WARN) $(FLAGS_$(MODE)) \
             -ffp-contract=off -fno-fast-math -ffile-prefix-map='$(CURDIR)=.' $(PKG_CFLAGS) \
             $(CPPFLAGS) $(CFLAGS)
LDLIBS = $(PKG_LIBS) -lm -pthread

SRC   = $(foreach r,$(ROOMS),$(sort $(wildcard $(r)/*.c)))
OBJ   = $(SRC:%.c=$(BUILD)/%.o)
CORE  = $(filter-out $(BUILD)/harness/main.o,$(OBJ))
TESTS = $(patsubst tests/%.c,$(BUILD)/tests/%,$(wildcard tests/test_*.c))
BENCHES = $(patsubst tests/%.c,$(BUILD)/tests/%,$(wildcard tests/bench_*.c))
TOOLS = $(patsubst tests/%.c,$(BUILD)/tests/%,$(wildcard tests/tool_*.c))
FUZZ  = $(patsubst tests/fuzz/fuzz_%.c,$(BUILD)/fuzz/%,$(wildcard tests/fuzz/fuzz_*.c))
TEST_HELP = $(patsubst tests/%.c,$(BUILD)/tests/%.o,$(filter-out $(wildcard tests/test_*.c tests/bench_*.c tests/tool_*.c),$(wildcard tests/*.c)))

all: build/densimeter ## build the program (installs nothing)

help: ## what make can do
	@sed -n 's/^\([a-z0-9-]*\):.*## \(.*\)/make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 18

# build/densimeter is always the program of the mode asked for last, so it is linked each time.
build/densimeter: $(BUILD)/densimeter
	@ln -sf $(MODE)/densimeter $@

$(BUILD)/densimeter: $(OBJ)
	$(Q)$(CC) $(ALL_CFLAGS) $(LDFLAGS) -o $@ $^ $(LDLIBS)

MACHINE := $(shell $(CC) -dumpmachine)
ifneq ($(filter x86_64-%,$(MACHINE)),)
# clang takes minutes over each of these with its checks; MODE=asan has them, by gcc.
$(BUILD)/runners/fast_%.o $(BUILD)/runners/kernels_%.o: FLAGS_fuzz = -O1 -g
$(BUILD)/runners/%_avx2.o: ALL_CFLAGS += -mavx2 -mfma -mf16c
$(BUILD)/runners/%_avx512.o: ALL_CFLAGS += -mavx512f -mavx512bw -mavx512dq -mavx512vl -mavx2 -mfma -mf16c
$(BUILD)/runners/%_vnni.o: ALL_CFLAGS += -mavx512f -mavx512bw -mavx512dq -mavx512vl -mavx512vnni -mavx2 -mfma -mf16c
offered = $(shell $(CC) $(1) -E -x c /dev/null >/dev/null 2>&1 && echo $(1))
AVXVNNI := $(call offered,-mavxvnni)
AMX := $(call offered,-mamx-tile -mamx-int8)
$(BUILD)/runners/%_avxvnni.o: ALL_CFLAGS += -mavx2 -mfma -mf16c $(AVXVNNI)
$(BUILD)/runners/%_amx.o: ALL_CFLAGS += -mavx512f -mavx512bw -mavx512dq -mavx512vl -mavx2 -mfma -mf16c $(AMX)
$(BUILD)/runners/fast.o: ALL_CFLAGS += $(if $(AVXVNNI),-DHAVE_AVXVNNI) $(if $(AMX),-DHAVE_AMX)
else ifneq ($(filter aarch64-%,$(MACHINE)),)
$(BUILD)/runners/%_neon_dot.o: ALL_CFLAGS += -march=armv8.2-a+dotprod
$(BUILD)/runners/%_neon_i8mm.o: ALL_CFLAGS += -march=armv8.2-a+dotprod+i8mm
endif

$(BUILD)/%.o: %.c
	@mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<

# The bank of facts in one file, for .incbin; with its folder, so that a file taken away counts.
$(BUILD)/facts.jsonl: tasks/data/facts $(sort $(wildcard tasks/data/facts/*.jsonl))
	@mkdir -p $(@D)
	@cat $(filter %.jsonl,$^) >$@
$(BUILD)/tasks/facts_data.o: $(BUILD)/facts.jsonl
$(BUILD)/tasks/facts_data.o: ALL_CFLAGS += -DFACTS_BANK='"$(BUILD)/facts.jsonl"'

# The scenarios in one file, each after a line of U+001E and its name.
$(BUILD)/scenarios.bank: tasks/data/scenarios $(sort $(wildcard tasks/data/scenarios/*.json))
	@mkdir -p $(@D)
	@for f in $(filter %.json,$^); do printf '\036%s\n' $$(basename $$f .json); cat $$f; done >$@
$(BUILD)/tasks/scenario_data.o: $(BUILD)/scenarios.bank
$(BUILD)/tasks/scenario_data.o: ALL_CFLAGS += -DSCENARIO_BANK='"$(BUILD)/scenarios.bank"'

# The kernels' text for OpenCL: one file for processors, one for GPUs.
$(BUILD)/opencl_%.cl: runners/opencl_args.h runners/opencl_kernels.cl runners/opencl_%.cl
	@mkdir -p $(@D)
	@cat $^ >$@
$(BUILD)/opencl_cuda.cl: runners/cuda_prelude.cuh runners/opencl_args.h runners/opencl_kernels.cl runners/opencl_lanes.cl runners/cuda_tensor.cuh
	@mkdir -p $(@D)
	@cat $^ >$@
$(BUILD)/runners/opencl_source.o: $(addprefix $(BUILD)/opencl_,vector.cl lanes.cl cuda.cl)
$(BUILD)/runners/opencl_source.o: ALL_CFLAGS += -DOPENCL_SOURCE='"$(BUILD)/opencl_"'

# Known to one object file that no test is linked with.
$(BUILD)/commit: FORCE
	@mkdir -p $(@D)
	@sh .ci/commit >$@.new; if cmp -s $@.new $@; then rm $@.new; else mv $@.new $@; fi
$(BUILD)/harness/main.o: $(BUILD)/commit
$(BUILD)/harness/main.o: ALL_CFLAGS += -DDENSIMETER_COMMIT='"$(shell cat $(BUILD)/commit)"'

$(BUILD)/harness/catalogue_data.o: harness/data/models.json
$(BUILD)/harness/device_new.o: examples/device_naive.c
$(BUILD)/harness/published_data.o: harness/data/published_scores.json harness/data/pythia_ladder.csv

# What tests are linked with, as an archive: each takes what it calls, not all of it 170 times.
# q, not r: files of two rooms may have one name.
TESTED = $(BUILD)/tests/tested.a
$(BUILD)/tests/members: FORCE
	@mkdir -p $(@D)
	@echo '$(TEST_HELP) $(CORE)' >$@.new; if cmp -s $@.new $@; then rm $@.new; else mv $@.new $@; fi
$(TESTED): $(TEST_HELP) $(CORE) $(BUILD)/tests/members
	@rm -f $@
	$(Q)$(CROSS)ar qcs $@ $(filter %.o,$^)

# Plug-ins and drivers that tests load, compiled once for all of them as their authors would.
PLUGIN = $(CC) -std=c11 -D_GNU_SOURCE -Wall -Wextra -O2 -shared -fPIC -I.
PLUGINS = $(patsubst %.c,$(BUILD)/%.so,$(wildcard examples/device_naive.c tests/plugins/*.c tests/plugins/v1/*.c tests/fake/*.c))
$(addprefix $(BUILD)/tests/test_,audit conform cuda meter plugin plugin_models): | $(PLUGINS)
$(BUILD)/tests/plugins/v1/%.so: CONTRACT = tests/plugins/v1
CONTRACT = include
$(BUILD)/%.so: %.c
	@mkdir -p $(@D)
	$(Q)$(PLUGIN) -I$(CONTRACT) -MMD -MP -MF $(@:.so=.so.d) -o $@ $< -lm

$(BUILD)/tests/%: $(BUILD)/tests/%.o $(TESTED)
	$(Q)$(CC) $(ALL_CFLAGS) $(LDFLAGS) -o $@ $^ -lcmocka $(LDLIBS)

# A fuzz target replays its corpus; built with MODE=fuzz it looks for more (make fuzz).
ifeq ($(MODE),fuzz)
FUZZ_MAIN = -fsanitize=fuzzer
else
FUZZ_MAIN = $(BUILD)/tests/fuzz/replay.o
$(FUZZ): $(BUILD)/tests/fuzz/replay.o
endif
$(BUILD)/fuzz/%: $(BUILD)/tests/fuzz/fuzz_%.o $(TESTED)
	@mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CFLAGS) $(LDFLAGS) -o $@ $< $(FUZZ_MAIN) $(TESTED) -lcmocka $(LDLIBS)

include install.mk
include quality.mk

deps: ## install the Debian packages that are missing
	@sh .ci/deps

deps-devices: ## install an OpenCL loader and a driver for CPUs, for --device opencl:0
	@sh .ci/deps pocl-opencl-icd ocl-icd-libopencl1

demo: deps ## fetch real models, measure them, print the table, write the report
	@$(MAKE) --no-print-directory build/densimeter
	@sh harness/demo.sh

test: deps ## run every test
	@$(MAKE) --no-print-directory test-only

# A fresh make: what deps installed changes what pkg-config says at the top of this file.
test-only: build/densimeter $(TESTS) $(TOOLS) $(FUZZ) layers
	@MODE=$(MODE) sh tests/run.sh $(BUILD)

test-arm64: ## build for ARM64 and run the tests in an emulator; what that needs is installed or named
	@sh .ci/emulated arm64

test-riscv64: ## the same for RISC-V
	@sh .ci/emulated riscv64

test-emulated: $(BUILD)/densimeter $(TESTS) $(TOOLS) $(FUZZ)
	@MODE=$(MODE) sh tests/run.sh $(BUILD)

sanitize: deps ## the tests under ASan and UBSan, then under TSan
	@$(MAKE) --no-print-directory MODE=asan test-only
	@$(MAKE) --no-print-directory MODE=tsan test-only

standards: build/densimeter ## train the calibration standards of `densimeter verify` (minutes)
	@build/densimeter verify --build

golden: $(BUILD)/tests/test_golden ## every reference item through both models (minutes; 'pull' them first)
	@DENSIMETER_GOLDEN=all $<

bench: $(BENCHES) ## time the kernels on this machine
	@for b in $(BENCHES); do $$b || exit 1; done

FUZZ_SECONDS ?= 60
fuzz: ## look for inputs that break a reader, FUZZ_SECONDS=60 each (clang)
	@$(MAKE) --no-print-directory MODE=fuzz CC=clang fuzz-only

fuzz-only: $(FUZZ)
	@for f in $(FUZZ); do n=$$(basename $$f); mkdir -p $(BUILD)/corpus/$$n; \
	    $$f -max_total_time=$(FUZZ_SECONDS) -rss_limit_mb=2048 -artifact_prefix=$(BUILD)/$$n- \
	        $(BUILD)/corpus/$$n tests/fuzz/corpus/$$n || exit 1; done

layers: ## fail on an include against the arrows between the rooms
	@sh tests/layers.sh

clean: ## remove what was built
	rm -rf build

FORCE:
.PHONY: FORCE all help deps deps-devices demo test test-only test-arm64 test-riscv64 test-emulated standards golden bench sanitize layers clean build/densimeter
.PRECIOUS: $(BUILD)/%.o
-include $(OBJ:.o=.d) $(TEST_HELP:.o=.d) $(addsuffix .d,$(TESTS) $(BENCHES) $(TOOLS)) \
    $(patsubst tests/%.c,$(BUILD)/tests/%.d,$(wildcard tests/fuzz/*.c)) $(addsuffix .d,$(PLUGINS))
