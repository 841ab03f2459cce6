#!/usr/bin/perl

# Each header that knows nothing of nginx compiles alone: it includes what it
# needs.

use strict;
use warnings;

use FindBin;
use lib $FindBin::Bin;

use Lint;
use Test::More;


my @folders = map { "src/$_->{folder}" } grep { $_->{prefix} eq 'rt_' }
    layers();

my @files = sources(qr/\.h$/, @folders);

cmp_ok(scalar @files, '>', 10, 'there are headers');

for my $file (@files) {
    my $log = `gcc -std=gnu11 -Wall -Wextra -Werror -fsyntax-only -I src \\
               -x c '$file' 2>&1`;

    is($log, '', $file);
}

done_testing();
