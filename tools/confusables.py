"""Writes ngx_ml_validate/ml_confusables.c: characters that look like an ASCII
letter or digit, by Unicode's table of confusables (UTS #39), as the package
confusable_homoglyphs from PyPI has it.

    python3 tools/confusables.py confusables.json > ml_confusables.c

What compatibility decomposition changes is not in it.
"""

import json
import string
import sys
import unicodedata

SMALL = 'LATIN LETTER SMALL CAPITAL '

HEAD = '''/*
 * Characters that look like an ASCII letter or digit; see ml_fold.h.
 *
 * Made by tools/confusables.py of Unicode's confusables.txt (UTS #39), as the
 * package confusable_homoglyphs 3.3.1 has it, and of the names of Unicode's
 * small capitals.  What decomposition changes is not in it: the table is asked
 * afterwards.
 */

#include "ml_confusables.h"


const ml_confusables_t  ml_confusables[] = {
'''


def main():
    with open(sys.argv[1]) as f:
        table = json.load(f)

    # longest first: what looks like 1, l and I at once is a letter
    taken = {}

    for letter in string.ascii_lowercase + string.ascii_uppercase \
            + string.digits:
        for entry in table.get(letter, ()):
            c = entry['c']

            if len(c) == 1 and ord(c) > 127 and c not in taken \
                    and unicodedata.normalize('NFKD', c) == c:
                taken[c] = letter.lower()

    for c, letter in taken.items():

        # a stroke that is a capital letter is an I to whoever reads it
        if letter == 'l' and unicodedata.category(c) == 'Lu':
            taken[c] = 'i'

    for point in range(0x250, 0x2000):
        name = unicodedata.name(chr(point), '')

        if name.startswith(SMALL) and len(name) == len(SMALL) + 1:
            taken.setdefault(chr(point), name[-1].lower())

    by_letter = {}

    for c, letter in taken.items():
        by_letter.setdefault(letter, []).append(c)

    print(HEAD, end='')

    for letter in sorted(by_letter):
        marks = sorted(by_letter[letter])
        lines = []

        while marks:
            lines.append('"%s"' % ''.join('\\U%08x' % ord(c)
                                          if ord(c) > 0xffff else
                                          '\\u%04x' % ord(c)
                                          for c in marks[:6]))
            marks = marks[6:]

        print("    { '%s', %s },\n" % (letter, '\n           '.join(lines)))

    print("    { '\\0', \"\" }\n};")


main()
