package Test::Nginx::Server;

# The nginx under test: its root directory, configuration, start and stop.

use strict;
use warnings;

use Cwd ();
use File::Path qw( make_path remove_tree );
use IO::Socket::INET;
use POSIX qw( WNOHANG );
use Time::HiRes qw( sleep );

our $Binary      = $ENV{TEST_NGINX_BINARY} || 'nginx';
our $LoadModules = $ENV{TEST_NGINX_LOAD_MODULES} || '';
our $Sleep       = $ENV{TEST_NGINX_SLEEP} || 0.015;
our $Timeout     = $ENV{TEST_NGINX_TIMEOUT} || 3;
our $Workers     = 1;
our $Connections = 64;
our $Master      = $ENV{TEST_NGINX_MASTER_PROCESS} || 'off';
our $LogLevel    = $ENV{TEST_NGINX_LOG_LEVEL} || 'debug';
our $Address     = '127.0.0.1';
our $Name        = 'localhost';
our $Port        = $ENV{TEST_NGINX_SERVER_PORT} || $ENV{TEST_NGINX_PORT}
                   || 1984;
our $Preamble    = '';
our $RootLocation = 1;
our @Environment;

$Port = free_port() if $ENV{TEST_NGINX_RANDOMIZE};

our $Root = $ENV{TEST_NGINX_RANDOMIZE}
            ? Cwd::getcwd() . "/t/servroot_$Port"
            : $ENV{TEST_NGINX_SERVROOT} || Cwd::getcwd() . '/t/servroot';

$ENV{TEST_NGINX_SERVER_ROOT} = $Root;

our $ErrorLog   = "$Root/logs/error.log";
our $AccessLog  = "$Root/logs/access.log";
our $Html       = "$Root/html";
our $ConfigFile = "$Root/conf/nginx.conf";
our $PidFile    = "$Root/logs/nginx.pid";

my %random_ports;


sub free_port {
    for (1 .. 1000) {
        my $port = 1985 + int rand 30000;
        my $socket = IO::Socket::INET->new(LocalAddr => '127.0.0.1',
                                           LocalPort => $port,
                                           Listen => 1);

        return $port if $socket;
    }

    die "no free port\n";
}


# As numbers that compare: 1.022001.
sub version {
    my $text = `$Binary -V 2>&1`;

    Test::More::BAIL_OUT("cannot run $Binary") if $? != 0;

    $text =~ m{/(\d+)\.(\d+)\.(\d+)}
        or Test::More::BAIL_OUT("no version in the output of $Binary -V");

    return sprintf '%d.%03d%03d', $1, $2, $3;
}


sub expand {
    my ($text, $block) = @_;

    return '' unless defined $text;

    $text =~ s{\$(TEST_NGINX_[_A-Z0-9]+)}{ variable($1, $block) }eg;

    return $text;
}


sub variable {
    my ($name, $block) = @_;

    if ($name =~ /^TEST_NGINX_RAND_PORT_\d+$/) {
        return $random_ports{$name} ||= free_port();
    }

    return $ENV{$name} if defined $ENV{$name};

    Test::More::BAIL_OUT($block->name . " - no $name in the environment");
}


sub write_file {
    my ($path, $text) = @_;

    make_path($1) if $path =~ m{^(.*)/};

    open my $out, '>:raw', $path or die "cannot write $path: $!\n";
    print $out $text;
    close $out or die "cannot write $path: $!\n";
}


sub write_user_files {
    my ($block) = @_;
    my $files = $block->user_files;

    return unless defined $files;

    if (!ref $files) {
        my @parts = split /^>>> *(\S+).*\n/m, $files;

        shift @parts;
        $files = [];

        while (@parts) {
            my ($name, $text) = splice @parts, 0, 2;
            push @$files, [$name, $text];
        }
    }

    for my $file (@$files) {
        my ($name, $text) = @$file;

        $name = "$Html/$name" unless $name =~ m{^/};
        $text = '' unless defined $text;
        write_file($name, expand($text, $block));
    }
}


sub prepare {
    my ($block, $http2) = @_;

    %random_ports = ();

    if (-d $Root) {
        remove_tree(map { "$Root/$_" } qw( conf html logs ));
        remove_tree(glob("$Root/*_temp"), glob("$Root/*_cache"));
        rmdir $Root or die "cannot remove $Root: $!\n";
    }

    make_path("$Root/conf", "$Root/logs", $Html);
    write_file("$Html/index.html",
               '<html><head><title>It works!</title></head>'
               . '<body>It works!</body></html>');

    write_user_files($block);
    write_file($ConfigFile, config($block, $http2));
}


sub config {
    my ($block, $http2) = @_;

    my $modules = join ' ', map { "load_module $_;" } split ' ', $LoadModules;
    my $level = $block->log_level || $LogLevel;
    my $listen = $Port;

    # the parameter of "listen" is deprecated since 1.25.1
    if ($http2) {
        $listen .= version() >= 1.025001 ? ";\n        http2 on" : ' http2';
    }

    my $name = defined $block->server_name ? $block->server_name : $Name;
    my $user = $> == 0 ? 'user root;' : '';
    my $env = join "\n", map { "env $_;" } 'ASAN_OPTIONS', 'UBSAN_OPTIONS',
                                           'LD_PRELOAD', @Environment;
    my $root = $RootLocation ? <<"END" : '';
        location / {
            root $Html;
            index index.html index.htm;
        }
END
    my ($main, $post_main, $http, $server)
        = map { expand($_, $block) } $block->main_config,
              $block->post_main_config, $block->http_config, $block->config;

    return <<"END";
worker_processes  $Workers;
daemon on;
master_process $Master;
error_log $ErrorLog $level;
pid       $PidFile;
$env
$user

$main
$modules

http {
    access_log $AccessLog;

    default_type text/plain;
    keepalive_timeout  68;

$http

    server {
        listen          $listen;
        server_name     '$name';

        client_max_body_size 30M;

$Preamble
$server
$root
    }
}

$post_main

events {
    accept_mutex off;

    worker_connections  $Connections;
}
END
}


# A random root directory has served its purpose with its test.
sub remove {
    remove_tree($Root) if $ENV{TEST_NGINX_RANDOMIZE}
                          && Test::More->builder->is_passing;
}


# Returns the status of the command that starts nginx, and what it said.
sub start {
    my $said = `$Binary -p $Root/ -c $ConfigFile 2>&1 > /dev/null`;

    return ($?, $said);
}


sub pid {
    open my $in, '<', $PidFile or return;
    my $pid = <$in>;
    close $in;

    return unless defined $pid && $pid =~ /^(\d+)/;
    return $1;
}


# A zombie, which its new parent may be slow to reap, is not running.
sub running {
    my ($pid) = @_;

    waitpid $pid, WNOHANG;

    if (open my $in, '<', "/proc/$pid/stat") {
        my $stat = <$in>;
        return defined $stat && $stat !~ /\) Z/;
    }

    return kill 0, $pid;
}


# QUIT, then TERM, then KILL: nothing is left running.
sub stop {
    my $pid = pid();

    return unless defined $pid;

    for my $signal (qw( QUIT TERM KILL )) {
        kill $signal, $pid;

        for (my $waited = 0; $waited < $Timeout; $waited += 0.01) {
            if (!running($pid)) {
                unlink $PidFile;
                return;
            }

            sleep 0.01;
        }

        Test::More::diag("nginx $pid has not stopped on $signal");
    }
}

1;
