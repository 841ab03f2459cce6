#!/usr/bin/perl

# The module exports what nginx looks for and nothing else: nginx loads with
# RTLD_GLOBAL, and any other name could catch, or be caught by, a stranger's.

use strict;
use warnings;

use FindBin;
use lib $FindBin::Bin;

use Lint;
use Test::More tests => 3;


my $module = module();

ok(-f $module, 'the module is built');

my @names = sort map { /(\S+)$/ } split /\n/,
    `nm -D --defined-only '$module' 2>&1`;

is_deeply(\@names, [qw(ngx_module_names ngx_module_order ngx_modules)],
    'exported names');

# what is not inside would be looked for in the modules of others, too

my @sought = grep { /^(?:redis|sds|hi_)/ } map { /(\S+)$/ } split /\n/,
    `nm -D --undefined-only '$module' 2>&1`;

is_deeply(\@sought, [], 'hiredis is inside');
