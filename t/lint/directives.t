#!/usr/bin/perl

# docs/directives.md and the table of commands say the same, in the same
# order.

use strict;
use warnings;
use utf8;

use FindBin;
use lib $FindBin::Bin;

use Lint;
use Test::More;


binmode Test::More->builder->$_, ':encoding(UTF-8)'
    for qw(output failure_output);

my %context = (
    MAIN => 'http', SRV => 'server', LOC => 'location', LIF => 'if in location'
);


# [name, contexts] of each command, as the code has them

sub commands {
    my $text = code(slurp('src/module/ngx_http_realtime_module.c'));
    my ($table) = $text =~ /^(?:static\s+)?ngx_command_t\s.*?\{(.*?)^\};/ms;
    my @rows;

    while (($table // '') =~ /\{\s*ngx_string\("(\w+)"\),\s*([\w|\s]+),/g) {
        my ($name, $flags) = ($1, $2);
        my @contexts = map { $context{$_} // "? $_" }
            $flags =~ /\bNGX_HTTP_([A-Z]+)_CONF\b/g;

        push @rows, [$name, join ', ', @contexts];
    }

    return @rows;
}


# the same of each section of the page, with its text

sub sections {
    my ($text) = @_;
    my @rows;

    while ($text =~ /^###? `?(realtime\w*)`?\n(.*?)(?=^##|\z)/gms) {
        my ($name, $section) = ($1, $2);
        my ($contexts) = $section =~ /^\| Context \| (.+) \|$/m;

        $contexts //= '';
        $contexts =~ s/`//g;

        push @rows, [$name, $contexts, $section];
    }

    return @rows;
}


my @code = commands();
my $page = -f 'docs/directives.md' ? slurp('docs/directives.md') : '';
my @docs = sections($page);

cmp_ok(scalar @code, '>', 0, 'there are commands');
ok($page ne '', 'docs/directives.md is there');

is_deeply([map { "$_->[0]: $_->[1]" } @docs],
    [map { "$_->[0]: $_->[1]" } @code], 'names, order and contexts');

for (@docs) {
    my ($name, undef, $section) = @$_;

    like($section, qr/^\| Syntax \| (?:(?:<br>)?`\Q$name\E(?: [^`]*)?;`)+ \|$/m,
        "$name: syntax");
    like($section, qr/^\| Default \| (?:—|`\Q$name\E [^`]+;`) \|$/m,
        "$name: default");
}

done_testing();
