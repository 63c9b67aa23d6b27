# The whole of JSON Schema behind ml_validate: what is checked when a value
# is complete, and where its errors point.

use Test::Nginx::Socket 'no_plan';

$ENV{TEST_NGINX_HTML_DIR} ||= html_dir();

add_block_preprocessor(sub {
    my ($block) = @_;

    $block->set_value('http_config', <<'END');
    server {
        listen unix:$TEST_NGINX_HTML_DIR/backend.sock;
        location = /ok {
            return 200 "passed";
        }
    }
END

    $block->set_value('more_headers', 'Content-Type: application/json');

    $block->set_value('config', <<'END');
    location = /chat {
        ml_validate  schema=$TEST_NGINX_HTML_DIR/chat.json;
        proxy_pass   http://unix:$TEST_NGINX_HTML_DIR/backend.sock:/ok;
    }
    location = /rules {
        ml_validate  schema=$TEST_NGINX_HTML_DIR/rules.json formats=on
                     registry=http://example.com/=$TEST_NGINX_HTML_DIR;
        ml_validate_limits  deferred=1k;
        proxy_pass   http://unix:$TEST_NGINX_HTML_DIR/backend.sock:/ok;
    }
    location = /off {
        ml_validate  schema=$TEST_NGINX_HTML_DIR/rules.json formats=off
                     registry=http://example.com/=$TEST_NGINX_HTML_DIR;
        proxy_pass   http://unix:$TEST_NGINX_HTML_DIR/backend.sock:/ok;
    }
END

    # chat.json is what model_json_schema() of pydantic prints

    $block->set_value('user_files', <<'END');
>>> chat.json
{"$defs": {
    "Part": {"properties": {
        "type": {"const": "text", "title": "Type", "type": "string"},
        "text": {"maxLength": 10, "title": "Text", "type": "string"}},
        "required": ["type", "text"], "title": "Part", "type": "object"},
    "Message": {"additionalProperties": false, "properties": {
        "role": {"enum": ["system", "user"], "title": "Role",
                 "type": "string"},
        "content": {"anyOf": [{"type": "string"},
                              {"items": {"$ref": "#/$defs/Part"},
                               "type": "array"}], "title": "Content"}},
        "required": ["role", "content"], "title": "Message",
        "type": "object"}},
 "properties": {
    "model": {"pattern": "^[a-z0-9-]+$", "title": "Model",
              "type": "string"},
    "messages": {"items": {"$ref": "#/$defs/Message"}, "maxItems": 3,
                 "minItems": 1, "title": "Messages", "type": "array"},
    "temperature": {"anyOf": [{"maximum": 2, "minimum": 0,
                               "type": "number"}, {"type": "null"}],
                    "default": null, "title": "Temperature"}},
 "required": ["model", "messages"], "title": "ChatRequest",
 "type": "object"}
>>> rules.json
{"$id": "http://example.com/rules.json", "type": "object",
 "patternProperties": {"^x-": {"type": "string"}},
 "additionalProperties": {"$ref": "values.json#/$defs/value"},
 "dependentRequired": {"n": ["m"]}}
>>> values.json
{"$defs": {"value": {"properties": {
    "tags": {"uniqueItems": true, "contains": {"const": "a"}},
    "id": {"format": "uuid"},
    "step": {"type": "integer", "multipleOf": 5},
    "not": {"not": {"type": "string"}},
    "one": {"oneOf": [{"type": "integer"}, {"minimum": 2}]}},
    "propertyNames": {"maxLength": 4}}}}
END
});

no_long_string();
run_tests();

__DATA__

=== TEST 1: a chat
--- request
POST /chat
{"model":"m-1","temperature":null,"messages":[{"role":"user","content":"hi"},{"role":"user","content":[{"type":"text","text":"0123456789"}]}]}
--- response_body chomp
passed



=== TEST 2: of what could have matched, what got farther is told
--- request
POST /chat
{"model":"m-1","messages":[{"role":"user","content":[{"type":"text","text":"0123456789a"}]}]}
--- error_code: 422
--- response_body chomp
{"detail":[{"type":"string_too_long","loc":["body","messages",0,"content",0,"text"],"msg":"String should have at most 10 characters","ctx":{"max_length":10}}]}



=== TEST 3: nothing could have
--- request
POST /chat
{"model":"m-1","messages":[{"role":"user","content":7}]}
--- error_code: 422
--- response_body chomp
{"detail":[{"type":"string_type","loc":["body","messages",0,"content"],"msg":"Input should be a valid string"}]}



=== TEST 4: through a reference, while it streams
--- request
POST /chat
{"model":"m-1","messages":[{"role":"user","content":"","x":1}]}
--- error_code: 422
--- response_body chomp
{"detail":[{"type":"extra_forbidden","loc":["body","messages",0,"x"],"msg":"Extra inputs are not permitted"}]}



=== TEST 5: an optional field that is there
--- request
POST /chat
{"model":"m-1","temperature":2.5,"messages":[]}
--- error_code: 422
--- response_body chomp
{"detail":[{"type":"less_than_equal","loc":["body","temperature"],"msg":"Input should be less than or equal to 2","ctx":{"le":2.0}}]}



=== TEST 6: a pattern
--- request
POST /chat
{"model":"M 1","messages":[]}
--- error_code: 422
--- response_body chomp
{"detail":[{"type":"string_pattern_mismatch","loc":["body","model"],"msg":"String should match pattern '^[a-z0-9-]+$'","ctx":{"pattern":"^[a-z0-9-]+$"}}]}



=== TEST 7: all rules at once
--- request
POST /rules
{"x-a":"","n":1,"m":{"tags":["a","b"],"id":"0c7e1f0e-8f9b-4f3a-9a3e-1d2c3b4a5968","step":15,"not":1,"one":1.5}}
--- error_code: 422
--- response_body chomp
{"detail":[{"type":"greater_than_equal","loc":["body","m","one"],"msg":"Input should be greater than or equal to 2","ctx":{"ge":2.0}}]}



=== TEST 8: they are satisfied
--- request
POST /rules
{"x-a":"","n":1,"m":{"tags":["a","b"],"id":"0c7e1f0e-8f9b-4f3a-9a3e-1d2c3b4a5968","step":15,"not":1,"one":1}}
--- response_body chomp
passed



=== TEST 9: equal values
--- request
POST /rules
{"m":{"tags":["a",{"b":1,"c":[2]},{"c":[2.0],"b":1e0}]}}
--- error_code: 422
--- response_body chomp
{"detail":[{"type":"value_error","loc":["body","m","tags"],"msg":"Value error, items are not unique","ctx":{"error":{}}}]}



=== TEST 10: a name, and nothing of it in the log
--- request
POST /rules
{"m":{"secret":1}}
--- error_code: 422
--- response_body chomp
{"detail":[{"type":"string_too_long","loc":["body","m","secret","[key]"],"msg":"String should have at most 4 characters","ctx":{"max_length":4}}]}
--- no_error_log
secret
--- error_log
rejecting request



=== TEST 11: a format, which is checked here
--- request
POST /rules
{"m":{"id":"0c7e1f0e"}}
--- error_code: 422
--- response_body chomp
{"detail":[{"type":"value_error","loc":["body","m","id"],"msg":"Value error, not of format uuid","ctx":{"error":{}}}]}



=== TEST 12: and not there
--- request
POST /off
{"m":{"id":"0c7e1f0e"}}
--- response_body chomp
passed



=== TEST 13: a member that another one needs
--- request
POST /rules
{"n":1}
--- error_code: 422
--- response_body chomp
{"detail":[{"type":"missing","loc":["body","m"],"msg":"Field required"}]}



=== TEST 14: a value that must be complete, and is too large for that
--- request eval
"POST /rules\n" . '{"x-a":"' . ('y' x 1000) . '"}'
--- error_code: 422
--- response_body chomp
{"detail":[{"type":"value_error","loc":["body"],"msg":"Value error, too large to be checked","ctx":{"error":{}}}]}



=== TEST 15: the same where there is room
--- request eval
"POST /off\n" . '{"x-a":"' . ('y' x 1000) . '"}'
--- response_body chomp
passed
