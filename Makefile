# make          builds build/ngx_http_realtime_module.so for Debian's nginx
# make run      installs what is missing, builds, starts the example chat
# make test     installs what is missing, builds, runs every test
#
# make deps and make deps-test install, on Debian 12, what building and running
# needs and what the tests need besides.
#
# For people who work on it: make unit, lint, fuzz, asan, bench, clean.

SHELL = /bin/bash
.SHELLFLAGS = -eu -o pipefail -c
.DELETE_ON_ERROR:

NGX_SRC ?= /usr/share/nginx/src
MODULE = build/ngx_http_realtime_module.so
ASAN_MODULE = build/asan/ngx_http_realtime_module.so

# Debian's own, with fewer surprises than nginx's default of -O

CC_OPT ?= -g -O2 -fstack-protector-strong -Wformat -Werror=format-security \
	-Wdate-time -D_FORTIFY_SOURCE=2 -ffile-prefix-map=$(CURDIR)=.
LD_OPT ?= -Wl,-z,relro -Wl,-z,now

# a report is written to stderr, which nginx makes its error log, and ends the
# process: tests look for "AddressSanitizer" and "runtime error:"

ASAN = -fsanitize=address,undefined
ASAN_CC_OPT = -g -O1 $(ASAN) -fno-omit-frame-pointer \
	-fno-sanitize-recover=undefined -ffile-prefix-map=$(CURDIR)=.
ASAN_LD_OPT = $(ASAN)


.PHONY: all module asan asan-module run test deps deps-test prove
.PHONY: lint bench chaos hosts clean

all: module

-include t/unit/unit.mk
-include t/fuzz/fuzz.mk
-include t/store/store.mk
-include t/bus/bus.mk
-include t/cluster/cluster.mk
-include bench/bench.mk


# nginx's configure and make know what has to be compiled again; what they do
# not see (the list of sources, the exports) starts from the beginning

# $(call configure,FOLDER,CC_OPT,LD_OPT): a copy of the headers and auto/
define configure
	@[ -f $(NGX_SRC)/conf_flags ] || { \
	    echo "$(NGX_SRC) is missing: run \"make deps\"" >&2; exit 1; }
	@rm -rf $(1)
	@mkdir -p $(1)
	@cp -r $(NGX_SRC)/. $(1)
	@. $(NGX_SRC)/conf_flags; cd $(1); \
	./configure "$${NGX_CONF_FLAGS[@]}" --with-cc-opt="$(2)" \
	    --with-ld-opt="$(3)" --add-dynamic-module=$(CURDIR) \
	    > configure.log 2>&1 || { cat configure.log >&2; exit 1; }
endef

RECONFIGURE = Makefile config src/module/exports.map \
	$(wildcard $(NGX_SRC)/conf_flags $(NGX_SRC)/src/core/nginx.h)

build/nginx/objs/Makefile: $(RECONFIGURE)
	$(call configure,build/nginx,$(CC_OPT),$(LD_OPT))

build/asan/nginx/objs/Makefile: $(RECONFIGURE)
	$(call configure,build/asan/nginx,$(ASAN_CC_OPT),$(ASAN_LD_OPT))

# as many compilers as processors, unless make was told how many

JOBS = $(if $(filter -j%,$(MAKEFLAGS)),,-j$(shell nproc))

# a new file in its place: one that runs now keeps the old one

install = { cp $(1) $(2).new && mv -f $(2).new $(2); }

module: build/nginx/objs/Makefile
	@$(MAKE) -s --no-print-directory $(JOBS) -C build/nginx \
	    -f objs/Makefile modules
	@cmp -s build/nginx/objs/$(notdir $(MODULE)) $(MODULE) \
	    || $(call install,build/nginx/objs/$(notdir $(MODULE)),$(MODULE))

asan-module: build/asan/nginx/objs/Makefile
	@$(MAKE) -s --no-print-directory $(JOBS) -C build/asan/nginx \
	    -f objs/Makefile modules
	@cmp -s build/asan/nginx/objs/$(notdir $(MODULE)) $(ASAN_MODULE) \
	    || $(call install,build/asan/nginx/objs/$(notdir $(MODULE)),$(ASAN_MODULE))


# quiet unless something fails

deps:
	@.ci/deps build
	@$(MAKE) -s --no-print-directory examples/chat/node_modules/.ready

deps-test:
	@.ci/deps test
	@$(MAKE) -s --no-print-directory t/node_modules/.ready

%/node_modules/.ready: %/package.json %/package-lock.json
	@log=$$(cd $* && npm ci --ignore-scripts 2>&1) || { \
	    printf '%s\n' "$$log" >&2; exit 1; }
	@touch $@


run:
	@$(MAKE) -s --no-print-directory deps
	@$(MAKE) -s --no-print-directory all
	@examples/chat/run


# every test file prints TAP and can be run alone; REALTIME_MODULE is the
# module under test, REALTIME_PRELOAD what nginx must have loaded before it

TEST_FOLDERS = $(filter-out t/node_modules/, $(wildcard t/*/))

test:
	@$(MAKE) -s --no-print-directory deps
	@$(MAKE) -s --no-print-directory deps-test
	@$(MAKE) -s --no-print-directory all
	@$(MAKE) -s --no-print-directory prove

asan:
	@$(MAKE) -s --no-print-directory asan-module
	@REALTIME_MODULE=$(CURDIR)/$(ASAN_MODULE) \
	REALTIME_PRELOAD="$$(gcc -print-file-name=libasan.so) \
	$$(gcc -print-file-name=libubsan.so)" \
	ASAN_OPTIONS=detect_leaks=0 UBSAN_OPTIONS=print_stacktrace=1 \
	$(MAKE) -s --no-print-directory prove

prove:
	@prove -j2 -r --ext .t $(TEST_FOLDERS)

# a thousand clients, and everything that can break a connection, for S seconds

chaos: all
	@REALTIME_SECONDS=$(or $(S),180) t/chaos/chaos.t

# N clients at three hosts that have one Redis, for S seconds

hosts: all
	@REALTIME_CLIENTS=$(or $(N),3000) REALTIME_SECONDS=$(or $(S),60) \
	t/cluster/hosts.t

lint: all
	@prove -r --ext .t t/lint

clean:
	@rm -rf build
