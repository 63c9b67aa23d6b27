/*
 * Bytes of text, many at once: the same as one by one.
 */

#include "ml_utf8.h"

#include "test.h"


/* Texts of every length at every place, with one byte that is different. */
static void
test_bytes(void)
{
    char      text[200];
    size_t    at, len, i, k, plain, differ;
    uint64_t  characters;

    static const char  others[] = "\"\\\0\x1f\x7f\x80\xbf\xc0\xff !";

    differ = 0;

    for (k = 0; k < sizeof(others) - 1; k++) {
        for (len = 0; len < sizeof(text); len++) {
            for (at = 0; at <= len; at++) {
                memset(text, k % 2 ? 'a' : 0x7e, sizeof(text));
                text[at] = others[k];

                for (plain = 0; plain < len; plain++) {
                    unsigned char  c = (unsigned char) text[plain];

                    if (c < 0x20 || c >= 0x80 || c == '"' || c == '\\') {
                        break;
                    }
                }

                for (characters = 0, i = 0; i < len; i++) {
                    characters += ((unsigned char) text[i] & 0xc0) != 0x80;
                }

                differ += ml_utf8_plain(text, len) != plain;
                differ += ml_utf8_characters(text, len) != characters;
            }
        }
    }

    CHECK_INT(differ, 0);

    CHECK_INT(ml_utf8_cut("abc", 3, 3), 3);
    CHECK_INT(ml_utf8_cut("abcd", 4, 3), 3);
    CHECK_INT(ml_utf8_cut("ab\xc3\xa9", 4, 3), 2);
    CHECK_INT(ml_utf8_cut("\xf0\x9f\x98\x80", 4, 3), 0);
    CHECK_INT(ml_utf8_cut("a\xf0\x9f\x98\x80", 5, 5), 5);
}


int
main(void)
{
    test_bytes();

    return TEST_END;
}
