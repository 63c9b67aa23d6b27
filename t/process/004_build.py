"""./build.sh where something is missing: one clear line, and a failure."""

import os
import subprocess

import tally

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), '../..')


def build(*arguments, **variables):
    return subprocess.run(['./build.sh', *arguments], cwd=ROOT, text=True,
                          capture_output=True, timeout=60,
                          env=dict(os.environ, **variables))


def main():
    cases = (
        ('no such compiler', (), {'CC': 'no-such-compiler'},
         'no-such-compiler'),
        ('no such source tree', (), {'NGINX_SRC': '/nonexistent'},
         '/nonexistent'),
        ('a folder that is no source tree', (), {'NGINX_SRC': ROOT},
         'not an nginx source tree'),
        ('a fuzzer without its time', ('fuzz',), {}, 'SECONDS'),
        ('a benchmark that does not exist', ('bench', 'nothing'), {},
         'nothing'),
    )

    for what, arguments, variables, word in cases:
        run = build(*arguments, **variables)
        lines = run.stderr.strip().splitlines()

        tally.check(run.returncode != 0 and len(lines) == 1
                    and word in lines[0], what,
                    '%d: %s' % (run.returncode, run.stderr))

    run = build('dance')
    tally.check(run.returncode != 0 and 'unknown command "dance"'
                in run.stderr and 'Usage:' in run.stderr,
                'a command that does not exist', run.stderr)

    tally.end()


main()
