#!/usr/bin/perl

# rt-bench works, and under its loads nothing is lost, repeated or out of
# order.  No figure is judged here: machines differ.

use strict;
use warnings;

use Cwd qw(abs_path);
use File::Basename qw(dirname);
use Test::More;


chdir(dirname(abs_path(__FILE__)) . '/../..') or die "chdir: $!";

my $module = $ENV{REALTIME_MODULE} || 'build/ngx_http_realtime_module.so';

die "$module is not built: run make\n" unless -e $module;

my $log = `make -s -f bench/bench.mk bench-build 2>&1`;

is($?, 0, 'rt-bench builds') or BAIL_OUT($log);


# what it printed, when it ended well
sub bench {
    my ($what) = @_;

    my $out = `build/rt-bench -r 1 $what 2>&1`;

    is($?, 0, "rt-bench $what") or diag($out);

    return $out;
}


# 16 messages before, and each phase's: 32 for the server and the bare one,
# twice; 128 for the server, the bare one and its batches, twice
my $deliveries = (16 + 2 * 2 * 32 + 2 * 3 * 128) * 101;

for my $workers (1, 2) {
    my $out = bench("-w $workers -M 32 -R 25 fanout 100");

    like($out, qr/^  lock-step +[\d.]+ /m, 'lock-step');
    like($out, qr/^  window 64 +[\d.]+ /m, 'a window');
    like($out, qr/^  $deliveries deliveries checked: 0 lost, 0 repeated, 0 out/m,
         'every message came once and in order');
}

like(bench('-M 1000 echo 50'), qr/^  message:send, ack +[\d.]+ /m, 'echo');
like(bench('-M 500 connect 16'), qr/^  come and go +[\d.]+ /m, 'connect');
like(bench('-t 2 -w 2 idle 300'), qr/^  bytes of worker PSS per client/m,
     'idle');

done_testing();
