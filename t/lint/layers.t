#!/usr/bin/perl

# src/LAYERS holds: includes go down and carry the folder, files have the
# prefix of their folder, and no layer uses the names that it may not.

use strict;
use warnings;

use FindBin;
use lib $FindBin::Bin;

use Lint;
use Test::More;


my %allowed = map { $_ => 1 } qw(base/rt.h shm/ngx_http_realtime.h
    shm/ngx_http_realtime_compat.h);

my %layer = map { $_->{folder} => $_ } layers();


sub complaints {
    my ($file) = @_;

    my ($folder, $name) = $file =~ m{^src/([^/]+)/([^/]+)$}
        or return 'not in a folder of src';

    return () if $folder eq 'cli';

    my $own = $layer{$folder} or return "no layer \"$folder\"";
    my $text = code(slurp($file));
    my @wrong;

    push @wrong, "not called $own->{prefix}*"
        unless $name =~ /^\Q$own->{prefix}\E/ || $allowed{"$folder/$name"};

    while ($text =~ /^[ \t]*#[ \t]*include[ \t]+"([^"]+)"/gm) {
        my $included = $1;
        my ($other) = $included =~ m{^([^/]+)/[^/]+$};

        if (!defined $other || !$layer{$other}) {
            push @wrong, "includes \"$included\" without its layer";

        } elsif (!-f "src/$included") {
            push @wrong, "includes $included, which is not there";

        } elsif ($other ne $folder
                 && $layer{$other}{level} >= $own->{level})
        {
            push @wrong, "includes $included, which is not below";
        }
    }

    $text =~ s/"(?:[^"\\\n]|\\.)*"/""/g;

    for my $word (@{ $own->{never} }) {
        my $end = $word =~ /_$/ ? '' : '\b';

        push @wrong, "names $&" if $text =~ /\b\Q$word\E$end\w*/;
    }

    return @wrong;
}


my @files = sources(qr/\.[ch]$/, 'src');

cmp_ok(scalar @files, '>', 10, 'there are sources');
cmp_ok(scalar keys %layer, '>', 5, 'there are layers');

is(join('; ', complaints($_)), '', $_) for @files;

done_testing();
