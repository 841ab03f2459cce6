#!/usr/bin/perl

# What people copy works: every file of conf.d, the example's configuration
# and every nginx block of the documents pass "nginx -t".
#
# A piece is put where its directives belong.  Addresses become sockets in a
# temporary directory, so that nothing here depends on free ports, and files
# that nginx would write or read are made there.

use strict;
use warnings;

use FindBin;
use lib $FindBin::Bin;

use File::Temp qw(tempdir);
use Lint;
use Test::More;


my $dir = tempdir(CLEANUP => 1);
mkdir "$dir/tmp" or die "$dir/tmp: $!";

my $temp = join '', map { "    ${_}_temp_path $dir/$_;\n" }
    qw(client_body proxy fastcgi uwsgi scgi);

my %where = (
    (map { $_ => 'main' } qw(http events load_module user worker_processes)),
    (map { $_ => 'http' } qw(server upstream map geo split_clients log_format
        limit_req_zone limit_conn_zone realtime_zone realtime_redis
        realtime_postgres realtime_postgres_pool)),
    (map { $_ => 'server' } qw(location listen server_name))
);


# the names of the directives outside of all blocks

sub directives {
    my ($text) = @_;
    my ($depth, $first, @names) = (0, 1);

    while ($text =~ /\G(?:\s+|\#[^\n]*|("(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'
                     |\$\{\w+\}|[{};]|(?:[^\s;{}]|\$\{)+))/gsx)
    {
        my $token = $1;

        if (!defined $token) {
            next;

        } elsif ($token eq ';') {
            $first = 1;

        } elsif ($token eq '{') {
            $depth++;
            $first = 1;

        } elsif ($token eq '}') {
            $depth--;
            $first = 1;

        } elsif ($first) {
            push @names, $token if $depth == 0;
            $first = 0;
        }
    }

    return @names;
}


# a certificate for those that show TLS

sub certificate {
    return if -f "$dir/key.pem";

    system("openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=test"
           . " -keyout $dir/key.pem -out $dir/cert.pem >$dir/openssl.log 2>&1");
}


# the public key of RFC 8037, A.2, for those that show tokens

sub key_file {
    open my $out, '>', "$dir/keys.json" or die;
    print $out '{"keys":[{"kty":"OKP","crv":"Ed25519",'
        . '"x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}';
    close $out;
}


# nothing outside of the temporary directory is opened

sub localise {
    my ($text) = @_;
    my (%socket, $n);

    $text =~ s{^([ \t]*)listen[ \t]+([^\s;]+)}{
        $socket{$2} //= "unix:$dir/" . ++$n . '.sock';
        "$1listen $socket{$2}" }gme;
    $text =~ s/^([ \t]*listen[^;]*?)\s+(?:reuseport|ipv6only=\w+)/$1/gm;

    $text =~ s{^([ \t]*(?:pid|error_log|access_log)[ \t]+)/[^\s;]*/([^\s;/]+)}
              {$1$dir/$2}gm;
    $text =~ s{^[ \t]*load_module[^;]*ngx_http_realtime_module\.so;}{}gm;

    key_file() if $text =~ /^\s*realtime_jwt_key\b/m;
    $text =~ s{^([ \t]*realtime_jwt_key)[ \t]+[^\s;]+}{$1 $dir/keys.json}gm;

    certificate() if $text =~ /^\s*ssl_certificate\b/m;
    $text =~ s{^([ \t]*ssl_certificate)[ \t]+[^;]+;}{$1 $dir/cert.pem;}gm;
    $text =~ s{^([ \t]*ssl_certificate_key)[ \t]+[^;]+;}{$1 $dir/key.pem;}gm;

    return $text;
}


# a whole configuration around a piece that belongs to a context

sub wrap {
    my ($context, $text) = @_;
    my $head = 'load_module ' . module() . ";\n";

    if ($context eq 'main') {
        my %has = map { $_ => 1 } directives($text);

        $head .= "events {}\n" unless $has{events};
        $head .= "pid $dir/nginx.pid;\n" unless $has{pid};
        $text =~ s/^(http\s*\{)(.*)/$1 . missing_paths($2) . $2/mse;

        return $head . $text;
    }

    $text = "location / {\n$text\n}" if $context eq 'location';
    $text = "server {\nlisten unix:$dir/0.sock;\n$text\n}"
        if $context =~ /^(?:location|server)$/;

    return $head . "pid $dir/nginx.pid;\nevents {}\n"
        . "http {\naccess_log off;\n$temp\n$text\n}\n";
}


sub missing_paths {
    my ($text) = @_;

    return "\n" . join '', grep { /(\w+)/ && $text !~ /\b$1\b/ }
        map { "$_\n" } "access_log off;", split /\n/, $temp;
}


# what nginx says against a configuration, or nothing

sub complaints {
    my ($text) = @_;

    open my $out, '>:encoding(UTF-8)', "$dir/nginx.conf" or die;
    print $out $text;
    close $out;

    local $ENV{PATH} = "$ENV{PATH}:/usr/sbin";
    local $ENV{LD_PRELOAD} = $ENV{REALTIME_PRELOAD} // '';

    my $log = `nginx -t -p '$dir/' -c '$dir/nginx.conf' -e stderr 2>&1`;
    my $rc = $?;

    # not of interest: who runs the test, and that it is one
    my @lines = grep { !/"user" directive makes sense only/
                       && !/^nginx: (?:the )?configuration file/ }
        split /\n/, $log;

    return $rc || @lines ? join("\n", @lines, 'exit status ' . ($rc >> 8)) : '';
}


sub check {
    my ($text, $name) = @_;

    $text = localise($text);

    my ($known) = grep { defined } map { $where{$_} } directives($text);

    # the context that a name tells is the only one to try
    my ($said, @try) = ('', defined $known ? $known
                                           : qw(location server http));

    for my $context (@try) {
        $said = complaints(wrap($context, $text));
        last if $said eq '';
    }

    is($said, '', $name);
}


my @files = sources(qr/\.conf$/, 'conf.d', 'examples');
my @documents = grep { /\.md$/ } tracked();
my $blocks = 0;

cmp_ok(scalar(grep { m{^conf\.d/} } @files), '>', 0,
    'there are configurations in conf.d');

for my $file (@files) {
    my $text = slurp($file);

    $text =~ s/\@TOP\@/$dir/g;
    $text =~ s/\@HOST\@/127.0.0.1/g;
    $text =~ s/\@PORT\@/3101/g;

    # those that want tokens leave the secret to the environment
    local $ENV{REALTIME_JWT_SECRET} = 'x' x 32
        if $file =~ m{^conf\.d/use-cases/};

    check($text, $file);
}

for my $file (@documents) {
    my $text = slurp($file);

    while ($text =~ /^( *)```nginx\n(.*?)^ *```/gms) {
        my ($indent, $block) = ($1, $2);
        my $line = 2 + (substr($text, 0, $-[0]) =~ tr/\n//);

        $blocks++;
        $block =~ s/^$indent//gm;
        check($block, "$file, line $line");
    }
}

cmp_ok($blocks, '>', 0, 'there are nginx blocks in the documents');

done_testing();
