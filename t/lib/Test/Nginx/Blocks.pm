package Test::Nginx::Blocks;

# Reads the test blocks behind __DATA__, in the format of Test::Base:
#
#   === NAME
#   --- SECTION FILTER... : VALUE
#   --- SECTION FILTER...
#   VALUE
#
# A section or a filter that is not known here is an error: a test that the
# stand-in would silently not run could not fail.

use strict;
use warnings;

# what the values of sections may be given to, after "norm" and "trim"
my %filters = (
    chomp => sub { my ($value) = @_; chomp $value; $value },
    chop  => sub { my ($value) = @_; chop $value; $value },
    eval  => \&evaluate,
    norm  => \&normalise,
    trim  => \&trim,
);

# the meta sections of Test::Base and the sections that Socket.pm implements
my %sections = map { $_ => 1 } qw(
    SKIP ONLY LAST
    config http_config main_config post_main_config server_name user_files
    init log_level must_die timeout wait abort shutdown skip_eval skip_nginx
    request raw_request raw_request_middle_delay pipelined_requests
    more_headers http2 curl curl_options curl_error
    ignore_response error_code error_code_like
    response_body response_body_like response_body_unlike
    response_headers response_headers_like
    raw_response_headers_like raw_response_headers_unlike
    error_log no_error_log grep_error_log grep_error_log_out
    shutdown_error_log no_shutdown_error_log access_log no_access_log
);


sub normalise {
    my ($value) = @_;

    $value =~ s/\015\012/\n/g;
    $value =~ s/\r/\n/g;

    return $value;
}


sub trim {
    my ($value) = @_;

    $value =~ s/\A([ \t]*\n)+//;
    $value =~ s/(?<=\n)\s*\z//g;

    return $value;
}


sub evaluate {
    my ($code) = @_;

    # as a one-line program of the test file, without our lexicals
    my @value = run_in_main($code);

    die "cannot evaluate a section: $@" if $@;

    return @value;
}


sub parse {
    my ($text) = @_;
    my @blocks;

    for my $hunk ($text =~ /^(===.*?(?=^===|\z))/msg) {
        my $block = parse_block($hunk);

        if (exists $block->{ONLY}) {
            Test::More::diag("only \"$block->{name}\" runs: it has ONLY");
            return $block;
        }

        next if exists $block->{SKIP};

        push @blocks, $block;

        last if exists $block->{LAST};
    }

    return @blocks;
}


sub parse_block {
    my ($hunk) = @_;

    $hunk =~ s/\A===[ \t]*(.*)\s+// or die "a test block without a name\n";

    my $block = bless { name => $1 }, 'Test::Nginx::Block';
    my (undef, @parts) = split /^--- +\(?(\w+)\)? *(.*)?\n/m, $hunk;

    while (@parts) {
        my ($section, $filters, $value) = splice @parts, 0, 3;

        $value = '' unless defined $value;

        die "$block->{name}: unknown section \"$section\"\n"
            unless $sections{$section};

        die "$block->{name}: section \"$section\" stands twice\n"
            if exists $block->{$section};

        if ($filters =~ /:(\s|\z)/) {
            die "$block->{name}: \"$section\" has a value in its line and"
                . " behind it\n" if $value =~ /\S/;

            ($filters, $value) = split /\s*:(?:\s+|\z)/, $filters, 2;
            $value = '' unless defined $value;
            $value =~ s/^\s*(.*?)\s*$/$1/;
        }

        $block->{$section} = filter($block, $section, $value,
                                    split ' ', $filters);
    }

    return $block;
}


sub filter {
    my ($block, $section, @value) = @_;
    my ($value, @names) = @value;
    my %without = map { substr($_, 1) => 1 } grep { /^-/ } @names;

    @value = ($value);

    for my $name ((grep { !$without{$_} } qw(norm trim)),
                  (grep { !/^-/ } @names))
    {
        my $code = $filters{$name}
            or die "$block->{name}: unknown filter \"$name\" of"
                   . " \"$section\"\n";

        @value = $code->(@value);
    }

    return $value[0];
}


package Test::Nginx::Block;

# A section's value, undef when the block does not have it.

our $AUTOLOAD;


sub AUTOLOAD {
    my ($block) = @_;

    (my $section = $AUTOLOAD) =~ s/.*:://;

    die "unknown section \"$section\"\n"
        unless $sections{$section} || $section eq 'name';

    return $block->{$section};
}


sub DESTROY { }


sub set_value {
    my ($block, $section, $value) = @_;

    die "unknown section \"$section\"\n"
        unless $sections{$section} || $section eq 'name';

    $block->{$section} = $value;
}


package main;

# At the end of the file, where none of our lexicals is in sight but those
# above; strictness off, as a test's code expects.

no strict;
no warnings;

sub Test::Nginx::Blocks::run_in_main {
    return eval $_[0];
}

1;
