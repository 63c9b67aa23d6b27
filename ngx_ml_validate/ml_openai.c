/* The contract of OpenAI's API; see ml_openai.h. */

#include "ml_openai.h"


/* What both requests have. */
static void
ml_openai_common(const ml_openai_limits_t *limits, ml_text_t *out)
{
    ml_text_printf(out,
        "\"model\":{\"type\":\"string\",\"minLength\":1,\"maxLength\":256},"
        "\"frequency_penalty\":{\"type\":[\"number\",\"null\"],"
            "\"minimum\":-2,\"maximum\":2},"
        "\"presence_penalty\":{\"type\":[\"number\",\"null\"],"
            "\"minimum\":-2,\"maximum\":2},"
        "\"temperature\":{\"type\":[\"number\",\"null\"],\"minimum\":0,"
            "\"maximum\":2},"
        "\"top_p\":{\"type\":[\"number\",\"null\"],\"minimum\":0,"
            "\"maximum\":1},"
        "\"max_tokens\":{\"type\":[\"integer\",\"null\"],\"minimum\":1,"
            "\"maximum\":%llu},"
        "\"n\":{\"type\":[\"integer\",\"null\"],\"minimum\":1,"
            "\"maximum\":%llu},"
        "\"seed\":{\"type\":[\"integer\",\"null\"],"
            "\"minimum\":-9223372036854775808,"
            "\"maximum\":9223372036854775807},"
        "\"stream\":{\"type\":[\"boolean\",\"null\"]},"
        "\"stream_options\":{\"type\":[\"object\",\"null\"],"
            "\"additionalProperties\":{\"type\":\"boolean\"},"
            "\"maxProperties\":4},"
        "\"user\":{\"type\":\"string\",\"maxLength\":512},"
        "\"logit_bias\":{\"type\":[\"object\",\"null\"],"
            "\"maxProperties\":1024,\"additionalProperties\":{"
            "\"type\":\"number\",\"minimum\":-100,\"maximum\":100}},"
        "\"stop\":{\"type\":[\"string\",\"array\",\"null\"],"
            "\"maxLength\":256,\"maxItems\":4,"
            "\"items\":{\"type\":\"string\",\"maxLength\":256}}",
        (unsigned long long) limits->max_tokens,
        (unsigned long long) limits->n);
}


/* Text, or parts: text, images, audio, files, a refusal. */
static void
ml_openai_content(const ml_openai_limits_t *limits, ml_text_t *out)
{
    ml_text_printf(out,
        "\"content\":{\"type\":[\"string\",\"array\",\"null\"],"
        "\"maxLength\":%llu,\"minItems\":1,\"maxItems\":256,"
        "\"items\":{\"type\":\"object\",\"required\":[\"type\"],"
        "\"additionalProperties\":false,\"properties\":{"
            "\"type\":{\"enum\":[\"text\",\"image_url\",\"input_audio\","
                "\"file\",\"refusal\"]},"
            "\"text\":{\"type\":\"string\",\"maxLength\":%llu},"
            "\"refusal\":{\"type\":\"string\",\"maxLength\":%llu},"
            "\"image_url\":{\"type\":\"object\",\"required\":[\"url\"],"
                "\"additionalProperties\":false,\"properties\":{"
                "\"url\":{\"type\":\"string\",\"x-uncounted\":true,"
                    "\"x-image\":{\"links\":true}},"
                "\"detail\":{\"enum\":[\"auto\",\"low\",\"high\"]}}},"
            "\"input_audio\":{\"type\":\"object\","
                "\"required\":[\"data\",\"format\"],"
                "\"additionalProperties\":false,\"properties\":{"
                "\"data\":{\"type\":\"string\",\"x-uncounted\":true},"
                "\"format\":{\"enum\":[\"wav\",\"mp3\"]}}},"
            "\"file\":{\"type\":\"object\",\"additionalProperties\":false,"
                "\"properties\":{"
                "\"file_data\":{\"type\":\"string\",\"x-uncounted\":true},"
                "\"file_id\":{\"type\":\"string\",\"maxLength\":256},"
                "\"filename\":{\"type\":\"string\",\"maxLength\":256}}}}}},",
        (unsigned long long) limits->characters,
        (unsigned long long) limits->characters,
        (unsigned long long) limits->characters);
}


static void
ml_openai_messages(const ml_openai_limits_t *limits, ml_text_t *out)
{
    ml_text_printf(out,
        "\"messages\":{\"type\":\"array\",\"minItems\":1,\"maxItems\":%llu,"
        "\"x-maxTotalLength\":%llu,"
        "\"items\":{\"type\":\"object\",\"required\":[\"role\"],"
        "\"additionalProperties\":false,\"properties\":{"
            "\"role\":{\"enum\":[\"developer\",\"system\",\"user\","
                "\"assistant\",\"tool\",\"function\"]},",
        (unsigned long long) limits->messages,
        (unsigned long long) limits->total);

    ml_openai_content(limits, out);

    ml_text_printf(out,
            "\"name\":{\"type\":\"string\",\"maxLength\":64},"
            "\"refusal\":{\"type\":[\"string\",\"null\"],"
                "\"maxLength\":%llu},"
            "\"audio\":{\"type\":[\"object\",\"null\"],"
                "\"additionalProperties\":false,\"properties\":{"
                "\"id\":{\"type\":\"string\",\"maxLength\":256}}},"
            "\"tool_call_id\":{\"type\":\"string\",\"maxLength\":256},"
            "\"function_call\":{\"type\":[\"object\",\"null\"],"
                "\"required\":[\"name\",\"arguments\"],"
                "\"additionalProperties\":false,\"properties\":{"
                "\"name\":{\"type\":\"string\",\"maxLength\":64},"
                "\"arguments\":{\"type\":\"string\",\"maxLength\":%llu}}},"
            "\"tool_calls\":{\"type\":[\"array\",\"null\"],"
                "\"maxItems\":%llu,\"items\":{\"type\":\"object\","
                "\"required\":[\"id\",\"type\",\"function\"],"
                "\"additionalProperties\":false,\"properties\":{"
                "\"id\":{\"type\":\"string\",\"maxLength\":256},"
                "\"type\":{\"const\":\"function\"},"
                "\"function\":{\"type\":\"object\","
                    "\"required\":[\"name\",\"arguments\"],"
                    "\"additionalProperties\":false,\"properties\":{"
                    "\"name\":{\"type\":\"string\",\"maxLength\":64},"
                    "\"arguments\":{\"type\":\"string\","
                        "\"maxLength\":%llu}}}}}}}}},",
        (unsigned long long) limits->characters,
        (unsigned long long) limits->characters,
        (unsigned long long) limits->tools,
        (unsigned long long) limits->characters);
}


static void
ml_openai_tools(const ml_openai_limits_t *limits, ml_text_t *out)
{
    static const char  function[] =
        "{\"type\":\"object\",\"required\":[\"name\"],"
        "\"additionalProperties\":false,\"properties\":{"
        "\"name\":{\"type\":\"string\",\"minLength\":1,\"maxLength\":64},"
        "\"description\":{\"type\":\"string\",\"maxLength\":4096},"
        "\"parameters\":{\"type\":\"object\"},"
        "\"strict\":{\"type\":[\"boolean\",\"null\"]}}}";

    ml_text_printf(out,
        "\"tools\":{\"type\":\"array\",\"maxItems\":%llu,\"items\":{"
            "\"type\":\"object\",\"required\":[\"type\",\"function\"],"
            "\"additionalProperties\":false,\"properties\":{"
            "\"type\":{\"const\":\"function\"},\"function\":%s}}},"
        "\"functions\":{\"type\":\"array\",\"minItems\":1,\"maxItems\":%llu,"
            "\"items\":%s},"
        "\"tool_choice\":{\"type\":[\"string\",\"object\"],"
            "\"maxLength\":64,\"maxProperties\":4},"
        "\"function_call\":{\"type\":[\"string\",\"object\"],"
            "\"maxLength\":64,\"maxProperties\":4},"
        "\"parallel_tool_calls\":{\"type\":\"boolean\"},",
        (unsigned long long) limits->tools, function,
        (unsigned long long) limits->tools, function);
}


void
ml_openai_schema(const ml_openai_limits_t *limits, int chat, ml_text_t *out)
{
    ml_text_printf(out, "{\"type\":\"object\",\"additionalProperties\":false,"
                   "\"required\":[\"model\",\"%s\"],\"properties\":{",
                   chat ? "messages" : "prompt");

    ml_openai_common(limits, out);
    ml_text_append(out, ",", 1);

    if (chat) {
        ml_openai_messages(limits, out);
        ml_openai_tools(limits, out);

        ml_text_printf(out,
            "\"max_completion_tokens\":{\"type\":[\"integer\",\"null\"],"
                "\"minimum\":1,\"maximum\":%llu},"
            "\"logprobs\":{\"type\":[\"boolean\",\"null\"]},"
            "\"top_logprobs\":{\"type\":[\"integer\",\"null\"],"
                "\"minimum\":0,\"maximum\":20},"
            "\"reasoning_effort\":{\"type\":[\"string\",\"null\"],"
                "\"maxLength\":16},"
            "\"verbosity\":{\"type\":[\"string\",\"null\"],"
                "\"maxLength\":16},"
            "\"response_format\":{\"type\":\"object\","
                "\"required\":[\"type\"],\"additionalProperties\":false,"
                "\"properties\":{\"type\":{\"enum\":[\"text\","
                "\"json_object\",\"json_schema\"]},"
                "\"json_schema\":{\"type\":\"object\"}}},"
            "\"modalities\":{\"type\":[\"array\",\"null\"],\"maxItems\":2,"
                "\"items\":{\"enum\":[\"text\",\"audio\"]}},"
            "\"audio\":{\"type\":[\"object\",\"null\"],"
                "\"maxProperties\":4},"
            "\"prediction\":{\"type\":[\"object\",\"null\"],"
                "\"maxProperties\":4},"
            "\"web_search_options\":{\"type\":\"object\","
                "\"maxProperties\":4},"
            "\"metadata\":{\"type\":[\"object\",\"null\"],"
                "\"maxProperties\":16,\"additionalProperties\":{"
                "\"type\":\"string\",\"maxLength\":512}},"
            "\"store\":{\"type\":[\"boolean\",\"null\"]},"
            "\"service_tier\":{\"type\":[\"string\",\"null\"],"
                "\"maxLength\":16},"
            "\"prompt_cache_key\":{\"type\":\"string\",\"maxLength\":256},"
            "\"prompt_cache_retention\":{\"type\":[\"string\",\"null\"],"
                "\"maxLength\":16},"
            "\"safety_identifier\":{\"type\":\"string\","
                "\"maxLength\":256}}}",
            (unsigned long long) limits->max_tokens);
        return;
    }

    /* a text, texts, tokens, or lists of tokens */

    ml_text_printf(out,
        "\"prompt\":{\"type\":[\"string\",\"array\"],\"maxLength\":%llu,"
            "\"minItems\":1,\"maxItems\":%llu,\"x-maxTotalLength\":%llu,"
            "\"items\":{\"type\":[\"string\",\"integer\",\"array\"],"
                "\"maxLength\":%llu,\"minimum\":0,"
                "\"maxItems\":%llu,\"items\":{\"type\":\"integer\","
                "\"minimum\":0}}},"
        "\"suffix\":{\"type\":[\"string\",\"null\"],\"maxLength\":%llu},"
        "\"best_of\":{\"type\":[\"integer\",\"null\"],\"minimum\":0,"
            "\"maximum\":%llu},"
        "\"echo\":{\"type\":[\"boolean\",\"null\"]},"
        "\"logprobs\":{\"type\":[\"integer\",\"null\"],\"minimum\":0,"
            "\"maximum\":5}}}",
        (unsigned long long) limits->characters,
        (unsigned long long) limits->total,
        (unsigned long long) limits->total,
        (unsigned long long) limits->characters,
        (unsigned long long) limits->total,
        (unsigned long long) limits->characters,
        (unsigned long long) limits->n);
}
