# mri-tools: one non-recursive GNU make file. All it makes is under build/.
#
#   make                build/bin/mri-*
#   make check          unit, program, flow, hostile, crash tests (short forms)
#   make SAN=1 check    the same by clang with ASan and UBSan, under build/san
#   make lint           layers, headers, style, man pages
#   make bench          the table of figures beside the peers
#   make check-fresh    quickstart and check in a bare Debian 12 (debootstrap)
#   make crash          the long form of the crash tests
#   make fuzz           libFuzzer on each target: TARGETS="walk zip" RUNS=1000000 SECONDS=600 FUZZ_FLAGS=-max_len=99
#   make fuzz-cover     lines of each parser that its target, and its unit tests, reach
#   make stream         1 GB through each kind of portal, with the memory it takes
#   make large          a multi-frame object of 4 GB, unpacked, checked and reconciled, with the memory it takes
#   make check-corpus CORPUS=DIR   third-party samples
#   make install DESTDIR= PREFIX=/usr/local
VERSION := 0.1
PREFIX ?= /usr/local
DESTDIR ?=

# gcc; clang for the sanitizers, so that a check sees the warnings of both
ifeq ($(origin CC),default)
CC := $(if $(SAN)$(FUZZER)$(COVER),clang,gcc)
endif
ifeq ($(origin CXX),default)
CXX := $(if $(SAN)$(FUZZER)$(COVER),clang++,g++)
endif

B := build
OPT := -O2 -g -D_FORTIFY_SOURCE=2 -fstack-protector-strong
ifdef SAN
B := build/san
# not vptr: DCMTK is not built for it, and what it asks of memory is refused in a jail
OPT := -O1 -g1 -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize=vptr -fno-sanitize-recover=undefined \
    -DMRI_SANITIZED
LDSAN := -fsanitize=address,undefined
endif
ifdef FUZZER
OPT := -O1 -g -fno-omit-frame-pointer -fsanitize=fuzzer-no-link,address,undefined \
    -fno-sanitize-recover=undefined -DMRI_SANITIZED -DMRI_LIBFUZZER
CXXFLAGS += -fno-sanitize=vptr
LDSAN := -fsanitize=address,undefined
endif
ifdef COVER
B := build/cover
OPT := -O1 -g -fprofile-instr-generate -fcoverage-mapping
LDSAN := -fprofile-instr-generate
endif
ifdef OUT
B := $(OUT)
endif
ifndef V
Q := @
SAY = @printf '  %-5s %s\n'
else
SAY = @:
endif

PKGS := libcurl libxml-2.0 zlib libdeflate openssl jansson inih libarchive libseccomp zbar libpng libjpeg
PKG_CFLAGS := $(shell pkg-config --cflags $(PKGS))
PKG_LIBS := $(shell pkg-config --libs $(PKGS))
DCMTK_LIBS := -ldcmtls -ldcmnet -ldcmjpeg -ldcmjpls -ldcmdata -loflog -lofstd
DICOM_DIC ?= $(firstword $(wildcard /usr/share/libdcmtk*/dicom.dic /usr/share/dcmtk*/dicom.dic))

WARN := -Wall -Wextra -Wshadow -Wformat=2
WARN_C := -Wstrict-prototypes -Wvla
ifdef WERROR
WARN += -Werror
endif
CPPFLAGS += -Ilib -Icmd -Itests/unit -I$(B)/gen -D_GNU_SOURCE -DMRI_VERSION='"$(VERSION)"' $(PKG_CFLAGS)
ALL_CFLAGS = -std=c11 -fPIE $(OPT) $(WARN) $(WARN_C) $(CFLAGS)
ALL_CXXFLAGS = -std=c++17 -fPIE $(OPT) $(WARN) $(CXXFLAGS)
ALL_LDFLAGS = -pie -Wl,-z,relro,-z,now -Wl,--as-needed $(LDSAN) $(LDFLAGS)

LIB_SRC := $(sort $(wildcard lib/*/*.c lib/*/*.cc))
LIB_OBJ := $(patsubst %,$(B)/%.o,$(basename $(LIB_SRC)))
CLI_SRC := $(sort $(wildcard cmd/cli/*.c cmd/stage/*.c))
CLI_OBJ := $(patsubst %.c,$(B)/%.o,$(CLI_SRC))
PROGRAMS := $(patsubst cmd/%.c,%,$(sort $(wildcard cmd/mri-*.c)))
BIN := $(addprefix $(B)/bin/,$(PROGRAMS))
UNIT := $(patsubst tests/unit/%.c,$(B)/test/unit/%,$(sort $(wildcard tests/unit/*.c)))
TOOL := $(patsubst tests/tool/%.c,$(B)/tool/%,$(sort $(wildcard tests/tool/*.c)))
FUZZ := $(patsubst tests/fuzz/%.c,$(B)/test/fuzz/%,$(sort $(wildcard tests/fuzz/*.c)))
ifdef FUZZER
$(FUZZ): LDSAN := -fsanitize=fuzzer,address,undefined
endif
MAN := $(sort $(wildcard man/*.[1-8]))

all: $(BIN)
tools: $(TOOL)
unit: $(UNIT)
fuzzers: $(FUZZ)
everything: all tools unit fuzzers

$(B)/libmri.a: $(LIB_OBJ)
	$(SAY) AR $@
	$(Q)rm -f $@ && ar rcs $@ $^
$(B)/libcli.a: $(CLI_OBJ)
	$(SAY) AR $@
	$(Q)rm -f $@ && ar rcs $@ $^

$(B)/bin/%: $(B)/cmd/%.o $(B)/libcli.a $(B)/libmri.a
	$(SAY) LD $@
	$(Q)mkdir -p $(@D)
	$(Q)$(CXX) $(ALL_LDFLAGS) -o $@ $^ $(DCMTK_LIBS) $(PKG_LIBS) -lpthread
$(B)/test/unit/%: $(B)/tests/unit/%.o $(B)/libcli.a $(B)/libmri.a
	$(SAY) LD $@
	$(Q)mkdir -p $(@D)
	$(Q)$(CXX) $(ALL_LDFLAGS) -o $@ $^ $(DCMTK_LIBS) $(PKG_LIBS) -lcmocka -lpthread
$(B)/tool/%: $(B)/tests/tool/%.o $(B)/libcli.a $(B)/libmri.a
	$(SAY) LD $@
	$(Q)mkdir -p $(@D)
	$(Q)$(CXX) $(ALL_LDFLAGS) -o $@ $^ $(DCMTK_LIBS) $(PKG_LIBS) -lpthread
$(B)/test/fuzz/%: $(B)/tests/fuzz/%.o $(B)/libcli.a $(B)/libmri.a
	$(SAY) LD $@
	$(Q)mkdir -p $(@D)
	$(Q)$(CXX) $(ALL_LDFLAGS) -o $@ $^ $(DCMTK_LIBS) $(PKG_LIBS) -lpthread

$(B)/%.o: %.c
	$(SAY) CC $<
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<
$(B)/%.o: %.cc
	$(SAY) CXX $<
	$(Q)mkdir -p $(@D)
	$(Q)$(CXX) $(CPPFLAGS) $(ALL_CXXFLAGS) -MMD -MP -c -o $@ $<

# The data dictionary as a C table, from DCMTK's dicom.dic (PS3.6).
$(B)/gen/dict_table.h: scripts/mkdict $(DICOM_DIC)
	$(SAY) GEN $@
	$(Q)mkdir -p $(@D)
	$(Q)scripts/mkdict $(DICOM_DIC) >$@.tmp && mv $@.tmp $@
$(B)/lib/dicom/dict.o: $(B)/gen/dict_table.h

README: man/mri.7
	$(SAY) GEN $@
	$(Q)mandoc -Tutf8 -O width=96 man/mri.7 | sed 's/.\x08//g' >$@.tmp && mv $@.tmp $@

check: everything
	scripts/check --no-deps $(if $(SAN),--san)
lint:
	scripts/lint
bench: all tools
	scripts/bench
check-fresh:
	scripts/check-fresh
# The long forms of what check runs short: every mutating call of every stage, a hundred random moments.
crash: all tools
	CRASH_STEP=1 CRASH_RUNS=100 LIMIT=3600 scripts/check --no-deps --only crash
# What check only replays (scripts/deps --fuzz). What is found new lands in build/fuzz/found, a crash beside it: crash-*.
TARGETS ?= $(notdir $(FUZZ))
RUNS ?= 10000000
SECONDS ?= 600
# A small quarantine: else every run touches memory that is new, and takes twice as long.
fuzz:
	$(MAKE) FUZZER=1 OUT=build/fuzz $(addprefix build/fuzz/test/fuzz/,$(TARGETS))
	$(Q)for t in $(TARGETS); do mkdir -p build/fuzz/found/$$t && \
	    ASAN_OPTIONS=quarantine_size_mb=4 build/fuzz/test/fuzz/$$t -runs=$(RUNS) -max_total_time=$(SECONDS) \
	    -timeout=10 -rss_limit_mb=1024 -artifact_prefix=build/fuzz/crash-$$t- -print_final_stats=1 $(FUZZ_FLAGS) \
	    build/fuzz/found/$$t tests/fuzz/corpus/$$t || exit 1; done
# Lines of each parser that its target reaches with its corpus, and with its unit tests.
fuzz-cover:
	$(MAKE) COVER=1 fuzz-cover-built
fuzz-cover-built: $(FUZZ) $(UNIT)
	$(Q)scripts/fuzz-cover $(B)
# 1 GB through each kind of portal with under 64 MB of memory; check does it with 100 MB.
stream: all tools
	D=$$(mktemp -d /var/tmp/mri-stream.XXXXXX) && trap 'rm -rf "$$D"' EXIT && STREAM_MB=1024 SRC=$(CURDIR) \
	    MRI_BIN=$(CURDIR)/$(B)/bin MRI_TOOL=$(CURDIR)/$(B)/tool HOME=$$D TMPDIR=$$D sh tests/flow/stream.sh
# An object of nearly 4 GB, the most that 32 bits of length allow; check does it with 300 MB.
large: all tools
	D=$$(mktemp -d /var/tmp/mri-large.XXXXXX) && trap 'rm -rf "$$D"' EXIT && LARGE_MB=4095 SRC=$(CURDIR) \
	    MRI_BIN=$(CURDIR)/$(B)/bin MRI_TOOL=$(CURDIR)/$(B)/tool HOME=$$D TMPDIR=$$D sh tests/flow/large.sh
check-corpus: all tools
	CORPUS=$(CORPUS) scripts/check --no-deps --only corpus
install: all install-data
	install -d $(DESTDIR)$(PREFIX)/bin
	install -m 755 $(BIN) scripts/mri-import $(DESTDIR)$(PREFIX)/bin
# What is not built: recipes for portals with their schema, maps for mri-retag, manual pages.
install-data:
	install -d $(DESTDIR)$(PREFIX)/share/mri-tools/recipes
	install -m 644 share/recipes/*.xml share/recipe.rng $(DESTDIR)$(PREFIX)/share/mri-tools/recipes
	install -d $(DESTDIR)$(PREFIX)/share/mri-tools/maps
	install -m 644 share/maps/*.map $(DESTDIR)$(PREFIX)/share/mri-tools/maps
	install -d $(DESTDIR)$(PREFIX)/share/man/man1 $(DESTDIR)$(PREFIX)/share/man/man5 $(DESTDIR)$(PREFIX)/share/man/man7
	for m in $(MAN); do install -m 644 $$m $(DESTDIR)$(PREFIX)/share/man/man$${m##*.}/; done
clean:
	rm -rf build

.PHONY: all tools unit fuzzers everything check lint bench check-fresh crash fuzz fuzz-cover fuzz-cover-built stream large \
    check-corpus install install-data clean
.SECONDARY:
.DELETE_ON_ERROR:
-include $(patsubst %.o,%.d,$(LIB_OBJ) $(CLI_OBJ)) $(wildcard $(B)/cmd/*.d $(B)/tests/*/*.d)
