"""What nginx -t says about the configurations in t/config/*.txt.

A file holds blocks:

    === what is wrong
    --- main, http, server, location
    directives for that context; location stands for "location = /t"
    --- file NAME
    a file beside nginx.conf; $ROOT is the repository in what is not a file
    --- error
    a pattern that the one [emerg] line matches, or nothing: nginx -t is
    silent.  ":LINE" in it stands for "in .../nginx.conf:" and a number.
    --- warn
    instead of it: the one [warn] line of a configuration that is taken

Configuration errors come before nginx opens its log, so that Test::Nginx
cannot see them.
"""

import glob
import os
import re
import shutil
import subprocess
import tempfile

import tally

NGINX = os.environ.get('TEST_NGINX_BINARY', '/usr/sbin/nginx')
MODULES = os.environ['TEST_NGINX_LOAD_MODULES'].split()
HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
SECTIONS = ('main', 'http', 'server', 'location', 'error', 'warn')

CONF = '''pid nginx.pid;
{load}
{main}
events {{ }}
http {{
access_log off;
{http}
server {{
listen unix:{directory}/socket;
{server}
{location}
}}
}}
'''


def blocks(path):
    with open(path) as f:
        hunks = re.split(r'^===[ \t]*', f.read(), flags=re.M)[1:]

    for hunk in hunks:
        title, rest = hunk.split('\n', 1)
        parts = re.split(r'^--- *(.+)\n', rest, flags=re.M)[1:]
        yield title.strip(), list(zip(parts[::2], parts[1::2]))


def run(directory, parts):
    text = {section: '' for section in SECTIONS}

    for section, value in parts:
        section = section.strip()

        if section.startswith('file '):
            with open(os.path.join(directory, section[5:]), 'w') as f:
                f.write(value.strip('\n') + '\n')

        elif section in text:
            text[section] += value.replace('$ROOT', ROOT)

        else:
            raise SystemExit('unknown section "%s"' % section)

    if text['location'].strip():
        text['location'] = 'location = /t {\n%s}\n' % text['location']

    conf = os.path.join(directory, 'nginx.conf')

    with open(conf, 'w') as f:
        f.write(CONF.format(load='\n'.join('load_module %s;' % m
                                           for m in MODULES),
                            directory=directory, **text))

    done = subprocess.run([NGINX, '-e', 'stderr', '-p', directory, '-c', conf,
                           '-t', '-q'], capture_output=True, text=True)

    return (done.returncode, done.stderr, text['error'].strip(),
            text['warn'].strip())


def check(name, status, said, expected, warned):
    if expected == '' and warned == '':
        tally.check(status == 0 and said == '', name, said)
        return

    pattern = (expected or warned).replace(':LINE',
                                           r' in \S*nginx\.conf:\d+')
    lines = re.findall(r'\[emerg\].*' if expected else r'\[warn\].*', said)

    tally.check(status == (1 if expected else 0) and len(lines) == 1
                and re.search(pattern, lines[0]) is not None,
                name, '%s\n    expected: %s' % (said, expected or warned))


def main():
    for path in sorted(glob.glob(os.path.join(HERE, '../config/*.txt'))):
        for title, parts in blocks(path):
            directory = tempfile.mkdtemp()

            try:
                status, said, *expected = run(directory, parts)
                check('%s: %s' % (os.path.basename(path), title),
                      status, said, *expected)

            finally:
                shutil.rmtree(directory)

    tally.end()


main()
