# the probe for t/bus/redis.t: a connection to Redis in an nginx module of its
# own

REDIS_PROBE = build/ngx_http_realtime_redis_probe_module.so
ASAN_REDIS_PROBE = build/asan/ngx_http_realtime_redis_probe_module.so

REDIS_PROBE_SRC = t/bus/probe/ngx_http_realtime_redis_probe_module.c \
	$(wildcard src/net/*.c src/bus/ngx_http_realtime_redis*.c)

REDIS_PROBE_DEPS = $(wildcard src/base/*.h src/shm/*.h src/net/*.h src/bus/*.h)

# $(call redis_probe,NGINX,OPTIONS)
redis_probe = gcc -std=gnu11 -shared -fPIC -Wall -Wextra \
	-Wno-unused-parameter -Werror $(2) -I src $(addprefix -I $(1)/, \
	src/core src/event src/event/modules src/os/unix src/http \
	src/http/modules src/http/v2 objs) $(filter %.c,$^) -o $@ \
	-l:libhiredis.a -lssl -lcrypto \
	-Wl,--version-script=src/module/exports.map

$(REDIS_PROBE): $(REDIS_PROBE_SRC) $(REDIS_PROBE_DEPS) \
	build/nginx/objs/Makefile
	@$(call redis_probe,build/nginx,$(CC_OPT))

$(ASAN_REDIS_PROBE): $(REDIS_PROBE_SRC) $(REDIS_PROBE_DEPS) \
	build/asan/nginx/objs/Makefile
	@$(call redis_probe,build/asan/nginx,$(ASAN_CC_OPT))
