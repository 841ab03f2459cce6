# probes for t/store/*.t: src/store/ in nginx modules of their own

PROBE = build/ngx_http_realtime_probe_module.so
ASAN_PROBE = build/asan/ngx_http_realtime_probe_module.so

PROBE_SRC = t/store/probe/ngx_http_realtime_probe_module.c \
	$(wildcard src/net/*.c src/store/ngx_http_realtime_pg*.c)

READER_PROBE = build/ngx_http_realtime_reader_probe_module.so
ASAN_READER_PROBE = build/asan/ngx_http_realtime_reader_probe_module.so

READER_PROBE_SRC = t/store/probe/ngx_http_realtime_reader_probe_module.c \
	$(wildcard src/base/*.c src/shm/*.c src/net/*.c src/store/*.c)

PROBE_DEPS = $(wildcard src/base/*.h src/shm/*.h src/net/*.h src/store/*.h)

# $(call probe,NGINX,OPTIONS)
probe = gcc -std=gnu11 -shared -fPIC -Wall -Wextra -Wno-unused-parameter \
	-Werror $(2) -I src $(addprefix -I $(1)/, src/core src/event \
	src/event/modules src/os/unix src/http src/http/modules src/http/v2 objs) \
	-I $$(pg_config --includedir) $(filter %.c,$^) -o $@ -lpq -lssl -lcrypto \
	-Wl,--version-script=src/module/exports.map

$(PROBE): $(PROBE_SRC) $(PROBE_DEPS) build/nginx/objs/Makefile
	@$(call probe,build/nginx,$(CC_OPT))

$(ASAN_PROBE): $(PROBE_SRC) $(PROBE_DEPS) build/asan/nginx/objs/Makefile
	@$(call probe,build/asan/nginx,$(ASAN_CC_OPT))

$(READER_PROBE): $(READER_PROBE_SRC) $(PROBE_DEPS) build/nginx/objs/Makefile
	@$(call probe,build/nginx,$(CC_OPT))

$(ASAN_READER_PROBE): $(READER_PROBE_SRC) $(PROBE_DEPS) \
	build/asan/nginx/objs/Makefile
	@$(call probe,build/asan/nginx,$(ASAN_CC_OPT))
