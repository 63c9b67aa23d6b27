/* Reads a script of faults; see ml_fault_script.h. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ml_fault_script.h"


#define ML_FAULT_WORD  64


static const char *const  ml_fault_points[] = {
    "probe", "load", "plan", "run", "done"
};

static const char *const  ml_fault_actions[] = {
    "delay", "error", "memory", "lost", "hang", "crash"
};


/* The next word of the line, "" at its end; -1 when it is too long. */

static int
ml_fault_word(const char **p, char word[ML_FAULT_WORD])
{
    size_t  len;

    *p += strspn(*p, " \t\r");
    len = strcspn(*p, " \t\r\n#");

    if (len >= ML_FAULT_WORD) {
        return -1;
    }

    memcpy(word, *p, len);
    word[len] = '\0';
    *p += len;

    return 0;
}


static int
ml_fault_find(const char *const *names, size_t n, const char *word)
{
    size_t  i;

    for (i = 0; i < n; i++) {
        if (strcmp(names[i], word) == 0) {
            return (int) i;
        }
    }

    return -1;
}


/* "x[I]" and what follows it; -1 when it is something else. */

static int
ml_fault_element(const char *word, const char **rest)
{
    char  *end;
    long   i;

    if (strncmp(word, "x[", 2) != 0) {
        return -1;
    }

    i = strtol(word + 2, &end, 10);

    if (end == word + 2 || *end != ']' || i < 0 || i > 1000000) {
        return -1;
    }

    *rest = end + 1;

    return (int) i;
}


/* A condition: 1; something else: 0; a bad one: -1. */

static int
ml_fault_condition(ml_fault_line_t *line, const char *word)
{
    char        *end;
    const char  *rest;

    if (strncmp(word, "nth=", 4) == 0) {
        line->nth = strtoull(word + 4, &end, 10);
        return line->nth && *end == '\0' ? 1 : -1;
    }

    if (word[0] != 'x') {
        return 0;
    }

    line->element = ml_fault_element(word, &rest);

    if (line->element == -1 || *rest != '=') {
        return -1;
    }

    line->value = strtof(rest + 1, &end);

    return end != rest + 1 && *end == '\0' ? 1 : -1;
}


static int
ml_fault_delay(ml_fault_line_t *line, const char *word)
{
    char        *end;
    double       n;
    const char  *rest;

    line->delay_element = ml_fault_element(word, &rest);

    if (line->delay_element != -1) {
        return *rest == '\0' ? 0 : -1;
    }

    n = strtod(word, &end);

    if (end == word || !(n >= 0) || n > 1e9) {
        return -1;
    }

    if (strcmp(end, "us") == 0) {
        n *= 1e3;

    } else if (strcmp(end, "ms") == 0) {
        n *= 1e6;

    } else if (strcmp(end, "s") == 0) {
        n *= 1e9;

    } else {
        return -1;
    }

    line->delay_ns = (uint64_t) n;

    return 0;
}


/* 0, or -1: the word is what it stumbled over. */

static int
ml_fault_line(ml_fault_line_t *line, const char **p, char *word)
{
    int  n;

    memset(line, 0, sizeof(ml_fault_line_t));

    line->element = -1;
    line->delay_element = -1;

    n = ml_fault_find(ml_fault_points, ML_FAULT_POINTS, word);

    if (n == -1) {
        return -1;
    }

    line->point = (ml_fault_point_e) n;

    do {
        if (ml_fault_word(p, word) != 0) {
            return -1;
        }

        n = ml_fault_condition(line, word);

    } while (n == 1);

    if (n == -1) {
        return -1;
    }

    n = ml_fault_find(ml_fault_actions, ML_FAULT_CRASH + 1, word);

    if (n == -1) {
        return -1;
    }

    line->action = (ml_fault_action_e) n;

    if (line->action == ML_FAULT_DELAY
        && (ml_fault_word(p, word) != 0 || ml_fault_delay(line, word) != 0))
    {
        return -1;
    }

    return 0;
}


int
ml_fault_script_parse(ml_fault_script_t *script, const char *text,
    char *error, size_t size)
{
    char         word[ML_FAULT_WORD];
    unsigned     number;
    const char  *p;

    script->n = 0;

    for (p = text, number = 1; *p; number++) {

        word[0] = '\0';

        if (ml_fault_word(&p, word) != 0) {
            goto failed;
        }

        if (word[0] != '\0') {

            if (script->n == ML_FAULT_LINES
                || ml_fault_line(&script->lines[script->n], &p, word) != 0
                || ml_fault_word(&p, word) != 0
                || word[0] != '\0')
            {
                goto failed;
            }

            script->n++;
        }

        /* a comment */

        p += strcspn(p, "\n");
        p += (*p == '\n');
    }

    return 0;

failed:

    (void) snprintf(error, size, "line %u of the script: \"%s\" is not "
                    "understood", number, word);
    return -1;
}
