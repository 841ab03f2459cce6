#!/usr/bin/perl

# Feeds every fuzz target the seeds made of t/vectors, then fuzzes it for a few
# seconds, in the same way every time.  Without clang only the former.

use strict;
use warnings;

use Cwd qw(abs_path);
use File::Basename qw(dirname);
use File::Path qw(make_path remove_tree);


chdir(dirname(abs_path(__FILE__)) . '/../..') or die "chdir: $!";

my $count = 0;
my $failed = 0;


sub run {
    my ($name, @command) = @_;

    open(my $out, '-|', "@command 2>&1") or die "@command: $!";
    my @lines = <$out>;
    my $good = close($out);

    $count++;
    $failed++ unless $good;

    print map { "# $_" } @lines unless $good;
    print $good ? '' : 'not ', "ok $count - $name\n";

    return $good;
}


my @names = map { m{fuzz_rt_(\w+)\.c$} } sort glob 't/fuzz/fuzz_rt_*.c';
my $clang = `clang --version 2>/dev/null` ne '';

remove_tree('build/fuzz/seeds');

run('seeds are made', 'make -s -f t/fuzz/fuzz.mk fuzz-seeds');
run('the targets build', 'make -s -j2 -f t/fuzz/fuzz.mk fuzz-standalone',
    $clang ? 'fuzz-build' : ());

for my $name (@names) {
    my $seeds = "build/fuzz/seeds/$name";
    my $new = "build/fuzz/replay/$name";

    run("$name: seeds", "build/fuzz/standalone_rt_$name $seeds");

    next unless $clang;

    remove_tree($new);
    make_path($new);

    run("$name: fuzzed", "build/fuzz/fuzz_rt_$name -runs=50000 -seed=1",
        '-max_len=1024 -max_total_time=20 -timeout=10',
        "-artifact_prefix=build/fuzz/$name- $new $seeds");
}

print "1..$count\n";
exit($failed ? 1 : 0);
