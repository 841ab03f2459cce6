#!/usr/bin/perl

# The repository is nobody's in particular: no file holds a path of the
# machine that it was written on, or the address of a registry's mirror.

use strict;
use warnings;

use FindBin;
use lib $FindBin::Bin;

use Lint;
use Test::More;


# each is written so that it does not match itself

my @never = (
    qr{(?<![\w.\$\}])/wor[k]/}, qr{(?<![\w.\$\}])/ro[o]t/},
    qr{(?<![\w.\$\}])/ho[m]e/\w+/}, qr{/far[m]/}, qr{\.librar[y]/},
    qr{/tmp/bas[h]_jobs}, qr{(?<![\w.\$\}])/tm[p]/w/},
    qr{"resolve[d]"\s*:}, qr{\b[r]egistry\s*=},
    qr{https?://[\w.:-]*(?:registr[y]|mirro[r]|artifactor[y]|nexu[s])[\w.:/-]}i
);


my @files = tracked();

cmp_ok(scalar @files, '>', 20, 'there are files');

for my $file (@files) {
    next unless -T $file;

    open my $in, '<', $file or die "$file: $!\n";
    my @wrong;

    while (my $line = <$in>) {
        for my $path (@never) {
            push @wrong, "$.: $&" if $line =~ $path;
        }
    }

    is(join("\n", @wrong), '', $file);
}

done_testing();
