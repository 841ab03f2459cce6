# the probe: src/store/ in an nginx module of its own, for t/store/*.t

PROBE = build/ngx_http_realtime_probe_module.so
ASAN_PROBE = build/asan/ngx_http_realtime_probe_module.so

PROBE_SRC = t/store/probe/ngx_http_realtime_probe_module.c \
	$(wildcard src/store/ngx_http_realtime_pg*.c)

# $(call probe,NGINX,OPTIONS)
probe = gcc -std=gnu11 -shared -fPIC -Wall -Wextra -Wno-unused-parameter \
	-Werror $(2) -I src $(addprefix -I $(1)/, src/core src/event \
	src/event/modules src/os/unix src/http src/http/modules src/http/v2 objs) \
	-I $$(pg_config --includedir) $(PROBE_SRC) -o $@ -lpq -lssl -lcrypto \
	-Wl,--version-script=src/module/exports.map

$(PROBE): $(PROBE_SRC) $(wildcard src/store/*.h) build/nginx/objs/Makefile
	@$(call probe,build/nginx,$(CC_OPT))

$(ASAN_PROBE): $(PROBE_SRC) $(wildcard src/store/*.h) \
	build/asan/nginx/objs/Makefile
	@$(call probe,build/asan/nginx,$(ASAN_CC_OPT))
