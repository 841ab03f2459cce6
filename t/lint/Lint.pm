package Lint;

# What the lint tests share: the top of the tree, its files and their text.

use strict;
use warnings;

use Cwd qw(abs_path);
use Exporter qw(import);
use File::Basename qw(dirname);
use File::Find;

our @EXPORT = qw(slurp sources code tracked layers module);


chdir(dirname(abs_path(__FILE__)) . '/../..') or die "chdir: $!";


# the whole file as characters; dies when there is none

sub slurp {
    my ($file) = @_;

    open my $in, '<:encoding(UTF-8)', $file or die "$file: $!\n";
    local $/;

    return scalar <$in>;
}


# the files under the folders whose names match, sorted

sub sources {
    my ($match, @folders) = @_;
    my @files;

    my $wanted = sub {
        if (-d && /^(?:node_modules|build)$/) {
            $File::Find::prune = 1;
            return;
        }

        push @files, $File::Find::name if -f && /$match/;
    };

    find($wanted, grep { -d } @folders);

    return sort @files;
}


# C without comments; the lines stay where they are

sub code {
    my ($text) = @_;

    $text =~ s{(/\*.*?\*/)}{ (my $c = $1) =~ s/[^\n]//g; $c }gse;

    return $text;
}


# the files of the repository, those to be added included

sub tracked {
    my @files = grep { -f && !-l } split /\0/,
        `git ls-files -z --cached --others --exclude-standard 2>/dev/null`;

    # an unpacked archive has no git
    @files = map { s{^\./}{}r } sources(qr/./, '.') unless @files;

    return sort @files;
}


# the rows of src/LAYERS: level, folder, prefix and the names not to be used

sub layers {
    my @rows;

    for (split /\n/, slurp('src/LAYERS')) {
        next if /^\s*(?:#|$)/;

        my ($level, $folder, $prefix, @never) = split;

        push @rows, { level => $level, folder => $folder, prefix => $prefix,
                      never => \@never };
    }

    return @rows;
}


# the module under test

sub module {
    return $ENV{REALTIME_MODULE}
        || abs_path('.') . '/build/ngx_http_realtime_module.so';
}


1;
