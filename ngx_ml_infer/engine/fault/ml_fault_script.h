/*
 * What the fault backend is told to do, line by line:
 *
 *     point [condition ...] action [argument]
 *
 *     # a comment
 *     probe  error                 no such device
 *     load   delay 1s
 *     load   nth=1 memory          the first load of the process fails
 *     run    delay 5ms
 *     run    delay x[0]            as many ms as the largest x[0] says
 *     run    x[1]=3 crash
 *     done   nth=100 crash         computed, but nobody has been told
 *
 * Points: probe, load, plan, run (before it computes), done (after it).
 * Conditions: nth=N, the Nth time in this process; x[I]=V, element I of some
 * row of the first input, a float32, is V.  Every line whose conditions hold
 * takes effect, in order; the first that fails ends the call.
 *
 * Actions: delay T (us, ms, s, or x[I]); error; memory; lost; hang, for ever;
 * crash, by SIGKILL.
 */

#ifndef ML_FAULT_SCRIPT_H
#define ML_FAULT_SCRIPT_H

#include <stddef.h>
#include <stdint.h>


#define ML_FAULT_LINES  64


typedef enum {
    ML_FAULT_PROBE = 0,
    ML_FAULT_LOAD,
    ML_FAULT_PLAN,
    ML_FAULT_RUN,
    ML_FAULT_DONE,
    ML_FAULT_POINTS
} ml_fault_point_e;


typedef enum {
    ML_FAULT_DELAY = 0,
    ML_FAULT_ERROR,
    ML_FAULT_MEMORY,
    ML_FAULT_LOST,
    ML_FAULT_HANG,
    ML_FAULT_CRASH
} ml_fault_action_e;


typedef struct {
    ml_fault_point_e    point;
    ml_fault_action_e   action;
    uint64_t            nth;            /* 0: every time */
    int                 element;        /* of the condition; -1: none */
    float               value;
    int                 delay_element;  /* -1: delay_ns */
    uint64_t            delay_ns;
} ml_fault_line_t;


typedef struct {
    ml_fault_line_t     lines[ML_FAULT_LINES];
    size_t              n;
} ml_fault_script_t;


/*
 * Reads a script that ends with a NUL.  Returns 0, or -1 and one line of why,
 * which names the line.
 */
int ml_fault_script_parse(ml_fault_script_t *script, const char *text,
    char *error, size_t size);


#endif /* ML_FAULT_SCRIPT_H */
