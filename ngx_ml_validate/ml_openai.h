/*
 * The contract of OpenAI's API: chat and text completions.
 *
 * Source: openapi.yaml of openai-openapi, CreateChatCompletionRequest and
 * CreateCompletionRequest; the names that it has, types and bounds where it
 * gives them, and nothing else.
 */

#ifndef ML_OPENAI_H
#define ML_OPENAI_H

#include <stdint.h>

#include "ml_text.h"


/* What an operator allows; see ml_validate in docs/directives.md. */
typedef struct {
    uint64_t  messages;             /* of one chat */
    uint64_t  characters;           /* of one message, or prompt */
    uint64_t  total;                /* of all of them */
    uint64_t  max_tokens;
    uint64_t  n;
    uint64_t  tools;
} ml_openai_limits_t;


/* Appends the schema of a request for a chat, or for a text completion. */
void ml_openai_schema(const ml_openai_limits_t *limits, int chat,
    ml_text_t *out);


#endif /* ML_OPENAI_H */
