# the scripts as the module has them, for t/cluster/scripts.t

build/scripts: t/cluster/scripts.c $(wildcard src/cluster/*_scripts*.[ch]) \
	src/base/rt.h
	@mkdir -p build
	@gcc -std=gnu11 -Wall -Wextra -Werror -I src -o $@ $(filter %.c,$^) \
	    -lcrypto
