#!/usr/bin/perl

# What there is, is listed: every source stands once in "config", in the
# order of src/LAYERS, and docs/architecture.md names it.

use strict;
use warnings;

use FindBin;
use lib $FindBin::Bin;

use Lint;
use Test::More;


# the files of a list in "config", as paths from the top

sub listed {
    my ($name) = @_;

    my ($list) = slurp('config') =~ /^$name="(.*?)"/ms;

    return () unless defined $list;

    return map { s/^\$rt_src/src/r } grep { $_ ne '\\' } split ' ', $list;
}


# by layer, then by name; folders of one level stand as in src/LAYERS

sub in_order {
    my $n = 0;
    my %rank = map { $_->{folder} => $n++ } layers();

    my @keys = map {
        my ($folder, $name) = m{^src/([^/]+)/(.*)\.[ch]$};
        [ $_, $rank{$folder // ''} // 99, $name // '' ];
    } @_;

    return map { $_->[0] }
        sort { $a->[1] <=> $b->[1] || $a->[2] cmp $b->[2] } @keys;
}


for my $list (['rt_srcs', 'c'], ['rt_deps', 'h']) {
    my ($name, $ext) = @$list;

    my @there = in_order(grep { !m{^src/cli/} } sources(qr/\.$ext$/, 'src'));

    is_deeply([listed($name)], \@there, "config: $name");
}

my $text = -f 'docs/architecture.md' ? slurp('docs/architecture.md') : '';

ok($text ne '', 'docs/architecture.md is there');

# by its full name, or by folder and the name without the common prefix

for my $file (sources(qr/\.[ch]$/, 'src')) {
    my ($folder, $stem) = $file =~ m{([^/]+)/([^/]+)\.[ch]$} or next;
    my $short = $stem =~ s/^ngx_http_realtime_//r;

    like($text, qr{(?<![\w/])(?:\Q$folder\E/)?\Q$stem\E(?!\w)
                   |(?<!\w)\Q$folder/$short\E(?!\w)}x,
        "docs/architecture.md names $file");
}

done_testing();
