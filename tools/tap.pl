#!/usr/bin/perl

# Runs one test file and counts its tests: tap.pl RESULTS FILE LABEL LIB...
# Appends a line "passed failed skipped" to RESULTS.

use strict;
use warnings;

use TAP::Parser;

my ($results, $file, $label, @libraries) = @ARGV;
my ($passed, $failed, $skipped) = (0, 0, 0);
my @told;

my $parser = TAP::Parser->new({
    exec  => ['timeout', '-k', '10', '300', 'perl',
              (map { "-I$_" } @libraries), $file],
    merge => 1,
});

while (my $result = $parser->next) {
    if ($result->is_test) {
        if ($result->has_skip) {
            $skipped++;

        } elsif ($result->is_ok) {
            $passed++;

        } else {
            $failed++;
            push @told, $result->as_string;
        }

    } elsif ($result->is_plan) {
        $skipped++ if $result->has_skip && !$failed;

    } elsif ($result->is_bailout) {
        push @told, $result->as_string;
        $failed++;

    } elsif ($result->as_string ne '') {
        push @told, $result->as_string;
    }
}

for my $error ($parser->parse_errors) {
    push @told, $error;
    $failed++;
}

if ($parser->exit != 0 && $failed == 0) {
    push @told, 'exit status ' . ($parser->exit >> 8);
    $failed++;
}

print "$file$label: $passed passed",
      $failed ? ", $failed failed" : '',
      $skipped ? ", $skipped skipped" : '', "\n",
      map { "    $_\n" } $failed ? @told : ();

open my $out, '>>', $results or die "$results: $!\n";
print $out "$passed $failed $skipped\n";
close $out;
