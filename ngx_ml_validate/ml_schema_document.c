/*
 * Documents of a schema, and what references in them lead to (JSON Schema
 * 2020-12 Core, sections 8 and 9); see ml_schema_compiler.h.
 *
 * A document is read once, its schemas are visited for "$id" and anchors,
 * and from then on a reference is a URI to look up: in the resources that
 * are known, in the metaschemas, and in the registry.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ml_schema_compiler.h"
#include "ml_uri.h"


static const char  ml_schema_draft[] =
    "https://json-schema.org/draft/2020-12/schema";


/* The string of a member, or 0. */
static int
ml_schema_string(const ml_tape_t *tape, uint32_t i, const char *name,
    ml_schema_name_t *string)
{
    i = ml_tape_member(tape, i, name, strlen(name));

    if (i == ML_TAPE_NONE || tape->nodes[i].type != ML_TAPE_STRING) {
        return 0;
    }

    string->name = ml_tape_text(tape, i);
    string->len = tape->nodes[i].size;

    return 1;
}


int
ml_schema_read(ml_tape_t *tape, const char *text, size_t len, char *error,
    size_t size)
{
    uint64_t           offset;
    const char        *why;
    ml_json_status_e   status;
    ml_json_reader_t  *reader;

    /* the file is the operator's: a hash without a secret will do */
    static const uint8_t           seed[16];
    static const ml_json_limits_t  limits = {
        ML_SCHEMA_DEPTH, UINT32_MAX, ML_SCHEMA_SIZE, ML_NUMBER_MAX,
        UINT64_MAX
    };

    /* two bytes of text make at most one node */

    ml_tape_init(tape, ML_SCHEMA_SIZE * sizeof(ml_tape_node_t));

    if (len > ML_SCHEMA_SIZE) {
        snprintf(error, size, "schema is over %u bytes", ML_SCHEMA_SIZE);
        return 0;
    }

    reader = ml_json_create(&limits, seed, &ml_tape_events, tape);

    if (reader == NULL) {
        snprintf(error, size, "out of memory");
        return 0;
    }

    (void) ml_json_feed(reader, text, len);
    status = ml_json_finish(reader);

    if (status == ML_JSON_INVALID) {
        why = ml_json_error(reader, &offset);
        snprintf(error, size, "not JSON: %s, character %llu", why,
                 (unsigned long long) offset);

    } else if (status != ML_JSON_DONE) {
        snprintf(error, size, "out of memory");
    }

    ml_json_destroy(reader);

    return status == ML_JSON_DONE;
}


static ml_schema_resource_t *
ml_schema_resource(ml_schema_compiler_t *c, ml_schema_document_t *document,
    uint32_t i, const char *uri)
{
    ml_schema_resource_t  *resource;

    resource = ml_schema_alloc(c, 1, sizeof(ml_schema_resource_t));

    if (resource) {
        resource->uri = uri;
        resource->document = document;
        resource->at = i;
        resource->next = c->schema->resources;
        c->schema->resources = resource;
    }

    return resource;
}


static ml_schema_resource_t *
ml_schema_known(const ml_schema_t *schema, const char *uri, size_t len)
{
    ml_schema_resource_t  *resource;

    for (resource = schema->resources; resource; resource = resource->next) {

        if (strlen(resource->uri) == len
            && memcmp(resource->uri, uri, len) == 0)
        {
            return resource;
        }

        if (resource->also && strlen(resource->also) == len
            && memcmp(resource->also, uri, len) == 0)
        {
            return resource;
        }
    }

    return NULL;
}


/* "$id" at "i" makes a resource; it is the one around where there is none. */
static ml_schema_resource_t *
ml_schema_identify(ml_schema_compiler_t *c, ml_schema_document_t *document,
    uint32_t i, ml_schema_resource_t *around)
{
    char                  *uri;
    size_t                 len;
    ml_text_t              text;
    ml_schema_name_t       id;
    ml_schema_resource_t  *resource;

    if (!ml_schema_string(&document->tape, i, "$id", &id)) {
        return around;
    }

    c->document = document;
    len = ml_uri_fragment(id.name, id.len);

    if (len + 1 < id.len) {
        (void) ml_schema_fail(c, i, "\"$id\" has a fragment");
        return NULL;
    }

    ml_text_init(&text);
    ml_uri_resolve(&text, around->uri, strlen(around->uri), id.name, len);
    uri = ml_schema_keep(c, &text);

    if (uri == NULL) {
        return NULL;
    }

    /* the document's own resource, of which only the place was known */

    if (i == around->at) {
        around->also = around->uri;
        around->uri = uri;
        return around;
    }

    if (ml_schema_known(c->schema, uri, strlen(uri))) {
        (void) ml_schema_fail(c, i, "\"$id\" is given twice");
        return NULL;
    }

    resource = ml_schema_resource(c, document, i, uri);

    if (resource) {
        resource->unchecked = around->unchecked;
    }

    return resource;
}


static int
ml_schema_anchor(ml_schema_compiler_t *c, ml_schema_resource_t *resource,
    uint32_t i, const char *keyword, int dynamic)
{
    ml_schema_name_t     name;
    ml_schema_anchor_t  *anchor;

    if (!ml_schema_string(&resource->document->tape, i, keyword, &name)) {
        return 1;
    }

    anchor = ml_schema_alloc(c, 1, sizeof(ml_schema_anchor_t));

    if (anchor == NULL) {
        return 0;
    }

    anchor->name = name;
    anchor->at = i;
    anchor->next = resource->anchors;
    resource->anchors = anchor;

    if (dynamic) {
        anchor->dynamic = ml_schema_node(c, resource->document, i);
    }

    return !dynamic || anchor->dynamic != NULL;
}


/*
 * "$schema" of a resource: the draft, or a dialect of it that the registry
 * knows, of which only the vocabularies are looked at.
 */
static int
ml_schema_dialect(ml_schema_compiler_t *c, ml_schema_resource_t *resource)
{
    char                   name[1024];
    uint32_t               i, key, end;
    ml_tape_t             *tape;
    ml_schema_name_t       dialect, vocabulary;
    ml_schema_resource_t  *meta;

    static const char  vocabularies[] =
        "https://json-schema.org/draft/2020-12/vocab/";

    tape = &resource->document->tape;
    i = ml_tape_member(tape, resource->at, "$schema", 7);

    if (i == ML_TAPE_NONE) {
        return 1;
    }

    if (ml_schema_string(tape, resource->at, "$schema", &dialect)
        && dialect.len < sizeof(name))
    {
        dialect.len = ml_uri_fragment(dialect.name, dialect.len);
        snprintf(name, sizeof(name), "%.*s", (int) dialect.len, dialect.name);

        if (strcmp(name, ml_schema_draft) == 0) {
            return 1;
        }

        meta = ml_schema_known(c->schema, name, strlen(name));

        if (meta == NULL && c->options->load) {
            ml_text_t  text;

            ml_text_init(&text);

            if (c->options->load(c->options->data, name, &text) == 1
                && !text.failed
                && ml_schema_document(c, text.data ? text.data : "",
                                      text.len, name))
            {
                meta = ml_schema_known(c->schema, name, strlen(name));
            }

            ml_text_free(&text);
        }

        if (meta) {
            tape = &meta->document->tape;
            i = ml_tape_member(tape, meta->at, "$vocabulary", 11);

            if (i == ML_TAPE_NONE || tape->nodes[i].type != ML_TAPE_OBJECT) {
                return 1;
            }

            resource->unchecked = 1;
            end = ml_tape_next(tape, i);

            for (key = i + 1; key < end; key = ml_tape_next(tape, key + 1)) {
                vocabulary.name = ml_tape_text(tape, key);
                vocabulary.len = tape->nodes[key].size;

                if (vocabulary.len == sizeof(vocabularies) - 1 + 10
                    && memcmp(vocabulary.name, vocabularies,
                              sizeof(vocabularies) - 1) == 0
                    && memcmp(vocabulary.name + sizeof(vocabularies) - 1,
                              "validation", 10) == 0)
                {
                    resource->unchecked = 0;
                }
            }

            return 1;
        }
    }

    c->document = resource->document;

    return ml_schema_fail(c, i, "only draft 2020-12 is supported");
}


/* Stores what is known of the schema at "i", from what is around it. */
static int
ml_schema_visit(ml_schema_compiler_t *c, ml_schema_document_t *document,
    uint32_t i, ml_schema_resource_t *around)
{
    ml_schema_resource_t  *resource;

    document->resources[i] = around;

    if (document->tape.nodes[i].type != ML_TAPE_OBJECT) {
        return 1;
    }

    resource = ml_schema_identify(c, document, i, around);

    if (resource == NULL) {
        return 0;
    }

    document->resources[i] = resource;

    return ml_schema_anchor(c, resource, i, "$anchor", 0)
           && ml_schema_anchor(c, resource, i, "$dynamicAnchor", 1)
           && (resource->at != i || ml_schema_dialect(c, resource));
}


/*
 * Visits the schema at "root" and all that stand in it.  Places are visited
 * in the order of the tape: what is around a place has been visited before.
 */
static int
ml_schema_visit_all(ml_schema_compiler_t *c, ml_schema_document_t *document,
    uint32_t root, ml_schema_resource_t *around)
{
    uint32_t                    i, end, parent, holder;
    ml_tape_t                  *tape;
    const ml_schema_keyword_t  *keyword;

    tape = &document->tape;

    if (!ml_schema_visit(c, document, root, around)) {
        return 0;
    }

    end = ml_tape_next(tape, root);

    for (i = root + 1; i < end; i++) {
        parent = tape->nodes[i].parent;

        /* a value under a keyword: its key stands before it */

        if (document->resources[parent]
            && tape->nodes[parent].type == ML_TAPE_OBJECT)
        {
            /* keys and values take turns; a key has no resource */

            keyword = NULL;

            if (tape->nodes[i - 1].type == ML_TAPE_STRING
                && tape->nodes[i - 1].parent == parent)
            {
                keyword = ml_schema_keyword(ml_tape_text(tape, i - 1),
                                            tape->nodes[i - 1].size);
            }

            if (keyword && keyword->holds == ML_SCHEMA_ONE_SCHEMA
                && (tape->nodes[i].type == ML_TAPE_OBJECT
                    || tape->nodes[i].type == ML_TAPE_TRUE
                    || tape->nodes[i].type == ML_TAPE_FALSE)
                && !ml_schema_visit(c, document, i,
                                    document->resources[parent]))
            {
                return 0;
            }

            continue;
        }

        /* a schema among those that stand under a keyword */

        holder = tape->nodes[parent].parent;

        if (holder == ML_TAPE_NONE
            || document->resources[holder] == NULL
            || tape->nodes[holder].type != ML_TAPE_OBJECT
            || tape->nodes[parent - 1].type != ML_TAPE_STRING
            || tape->nodes[parent - 1].parent != holder)
        {
            continue;
        }

        keyword = ml_schema_keyword(ml_tape_text(tape, parent - 1),
                                    tape->nodes[parent - 1].size);

        if (keyword == NULL
            || (tape->nodes[i].type != ML_TAPE_OBJECT
                && tape->nodes[i].type != ML_TAPE_TRUE
                && tape->nodes[i].type != ML_TAPE_FALSE))
        {
            continue;
        }

        if ((keyword->holds == ML_SCHEMA_SCHEMAS
             && tape->nodes[parent].type == ML_TAPE_ARRAY)
            || (keyword->holds == ML_SCHEMA_NAMED
                && tape->nodes[parent].type == ML_TAPE_OBJECT))
        {
            if (!ml_schema_visit(c, document, i,
                                 document->resources[holder]))
            {
                return 0;
            }
        }
    }

    return 1;
}


ml_schema_document_t *
ml_schema_document(ml_schema_compiler_t *c, const char *text, size_t len,
    const char *uri)
{
    char                  *copy;
    ml_text_t              name;
    ml_schema_document_t  *document;
    ml_schema_resource_t  *resource;

    ml_text_init(&name);
    ml_text_append(&name, uri, strlen(uri));
    copy = ml_schema_keep(c, &name);
    document = ml_schema_alloc(c, 1, sizeof(ml_schema_document_t));

    if (copy == NULL || document == NULL) {
        return NULL;
    }

    document->next = c->schema->documents;
    c->schema->documents = document;

    if (!ml_schema_read(&document->tape, text, len, c->error, c->size)) {
        return NULL;
    }

    document->nodes = calloc(document->tape.n, sizeof(ml_schema_node_t *));
    document->resources = calloc(document->tape.n,
                                 sizeof(ml_schema_resource_t *));

    if (document->nodes == NULL || document->resources == NULL) {
        snprintf(c->error, c->size, "out of memory");
        return NULL;
    }

    resource = ml_schema_resource(c, document, 0, copy);

    if (resource == NULL
        || !ml_schema_visit_all(c, document, 0, resource))
    {
        return NULL;
    }

    return document;
}


void
ml_schema_documents_destroy(ml_schema_t *schema)
{
    ml_schema_document_t  *document;

    for (document = schema->documents; document; document = document->next) {
        ml_tape_free(&document->tape);
        free(document->nodes);
        free(document->resources);
    }
}


/* The resource of that URI, read now if need be. */
static ml_schema_resource_t *
ml_schema_fetch(ml_schema_compiler_t *c, const char *uri, uint32_t i)
{
    int                    rc;
    ml_text_t              text;
    const char            *meta;
    ml_schema_document_t  *document, *at_hand;
    ml_schema_resource_t  *resource;

    resource = ml_schema_known(c->schema, uri, strlen(uri));

    if (resource) {
        return resource;
    }

    at_hand = c->document;
    document = NULL;
    meta = ml_schema_meta(uri);

    if (meta) {
        document = ml_schema_document(c, meta, strlen(meta), uri);

    } else {
        ml_text_init(&text);
        rc = c->options->load ? c->options->load(c->options->data, uri, &text)
                              : 0;

        if (rc == 1 && !text.failed) {
            document = ml_schema_document(c, text.data ? text.data : "",
                                          text.len, uri);

        } else if (rc == 0) {
            (void) ml_schema_fail(c, i, "no schema is known as \"%s\"", uri);

        } else {
            (void) ml_schema_fail(c, i, "could not read \"%s\"", uri);
        }

        ml_text_free(&text);
    }

    c->document = at_hand;

    return document ? document->resources[0] : NULL;
}


/* The place that a fragment names, which may be no place of schemas. */
static uint32_t
ml_schema_fragment(ml_schema_compiler_t *c, ml_schema_resource_t **in,
    const char *fragment, size_t len, ml_schema_name_t *dynamic)
{
    uint32_t               i, around;
    ml_schema_anchor_t    *anchor;
    ml_schema_document_t  *document;

    document = (*in)->document;

    if (len && fragment[0] != '/') {

        for (anchor = (*in)->anchors; anchor; anchor = anchor->next) {
            if (anchor->name.len == len
                && memcmp(anchor->name.name, fragment, len) == 0)
            {
                if (anchor->dynamic && dynamic) {
                    *dynamic = anchor->name;
                }

                return anchor->at;
            }
        }

        return ML_TAPE_NONE;
    }

    i = ml_tape_point(&document->tape, (*in)->at, fragment, len);

    if (i == ML_TAPE_NONE || document->resources[i]) {
        return i;
    }

    /* below a keyword that is not known to hold schemas */

    for (around = i; document->resources[around] == NULL; /* void */ ) {
        around = document->tape.nodes[around].parent;
    }

    return ml_schema_visit_all(c, document, i, document->resources[around])
           ? i : ML_TAPE_NONE;
}


ml_schema_node_t *
ml_schema_resolve(ml_schema_compiler_t *c, const ml_schema_node_t *from,
    uint32_t i, ml_schema_name_t *dynamic)
{
    char                  *uri;
    size_t                 len, n;
    uint32_t               at;
    ml_text_t              text;
    ml_schema_name_t       reference;
    ml_schema_resource_t  *resource;

    if (c->document->tape.nodes[i].type != ML_TAPE_STRING) {
        (void) ml_schema_fail(c, i, "value is not a reference");
        return NULL;
    }

    ml_schema_name(c, i, &reference);
    ml_text_init(&text);
    ml_uri_resolve(&text, from->resource->uri, strlen(from->resource->uri),
                   reference.name, reference.len);
    uri = ml_schema_keep(c, &text);

    if (uri == NULL) {
        return NULL;
    }

    len = strlen(uri);
    n = ml_uri_fragment(uri, len);
    at = 0;

    if (n < len) {
        uri[n] = '\0';
        at = 1;
        len = ml_uri_decode(uri + n + 1, len - n - 1);
    }

    resource = ml_schema_fetch(c, uri, i);

    if (resource == NULL) {
        return NULL;
    }

    at = ml_schema_fragment(c, &resource, uri + n + at, at ? len : 0,
                            dynamic);

    if (at == ML_TAPE_NONE) {
        (void) ml_schema_fail(c, i, "the reference leads nowhere");
        return NULL;
    }

    return ml_schema_node(c, resource->document, at);
}
