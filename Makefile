# sluice: `make help` lists the targets.
#
# One Makefile, nothing recursive, everything made stands in build/. A new .c file
# needs no line here: it is found in its room.

SAN     ?=
# 1: what runs is counted, line by line; `make coverage` says of it.
COVER   ?=
# Another librdkafka than the system's, by its prefix: RDKAFKA=$(tests/librdkafka.sh).
RDKAFKA ?=
CC      := $(if $(filter default,$(origin CC)),gcc,$(CC))
PREFIX  ?= /usr/local
DESTDIR ?=
# What is run here speaks one language, and a locale that was never made is not warned of by each shell.
export LC_ALL := C.UTF-8
# Nor do a user's own settings change what is tested.
export SLUICE_SETTINGS :=
unexport SLUICE_BROKERS SLUICE_NAMESPACE
BUILD   := build$(if $(SAN),/$(SAN))$(if $(COVER),/coverage)$(if $(filter clang%,$(CC)),/$(CC))$(if $(RDKAFKA),/$(notdir $(RDKAFKA)))

PACKAGES := rdkafka avro-c jansson libcurl yaml-0.1 libnghttp2 hiredis openssl zlib
LOADED   := libcurl # when it is needed (engine/net/http/curl_library.h)
# Warnings are errors in `make check` alone (tests/check.sh sets it): a compiler newer than the tree may know more of them.
WERROR  ?=
# The last two are clang's: librdkafka's own macros, and tables of texts longer than a line.
WARNINGS := -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wstrict-prototypes -Wmissing-prototypes -Wvla \
	-Wno-gnu-statement-expression -Wno-string-concatenation $(if $(WERROR),-Werror)
# Which of these a compiler has depends on the processor. It is asked only when something is compiled, as pkg-config is.
# Of CET the shadow stack. The other half, branch tracking, is honoured by no Linux in user programs and costs
# a fused chain 23 of 1,000 instructions; a compiler that sets it by itself is told not to.
HARDENED_WHERE_KNOWN := -fstack-clash-protection -fcf-protection=return
known_flags = $(shell for flag in $(1); do echo | $(CC) -Werror $$flag -x c -c -o /dev/null - 2>/dev/null && echo $$flag; done)
HARDENED_MORE = $(eval HARDENED_MORE := $(call known_flags,$(HARDENED_WHERE_KNOWN)))$(HARDENED_MORE)
# The linker marks a program for the shadow stack if all objects are marked. Those of the C library's start are not where it was built
# without, as Debian 12's, though they call and return as others do. Our own objects are (tests/check.sh).
SHADOWED := -Wl,-z,shstk
# On x86 gcc clears and copies a struct by `rep stos` and `rep movs`, which take some 30 cycles to begin. By vectors and by the C
# library, what an engine does itself for a message takes 1 to 25% less time.
TUNED_WHERE_KNOWN := -mmemset-strategy=vector_loop:1024:noalign,libcall:-1:noalign -mmemcpy-strategy=loop:32:noalign,libcall:-1:noalign
TUNED = $(eval TUNED := $(call known_flags,$(TUNED_WHERE_KNOWN)))$(TUNED)
# With sanitizers gcc's code names a variable of theirs, so that code for programs cannot stand in the shared library.
PLACED   = $(if $(filter clang%,$(CC)),-fPIE,$(if $(SAN),-fPIC,-fPIE))
HARDENED = -fstack-protector-strong $(PLACED) $(if $(SAN),,-U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3) $(HARDENED_MORE)
# clang's sanitized objects serve the fuzz targets too, which want to know what an input reaches: to compile the engine once more
# takes minutes.
REACHED  := $(if $(filter clang%,$(CC)),$(if $(SAN),$(if $(filter thread,$(SAN)),,-fsanitize=fuzzer-no-link)))
SANITIZE = $(if $(COVER),--coverage )$(if $(SAN),-fsanitize=$(SAN) $(REACHED) -fno-sanitize-recover=all -fno-omit-frame-pointer -DARENA_EVERY_ALLOCATION_APART)

# Others' headers are not held to our warnings. pkg-config is asked only when something is compiled: `make deps` runs before it is there.
PKG_CONFIG = $(if $(RDKAFKA),PKG_CONFIG_PATH=$(RDKAFKA)/lib/pkgconfig )pkg-config
PKG_CFLAGS = $(eval PKG_CFLAGS := $$(patsubst -I%,-isystem%,$$(shell $(PKG_CONFIG) --cflags $(PACKAGES))))$(PKG_CFLAGS)
PKG_LIBS   = $(eval PKG_LIBS := $$(shell $(PKG_CONFIG) --libs $(filter-out $(LOADED),$(PACKAGES))))$(PKG_LIBS)

CPPFLAGS += -Iengine $(if $(filter tests/%,$<),-Itests/lab) -I. -D_GNU_SOURCE
# To optimise the checks of UndefinedBehaviorSanitizer takes a compiler three times as long as all else, and pays only in
# the rooms that compute.
CFLAGS   ?= $(if $(SAN),-O0 -g1,-O2 -g)
COMPUTING := base control methods
ALL_CFLAGS = -std=c17 $(CFLAGS) $(if $(SAN),,$(TUNED)) $(WARNINGS) $(HARDENED) $(SANITIZE) $(PKG_CFLAGS)
LDFLAGS  += -pie -Wl,-z,relro,-z,now -Wl,--as-needed $(if $(filter -fcf-protection=return,$(HARDENED_MORE)),$(SHADOWED)) $(SANITIZE) $(if $(RDKAFKA),-Xlinker -rpath=$(RDKAFKA)/lib)
LDLIBS    = $(PKG_LIBS) -lm -lpthread
# Sanitizers have an allocator of their own. (ALLOCATOR= builds with that of the C library.)
ALLOCATOR = $(eval ALLOCATOR := $$(if $$(SAN),,$$(shell pkg-config --libs jemalloc 2>/dev/null)))$(ALLOCATOR)

TIME ?= 600

ENGINE_SOURCES := $(sort $(filter-out engine/main.c,$(shell find engine steps -name '*.c')))
LAB_SOURCES    := $(sort $(shell find tests/lab -name '*.c'))
TEST_SOURCES   := $(sort $(wildcard tests/unit/*/*_test.c))
TEST_FOLDERS   := $(sort $(dir $(TEST_SOURCES)))
TEST_NAMES     := $(notdir $(TEST_SOURCES:_test.c=))
HELPER_SOURCES := $(sort $(filter-out %_test.c,$(wildcard tests/unit/*.c)))

BENCH_SOURCES  := $(sort $(wildcard tests/bench/*_bench.c))
KAFKA_FOLDERS  := tests/kafka tests/grpc tests/bench tests/access
KAFKA_SOURCES  := $(sort $(filter-out %_bench.c,$(wildcard $(KAFKA_FOLDERS:%=%/*.c))))
FUZZ_SOURCES   := $(sort $(wildcard tests/fuzz/*_fuzz.c))
FUZZ_SHARED    := $(sort $(filter-out %_fuzz.c,$(wildcard tests/fuzz/*.c)))
# The analyzer does not know that an assertion of cmocka ends a test, so tests go without it.
STATIC         := engine/main.c $(ENGINE_SOURCES) $(LAB_SOURCES) $(TEST_SOURCES) tests/unit_program.c $(HELPER_SOURCES) $(BENCH_SOURCES) $(KAFKA_SOURCES) $(FUZZ_SOURCES) $(FUZZ_SHARED)
SCHEMA_FILES   := $(sort $(wildcard schemas/*.avsc))

OBJECTS := $(ENGINE_SOURCES:%.c=$(BUILD)/obj/%.o) $(BUILD)/obj/build/gen/schemas.o
HELPERS := $(HELPER_SOURCES:%.c=$(BUILD)/obj/%.o)
# What gcc's ThreadSanitizer needs to know of librdkafka, in every program.
ALWAYS  := $(if $(filter thread,$(SAN)),$(BUILD)/obj/tests/thread_sanitizer.o)
TESTS   := $(TEST_NAMES:%=$(BUILD)/unit/%_test)
BENCHES := $(BENCH_SOURCES:tests/bench/%.c=$(BUILD)/bench/%)
KAFKAS  := $(addprefix $(BUILD)/kafka/,$(notdir $(KAFKA_SOURCES:.c=)))
FUZZERS := $(FUZZ_SOURCES:tests/fuzz/%.c=$(BUILD)/fuzz/%)
FUZZ_HELPERS := $(FUZZ_SHARED:%.c=$(BUILD)/obj/%.o)
LIBRARY := $(BUILD)/libsluice.a
# The laboratory: what compares methods with other implementations, and the engine's simulator. It is not part of the program.
LAB_OBJECTS := $(LAB_SOURCES:%.c=$(BUILD)/obj/%.o)
LAB_LIBRARY := $(BUILD)/liblab.a
# The engine for unit tests, of the same objects: linked once, where each program had it in itself.
SHARED_LIBRARY := $(BUILD)/libsluice.so
# A test is linked with what it needs of these alone, which is far quicker than with all; but for what stands
# in place of functions that librdkafka calls.
HELPER_LIBRARY := $(BUILD)/libhelpers.a
# What every unit test program has beside cmocka: tests/unit_program.h.
UNIT_PROGRAM := $(BUILD)/obj/tests/unit_program.o

# V=1 shows the commands themselves.
QUIET := $(if $(V),,@)
say    = $(if $(V),,@printf '  %-5s %s\n' $(1) $(2))

# Each rule is written here: to look for built-in ones of each header takes a make two seconds.
MAKEFLAGS += --no-builtin-rules
.DELETE_ON_ERROR:
.SECONDARY:

## all: builds build/sluice (the default), and the laboratory beside it, build/sluice-lab
all: $(BUILD)/sluice $(BUILD)/sluice-lab

define link_program
	$(call say,LINK,'$@$(if $(ALLOCATOR)$(SAN),, without jemalloc: an engine is slower)')
	$(QUIET)$(CC) $(LDFLAGS) -o $@ $^ $(ALLOCATOR) $(LDLIBS)
endef
$(BUILD)/sluice: $(BUILD)/obj/engine/main.o $(ALWAYS) $(LIBRARY)
	$(link_program)

# Its table of commands is found before that of the engine.
$(BUILD)/sluice-lab: $(BUILD)/obj/engine/main.o $(ALWAYS) $(LAB_LIBRARY) $(LIBRARY)
	$(link_program)

$(LIBRARY): $(OBJECTS)
$(LAB_LIBRARY): $(LAB_OBJECTS)
$(HELPER_LIBRARY): $(HELPERS)

$(LIBRARY) $(LAB_LIBRARY) $(HELPER_LIBRARY):
	@rm -f $@
	$(call say,AR,$@)
	$(QUIET)ar rcs $@ $^

$(BUILD)/obj/%.o: %.c
	@mkdir -p $(@D)
	$(call say,CC,$<)
	$(QUIET)$(CC) $(CPPFLAGS) $(ALL_CFLAGS) $(OPTIMISED) $(SHARED_CFLAGS) -MMD -MP -c -o $@ $<

$(foreach module,$(COMPUTING),$(eval $(BUILD)/obj/engine/$(module)/%.o: OPTIMISED := $(if $(SAN),-O2)))

# Rooms that no fuzz target is made for do not say what an input reaches: to compile them takes a third less.
UNFUZZED := engine/ experiments/analysis/ experiments/outcomes/ monitor/metrics/ tools/cli/ tools/help/ tools/process/ tools/test/ tools/view/
$(filter $(UNFUZZED:%=$(BUILD)/obj/engine/%%),$(OBJECTS)) $(LAB_OBJECTS): REACHED :=

# Code for programs may stand in a shared object too, but for what names a variable of the C library, of which it expects a copy
# in the program, or a variable of a thread. Code for shared objects costs more instructions, so only the few files that need it have it, and tests.
NAMES_OF_LIBC := std(in|out|err)|environ|program_invocation(_short)?_name|opt(arg|ind|err|opt)|timezone|tzname|in6addr_(any|loopback)
SHARED_OBJECTS := $(patsubst %.c,$(BUILD)/obj/%.o,$(shell grep -lwE '$(NAMES_OF_LIBC)|_Thread_local' $(ENGINE_SOURCES)))
UNIT_OBJECTS := $(HELPERS) $(TEST_SOURCES:%.c=$(BUILD)/obj/%.o)
$(SHARED_OBJECTS): SHARED_CFLAGS := -fPIC -fno-semantic-interposition
$(SHARED_OBJECTS): Makefile
# Tests are compiled quickly: nobody waits for what they compute. (Nor is anything fortified that is not optimised.)
$(UNIT_OBJECTS): REACHED :=
$(UNIT_OBJECTS): SHARED_CFLAGS := -fPIC -O0 -U_FORTIFY_SOURCE -include tests/unit_program.h
$(UNIT_OBJECTS): tests/unit_program.h

build/gen/schemas.c: schemas/embed.sh $(SCHEMA_FILES)
	@mkdir -p $(@D)
	$(call say,MAKE,$@)
	$(QUIET)schemas/embed.sh $(SCHEMA_FILES) >$@

# Its calls within itself stay there, as in a program.
$(SHARED_LIBRARY): $(OBJECTS)
	$(call say,LINK,$@)
	$(QUIET)$(CC) $(filter-out -pie,$(LDFLAGS)) -shared -Wl,-Bsymbolic -Wl,-soname,$(@F) -o $@ $^ $(LDLIBS)

# Hundreds of these programs are linked. They are linked without a look at what the shared libraries need of others, which takes the
# linker most of its time; and those of clang share the library of its sanitizers, where there is one.
UNIT_LDFLAGS = $(LDFLAGS) -Wl,--allow-shlib-undefined $(if $(REACHED),$(if $(ASAN_LIBRARY),-shared-libasan -Wl$(comma)-rpath$(comma)$(dir $(ASAN_LIBRARY))))
ASAN_LIBRARY = $(eval ASAN_LIBRARY := $$(filter /%,$$(shell $(CC) -print-file-name=libclang_rt.asan-$$$$(uname -m).so)))$(ASAN_LIBRARY)
comma := ,

$(patsubst tests/unit/lab/%.c,$(BUILD)/unit/%,$(filter tests/unit/lab/%,$(TEST_SOURCES))): $(LAB_LIBRARY)
$(LAB_OBJECTS): SHARED_CFLAGS := -fPIC -fno-semantic-interposition

# What changes in the engine is found when the program starts, so nothing is linked anew for it.
# It looks at the allocator of engines.
$(BUILD)/unit/heap_trim_test: UNIT_LDFLAGS += $(ALLOCATOR:%=-Wl,--no-as-needed % -Wl,--as-needed)
define unit_program_from
$(BUILD)/unit/%: $(BUILD)/obj/$(1)%.o $(UNIT_PROGRAM) $(ALWAYS) $(HELPER_LIBRARY) | $(SHARED_LIBRARY)
	@mkdir -p $$(@D)
	$$(call say,LINK,$$@)
	$$(QUIET)$$(CC) $$(UNIT_LDFLAGS) -Wl,-rpath,'$$$$ORIGIN/..' -o $$@ $$^ $$| $$(LDLIBS) -lcmocka
endef
$(foreach folder,$(TEST_FOLDERS),$(eval $(call unit_program_from,$(folder))))

$(BUILD)/bench/%: $(BUILD)/obj/tests/bench/%.o $(LIBRARY)
	@mkdir -p $(@D)
	$(call say,LINK,$@)
	$(QUIET)$(CC) $(LDFLAGS) -o $@ $^ $(LDLIBS)

# The programs of the tests on Kafka come from several folders and stand in one. They have the engine's allocator, also those that
# allocate by librdkafka alone: the yardstick of `make race` is one of them.
define kafka_program_from
$(BUILD)/kafka/%: $(BUILD)/obj/$(1)/%.o $(LIBRARY)
	@mkdir -p $$(@D)
	$$(call say,LINK,$$@)
	$$(QUIET)$$(CC) $$(LDFLAGS) -o $$@ $$^ -Wl,--no-as-needed $$(ALLOCATOR) -Wl,--as-needed $$(LDLIBS)
endef
$(foreach folder,$(KAFKA_FOLDERS),$(eval $(call kafka_program_from,$(folder))))

# The stories that the unit tests tell of simulated Kafka.
$(BUILD)/kafka/contract: $(BUILD)/obj/tests/unit/contract.o

$(BUILD)/fuzz/%: $(BUILD)/obj/tests/fuzz/%.o $(FUZZ_HELPERS) $(LIBRARY)
	@mkdir -p $(@D)
	$(call say,LINK,$@)
	$(QUIET)$(CC) $(LDFLAGS) -fsanitize=fuzzer -o $@ $^ $(LDLIBS)

# As many compilers at once as there are processors, where the caller has not said how many.
MAKE_AT_ONCE = $(MAKE) --no-print-directory $(if $(filter -j%,$(MAKEFLAGS)),,-j$$(nproc))

## test: installs what is missing, and runs the unit tests that an edit can have reached since they passed, in seconds, without a network
## |  (ALL=1 runs all, NAME="arena text" those, NAME=arena TEST="*reset*" the test functions of such names)
test: | $(filter all,$(MAKECMDGOALS))
	@tests/deps.sh test
	@$(MAKE_AT_ONCE) run-unit

unit-programs: known-unit $(if $(NAME),$(filter $(TESTS),$(NAME:%=$(BUILD)/unit/%_test)),$(TESTS))

run-unit: unit-programs
	@ALL='$(ALL)$(NAME)' TEST='$(if $(filter command,$(origin TEST)),$(TEST))' tests/run-unit.sh $(if $(NAME),$(filter $(TESTS),$(NAME:%=$(BUILD)/unit/%_test)),$(TESTS))

# A NAME that its target does not know is refused before anything is built for it.
refuse_unknown = @$(foreach name,$(filter-out $(2),$(NAME)),tests/nearest.sh '$(1)' '$(name)' $(2) ||) $(if $(filter-out $(2),$(NAME)),exit 1,true)
known-unit:
	$(call refuse_unknown,unit test,$(TEST_NAMES))
known-fuzz:
	$(call refuse_unknown,fuzz target,$(FUZZ_SOURCES:tests/fuzz/%_fuzz.c=%))
known-kafka:
	$(call refuse_unknown,test on Kafka,$(KAFKA_TESTS))
known-race:
	$(call refuse_unknown,race,$(RACES))
known-static:
	$(call refuse_unknown,source file,$(sort $(basename $(notdir $(STATIC)))))

## demo: installs what is missing, builds, and shows a pipeline checked, planned, tested and answering
demo:
	@tests/deps.sh build
	@$(MAKE_AT_ONCE) all
	@tests/demo.sh $(BUILD)/sluice

## check: everything; installs what is missing (ONLY="unit fuzz" runs parts)
## |  seconds, on 2 cores from nothing built; kafka, faults, secure, dev, contract, reload, mlserver, features, cases-kafka, state and guard run three at a time;
## |  models, readme, oracles, grpc, demo, cases, gallery, sim, sklearn, judge, tokens, dashboards, reference, docs, help, shells, install, thread and librdkafka three at a time;
## |  static, torture and instructions while processors are idle, from the start until sanitize and compose have ended
## |    50  deps       packages (when some are missing)
## |   200  unit       unit tests
## |     5  layers, house      who includes whom; rules that a machine can see
## |    60  static     what -fanalyzer, clang-tidy and cppcheck see in what the last commits touched
## |   200  sanitize   the same with the other compiler, AddressSanitizer and UndefinedBehaviorSanitizer
## |    60  thread     what crosses threads, under ThreadSanitizer
## |    15  cases, judge, reference    pipelines and faulty YAML, judged by sluice test, through a gateway, and from outside
## |    10  gallery    pipelines/: their cases, their pages' numbers computed anew, long streams
## |    30  oracles    numeric methods beside reference numbers and MABWiser (skipped when PyPI cannot be reached), and steps beside those methods
## |    10  sklearn    exported preprocessing beside scikit-learn's own (skipped when PyPI cannot be reached)
## |     5  tokens     tokens that PyJWT signs, and forgeries of them (skipped when PyPI cannot be reached)
## |     5  dashboards rules and dashboards of compose/ (promtool and types skipped where they cannot be had)
## |    20  sim        simulated runs with faults, each from one seed
## |   290  models, dev    models served, files that are edited, and metrics, judged from outside
## |    50  demo, docs, help, readme, shells, install  what a reader is told to type, and printed pages
## |   120  instructions    instructions and memory beside their bars
## |   110  bars       times and ratios beside their bars
## |    55  torture    allocations of every command made to fail, one in each run
## |    50  fuzz       a short run of every fuzz target, from one seed
## |    30  grpc       our gRPC and grpcio, both ways, and the gateway with tritonclient, SeldonClient and MLServer's client (skipped when PyPI cannot be reached)
## |    45  callers    callers of a gateway that leave, and what others get beside floods, a second gateway and little memory
## |   500  kafka      engines killed under load on a real Kafka (skipped without Java and Maven)
## |   320  contract   what a simulated and a real Kafka both must do; joins whose sources are away; answers that are corrupted
## |    80  guard      a network that loses, delays and repeats, and a broker that refuses requests, before a real Kafka
## |   125  features   what is kept of each key, by another key too, of an engine that is killed; calls over HTTP while gateway and engine are; explanations
## |    70  cases-kafka    what holds in memory, through engines on a real Kafka
## |   425  faults     brokers, topics, records and clocks that fail: each with a behaviour that has a name
## |    90  overload   ten times the load that a pipeline can hold
## |   160  mlserver   calls of a real MLServer that is killed, hangs and is slow, and of grpcio (skipped when PyPI cannot be reached)
## |   360  secure     a Kafka behind TLS and SCRAM, and rights that are taken away; control planes and rollouts
## |   270  reload     files changed under load, a backlog within the memory that is given, a model that is away, or hangs
## |    60  librdkafka unit tests of the log with a current librdkafka (skipped where cargo cannot fetch it)
## |   240  compose    the stack of containers (skipped where `make compose-check` has not built its images)
check:
	@tests/check.sh $(ONLY)

## layers: fails when a module includes from below it, or files include or call each other in a circle
layers: $(BUILD)/sluice
	@tests/layers.sh
	@tests/cycles.py $(BUILD)/obj

ANALYZER := -fanalyzer -fdiagnostics-path-format=separate-events
UNIT_INCLUDE = $(if $(filter tests/unit/%,$<),-include tests/unit_program.h)
# An object is the sign that its source has passed all three.
build/static/%.o: %.c .clang-tidy
	@mkdir -p $(@D)
	$(call say,CHECK,$<)
	$(QUIET)gcc $(CPPFLAGS) -std=c17 -O2 $(WARNINGS) -Werror $(PKG_CFLAGS) $(UNIT_INCLUDE) $(if $(filter-out tests/lab/%,$(filter tests/%,$<)),,$(ANALYZER)) -MMD -MP -c -o $@ $<
	$(QUIET)clang-tidy --quiet $< -- -std=c17 $(CPPFLAGS) $(PKG_CFLAGS) $(UNIT_INCLUDE) 2>$@.log || { cat $@.log; false; }
	$(QUIET)$(CPPCHECK) $(CPPFLAGS) $<

# returnDanglingLifetime takes what a pointer in a struct points to for the struct itself; gcc looks for the same, and
# sees the difference. varFuncNullUB is of a NULL that is a number: in glibc it is a pointer.
CPPCHECK := cppcheck --quiet --std=c11 --enable=warning,performance,portability --inline-suppr --error-exitcode=1 \
	--suppress=returnDanglingLifetime --suppress=varFuncNullUB

## static: gcc's -fanalyzer, clang-tidy and cppcheck, each file anew when it or what it includes has changed (NAME=split: those files)
static: known-static $(patsubst %.c,build/static/%.o,$(if $(NAME),$(filter $(NAME:%=\%/%.c),$(STATIC)),$(STATIC)))

bench-programs: $(BENCHES)

## bars: times, and instructions per message under valgrind, beside their bars (KINDS=steady: those that are the same on a busy machine; KINDS=timed: the others)
bars: $(BUILD)/sluice $(BENCHES)
	@tests/bench/run.py $(BUILD)/sluice $(BUILD)/bench $(KINDS)

## bench: bars, and in the same run keyed windows beside Kafka Streams, for about a minute (skipped without Java and Maven)
bench: kafka-programs $(BENCHES)
	@tests/bench/run.py $(BUILD)/sluice $(BUILD)/bench || failed=1; \
		BACKLOG=$${BACKLOG:-400000} ROUNDS=$${ROUNDS:-1} tests/bench/race/windows.sh $(BUILD)/sluice $(BUILD)/kafka || failed=1; \
		exit $${failed:-0}

## count: the project's size beside its limits: lines, files, rooms, mechanisms, and what 30 idle pipelines take
count: $(BUILD)/sluice
	@tests/bench/idle.sh $< build/count && tests/count.sh

## race: on a real Kafka, beside a bare forwarder and Kafka Streams: speed, windows, local models, latency, memory, observers, exposures, HTTP clients (NAME=delay: one)
RACES := race json windows local observers exposures delay calls memory mlserver curves clients
race: known-race kafka-programs
	@for name in $(if $(NAME),$(NAME),$(RACES)); do \
		tests/bench/race/$$name.sh $(BUILD)/sluice $(BUILD)/kafka || failed=1; done; exit $${failed:-0}

## compare: one REST call a message in sluice, Kafka Streams, Flink and Redpanda Connect (or RPCONNECT=PROGRAM), for ten minutes (WRITE=1: into engine/COMPARISON.md)
compare: kafka-programs
	@tests/bench/race/compare.sh $(BUILD)/sluice $(BUILD)/kafka $(if $(WRITE),engine/COMPARISON.md)

## fuzz: every fuzz target, TIME seconds (600) shared by all (NAME=yaml runs one; SEED=1 repeats a run)
fuzz: known-fuzz
	@+$(MAKE_AT_ONCE) CC=clang SAN=address,undefined run-fuzz

fuzz-programs: $(FUZZERS)

run-fuzz: $(if $(NAME),$(filter $(FUZZERS),$(NAME:%=$(BUILD)/fuzz/%_fuzz)),$(FUZZERS))
	@tests/run-fuzz.sh $(TIME) $^

## sim: simulated runs with faults (SEEDS=10000 from SEED=1): about 10,500 a minute
sim: $(BUILD)/sluice-lab
	@$< sim --seed $(or $(SEED),1) --seeds $(or $(SEEDS),10000)

## kafka: what delivery promises, held on a real Kafka (needs Java and Maven; NAME=guard runs one of it)
KAFKA_TESTS := kill verify storm soak state stages windows features contract settled lost guard refusals slow_start cases secure namespaces reload away joins hung faults called foreign overload dev own_models gateway control lost_control converge moving artifacts tables rollout reference_rollouts rollout_waits answered_later histories bandits outcomes mirror thin truths late_truths explain explain_overload feed differs drift realised segments outliers alerts shared_model figures oncall limits watchers traces dashboards
kafka: known-kafka kafka-programs
	@for name in $(if $(NAME),$(NAME),$(KAFKA_TESTS)); do \
		tests/kafka/$$name.sh $(BUILD)/sluice $(BUILD)/kafka || failed=1; done; [ -z "$$failed" ]

## soak: three engines on a real Kafka, one killed every 2 s, for TIME seconds (600)
soak: kafka-programs
	@FORMS=soak tests/kafka/soak.sh $(BUILD)/sluice $(BUILD)/kafka $(TIME)

## change: the change detector beside other tools, 20 streams of each sort at the rate of each tool, and its false alarms, also with a past, online, jointly, of embeddings, and of arrivals
change: all $(BUILD)/unit/change_clean_test $(BUILD)/unit/drift_past_test $(BUILD)/unit/monitor_online_test $(BUILD)/unit/joint_test $(BUILD)/unit/projection_alarms_test $(BUILD)/unit/linear_carry_test $(BUILD)/unit/arrivals_test $(BUILD)/unit/monitor_power_test
	@tests/judge/change.py $(BUILD)/sluice 20 130
	@DRIFT_STREAMS=40 $(BUILD)/unit/change_clean_test
	@DRIFT_STREAMS=40 $(BUILD)/unit/drift_past_test
	@DRIFT_STREAMS=40 $(BUILD)/unit/monitor_online_test
	@DRIFT_STREAMS=40 $(BUILD)/unit/joint_test
	@DRIFT_STREAMS=40 $(BUILD)/unit/projection_alarms_test
	@DRIFT_STREAMS=40 $(BUILD)/unit/linear_carry_test
	@DRIFT_STREAMS=40 $(BUILD)/unit/arrivals_test
	@DRIFT_STREAMS=40 $(BUILD)/unit/monitor_power_test

## torture: every allocation of every command made to fail, up to TORTURE_MOST (2000) of each, under AddressSanitizer
torture:
	@$(MAKE) --no-print-directory CC=clang SAN=address,undefined all
	@tests/torture.py build/address,undefined/clang/sluice

## bandits: bandits beside MABWiser's on shared reward tables, for hours (REPLICATIONS=1000; skipped when PyPI cannot be reached)
bandits: all
	@tests/mabwiser.sh $(BUILD)/sluice long $(or $(REPLICATIONS),1000)

## experiments: 2,000 simulated A/A runs of each sort, looked at after each value, with arms of 1 to 95% for 15 laws, and the power of 1,000, for half an hour
experiments: $(BUILD)/unit/analysis_test $(BUILD)/unit/unit_numbers_test $(BUILD)/unit/sequence_level_test
	@LEVEL_RUNS=2000 $(BUILD)/unit/sequence_level_test
	@ANALYSIS_RUNS=2000 $(BUILD)/unit/analysis_test
	@ANALYSIS_RUNS=2000 $(BUILD)/unit/unit_numbers_test

## rollouts: 200 simulated rollouts of each sort, request by request: equal, broken, slow, worse, better, flapping; and 2,000 of ratios per unit, for minutes
rollouts: $(BUILD)/unit/rollout_simulation_test $(BUILD)/unit/rollout_ratio_test
	@ROLLOUT_RUNS=200 $(BUILD)/unit/rollout_simulation_test
	@RATIO_RUNS=2000 $(BUILD)/unit/rollout_ratio_test

## gateway-cases: each of tests/cases through a gateway, by HTTP and by gRPC, for half a minute; those that no gateway shows are listed
gateway-cases: $(BUILD)/sluice
	@tests/gateway_cases.py $< --list tests/cases

## long: what make check has in short forms or not at all, for hours: all of static, change, bandits, experiments, rollouts, torture, gateway-cases, kafka, compose-check and compare, 100,000 simulated runs, soak, fuzz, newcomer (also in ROOTS, which is trixie)
ROOTS ?= trixie
long:
	@for part in "-k static" change bandits experiments rollouts torture gateway-cases "kafka OUTAGE=120" "sim SEEDS=100000" "soak TIME=1800" "fuzz TIME=3600" "check ONLY=librdkafka LIBRDKAFKA_STORIES=1" "check ONLY=gallery TRAIN=1" "check ONLY=dashboards TYPES=1" compose-check compare newcomer $(ROOTS:%="newcomer ROOT=%"); do \
		$(MAKE) --no-print-directory $$part || failed="$$failed, $$part"; done; \
		[ -z "$$failed" ] || { echo "long: failed$$failed"; false; }

## coverage: which lines unit tests and cases run; less than 85 of 100 is a failure
coverage:
	@find build/coverage -name '*.gcda' -delete 2>/dev/null || true
	$(MAKE) COVER=1 CFLAGS='-O1 -g' ALL=1 all test
	build/coverage/sluice test tests/cases tests/cases-own tests/steps pipelines
	tests/judge/oracles.py build/coverage/sluice tests/oracles $(basename $(notdir $(wildcard tests/oracles/*.json)))
	tests/judge/lint.py build/coverage/sluice tests/lint
	tests/judge/lint.py build/coverage/sluice tests/lint-own
	tests/coverage.py build/coverage 85

## newcomer: the tutorial, and the README's commands, in a bare Debian 12, or ROOT: a bare system's folder, or another Debian's name (needs root)
newcomer:
	@tests/newcomer.sh $(if $(ROOT),"$(ROOT)")

## compose-check: the stack of compose/, brought up, killed part by part, and held to its answers (needs root)
compose-check: $(BUILD)/sluice
	@compose/check.py $<

kafka-programs: $(BUILD)/sluice $(KAFKAS) $(BUILD)/bench/latency

## docs: prints the reference pages again, and in other pages what commands print
docs: $(BUILD)/sluice
	@tests/docs.sh write $(BUILD)/sluice
	@tests/readme.py write $(BUILD)/sluice

## deps: installs the Debian packages that the build needs, if any are missing
deps:
	@tests/deps.sh build

INSTALLED = $(DESTDIR)$(PREFIX)
## install: binary, man pages and completion, to DESTDIR and PREFIX (/usr/local)
install: $(BUILD)/sluice
	install -d "$(INSTALLED)/bin" "$(INSTALLED)/share/man/man1" "$(INSTALLED)/share/bash-completion/completions" \
		"$(INSTALLED)/share/zsh/site-functions" "$(INSTALLED)/share/fish/vendor_completions.d"
	install -m 755 $< "$(INSTALLED)/bin/sluice"
	$< help -o man >"$(INSTALLED)/share/man/man1/sluice.1"
	$< help -o json | sed -n 's/.*"part":"item".*"term":"\([^"]*\)".*/\1/p' | while read -r command; do \
		$< help -o man $$command >"$(INSTALLED)/share/man/man1/sluice-$$(echo "$$command" | tr ' ' -).1" || exit 1; done
	$< completion bash >"$(INSTALLED)/share/bash-completion/completions/sluice"
	$< completion zsh >"$(INSTALLED)/share/zsh/site-functions/_sluice"
	$< completion fish >"$(INSTALLED)/share/fish/vendor_completions.d/sluice.fish"

## clean: removes build/
clean:
	rm -rf build

## help: these lines
help:
	@sed -n -e 's/^## \([a-z][^:]*\): /  make \1\t/p' -e 's/^## | /\t/p' Makefile | expand -t 20

.PHONY: all bandits change compare count experiments gateway-cases rollouts static test run-unit unit-programs bench-programs fuzz-programs known-unit known-fuzz known-kafka known-race known-static demo check newcomer layers bars bench race fuzz run-fuzz sim kafka kafka-programs soak torture long coverage compose-check docs deps install clean help

-include $(shell find $(BUILD)/obj build/static -name '*.d' 2>/dev/null)
