"""Counts checks and ends with the line of totals that build.sh reads."""

import sys

passed = 0
failed = 0
skipped = 0


def check(ok, text, detail=''):
    """One check; what went wrong is told, what went right is not."""
    global passed, failed

    if ok:
        passed += 1
        return

    failed += 1
    print('failed: %s' % text)

    if detail != '':
        print('    ' + str(detail).replace('\n', '\n    '))

    sys.stdout.flush()


def skip(text, n=1):
    global skipped

    skipped += n
    print('skipped: %s' % text)


def end():
    print('%d passed, %d failed, %d skipped' % (passed, failed, skipped))
    sys.exit(1 if failed or not passed else 0)
