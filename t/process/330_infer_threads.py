"""Threads under ThreadSanitizer: their unit tests once more, since
AddressSanitizer, under which these run, sees no data races."""

import os
import subprocess
import tempfile

import nginx
import tally


def run(binary):
    """ThreadSanitizer knows no address space as random as some kernels make
    it."""
    command = ['setarch', '-R', binary]

    if subprocess.run(['setarch', '-R', 'true'],
                      capture_output=True).returncode != 0:
        command = [binary]

    return subprocess.run(command, capture_output=True, text=True,
                          timeout=300)


def check(name, directory):
    binary = os.path.join(directory, name)

    built = subprocess.run(
        ['clang', '-std=gnu11', '-g', '-O1', '-fsanitize=thread',
         '-Ingx_ml_core', '-Ingx_ml_infer', '-Ingx_ml_infer/engine',
         '-It/unit', '-o', binary, 't/unit/%s.c' % name, '-lpthread', '-lm'],
        cwd=nginx.ROOT, capture_output=True, text=True)
    tally.check(built.returncode == 0, '%s builds' % name, built.stderr)

    if built.returncode == 0:
        ran = run(binary)
        tally.check(ran.returncode == 0
                    and 'ThreadSanitizer' not in ran.stderr,
                    '%s: no races' % name, (ran.stdout + ran.stderr)[:4000])


def main():
    with tempfile.TemporaryDirectory(prefix='ngx_ml_') as directory:
        for name in ('test_runner', 'test_device'):
            check(name, directory)

    tally.end()


main()
