#!/usr/bin/perl

# seeds.pl DIR: makes seeds for the fuzz targets of the vectors in t/vectors,
# one file a line, in DIR/<name>.

use strict;
use warnings;

use Cwd qw(abs_path);
use File::Basename qw(basename dirname);
use File::Path qw(make_path);


my $to = shift or die "usage: $0 DIR\n";
my $from = dirname(abs_path(__FILE__)) . '/../vectors';

for my $file (glob "$from/*.txt") {
    my $dir = "$to/" . basename($file, '.txt');

    make_path($dir);
    open(my $in, '<', $file) or die "$file: $!\n";

    while (my $line = <$in>) {
        next if $line =~ /^#/ || $line !~ /^\S+ (.*)$/;

        (my $bytes = $1) =~ s/%([0-9A-Fa-f]{2})/chr(hex($1))/ge;

        open(my $out, '>:raw', sprintf('%s/%03d', $dir, $.)) or die "$!\n";
        print $out $bytes;
        close($out) or die "$!\n";
    }
}
