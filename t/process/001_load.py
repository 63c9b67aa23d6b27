"""The modules load in any combination and order, and refuse what cannot work:
a feature without the core, and files of two builds."""

import itertools
import os
import re
import shutil
import subprocess
import tempfile

import tally

NGINX = os.environ.get('TEST_NGINX_BINARY', '/usr/sbin/nginx')
MODULES = os.environ['TEST_NGINX_LOAD_MODULES'].split()
CORE, FEATURES = MODULES[0], MODULES[1:]


def name(path):
    return re.sub(r'^ngx_http_|_module\.so$', '', os.path.basename(path))


def test(directory, modules):
    """nginx -t with these modules: its exit status and what it says."""
    conf = os.path.join(directory, 'nginx.conf')

    with open(conf, 'w') as f:
        f.write('pid nginx.pid;\n')
        f.writelines('load_module %s;\n' % m for m in modules)
        f.write('events { }\nhttp { access_log off; server { listen '
                'unix:%s/socket; } }\n' % directory)

    run = subprocess.run([NGINX, '-e', 'stderr', '-p', directory, '-c', conf,
                          '-t', '-q'], capture_output=True, text=True)

    return run.returncode, run.stderr


def loads(directory, modules):
    status, said = test(directory, modules)
    tally.check(status == 0 and said == '',
                'loads: ' + ' '.join(name(m) for m in modules), said)


def refuses(directory, modules, pattern):
    """Exactly one [emerg], and it says why."""
    status, said = test(directory, modules)
    emerg = re.findall(r'\[emerg\].*', said)
    tally.check(status != 0 and len(emerg) == 1
                and re.search(pattern, emerg[0]),
                'refused: ' + ' '.join(name(m) for m in modules), said)


def other_build(directory, module):
    """A copy of the module that says it is of another build."""
    with open(MODULES[0], 'rb') as f:
        core = f.read()

    with open(module, 'rb') as f:
        data = f.read()

    ids = set(re.findall(rb'(?<=\0)[0-9a-f]{16}(?=\0)', core)) \
        & set(re.findall(rb'(?<=\0)[0-9a-f]{16}(?=\0)', data))

    if len(ids) != 1:
        return None

    build = ids.pop()
    path = os.path.join(directory, os.path.basename(module))

    with open(path, 'wb') as f:
        f.write(data.replace(build, build[::-1].replace(b'0', b'f')))

    return path


def main():
    directory = tempfile.mkdtemp()

    try:
        loads(directory, [CORE])

        for feature in FEATURES:
            loads(directory, [CORE, feature])
            loads(directory, [feature, CORE])
            refuses(directory, [feature],
                    r'requires ngx_http_ml_module\.so to be loaded')

        for modules in itertools.permutations(MODULES):
            loads(directory, modules)

        for feature in FEATURES:
            other = other_build(directory, feature)
            tally.check(other is not None, 'one build id in ' + name(feature))

            if other:
                refuses(directory, [CORE, other], r'different builds')
                refuses(directory, [other, CORE], r'different builds')

    finally:
        shutil.rmtree(directory)

    tally.end()


main()
