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


# all rows are in the table: whoever is refused or not answered fails the mode
sub rows {
    my ($out, $mode, @names) = @_;

    like($out, qr/^  \Q$_\E +[\d.]+ +[\d.]+ /m, "$mode: $_") for @names;
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

rows(bench('-M 1000 echo 50'), 'echo',
     'ping, pong', 'ping, token', 'message:send, ack', 'message:send, token',
     'message:send, limits', 'message:send, limits, token',
     'message:send, not cleaned', 'message:send, markup',
     'message:send, markup not cleaned');

rows(bench('-M 300 connect 16'), 'connect',
     'come and go', 'token, HS256', 'token, RS256', 'token, ES256',
     'token, presence told');

for my $tokens ('', '-T ') {
    like(bench("-t 2 -w 2 ${tokens}idle 300"),
         qr/^  bytes of worker PSS per client/m, "idle $tokens");
}

# every broadcast is one command of Redis, and no figure is missing; those of
# nginx without a second host are none

my $redis = `node bench/redis.js build/rt-bench -r 1 -M 100 redis 3 2>&1`;
my $figure = qr/ +\d+\.\d+/;

is($?, 0, 'rt-bench redis 3') or diag($redis);

for my $row ('3', '3, window 64') {
    like($redis, qr/^  \Q$row\E +nginx without$figure{3}(?: +-){5}$figure$/m,
         "redis: $row, without");
    like($redis,
         qr/^  \Q$row\E +$_$figure{6} +1\.000$figure{2}$/m,
         "redis: $row, $_: one command each") for 'nginx', 'Node';
}

like($redis, qr/PSS:.* nginx$figure and.* Node$figure and.* Redis$figure$/m,
     'redis: memory');

# a switch that the module refuses would stay as it is by default

unlike(`build/rt-bench -r 1 -M 300 -k come connect 16 2>&1`,
       qr/measured without/, 'the module knows all switches');

done_testing();
