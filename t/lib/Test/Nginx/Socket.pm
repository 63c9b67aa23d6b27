package Test::Nginx::Socket;

# A stand-in for Test::Nginx::Socket from CPAN, used only where that is not
# installed.  It understands the sections that the tests of this repository
# use and dies on any other, so that a test passes or fails the same way
# under both.  The genuine documentation applies.

use strict;
use warnings;

use List::Util qw( shuffle );
use Test::More;
use Time::HiRes qw( sleep );

use Test::Nginx::Blocks;
use Test::Nginx::Client;
use Test::Nginx::Server;

our $VERSION = '0.30';

our @EXPORT = qw(
    run_tests blocks repeat_each no_shuffle no_long_string no_root_location
    master_on master_off master_process_enabled workers worker_connections
    log_level timeout server_root html_dir server_port server_addr
    server_name config_preamble env_to_nginx add_block_preprocessor
    add_cleanup_handler bail_out
);

my $repeat = 1;
my $shuffle = !$ENV{TEST_NGINX_NO_SHUFFLE};
my $version;
my $previous;
my $previous_config;
my $log_position = 0;
my (@blocks, $parsed, @preprocessors, @cleanups);
my $owner = $$;


sub import {
    my ($class, @arguments) = @_;
    my $caller = caller;

    strict->import;
    warnings->import;

    plan(@arguments) if @arguments;

    no strict 'refs';
    *{"${caller}::$_"} = \&{$_} for @EXPORT;
    *{"${caller}::$_"} = \&{"Test::More::$_"}
        for grep { /^\w+$/ } @Test::More::EXPORT;
    *{"${caller}::ServerPort"} = \$Test::Nginx::Server::Port;
}


sub option {
    my ($variable, @value) = @_;

    $$variable = $value[0] if @value;

    return $$variable;
}


sub repeat_each        { return option(\$repeat, @_) }
sub no_shuffle         { $shuffle = 0 }
sub no_long_string     { return }
sub no_root_location   { $Test::Nginx::Server::RootLocation = 0 }
sub master_on          { $Test::Nginx::Server::Master = 'on' }
sub master_off         { $Test::Nginx::Server::Master = 'off' }
sub workers            { return option(\$Test::Nginx::Server::Workers, @_) }
sub worker_connections { option(\$Test::Nginx::Server::Connections, @_) }
sub log_level          { return option(\$Test::Nginx::Server::LogLevel, @_) }
sub timeout            { return option(\$Test::Nginx::Server::Timeout, @_) }
sub server_addr        { return option(\$Test::Nginx::Server::Address, @_) }
sub server_name        { return option(\$Test::Nginx::Server::Name, @_) }
sub server_port        { return option(\$Test::Nginx::Server::Port, @_) }
sub server_root        { return $Test::Nginx::Server::Root }
sub html_dir           { return $Test::Nginx::Server::Html }
sub config_preamble    { $Test::Nginx::Server::Preamble = $_[0] }
sub env_to_nginx       { push @Test::Nginx::Server::Environment, @_ }
sub add_cleanup_handler { unshift @cleanups, $_[0] }
sub bail_out           { Test::Nginx::Server::stop(); BAIL_OUT(@_) }


sub master_process_enabled {
    $Test::Nginx::Server::Master = $_[0] ? 'on' : 'off' if @_;

    return $Test::Nginx::Server::Master;
}


sub add_block_preprocessor(&) {
    unshift @preprocessors, $_[0];
}


sub blocks {
    if (!$parsed) {
        no warnings 'once';
        my $text = do { local $/; <main::DATA> };

        @blocks = Test::Nginx::Blocks::parse($text);
        $parsed = 1;
    }

    return @blocks;
}


sub run_tests {
    $version = Test::Nginx::Server::version();

    $ENV{TEST_NGINX_SERVER_PORT} = $Test::Nginx::Server::Port
        if !defined $ENV{TEST_NGINX_SERVER_PORT}
           || $ENV{TEST_NGINX_RANDOMIZE};

    my @all = blocks();

    for my $block ($shuffle ? shuffle(@all) : @all) {
        $_->($block) for @preprocessors;

        $block->set_value(name => "$0 " . $block->name);
        run_block($block);
        $previous = $block;
    }

    $_->() for @cleanups;
    Test::Nginx::Server::stop();
    check_shutdown_log();
    Test::Nginx::Server::remove();
}


END {
    if ($$ == $owner) {
        # the exit status is the test's
        local $?;
        Test::Nginx::Server::stop();
    }
}


# Returns the number of tests to skip and why, or nothing.
sub skipped {
    my ($block) = @_;
    my ($eval, $nginx) = ($block->skip_eval, $block->skip_nginx);

    if (defined $eval) {
        $eval =~ /^\s*(\d+)\s*:\s*(.*)/s
            or bail_out($block->name . ' - bad skip_eval');

        my ($n, $code) = ($1, $2);
        my $skip = Test::Nginx::Blocks::run_in_main($code);

        bail_out($block->name . " - skip_eval: $@") if $@;

        return ($n, 'skip_eval') if $skip;
    }

    if (defined $nginx) {
        $nginx =~ m{^\s*(\d+)\s*:\s*([<>]=?)\s*(\d+)\.(\d+)\.(\d+)
                    (?:\s*:\s*(.*))?\s*$}x
            or bail_out($block->name . ' - bad skip_nginx');

        my ($n, $operator, $reason) = ($1, $2, $6);
        my $other = sprintf '%d.%03d%03d', $3, $4, $5;

        return ($n, $reason || "nginx $operator $other")
            if eval "$version $operator $other";
    }

    return;
}


# Over HTTP/2 goes what curl can send: the genuine module's rule.
sub uses_http2 {
    my ($block) = @_;

    if (defined $block->http2) {
        bail_out($block->name . ' - http2 with a raw request')
            if $block->raw_request || $block->pipelined_requests;

        return 1;
    }

    return 0 unless $ENV{TEST_NGINX_USE_HTTP2};
    return 0 if $block->raw_request || $block->pipelined_requests;
    return 0 if !defined $block->request;
    return 0 if !ref $block->request && $block->request =~ m{HTTP/1\.0};

    return 1;
}


sub run_block {
    my ($block) = @_;
    my ($n, $reason) = skipped($block);

    if ($n) {
        for (1 .. $repeat) {
            SKIP: { skip($block->name . " - $reason", $n) }
        }

        return;
    }

    my $http2 = uses_http2($block);

    if (!defined $block->config) {
        bail_out($block->name . ' - no config') if !defined $previous_config;

    } else {
        Test::Nginx::Server::stop();
        check_shutdown_log();

        $previous_config = $block->config;
        $log_position = 0;

        Test::Nginx::Server::prepare($block, $http2);

        return if !start($block);

        sleep $Test::Nginx::Server::Sleep;
    }

    if (defined $block->init) {
        Test::Nginx::Blocks::run_in_main($block->init);
        bail_out($block->name . " - init: $@") if $@;
    }

    $log_position = 0;

    for my $i (0 .. $repeat - 1) {
        Test::Nginx::Server::write_user_files($block) if $i > 0;
        run_requests($block, $http2, $i);
    }
}


# Starts nginx; returns false when the block expected that it cannot.
sub start {
    my ($block) = @_;
    my $expected = $block->must_die;
    my $name = $block->name;
    my ($status, $said) = Test::Nginx::Server::start();

    if (!defined $expected) {
        # the port of a nginx that has just gone may still be taken
        for (1 .. 10) {
            last if $status == 0 || $said !~ /Address already in use/;
            sleep 0.5;
            ($status, $said) = Test::Nginx::Server::start();
        }

        return 1 if $status == 0;

        diag($said);
        bail_out("$name - nginx cannot be started");
    }

    for my $i (0 .. $repeat - 1) {
        ($status, $said) = Test::Nginx::Server::start() if $i > 0;

        # the shell reports a signal as 128 plus its number
        if ($status & 127 || $status >> 8 > 128) {
            fail("$name - nginx died of a signal");

        } elsif ($expected =~ /^\d+$/) {
            is($status >> 8, $expected,
               "$name - die with the expected exit code");

        } else {
            isnt($status, 0, "$name - die as expected");
        }

        check_error_log($block, $i);

        if (defined $block->error_log && ! -s $Test::Nginx::Server::ErrorLog) {
            diag("$name - nginx tells configuration errors before it opens"
                 . " its log: they belong into t/config/*.txt");
        }

        Test::Nginx::Server::stop() if $status == 0;
    }

    return 0;
}


sub run_requests {
    my ($block, $http2, $repeated) = @_;
    my @requests = Test::Nginx::Client::requests($block);
    my $pipelined = $block->pipelined_requests;
    my $several = $pipelined || @requests > 1;
    my $index = 0;

    if (defined $block->curl) {
        diag(join ' ', Test::Nginx::Client::curl_command(
                           $block, $requests[0], $http2,
                           $Test::Nginx::Server::Timeout));
    }

    for my $request (@requests) {
        my $text = Test::Nginx::Client::send_request($block, $request,
                                                     $http2);
        my $head = $request->[0]{value} =~ /^\s*HEAD\s/;
        my $responses = $pipelined ? @$pipelined : 1;

        for my $j (1 .. $responses) {
            if (!defined $block->ignore_response) {
                my ($response, $left)
                    = Test::Nginx::Client::parse_response($block, $text,
                                                          $head);

                check_response($block, $response, $several, $index);

                diag($block->name . ' - bytes after the response')
                    if $left ne '' && !$pipelined;

                $text = $left;
            }

            sleep $block->wait if $block->wait;

            check_error_log($block, $repeated);
            check_access_log($block) if !defined $block->ignore_response;

            $index++;
        }
    }
}


# The expectation for one of several requests.
sub indexed {
    my ($block, $value, $several, $index) = @_;

    return ref $value eq 'ARRAY' ? $value->[$index] : $value if !$several;

    return $value->[$index] if ref $value eq 'ARRAY';

    bail_out($block->name
             . ' - several requests need an array of expectations');
}


sub ports {
    my ($text) = @_;

    return $text if !defined $text || ref $text;

    $text =~ s/\$ServerPort(ForClient)?\b/$Test::Nginx::Server::Port/g;

    return $text;
}


sub check_response {
    my ($block, $response, $several, $index) = @_;
    my $name = $block->name;
    my $value = sub { indexed($block, $_[0], $several, $index) };

    if (defined $block->error_code_like) {
        my $pattern = $value->($block->error_code_like);
        like($response->{code}, qr/$pattern/sm, "$name - status code ok");

    } else {
        my $code = defined $block->error_code ? $value->($block->error_code)
                                              : 200;
        is($response->{code}, $code, "$name - status code ok");
    }

    if (defined $block->raw_response_headers_like) {
        my $pattern = $value->($block->raw_response_headers_like);
        like($response->{raw_headers}, qr/$pattern/s,
             "$name - raw resp headers like");
    }

    if (defined $block->raw_response_headers_unlike) {
        my $pattern = $value->($block->raw_response_headers_unlike);
        unlike($response->{raw_headers}, qr/$pattern/s,
               "$name - raw resp headers unlike");
    }

    check_headers($block, $response, $value);
    check_body($block, $response, $value);
}


sub check_headers {
    my ($block, $response, $value) = @_;
    my $name = $block->name;
    my $like = !defined $block->response_headers;
    my $text = $like ? $block->response_headers_like
                     : $block->response_headers;

    return unless defined $text;

    my %expected;

    for my $line (split /\n/, $value->($text)) {
        $line =~ s/^\s+|\s+$//g;

        next if $line eq '';

        if ($line =~ s/^!\s*// && !$like) {
            $expected{$line} = undef;

        } else {
            my ($key, $wanted) = split /\s*:\s*/, $line, 2;
            $expected{$key} = $wanted;
        }
    }

    for my $key (sort keys %expected) {
        my $wanted = ports($expected{$key});
        my $actual = Test::Nginx::Client::header($response, $key);

        $actual = '' unless defined $actual;

        if (!defined $wanted) {
            unlike($response->{raw_headers}, qr/^\s*\Q$key\E\s*:/msi,
                   "$name - header $key not present in the raw headers");

        } elsif ($like) {
            like($actual, qr/^$wanted$/, "$name - header $key like ok");

        } else {
            is($actual, $wanted, "$name - header $key ok");
        }
    }
}


sub check_body {
    my ($block, $response, $value) = @_;
    my $name = $block->name;
    my $body = $response->{body};

    if (defined $block->response_body) {
        my $expected = ports($value->($block->response_body));

        if (ref $expected) {
            like($body, $expected, "$name - response_body - like");

        } else {
            is($body, $expected,
               "$name - response_body - response is expected");
        }

    } elsif (defined $block->response_body_like) {
        my $pattern = ports($value->($block->response_body_like));
        like($body, qr/$pattern/s, "$name - response_body_like");

    } elsif (defined $block->response_body_unlike) {
        my $pattern = ports($value->($block->response_body_unlike));
        unlike($body, qr/$pattern/s, "$name - response_body_unlike");
    }
}


sub read_log {
    my ($file, $from) = @_;

    # what the log phase writes after the connection is closed
    sleep $Test::Nginx::Server::Sleep * 3;

    open my $in, '<', $file or return (0);
    seek $in, $from, 0;
    my @lines = <$in>;
    my $end = tell $in;
    close $in;

    return ($end, @lines);
}


sub patterns {
    my ($value) = @_;

    return @$value if ref $value eq 'ARRAY';
    return $value if ref $value;

    return grep { $_ ne '' } split /\n+/, $value;
}


sub matches {
    my ($line, $pattern) = @_;

    return ref $pattern ? $line =~ /$pattern/ : index($line, $pattern) >= 0;
}


# One test for each pattern: some line has it, or none has it.
sub check_lines {
    my ($name, $log, $wanted, $unwanted, @lines) = @_;

    if (defined $wanted) {
        for my $pattern (patterns($wanted)) {
            ok(scalar(grep { matches($_, $pattern) } @lines),
               "$name - pattern \"$pattern\" matches a line in $log");
        }
    }

    if (defined $unwanted) {
        for my $pattern (patterns($unwanted)) {
            my ($found) = grep { matches($_, $pattern) } @lines;

            ok(!defined $found,
               "$name - pattern \"$pattern\" matches no line in $log")
                or diag($found);
        }
    }
}


sub check_error_log {
    my ($block, $repeated) = @_;
    my $name = $block->name;
    my ($end, @lines) = read_log($Test::Nginx::Server::ErrorLog,
                                 $log_position);

    $log_position = $end;

    check_grep($block, $repeated, @lines);
    check_lines($name, 'error.log', $block->error_log, $block->no_error_log,
                @lines);

    my $told = join ' ', map { defined $_ ? patterns($_) : () }
                             $block->error_log, $block->no_error_log;

    for my $level (qw( emerg alert crit )) {
        next if index($told, "[$level") >= 0;

        diag("$name - $_") for grep { /\[$level\]/ } @lines;
    }

    for my $line (@lines) {
        fail("$name - $line") if $line =~ /\bAssertion .*?failed\b/;
    }
}


sub check_grep {
    my ($block, $repeated, @lines) = @_;
    my ($pattern, $expected) = ($block->grep_error_log,
                                $block->grep_error_log_out);

    $pattern = $pattern->[$repeated] if ref $pattern eq 'ARRAY';
    $expected = $expected->[$repeated] if ref $expected eq 'ARRAY';

    if (defined $pattern != defined $expected) {
        bail_out($block->name
                 . ' - grep_error_log and grep_error_log_out go together');
    }

    return unless defined $pattern;

    my $regex = ref $pattern ? $pattern : qr/\Q$pattern\E/;
    my $found = join '', map { /$regex/ ? "$&\n" : () } @lines;
    my $name = $block->name . ' - grep_error_log_out';

    ref $expected eq 'Regexp' ? like($found, $expected, $name)
                              : is($found, $expected, $name);
}


sub check_access_log {
    my ($block) = @_;

    return unless defined $block->access_log
                  || defined $block->no_access_log;

    my (undef, @lines) = read_log($Test::Nginx::Server::AccessLog, 0);

    check_lines($block->name, 'access.log', $block->access_log,
                $block->no_access_log, @lines);
}


# What the previous block's nginx logged until it was gone.
sub check_shutdown_log {
    return unless defined $previous
                  && (defined $previous->shutdown_error_log
                      || defined $previous->no_shutdown_error_log);

    my (undef, @lines) = read_log($Test::Nginx::Server::ErrorLog,
                                  $log_position);

    check_lines($previous->name, 'error.log at shutdown',
                $previous->shutdown_error_log,
                $previous->no_shutdown_error_log, @lines);
}

1;
