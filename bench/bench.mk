# bench/bench.mk: builds and runs the load generator; see bench/README.md
#
#     make bench                      all modes
#     make bench T=idle N=10000       one of them, with so many clients
#     make bench ARGS="-w 2 -r 5"     options of rt-bench
#     make bench-postgres             what a database costs: echo, by default
#     make bench-postgres T=log       20,000 messages a second that are logged
#     make bench-redis                what other hosts cost, by Redis

bench_srcs = $(sort $(wildcard bench/*.c)) src/base/rt_base64.c
bench_deps = $(sort $(wildcard bench/*.h)) src/base/rt.h src/base/rt_base64.h

BENCH_CC     ?= cc
BENCH_CFLAGS ?= -O2 -g -Wall -Wextra -Werror

bench: all bench-build $(if $(T),,deps-test)
	@$(if $(T),,node bench/redis.js) build/rt-bench $(ARGS) $(T) \
		$(if $(T),$(N))

# the same with a PostgreSQL of its own

bench-postgres: all bench-build deps-test
	@node bench/postgres.js build/rt-bench $(ARGS) $(or $(T),echo) \
		$(if $(T),$(N))

# the same with a Redis of its own, and Node servers that have it, too

bench-redis: all bench-build deps-test
	@node bench/redis.js build/rt-bench $(ARGS) redis $(N)

bench-build: build/rt-bench

build/rt-bench: $(bench_srcs) $(bench_deps) bench/bench.mk
	@mkdir -p build
	@$(BENCH_CC) -std=gnu11 -D_GNU_SOURCE $(BENCH_CFLAGS) -I src \
		-o $@ $(bench_srcs) -lcrypto

.PHONY: bench bench-build bench-postgres bench-redis
