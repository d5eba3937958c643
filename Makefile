# sluice: `make help` lists the targets.
#
# One Makefile, nothing recursive, everything made stands in build/. A new .c file
# needs no line here: it is found in its room.

SAN     ?=
CC      := $(if $(filter default,$(origin CC)),gcc,$(CC))
PREFIX  ?= /usr/local
DESTDIR ?=
BUILD   := build$(if $(SAN),/$(SAN))$(if $(filter clang%,$(CC)),/$(CC))

PACKAGES := rdkafka avro-c jansson libcurl yaml-0.1
WARNINGS := -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wstrict-prototypes -Wmissing-prototypes -Wvla -Werror
HARDENED := -fstack-protector-strong -fPIE $(if $(SAN),,-U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3)
SANITIZE := $(if $(SAN),-fsanitize=$(SAN) -fno-sanitize-recover=all -fno-omit-frame-pointer -DARENA_EVERY_ALLOCATION_APART)

# pkg-config is asked only when something is compiled: `make deps` runs before it is there.
PKG_CFLAGS = $(eval PKG_CFLAGS := $$(shell pkg-config --cflags $(PACKAGES)))$(PKG_CFLAGS)
PKG_LIBS   = $(eval PKG_LIBS := $$(shell pkg-config --libs $(PACKAGES)))$(PKG_LIBS)

CPPFLAGS += -Iengine -I. -D_GNU_SOURCE
CFLAGS   ?= -O2 -g
ALL_CFLAGS = -std=c17 $(CFLAGS) $(WARNINGS) $(HARDENED) $(SANITIZE) $(PKG_CFLAGS)
LDFLAGS  += -pie -Wl,-z,relro,-z,now $(SANITIZE)
LDLIBS    = $(PKG_LIBS) -lm -lpthread

ENGINE_SOURCES := $(sort $(wildcard engine/*/*.c) $(wildcard steps/*.c))
TEST_SOURCES   := $(sort $(wildcard tests/unit/*_test.c))
HELPER_SOURCES := $(sort $(filter-out %_test.c,$(wildcard tests/unit/*.c)))

SCHEMA_FILES   := $(sort $(wildcard schemas/*.avsc))

OBJECTS := $(ENGINE_SOURCES:%.c=$(BUILD)/obj/%.o) $(BUILD)/obj/build/gen/schemas.o
HELPERS := $(HELPER_SOURCES:%.c=$(BUILD)/obj/%.o)
TESTS   := $(TEST_SOURCES:tests/unit/%.c=$(BUILD)/unit/%)
LIBRARY := $(BUILD)/libsluice.a

# V=1 shows the commands themselves.
QUIET := $(if $(V),,@)
say    = $(if $(V),,@printf '  %-5s %s\n' $(1) $(2))

.DELETE_ON_ERROR:
.SECONDARY:

## all: builds build/sluice (the default)
all: $(BUILD)/sluice

$(BUILD)/sluice: $(BUILD)/obj/engine/main.o $(LIBRARY)
	$(call say,LINK,$@)
	$(QUIET)$(CC) $(LDFLAGS) -o $@ $^ $(LDLIBS)

$(LIBRARY): $(OBJECTS)
	@rm -f $@
	$(call say,AR,$@)
	$(QUIET)ar rcs $@ $^

$(BUILD)/obj/%.o: %.c
	@mkdir -p $(@D)
	$(call say,CC,$<)
	$(QUIET)$(CC) $(CPPFLAGS) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<

build/gen/schemas.c: schemas/embed.sh $(SCHEMA_FILES)
	@mkdir -p $(@D)
	$(call say,MAKE,$@)
	$(QUIET)schemas/embed.sh $(SCHEMA_FILES) >$@

$(BUILD)/unit/%: $(BUILD)/obj/tests/unit/%.o $(HELPERS) $(LIBRARY)
	@mkdir -p $(@D)
	$(call say,LINK,$@)
	$(QUIET)$(CC) $(LDFLAGS) -o $@ $^ $(LDLIBS) -lcmocka

## test: unit tests, in seconds, without a network (NAME=arena runs one)
test: $(if $(NAME),$(BUILD)/unit/$(NAME)_test,$(TESTS))
	@tests/run-unit.sh $^

## layers: fails when a room includes from below it, or files include in a circle
layers:
	@tests/layers.sh

## clean: removes build/
clean:
	rm -rf build

## help: these lines
help:
	@sed -n 's/^## \([a-z][^:]*\): /  make \1\t/p' Makefile | expand -t 20

.PHONY: all test layers clean help

-include $(shell find build -name '*.d' 2>/dev/null)
