#!/usr/bin/perl

# Builds the unit tests with both compilers and runs each as a subtest.

use strict;
use warnings;

use Cwd qw(abs_path);
use File::Basename qw(basename dirname);


chdir(dirname(abs_path(__FILE__)) . '/../..') or die "chdir: $!";

my $count = 0;
my $failed = 0;


sub result {
    my ($good, $name) = @_;

    $count++;
    $failed++ unless $good;

    print $good ? '' : 'not ', "ok $count - $name\n";
}


my $log = `make -s -k -j2 -f t/unit/unit.mk unit 2>&1`;
my $built = $? == 0;

print map { "# $_\n" } split /\n/, $log unless $built;
result($built, 'the tests build');

my @names = map { basename($_, '.c') } sort glob 't/unit/test_*.c';

for my $compiler ('gcc', 'clang') {
    for my $name (@names) {
        my $program = "build/unit/$compiler/$name";

        if (!-x $program) {
            result(0, "$name ($compiler) was not built");
            next;
        }

        print "# Subtest: $name ($compiler)\n";
        print map { "    $_\n" } split /\n/, `$program 2>&1`;

        result($? == 0, "$name ($compiler)");
    }
}

print "1..$count\n";
exit($failed ? 1 : 0);
