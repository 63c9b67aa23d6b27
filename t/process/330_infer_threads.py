"""The inference thread under ThreadSanitizer: its unit test once more, since
AddressSanitizer, under which that runs, sees no data races."""

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


def main():
    with tempfile.TemporaryDirectory(prefix='ngx_ml_') as directory:
        binary = os.path.join(directory, 'test_runner')

        built = subprocess.run(
            ['clang', '-std=gnu11', '-g', '-O1', '-fsanitize=thread',
             '-Ingx_ml_core', '-Ingx_ml_infer', '-Ingx_ml_infer/engine',
             '-It/unit', '-o', binary, 't/unit/test_runner.c', '-lpthread'],
            cwd=nginx.ROOT, capture_output=True, text=True)
        tally.check(built.returncode == 0, 'builds', built.stderr)

        if built.returncode == 0:
            ran = run(binary)
            tally.check(ran.returncode == 0
                        and 'ThreadSanitizer' not in ran.stderr,
                        'no races', (ran.stdout + ran.stderr)[:4000])

    tally.end()


main()
