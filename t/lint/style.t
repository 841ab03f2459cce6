#!/usr/bin/perl

# Layout that needs no opinion: 80 columns, no tabs, no blanks at the end of a
# line, functions that fit a screen, files that fit a head.  A body starts at
# a "{" and ends at a "}" in the first column.

use strict;
use warnings;

use FindBin;
use lib $FindBin::Bin;

use Lint;
use Test::More;

use constant COLUMNS => 80;
use constant BODY => 60;            # a body that is one switch: twice as many
use constant FILE => 600;           # lines of a .c of the server


sub complaints {
    my ($file) = @_;
    my ($start, $switch, $n, @wrong) = (0, 0, 0);

    my $text = slurp($file);

    push @wrong, 'no newline at the end' if $text !~ /\n\z/;
    push @wrong, 'empty lines at the end' if $text =~ /\n\n\z/;

    for (split /\n/, $text) {
        $n++;

        push @wrong, "$n: over ${\COLUMNS} columns" if length > COLUMNS;
        push @wrong, "$n: a tab" if /\t/;
        push @wrong, "$n: blanks at the end" if /[ \r]$/;

        ($start, $switch) = ($n, 0) if /^\{/;
        $switch = 1 if /^ {4,8}switch /;

        if (/^\}/ && $start) {
            my $lines = $n - $start + 1;

            push @wrong, "$start: a function of $lines lines"
                if $lines > ($switch ? 2 * BODY : BODY);
            $start = 0;
        }
    }

    push @wrong, "$n lines" if $n > FILE && $file =~ m{^src/.*\.c$};

    return @wrong;
}


my @files = sources(qr/\.[ch]$/, 'src', 't', 'bench', 'examples');

cmp_ok(scalar @files, '>', 10, 'there are sources');

is(join("\n", complaints($_)), '', $_) for @files;

done_testing();
