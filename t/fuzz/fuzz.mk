
# Fuzzing of the codecs.  To be used in the root of the tree, by itself or
# included:
#
#     make fuzz                 every target for 60 seconds
#     make fuzz T=sio S=600     one of them for ten minutes
#     prove t/fuzz/replay.t     the seeds and a few seconds of each
#
# What is found stays in build/fuzz/corpus, crashes in build/fuzz.

S ?=		60

FUZZ_BUILD =	build/fuzz

FUZZ_CFLAGS =	-std=gnu11 -O1 -g -Wall -Wextra -Wshadow -Wconversion \
		-Wno-sign-conversion -Werror -fno-omit-frame-pointer \
		-fno-sanitize-recover=undefined -Isrc -It/fuzz

FUZZ_SOURCES =	$(wildcard src/base/*.c src/proto/*.c src/auth/*.c \
			src/chat/*.c)
FUZZ_HEADERS =	$(wildcard src/base/*.h src/proto/*.h src/auth/*.h \
			src/chat/*.h t/fuzz/*.h)
FUZZ_ALL =	$(patsubst t/fuzz/fuzz_rt_%.c,%,$(wildcard t/fuzz/fuzz_rt_*.c))
FUZZ_RUN =	$(or $(filter-out all,$(T)),$(FUZZ_ALL))

FUZZ_PROGRAMS =		$(FUZZ_ALL:%=$(FUZZ_BUILD)/fuzz_rt_%)
FUZZ_STANDALONE =	$(FUZZ_ALL:%=$(FUZZ_BUILD)/standalone_rt_%)


.PHONY:	fuzz fuzz-build fuzz-standalone fuzz-seeds

# $(call fuzz_one,NAME); the corpus grows, the seeds stay
define fuzz_one
	@echo "fuzz: $(1), $(S) seconds"
	@mkdir -p $(FUZZ_BUILD)/corpus/$(1)
	@$(FUZZ_BUILD)/fuzz_rt_$(1) -max_total_time=$(S) -max_len=4096 \
		-timeout=10 -verbosity=0 -print_final_stats=1 \
		-artifact_prefix=$(FUZZ_BUILD)/$(1)- \
		$(FUZZ_BUILD)/corpus/$(1) $(FUZZ_BUILD)/seeds/$(1)

endef

fuzz:	$(FUZZ_RUN:%=$(FUZZ_BUILD)/fuzz_rt_%) fuzz-seeds
	$(foreach name,$(FUZZ_RUN),$(call fuzz_one,$(name)))

fuzz-build:	$(FUZZ_PROGRAMS)

fuzz-standalone:	$(FUZZ_STANDALONE)

fuzz-seeds:
	@perl t/fuzz/seeds.pl $(FUZZ_BUILD)/seeds


$(FUZZ_BUILD)/clang/%.o:	%.c $(FUZZ_HEADERS)
	@mkdir -p $(@D)
	@clang $(FUZZ_CFLAGS) -fsanitize=fuzzer-no-link,address,undefined \
		-c -o $@ $<

$(FUZZ_BUILD)/librt.a:	$(FUZZ_SOURCES:%.c=$(FUZZ_BUILD)/clang/%.o)
	@rm -f $@
	@ar rcs $@ $^

$(FUZZ_PROGRAMS): $(FUZZ_BUILD)/%: $(FUZZ_BUILD)/clang/t/fuzz/%.o \
		$(FUZZ_BUILD)/librt.a
	@clang $(FUZZ_CFLAGS) -fsanitize=fuzzer,address,undefined -o $@ $^ \
		-lcrypto -lgumbo -pthread


# without libFuzzer: replays files and directories

$(FUZZ_BUILD)/cc/%.o:	%.c $(FUZZ_HEADERS)
	@mkdir -p $(@D)
	@$(CC) $(FUZZ_CFLAGS) -fsanitize=address,undefined -c -o $@ $<

$(FUZZ_BUILD)/cc/librt.a:	$(FUZZ_SOURCES:%.c=$(FUZZ_BUILD)/cc/%.o)
	@rm -f $@
	@ar rcs $@ $^

$(FUZZ_STANDALONE): $(FUZZ_BUILD)/standalone_%: \
		$(FUZZ_BUILD)/cc/t/fuzz/fuzz_%.o \
		$(FUZZ_BUILD)/cc/t/fuzz/standalone.o $(FUZZ_BUILD)/cc/librt.a
	@$(CC) $(FUZZ_CFLAGS) -fsanitize=address,undefined -o $@ $^ \
		-lcrypto -lgumbo -pthread

.PRECIOUS:	$(FUZZ_BUILD)/clang/%.o $(FUZZ_BUILD)/cc/%.o
