/* Characters that look like ASCII; see ml_fold.h. */

#ifndef ML_CONFUSABLES_H
#define ML_CONFUSABLES_H


typedef struct {
    char         letter;            /* in lower case; NUL ends the list */
    const char  *text;              /* what looks like it, in UTF-8 */
} ml_confusables_t;


extern const ml_confusables_t  ml_confusables[];


#endif /* ML_CONFUSABLES_H */
