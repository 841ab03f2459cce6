
# Unit tests of the parts that need no nginx: base, proto, auth and chat of src.
# To be used in the root of the tree, by itself or included:
#
#     make -f t/unit/unit.mk unit        builds them, in build/unit
#     prove t/unit/unit.t                builds and runs them

UNIT_BUILD =	build/unit

UNIT_CFLAGS =	-std=gnu11 -O1 -g -Wall -Wextra -Wshadow -Wconversion \
		-Wno-sign-conversion -Werror -fno-omit-frame-pointer \
		-fsanitize=address,undefined -fno-sanitize-recover=all \
		-Isrc -It/unit '-DRT_VECTORS="$(CURDIR)/t/vectors"'

UNIT_LIBS =	-lcrypto -lgumbo -ljansson -pthread

UNIT_SOURCES =	$(wildcard src/base/*.c src/proto/*.c src/auth/*.c \
			src/chat/*.c)
UNIT_HEADERS =	$(wildcard src/base/*.h src/proto/*.h src/auth/*.h \
			src/chat/*.h t/unit/*.h)
UNIT_TESTS =	$(patsubst t/unit/%.c,%,$(wildcard t/unit/test_*.c))

UNIT_GCC =	$(addprefix $(UNIT_BUILD)/gcc/,$(UNIT_TESTS))
UNIT_CLANG =	$(addprefix $(UNIT_BUILD)/clang/,$(UNIT_TESTS))


.PHONY:	unit

# quiet unless something fails
unit:	$(UNIT_GCC) $(UNIT_CLANG)


$(UNIT_BUILD)/gcc/%.o:	%.c $(UNIT_HEADERS)
	@mkdir -p $(@D)
	@gcc $(UNIT_CFLAGS) -c -o $@ $<

$(UNIT_BUILD)/clang/%.o:	%.c $(UNIT_HEADERS)
	@mkdir -p $(@D)
	@clang $(UNIT_CFLAGS) -c -o $@ $<

# an archive: a test that includes a source file to look inside gets that one

$(UNIT_BUILD)/gcc/librt.a:	$(UNIT_SOURCES:%.c=$(UNIT_BUILD)/gcc/%.o)
	@rm -f $@
	@ar rcs $@ $^

$(UNIT_BUILD)/clang/librt.a:	$(UNIT_SOURCES:%.c=$(UNIT_BUILD)/clang/%.o)
	@rm -f $@
	@ar rcs $@ $^

$(UNIT_GCC): $(UNIT_BUILD)/gcc/%: $(UNIT_BUILD)/gcc/t/unit/%.o \
		$(UNIT_BUILD)/gcc/librt.a
	@gcc $(UNIT_CFLAGS) -o $@ $^ $(UNIT_LIBS)

$(UNIT_CLANG): $(UNIT_BUILD)/clang/%: $(UNIT_BUILD)/clang/t/unit/%.o \
		$(UNIT_BUILD)/clang/librt.a
	@clang $(UNIT_CFLAGS) -o $@ $^ $(UNIT_LIBS)

.PRECIOUS:	$(UNIT_BUILD)/gcc/%.o $(UNIT_BUILD)/clang/%.o
