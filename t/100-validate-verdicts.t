# What ml_validate says of bodies: the exact error bodies, the same over
# HTTP/1.1 and HTTP/2; what passes arrives at the backend unchanged.

use Test::Nginx::Socket 'no_plan';

$ENV{TEST_NGINX_HTML_DIR} ||= html_dir();

add_block_preprocessor(sub {
    my ($block) = @_;

    $block->set_value('http_config', <<'END');
    server {
        listen unix:$TEST_NGINX_HTML_DIR/backend.sock;
        location = /echo {
            return 200 "$http_x_body";
        }
        location = /length {
            return 200 "[$content_length]";
        }
        location = /ok {
            return 204;
        }
        location = /denied {
            deny all;
        }
    }
END

    $block->set_value('more_headers', 'Content-Type: application/json')
        unless defined $block->more_headers;

    $block->set_value('config', <<'END') unless defined $block->config;
    location = /t {
        ml_validate  schema=$TEST_NGINX_HTML_DIR/features.json;
        proxy_pass   http://unix:$TEST_NGINX_HTML_DIR/backend.sock:/echo;
        add_header   X-Status $ml_validate_status always;
        add_header   X-Reason $ml_validate_reason always;
        proxy_set_header  X-Body $request_body;
        client_body_in_single_buffer on;
    }
    location = /names {
        ml_validate  schema=$TEST_NGINX_HTML_DIR/names.json;
        proxy_pass   http://127.0.0.1:1;
    }
END

    $block->set_value('user_files', <<'END') unless defined $block->user_files;
>>> features.json
{"type": "object", "required": ["features"], "additionalProperties": false,
 "properties": {
    "features": {"x-tensor": {"input": "x", "dtype": "float32", "shape": [3],
                              "minimum": -100, "maximum": 100}},
    "request_id": {"type": ["string", "null"], "maxLength": 5},
    "mode": {"enum": ["fast", "good"]},
    "n": {"type": "integer", "exclusiveMinimum": 0}}}
>>> names.json
{"required": ["given"], "properties": {
    "list": {"items": {"properties": {"n": {"type": "integer"}}}}},
 "additionalProperties": {
    "required": ["a\"b"], "properties": {"inner": {"type": "string"}},
    "additionalProperties": {"additionalProperties": false}}}
END
});

no_long_string();
run_tests();

__DATA__

=== TEST 1: a body that passes goes to the backend as it is
--- request
POST /t
{ "features": [1.0, 2e0, -0.5], "request_id": "r\u0031", "n": 1.0 }
--- response_body chomp
{ "features": [1.0, 2e0, -0.5], "request_id": "r\u0031", "n": 1.0 }
--- response_headers
X-Status: PASSED
!X-Reason



=== TEST 2: PUT and PATCH too
--- request eval
["PUT /t\n{\"features\":[1,2,3]}", "PATCH /t\n{\"features\":[1,2,3]}"]
--- more_headers eval
["Content-Type: application/json", "Content-Type: application/json"]
--- error_code eval
[200, 200]



=== TEST 3: too few elements
--- request
POST /t
{"features": [1, 2]}
--- error_code: 422
--- response_headers
Content-Type: application/json
X-Status: REJECTED
X-Reason: too_short
--- response_body chomp
{"detail":[{"type":"too_short","loc":["body","features"],"msg":"List should have at least 3 items after validation, not 2","ctx":{"field_type":"List","min_length":3,"actual_length":2}}]}
--- error_log
rejecting request: too_short at ["body","features"]



=== TEST 4: too many
--- request
POST /t
{"features": [1, 2, 3, 4, 5]}
--- error_code: 422
--- response_body chomp
{"detail":[{"type":"too_long","loc":["body","features"],"msg":"List should have at most 3 items after validation, not more","ctx":{"field_type":"List","max_length":3,"actual_length":null}}]}



=== TEST 5: NaN
--- request
POST /t
{"features": [1, 2, NaN]}
--- error_code: 422
--- response_body chomp
{"detail":[{"type":"json_invalid","loc":["body",20],"msg":"JSON decode error","ctx":{"error":"Expecting value"}}]}



=== TEST 6: out of range
--- request
POST /t
{"features": [1, 250.0, 2]}
--- error_code: 422
--- response_body chomp
{"detail":[{"type":"less_than_equal","loc":["body","features",1],"msg":"Input should be less than or equal to 100","ctx":{"le":100.0}}]}



=== TEST 7: what does not fit into the type
--- request
POST /t
{"features": [1, 1e39, 2]}
--- error_code: 422
--- response_body chomp
{"detail":[{"type":"finite_number","loc":["body","features",1],"msg":"Input should be a finite number"}]}



=== TEST 8: a string instead of a number
--- request
POST /t
{"features": [1, "2", 3]}
--- error_code: 422
--- response_body chomp
{"detail":[{"type":"float_type","loc":["body","features",1],"msg":"Input should be a valid number"}]}



=== TEST 9: ragged
--- request
POST /t
{"features": [1, [2], 3]}
--- error_code: 422
--- response_body chomp
{"detail":[{"type":"float_type","loc":["body","features",1],"msg":"Input should be a valid number"}]}



=== TEST 10: missing
--- request
POST /t
{"request_id": "a"}
--- error_code: 422
--- response_body chomp
{"detail":[{"type":"missing","loc":["body","features"],"msg":"Field required"}]}



=== TEST 11: unknown, its name escaped, and not in the log
--- request
POST /t
{"features": [1, 2, 3], "a\"\n</script>": 1}
--- error_code: 422
--- response_body chomp
{"detail":[{"type":"extra_forbidden","loc":["body","a\"\u000a</script>"],"msg":"Extra inputs are not permitted"}]}
--- error_log
rejecting request: extra_forbidden at ["body","?"]: Extra
--- no_error_log
</script



=== TEST 12: a string too long
--- request
POST /t
{"features": [1, 2, 3], "request_id": "abcdef"}
--- error_code: 422
--- response_body chomp
{"detail":[{"type":"string_too_long","loc":["body","request_id"],"msg":"String should have at most 5 characters","ctx":{"max_length":5}}]}



=== TEST 13: not one of the choices
--- request
POST /t
{"features": [1, 2, 3], "mode": "best"}
--- error_code: 422
--- response_body chomp
{"detail":[{"type":"literal_error","loc":["body","mode"],"msg":"Input should be 'fast' or 'good'","ctx":{"expected":"'fast' or 'good'"}}]}



=== TEST 14: not whole, not above
--- request eval
["POST /t\n{\"features\":[1,2,3],\"n\":1.5}",
 "POST /t\n{\"features\":[1,2,3],\"n\":0}"]
--- more_headers eval
["Content-Type: application/json", "Content-Type: application/json"]
--- error_code eval
[422, 422]
--- response_body eval
['{"detail":[{"type":"int_type","loc":["body","n"],"msg":"Input should be a valid integer"}]}',
 '{"detail":[{"type":"greater_than","loc":["body","n"],"msg":"Input should be greater than 0","ctx":{"gt":0}}]}']



=== TEST 15: a key twice, once escaped
--- request
POST /t
{"features": [1, 2, 3], "f\u0065atures": [1, 2, 3]}
--- error_code: 422
--- response_body chomp
{"detail":[{"type":"json_invalid","loc":["body",24],"msg":"JSON decode error","ctx":{"error":"Duplicate property name"}}]}



=== TEST 16: something behind the value
--- request
POST /t
{"features": [1, 2, 3]} {}
--- error_code: 422
--- response_body chomp
{"detail":[{"type":"json_invalid","loc":["body",24],"msg":"JSON decode error","ctx":{"error":"Extra data"}}]}



=== TEST 17: not an object
--- request
POST /t
[1, 2, 3]
--- error_code: 422
--- response_body chomp
{"detail":[{"type":"model_attributes_type","loc":["body"],"msg":"Input should be a valid dictionary or object to extract fields from"}]}



=== TEST 18: no body at all
--- request
POST /t
--- error_code: 422
--- response_headers
X-Reason: missing
--- response_body chomp
{"detail":[{"type":"missing","loc":["body"],"msg":"Field required"}]}



=== TEST 19: limits while parsing
--- config
    ml_validate_limits depth=3 keys=4;
    location = /p {
        ml_validate  schema=$TEST_NGINX_HTML_DIR/any.json;
        ml_validate_limits string=4 number=3 elements=5;
        proxy_pass   http://unix:$TEST_NGINX_HTML_DIR/backend.sock:/ok;
    }
--- user_files
>>> any.json
{}
--- request eval
["POST /p\n[[[]]]", "POST /p\n[[[[]]]]", "POST /p\n{\"a\":1,\"b\":{\"c\":1,\"d\":1,\"e\":1}}",
 "POST /p\n\"abcd\"", "POST /p\n\"abcde\"", "POST /p\n[1,2,3,4,5]",
 "POST /p\n[1,2,3,4,5,6]", "POST /p\n123", "POST /p\n1234"]
--- more_headers eval
[("Content-Type: application/json") x 9]
--- error_code eval
[204, 422, 422, 204, 422, 204, 422, 204, 422]
--- response_body_like eval
['^$', 'Nesting too deep', 'Too many properties', '^$', 'String too long',
 '^$', 'Too many array elements', '^$', 'Number too long']



=== TEST 20: another status, another format
--- config
    location = /t {
        ml_validate         schema=$TEST_NGINX_HTML_DIR/features.json;
        ml_validate_status  400;
        ml_error_format     problem;
        proxy_pass          http://127.0.0.1:1;
    }
--- request
POST /t
{"features": [1, 2, 300]}
--- error_code: 400
--- response_headers
Content-Type: application/problem+json
--- response_body_like: "status":400,.*"pointer":"[^"]*/features/2"



=== TEST 21: dry run
--- config
    location = /t {
        ml_validate          schema=$TEST_NGINX_HTML_DIR/features.json;
        ml_validate_dry_run  on;
        ml_validate_log_level  error;
        proxy_pass   http://unix:$TEST_NGINX_HTML_DIR/backend.sock:/echo;
        add_header   X-Status $ml_validate_status always;
        add_header   X-Reason $ml_validate_reason always;
        proxy_set_header  X-Body $request_body;
    }
--- request
POST /t
{"features": [1, 2, 300], "left": 1}
--- response_headers
X-Status: REJECTED_DRY_RUN
X-Reason: less_than_equal
--- response_body chomp
{"features": [1, 2, 300], "left": 1}
--- error_log
[error]
rejecting request, dry run: less_than_equal



=== TEST 22: off undoes what a location around has
--- config
    location /t {
        ml_validate  schema=$TEST_NGINX_HTML_DIR/features.json;
        location = /t/off {
            ml_validate  off;
            proxy_pass   http://unix:$TEST_NGINX_HTML_DIR/backend.sock:/ok;
            add_header   X-Status "[$ml_validate_status]" always;
        }
    }
--- request
POST /t/off
nonsense
--- error_code: 204
--- response_headers
X-Status: []



=== TEST 23: inherited otherwise
--- config
    location /t {
        ml_validate  schema=$TEST_NGINX_HTML_DIR/features.json;
        location = /t/in {
            proxy_pass   http://127.0.0.1:1;
        }
    }
--- request
POST /t/in
nonsense
--- error_code: 422



=== TEST 24: the log names a field of the schema
--- request
POST /names
{"list": [0, {"n": "x"}]}
--- error_code: 422
--- response_body_like eval
quotemeta '"loc":["body","list",1,"n"]'
--- error_log
rejecting request: int_type at ["body","list",1,"n"]:
--- no_error_log
secret



=== TEST 25: ... and below one of the client's
--- request
POST /names
{"secret": {"inner": 1}}
--- error_code: 422
--- response_body_like eval
quotemeta '"loc":["body","secret","inner"]'
--- error_log
rejecting request: string_type at ["body","?","inner"]:
--- no_error_log
secret



=== TEST 26: ... but none of the client's
--- request
POST /names
{"secret": {"list": {"inner": 1}}}
--- error_code: 422
--- response_body_like eval
quotemeta '"loc":["body","secret","list","inner"]'
--- error_log
rejecting request: extra_forbidden at ["body","?","?","?"]:
--- no_error_log
secret



=== TEST 27: what a field of the client's lacks
--- request
POST /names
{"list": [{"secret": 1}], "secret": {}}
--- error_code: 422
--- response_body_like eval
quotemeta '"loc":["body","secret","a\"b"]'
--- error_log
rejecting request: missing at ["body","?","a\"b"]:
--- no_error_log
secret



=== TEST 28: a name that is only required
--- request
POST /names
{"list": []}
--- error_code: 422
--- response_body_like eval
quotemeta '"loc":["body","given"]'
--- error_log
rejecting request: missing at ["body","given"]:
--- no_error_log
secret



=== TEST 29: a broken contract is 400 as OpenAI has it
--- config
    location = /t {
        ml_validate  schema=$TEST_NGINX_HTML_DIR/features.json;
        ml_error_format openai;
        proxy_pass   http://127.0.0.1:1;
    }
--- request
POST /t
{"features": [1, 2]}
--- error_code: 400
--- response_body chomp
{"error":{"message":"Invalid 'features': List should have at least 3 items after validation, not 2.","type":"invalid_request_error","param":"features","code":"array_below_min_length"}}



=== TEST 30: and as the Open Inference Protocol has it
--- config
    location = /t {
        ml_validate  schema=$TEST_NGINX_HTML_DIR/features.json;
        ml_error_format oip;
        proxy_pass   http://127.0.0.1:1;
    }
--- request
POST /t
{"features": [1, 2, 1e39]}
--- error_code: 400
--- response_body chomp
{"error":"features[2]: Input should be a finite number"}



=== TEST 31: several errors
--- config
    ml_validate_errors  3;
    location = /t {
        ml_validate  schema=$TEST_NGINX_HTML_DIR/features.json;
        proxy_pass   http://127.0.0.1:1;
        add_header   X-Reason $ml_validate_reason always;
    }
    location = /problem {
        ml_validate         schema=$TEST_NGINX_HTML_DIR/features.json;
        ml_validate_errors  2;
        ml_error_format     problem;
        proxy_pass          http://127.0.0.1:1;
    }
    location = /openai {
        ml_validate         schema=$TEST_NGINX_HTML_DIR/features.json;
        ml_error_format     openai;
        proxy_pass          http://127.0.0.1:1;
    }
    location = /try {
        ml_validate          schema=$TEST_NGINX_HTML_DIR/features.json;
        ml_validate_dry_run  on;
        proxy_pass           http://unix:$TEST_NGINX_HTML_DIR/backend.sock:/length;
    }
--- request eval
my $body = '{"features":[1,200,"x"],"n":0,"mode":"x"}';
["POST /t\n$body", "POST /problem\n$body", "POST /openai\n$body",
 "POST /try\n$body"]
--- error_code eval
[422, 422, 400, 200]
--- response_body eval
['{"detail":[{"type":"less_than_equal","loc":["body","features",1],"msg":"Input should be less than or equal to 100","ctx":{"le":100.0}},{"type":"float_type","loc":["body","features",2],"msg":"Input should be a valid number"},{"type":"greater_than","loc":["body","n"],"msg":"Input should be greater than 0","ctx":{"gt":0}}]}',
 '{"type":"about:blank","title":"Unprocessable Content","status":422,"detail":"Input should be less than or equal to 100","errors":[{"pointer":"/features/1","type":"less_than_equal","msg":"Input should be less than or equal to 100"},{"pointer":"/features/2","type":"float_type","msg":"Input should be a valid number"}]}',
 '{"error":{"message":"Invalid \'features[1]\': Input should be less than or equal to 100.","type":"invalid_request_error","param":"features[1]","code":"value_above_maximum"}}',
 '[41]']
