#!/usr/bin/perl

# seeds.pl DIR: makes seeds for the fuzz targets of the vectors in t/vectors,
# one file a line, in DIR/<name>.  Those of t/vectors/jwt are tokens, which are
# also there as what they say (header, newline, payload), and keys.

use strict;
use warnings;

use Cwd qw(abs_path);
use File::Basename qw(basename dirname);
use File::Path qw(make_path);
use MIME::Base64 qw(decode_base64url);


my $to = shift or die "usage: $0 DIR\n";
my $from = dirname(abs_path(__FILE__)) . '/../vectors';


sub seed {
    my ($path, $bytes) = @_;

    open(my $out, '>:raw', $path) or die "$path: $!\n";
    print $out $bytes;
    close($out) or die "$path: $!\n";
}


for my $file (glob "$from/*.txt $from/jwt/*.txt") {
    my $part = basename($file, '.txt');
    my $tokens = $file =~ m{/jwt/};
    my $dir = "$to/" . ($tokens ? 'jwt' : $part);

    make_path($dir);
    open(my $in, '<', $file) or die "$file: $!\n";

    while (my $line = <$in>) {
        next if $line =~ /^#/ || $line !~ /^\S+ (.*)$/;

        (my $bytes = $1) =~ s/%([0-9A-Fa-f]{2})/chr(hex($1))/ge;
        my $name = sprintf('%s/%s%03d', $dir, $tokens ? "$part-" : '', $.);

        seed($name, $bytes);

        if ($tokens && $bytes =~ /^([\w-]+)\.([\w-]+)\./) {
            seed("$name-says", join "\n", map { decode_base64url($_) } $1, $2);
        }
    }
}

for my $file (glob "$from/jwt/*.pem $from/jwt/*.json") {
    open(my $in, '<:raw', $file) or die "$file: $!\n";
    local $/;

    seed("$to/jwt/" . basename($file), scalar <$in>);
}
