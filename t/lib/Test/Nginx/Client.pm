package Test::Nginx::Client;

# Requests: built from a block's sections, sent over a socket as HTTP/1, or
# by curl as HTTP/2, and their responses taken apart.

use strict;
use warnings;

use Errno qw( EAGAIN );
use File::Temp ();
use IO::Select;
use IO::Socket::INET;
use POSIX ();
use Test::More ();
use Time::HiRes qw( sleep );

use Test::Nginx::Server;


# Returns a list of requests, each a list of { value, delay_before }.
sub requests {
    my ($block) = @_;
    my $raw = $block->raw_request;

    if (defined $raw) {
        return [map { { value => $_ } } ref $raw ? @$raw : $raw];
    }

    return pipeline($block) if $block->pipelined_requests;

    my $request = $block->request;

    if (!defined $request) {
        Test::More::BAIL_OUT($block->name . ' - no request');
    }

    if (!ref $request) {
        # comments and blank lines before the request line
        1 while $request =~ s/^\s*\#[^\n]+\s+|^\s+//gs;
        $request = [$request];
    }

    my @requests;

    for my $i (0 .. $#$request) {
        my $one = $request->[$i];
        my @packets = map { ref $_ ? { %$_ } : { value => $_ } }
                          ref $one ? @$one : $one;

        push @requests, build($block, $i, 'close', @packets);
    }

    return @requests;
}


sub pipeline {
    my ($block) = @_;
    my $requests = $block->pipelined_requests;
    my $all = '';

    for my $i (0 .. $#$requests) {
        my $connection = $i == $#$requests ? 'close' : 'keep-alive';
        my $packets = build($block, $i, $connection,
                            { value => $requests->[$i] });

        $all .= join '', map { $_->{value} } @$packets;
    }

    return [{ value => $all }];
}


# Completes "METHOD [URL [VERSION]]\nBODY", which may stand in several
# packets: the head goes into the first, the body keeps its cuts.
sub build {
    my ($block, $i, $connection, @packets) = @_;
    my $text = join '', map { $_->{value} } @packets;
    my $head_end = index $text, "\n";

    $head_end = length $text if $head_end < 0;

    my ($method, $url, $version, $rest)
        = split ' ', substr($text, 0, $head_end), 4;

    if (!defined $method || defined $rest) {
        Test::More::BAIL_OUT($block->name . ' - bad request line');
    }

    $url = '/' unless defined $url;
    $version = 'HTTP/1.1' unless defined $version;

    my $headers = more_headers($block, $i);
    my $chunked = $headers =~ /^Transfer-Encoding: chunked\r$/mi;

    # blanks around a body of declared length are not part of it
    my $body = $head_end < length $text ? substr($text, $head_end + 1) : '';
    my $before = 0;

    if (!$chunked && $body ne '' && $headers !~ /^Content-Length:/m) {
        $body =~ s/^(\s+)// and $before = length $1;
        $body =~ s/\s+$//;
        $headers .= 'Content-Length: ' . length($body) . "\r\n";
    }

    $headers = "Connection: $connection\r\n$headers"
        if $headers !~ /^Connection/mi;
    $headers = "Host: $Test::Nginx::Server::Name\r\n$headers"
        if $headers !~ /^Host:/mi;

    # where the body's bytes fall into the packets
    my ($from, @built) = (0);

    for my $packet (@packets) {
        my $to = $from + length $packet->{value};
        my ($first, $last) = map {
            my $at = $_ - $head_end - 1 - $before;
            $at < 0 ? 0 : $at > length $body ? length $body : $at
        } $from, $to;

        my $value = substr $body, $first, $last - $first;

        if ($from == 0) {
            $value = "$method $url $version\r\n$headers\r\n$value";
        }

        push @built, { %$packet, value => $value };
        $from = $to;
    }

    return \@built;
}


sub more_headers {
    my ($block, $i) = @_;
    my $headers = $block->more_headers;

    return '' unless defined $headers;

    if (ref $headers) {
        $headers = $headers->[$i];

        Test::More::BAIL_OUT($block->name . " - no more_headers of request $i")
            unless defined $headers;
    }

    my $text = '';

    for my $line (split /\n+/, $headers) {
        next if $line =~ /^\s*\#/;

        my ($name, $value) = split /:\s*/, $line, 2;
        $value = '' unless defined $value;
        $value =~ s/\r$//;
        $text .= "$name: $value\r\n";
    }

    return $text;
}


sub send_request {
    my ($block, $request, $http2) = @_;
    my $timeout = seconds($block->timeout);

    $timeout = $Test::Nginx::Server::Timeout unless defined $timeout;

    return curl($block, $request, $timeout) if $http2;

    my $socket = connect_socket($block, $timeout) or return '';
    my $response = '';
    my @packets = @$request;
    my ($unsent, $written) = ('', 0);

    local $SIG{PIPE} = 'IGNORE';

    my $reading = IO::Select->new($socket);
    my $writing = IO::Select->new($socket);

    while (1) {
        my ($readable, $writable)
            = IO::Select->select($reading, $writing, undef, $timeout);

        if (!$readable && !$writable) {
            if (!defined $block->abort) {
                Test::More::fail($block->name . ' - client timed out');
            }

            last;
        }

        if (@$readable) {
            my $n = sysread $socket, $response, 65536, length $response;

            last if defined $n && $n == 0;

            if (!defined $n && $! != EAGAIN) {
                Test::More::diag($block->name . " - read failed: $!");
                last;
            }
        }

        next unless @$writable;

        if ($written == length $unsent) {
            my $packet = shift @packets;

            if (!defined $packet) {
                $writing->remove($socket);

                if (defined $block->shutdown) {
                    shutdown $socket, $block->shutdown =~ /(\d)/ ? $1 : 1;
                }

                next;
            }

            my $delay = $packet->{delay_before};

            if (!defined $delay && $packet != $request->[0]) {
                $delay = $block->raw_request_middle_delay;
            }

            sleep $delay if $delay;

            ($unsent, $written) = ($packet->{value}, 0);
        }

        my $n = syswrite $socket, $unsent, length($unsent) - $written,
                         $written;

        if (defined $n) {
            $written += $n;

        } elsif ($! != EAGAIN) {
            # an early answer closes the connection; it is read first
            $writing->remove($socket);
        }
    }

    close $socket;

    return $response;
}


sub connect_socket {
    my ($block, $timeout) = @_;

    for my $try (1 .. 100) {
        my $socket = IO::Socket::INET->new(
            PeerAddr => $Test::Nginx::Server::Address,
            PeerPort => $Test::Nginx::Server::Port,
            Proto    => 'tcp',
            Timeout  => $timeout,
        );

        if ($socket) {
            $socket->blocking(0);
            return $socket;
        }

        sleep 0.02;
    }

    Test::More::fail($block->name . " - cannot connect: $!");
    return;
}


# The same command line as the genuine module's.
sub curl_command {
    my ($block, $request, $http2, $timeout) = @_;
    my $text = join '', map { $_->{value} } @$request;

    $text =~ m{\G\s*(\w+)\s+(\S+)\s+HTTP/(\S+)\r?\n}gc
        or Test::More::BAIL_OUT($block->name . ' - no request line');

    my ($method, $url, $version) = ($1, $2, $3);

    $text =~ m{\G(.*?)\r?\n\r?\n}gcs;

    my @headers = grep { !/^Connection\s*:/i } split /\r\n/, $1;
    my $body = substr $text, pos $text;

    my @command = ('curl', '-i', '-H', 'User-Agent:', '-H', 'Accept:',
                   '-H', 'Host:', '-sS');

    push @command, '--http2', '--http2-prior-knowledge' if $http2;
    push @command, $method eq 'HEAD' ? '-I' : ('-X', $method);
    push @command, '-0' if $version ne '1.1';
    push @command, '-H', $_ for @headers;

    if ($body ne '') {
        # the genuine module sends the first line only
        if ($http2 && $body =~ /\n./s) {
            Test::More::BAIL_OUT($block->name . ' - Test::Nginx cannot send a'
                                 . ' body of several lines over HTTP/2');
        }

        if (!grep { /^\s*Content-Type\s*:/i } @headers) {
            push @command, '-H', 'Content-Type: ';
        }

        my $file = "$Test::Nginx::Server::Html/curl.data.bin";

        Test::Nginx::Server::write_file($file, $body);
        push @command, '--data-binary', "\@$file";
    }

    push @command, '--connect-timeout', $timeout, '--max-time', $timeout;
    push @command, $block->curl_options if defined $block->curl_options;

    return (@command, "http://$Test::Nginx::Server::Address"
                      . ":$Test::Nginx::Server::Port$url");
}


sub curl {
    my ($block, $request, $timeout) = @_;
    my @command = curl_command($block, $request, 1, $timeout);
    my $errors = File::Temp->new;

    my $pid = open my $out, '-|';
    defined $pid or die "fork: $!\n";

    if ($pid == 0) {
        open STDERR, '>&', $errors;
        exec @command or POSIX::_exit(127);
    }

    my $response = do { local $/; <$out> };

    close $out;

    $response = '' unless defined $response;
    my $error = do { local $/; seek $errors, 0, 0; <$errors> };
    $error = '' unless defined $error;

    return $response if $response ne '';

    my $expected = $block->curl_error;

    if (!defined $expected
        || (ref $expected ? $error !~ $expected
                          : index($error, $expected) < 0))
    {
        Test::More::fail($block->name . " - curl: @command: $error");
    }

    return '';
}


sub seconds {
    my ($time) = @_;

    return unless defined $time;

    return $1 / 1000 if $time =~ /^([\d.]+)ms$/;
    return $1 if $time =~ /^([\d.]+)s?$/;

    die "bad time \"$time\"\n";
}


# Takes the first response off the text.  Returns { code, raw_headers,
# headers, body } and what is left.
sub parse_response {
    my ($block, $text, $head) = @_;
    my %response = (code => '', raw_headers => '', headers => {},
                    body => '');

    if ($text !~ /\A(.*?\r\n)\r\n/s) {
        return (\%response, '');
    }

    $response{raw_headers} = $1;
    my $rest = substr $text, length($1) + 2;

    $response{code} = $1 if $response{raw_headers} =~ m{\AHTTP/\S+ (\d+)};

    while ($response{raw_headers} =~ /^([^:\s]+):[ \t]*(.*?)[ \t]*\r$/mg) {
        push @{ $response{headers}{lc $1} }, $2;
    }

    if ($response{code} eq '304' || $response{code} eq '101' || $head) {
        return (\%response, $rest);
    }

    my $coding = header(\%response, 'Transfer-Encoding');
    my $length = header(\%response, 'Content-Length');

    if (defined $coding && $coding eq 'chunked') {
        return (\%response, unchunk($block, \%response, $rest));
    }

    if (!defined $length) {
        $response{body} = $rest;
        return (\%response, '');
    }

    if (length $rest < $length) {
        Test::More::diag($block->name . ' - response body truncated: '
                         . length($rest) . " of $length bytes");
        $length = length $rest;
    }

    $response{body} = substr $rest, 0, $length;

    return (\%response, substr $rest, $length);
}


sub unchunk {
    my ($block, $response, $raw) = @_;

    while ($raw =~ s/\A[ \t]*([A-Fa-f0-9]+)[ \t]*\r\n//) {
        my $size = hex $1;

        if ($size == 0) {
            return $raw if $raw =~ s/\A\r\n//;
            last;
        }

        last if length $raw < $size + 2 || substr($raw, $size, 2) ne "\r\n";

        $response->{body} .= substr $raw, 0, $size;
        $raw = substr $raw, $size + 2;
    }

    Test::More::fail($block->name . ' - invalid chunked body received');

    return '';
}


# Several header lines of one name are joined, as HTTP::Headers does.
sub header {
    my ($response, $name) = @_;
    my $values = $response->{headers}{lc $name};

    return unless $values;
    return join ', ', @$values;
}

1;
