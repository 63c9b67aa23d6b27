/*
 * JSON numbers (RFC 8259, section 6): decimal text to an exact decimal and
 * to the nearest double.
 */

#ifndef ML_NUMBER_H
#define ML_NUMBER_H

#include <stddef.h>
#include <stdint.h>


/* The longest number, in bytes, that ml_number_scan() converts. */
#define ML_NUMBER_MAX  1024


/* Powers of ten that are exact doubles, from 10^0 on; and one more element,
 * which is none, so that they fill vectors. */
#define ML_NUMBER_POWERS  23

extern const double  ml_number_ten[ML_NUMBER_POWERS + 1];


/*
 * A number as it stood in the text.  Its exact value is
 *
 *     (negative ? -1 : 1) x (mantissa + d) x 10^exponent
 *
 * where d is 0, or lies between 0 and 1 when "inexact" is set: then digits
 * other than zero did not fit into the mantissa.
 */
typedef struct {
    double       value;             /* nearest, ties to even; may be +-inf */
    uint64_t     mantissa;
    const char  *text;              /* not owned, not NUL-terminated */
    uint32_t     len;
    int32_t      exponent;
    uint8_t      negative;
    uint8_t      inexact;
} ml_number_t;


typedef enum {
    ML_NUMBER_INTEGER = 0,
    ML_NUMBER_FRACTION,             /* not a whole number */
    ML_NUMBER_HUGE                  /* its magnitude needs over 64 bits */
} ml_number_integer_e;


/*
 * Reads the longest JSON number that starts at p and returns where it ends;
 * p itself when there is none.  "text" of the result points to p.  The value
 * of a number longer than ML_NUMBER_MAX is not computed (0).
 */
const char *ml_number_scan(const char *p, const char *end,
    ml_number_t *number);

/*
 * The double nearest to mantissa / 10^power, ties to even; the mantissa is
 * not 0 and the power at most 27.
 */
double ml_number_divide(uint64_t mantissa, unsigned power);

/*
 * The magnitude of a whole number, exactly; 1.0 and 1e2 are whole too.  Of a
 * number that is "inexact" the text must still be there.
 */
ml_number_integer_e ml_number_integer(const ml_number_t *number,
    uint64_t *magnitude);

/*
 * Less than, equal to or greater than 0.  Numbers that round to the same
 * double are told apart by their digits, so that only equal ones are equal;
 * the texts must still be there.  An exponent beyond 999999999 counts as
 * that.
 */
int ml_number_compare(const ml_number_t *a, const ml_number_t *b);

/*
 * Writes the digits of the number without zeros at either end, so that it is
 * digits x 10^exponent; returns how many, 0 of the number 0.  "digits" holds
 * ML_NUMBER_MAX of them; equal numbers have equal results.  The text must
 * still be there.
 */
size_t ml_number_significant(const ml_number_t *number, char *digits,
    int64_t *exponent);

/*
 * Whether the number is a whole multiple of another, exactly.  The other is
 * above 0 and not "inexact".
 */
int ml_number_multiple(const ml_number_t *number, const ml_number_t *of);


#endif /* ML_NUMBER_H */
