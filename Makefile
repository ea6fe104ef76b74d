# weir: one hand-written Makefile, no recursion. `make help` lists the targets.
#   make                      build/weir          make SAN=address,undefined   sanitizers
#   make check                everything a change must pass
SHELL   := /bin/bash
comma   := ,
VARIANT := $(if $(SAN),san-$(subst $(comma),-,$(SAN)),$(if $(COV),cov,$(if $(FAULT),fault,release)))
B       := build/$(VARIANT)
CC      ?= gcc
PREFIX  ?= /usr/local
VERSION := 0.1.0

PKGS    := ncursesw sqlite3 libuv yaml-0.1 jansson libpcre2-8 libcrypto libxxhash liblz4 zlib rdkafka
WARN    := -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wstrict-prototypes \
           -Wmissing-prototypes -Wpointer-arith -Wwrite-strings -Wundef -Wvla -Wformat=2 \
           -Wcast-qual -Wswitch-enum -Wnull-dereference $(if $(CI),-Werror)
HARDEN  := -fstack-protector-strong $(if $(SAN)$(FAULT),,-D_FORTIFY_SOURCE=2) -fPIE
OPT     := $(if $(SAN)$(COV)$(FAULT),-O1 -g3,-O2 -g)
SANF    := $(if $(SAN),-fsanitize=$(SAN) -fno-omit-frame-pointer -fno-sanitize-recover=undefined)
CFLAGS  += -std=gnu17 $(OPT) $(WARN) $(HARDEN) $(SANF) $(if $(COV),--coverage) \
           $(if $(FAULT),-DWEIR_FAULT=1) -D_GNU_SOURCE -DWEIR_VERSION='"$(VERSION)"' \
           -Isrc -Iinclude -I. -include src/base/banned.h
PKGCF   := $(shell pkg-config --cflags $(PKGS) libpq 2>/dev/null)
PKGLIB  := $(shell pkg-config --libs $(PKGS) 2>/dev/null)
LDFLAGS += $(SANF) $(if $(COV),--coverage) -pie -Wl,-z,relro,-z,now
LDLIBS  += $(PKGLIB) -lm -ldl

SRC     := $(wildcard src/*/*.c) $(wildcard ui/*.c ui/views/*.c)
OBJ     := $(SRC:%.c=$(B)/%.o)
LIB     := $(B)/libweir.a
BIN     := $(B)/weir
PLUGINS := $(patsubst plugins/%/,$(B)/plugins/%.so,$(dir $(wildcard plugins/*/plugin.c)))
UNIT    := $(patsubst tests/unit/%.c,$(B)/tests/unit/%,$(wildcard tests/unit/test_*.c))
FAULTT  := $(patsubst tests/fault/%.c,$(B)/tests/fault/%,$(wildcard tests/fault/test_*.c))
FUZZ    := $(patsubst tests/fuzz/%.c,$(B)/tests/fuzz/%,$(wildcard tests/fuzz/fuzz_*.c))
BENCH   := $(patsubst tests/bench/%.c,$(B)/tests/bench/%,$(wildcard tests/bench/bench_*.c))
TESTBIN := $(patsubst tests/helper/%.c,$(B)/tests/helper/%,$(wildcard tests/helper/*.c))

# One short line a file; V=1 shows the commands.
say = $(if $(V),,@echo '  build $@';)

all: $(BIN) $(PLUGINS) build/weir $(B)/themes

$(BIN): $(B)/src/main.o $(LIB)
	$(say)$(CC) $(LDFLAGS) -o $@ $< $(LIB) $(LDLIBS)
$(LIB): $(OBJ)
	@rm -f $@
	$(say)ar rcs $@ $(OBJ)
build/weir: $(BIN) FORCE
	@[ "$$(readlink build/weir)" = "$(VARIANT)/weir" ] || ln -sfn $(VARIANT)/weir build/weir
$(B)/themes:
	@mkdir -p $(B) && ln -sfn ../../themes $(B)/themes
FORCE:

$(B)/%.o: %.c
	@mkdir -p $(@D)
	$(say)$(CC) $(CFLAGS) $(PKGCF) -MMD -MP -c -o $@ $<
$(B)/src/model/builtin.o: $(wildcard src/model/macros/*.sql)
$(B)/plugins/%.so: plugins/%/plugin.c $(B)/libplugin.stamp
	@mkdir -p $(@D)
	$(say)$(CC) $(filter-out -fPIE,$(CFLAGS)) $(PKGCF) -fPIC -shared -fvisibility=hidden -MMD -MP -MF $(@:.so=.d) -o $@ \
	    $(wildcard plugins/$*/*.c) $(wildcard plugins/common/*.c) $(SANF) -lz -lxxhash -Wl,-z,defs $(if $(SAN),-Wl$(comma)-z$(comma)undefs)
$(B)/libplugin.stamp: $(wildcard plugins/*/*.[ch] plugins/common/*.[ch] include/weir/*.h)
	@mkdir -p $(@D) && touch $@

# Tests link the library; test files may include any internal header.
$(B)/tests/unit/%: tests/unit/%.c $(LIB) $(wildcard tests/unit/*.h)
	@mkdir -p $(@D)
	$(say)$(CC) $(CFLAGS) $(PKGCF) -Itests -MMD -MP -o $@ $< $(LIB) $(LDFLAGS) $(LDLIBS) -lcmocka
$(B)/tests/fault/%: tests/fault/%.c $(LIB)
	@mkdir -p $(@D)
	$(say)$(CC) $(CFLAGS) $(PKGCF) -Itests -MMD -MP -o $@ $< $(LIB) $(LDFLAGS) $(LDLIBS) -lcmocka
$(B)/tests/fuzz/%: tests/fuzz/%.c $(wildcard tests/fuzz/driver.inc) $(LIB)
	@mkdir -p $(@D)
	$(say)$(CC) $(CFLAGS) $(PKGCF) -Itests -MMD -MP -o $@ $< $(LIB) $(LDFLAGS) $(LDLIBS)
$(B)/tests/bench/%: tests/bench/%.c $(LIB)
	@mkdir -p $(@D)
	$(say)$(CC) $(CFLAGS) $(PKGCF) -Itests -MMD -MP -o $@ $< $(LIB) $(LDFLAGS) $(LDLIBS)
$(B)/tests/live/%: tests/live/%.c tests/live/warehouse/contract.h $(LIB)
	@mkdir -p $(@D)
	$(say)$(CC) $(CFLAGS) $(PKGCF) -Itests -MMD -MP -o $@ $< $(LIB) $(LDFLAGS) $(LDLIBS) -lcmocka
$(B)/tests/helper/%: tests/helper/%.c $(LIB)
	@mkdir -p $(@D)
	$(say)$(CC) $(CFLAGS) $(PKGCF) -Itests -MMD -MP -o $@ $< $(LIB) $(LDFLAGS) $(LDLIBS)

unit: all $(UNIT) $(FAULTT) $(TESTBIN)
	tests/run.sh unit $(B)
check: deps
	@$(MAKE) --no-print-directory all tests-build
	@tests/run.sh all $(B)
tests-build: all $(UNIT) $(FAULTT) $(FUZZ) $(TESTBIN)
check-live: all
	@WEIR=$(CURDIR)/$(BIN) tests/live/run.sh
bench: all $(BENCH)
	@tests/bench/run.sh $(B)
lint:
	@tests/lint/run.sh
fmt:
	@clang-format -i $$(git ls-files '*.c' '*.h')
deps:
	@./deps.sh
deps-live:
	@./deps.sh live
fuzz:
	@tests/fuzz/run.sh
demo: deps
	@$(MAKE) --no-print-directory all
	@./demo.sh
man: all
	@build/weir --quiet man-pages man
install: all
	install -d $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(PREFIX)/lib/weir/plugins $(DESTDIR)$(PREFIX)/share/weir/themes \
	    $(DESTDIR)$(PREFIX)/share/man/man1 $(DESTDIR)$(PREFIX)/share/man/man3 $(DESTDIR)$(PREFIX)/share/man/man5 \
	    $(DESTDIR)$(PREFIX)/share/man/man7 $(DESTDIR)$(PREFIX)/share/bash-completion/completions $(DESTDIR)$(PREFIX)/include/weir
	install $(BIN) $(DESTDIR)$(PREFIX)/bin/weir
	install -m644 $(PLUGINS) $(DESTDIR)$(PREFIX)/lib/weir/plugins/
	install -m644 themes/*.theme $(DESTDIR)$(PREFIX)/share/weir/themes/
	install -m644 include/weir/*.h $(DESTDIR)$(PREFIX)/include/weir/
	for s in 1 3 5 7; do for f in man/*.$$s; do [ -e "$$f" ] && install -m644 $$f $(DESTDIR)$(PREFIX)/share/man/man$$s/; done; done; true
	$(BIN) completion > $(DESTDIR)$(PREFIX)/share/bash-completion/completions/weir
clean:
	rm -rf build
help:
	@echo 'all check check-live unit bench fuzz lint fmt deps deps-live demo man install clean; SAN= COV=1 FAULT=1'

.PHONY: all unit check check-live tests-build bench lint fmt deps deps-live fuzz demo man install clean help FORCE
.SECONDARY:
-include $(shell find $(B) -name '*.d' 2>/dev/null)
