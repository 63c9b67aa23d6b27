# Contracts that depend on method and path: documents of OpenAPI, and the API
# of OpenAI; and what is counted.

use Test::Nginx::Socket 'no_plan';

$ENV{TEST_NGINX_HTML_DIR} ||= html_dir();

add_block_preprocessor(sub {
    my ($block) = @_;

    $block->set_value('http_config', <<'END');
    ml_zone ml:1m;
    server {
        listen unix:$TEST_NGINX_HTML_DIR/backend.sock;
        location / {
            return 200 "$request_method $uri";
        }
    }
END

    $block->set_value('more_headers', 'Content-Type: application/json')
        unless defined $block->more_headers;

    $block->set_value('config', <<'END');
    location /api/ {
        ml_validate  openapi=$TEST_NGINX_HTML_DIR/openapi.json;
        proxy_pass   http://unix:$TEST_NGINX_HTML_DIR/backend.sock;
    }
    location /v1/ {
        ml_validate  protocol=openai messages=2 characters=10 max_tokens=100;
        proxy_pass   http://unix:$TEST_NGINX_HTML_DIR/backend.sock;
    }
    location /problem/ {
        ml_validate      protocol=openai n=1;
        ml_error_format  problem;
        proxy_pass       http://unix:$TEST_NGINX_HTML_DIR/backend.sock;
    }
    location /moved/ {
        ml_validate  openapi=$TEST_NGINX_HTML_DIR/moved.json;
        rewrite      ^/moved/from$ /moved/to break;
        proxy_pass   http://unix:$TEST_NGINX_HTML_DIR/backend.sock;
    }
    location = /metrics {
        ml_status  prometheus;
    }
END

    $block->set_value('user_files', <<'END');
>>> openapi.json
{"openapi": "3.1.0", "info": {"title": "FastAPI", "version": "0.1.0"},
 "paths": {
    "/api/predict": {
        "post": {"requestBody": {"required": true, "content": {
            "application/json": {"schema": {
                "$ref": "#/components/schemas/PredictRequest"}}}}},
        "get": {}},
    "/api/items/{id}": {
        "put": {"requestBody": {"content": {"application/json": {"schema": {
            "type": "array", "items": {"type": "integer"}}}}}}},
    "/api/items/all": {
        "put": {"requestBody": {"content": {"application/json": {"schema": {
            "type": "string"}}}}}}},
 "components": {"schemas": {"PredictRequest": {
    "properties": {"features": {"items": {"type": "number"}, "type": "array",
                                "maxItems": 3, "title": "Features"},
                   "meta": {"anyOf": [{"$ref": "#/components/schemas/Meta"},
                                      {"type": "null"}]}},
    "type": "object", "required": ["features"], "title": "PredictRequest"},
    "Meta": {"type": "object", "properties": {"id": {"type": "string"}},
             "required": ["id"]}}}}
>>> moved.json
{"openapi": "3.1.1", "paths": {"/moved/to": {"post": {"requestBody": {
    "required": true, "content": {"application/json": {"schema": {
        "type": "integer"}}}}}}}}
END
});

no_long_string();
run_tests();

__DATA__

=== TEST 1: the body of a path
--- request
POST /api/predict
{"features":[1,2],"meta":null}
--- response_body chomp
POST /api/predict



=== TEST 2: what is wrong with it
--- request
POST /api/predict
{"features":[1,2,3,4]}
--- error_code: 422
--- response_body chomp
{"detail":[{"type":"too_long","loc":["body","features"],"msg":"List should have at most 3 items after validation, not more","ctx":{"field_type":"List","max_length":3,"actual_length":null}}]}



=== TEST 3: in a schema that another one names
--- request
POST /api/predict
{"features":[1],"meta":{"id":1}}
--- error_code: 422
--- response_body chomp
{"detail":[{"type":"string_type","loc":["body","meta","id"],"msg":"Input should be a valid string"}]}



=== TEST 4: a method without a body
--- request
GET /api/predict
--- response_body chomp
GET /api/predict



=== TEST 5: a method that the path does not have
--- request
DELETE /api/predict
--- error_code: 405
--- response_headers
Allow: GET, POST
--- response_body chomp
{"detail":"Method Not Allowed"}



=== TEST 6: a path that is not there
--- request
POST /api/predict/
{}
--- error_code: 404
--- response_body chomp
{"detail":"Not Found"}



=== TEST 7: a body that is required
--- request
POST /api/predict
--- more_headers
Content-Type: application/json
Content-Length: 0
--- error_code: 422
--- response_body chomp
{"detail":[{"type":"missing","loc":["body"],"msg":"Field required"}]}



=== TEST 8: a template
--- request
PUT /api/items/7
[1,2]
--- response_body chomp
PUT /api/items/7



=== TEST 9: a path is nearer than a template
--- request
PUT /api/items/all
[1,2]
--- error_code: 422
--- response_body chomp
{"detail":[{"type":"string_type","loc":["body"],"msg":"Input should be a valid string"}]}



=== TEST 10: a body that may be left out
--- request
PUT /api/items/7
--- more_headers
Content-Length: 0
--- response_body chomp
PUT /api/items/7



=== TEST 11: a body where there is none
--- request
GET /api/predict
{}
--- error_code: 415



=== TEST 12: a chat
--- request
POST /v1/chat/completions
{"model":"m","messages":[{"role":"user","content":"0123456789"}],"max_tokens":100}
--- response_body chomp
POST /v1/chat/completions



=== TEST 13: too many messages
--- request
POST /v1/chat/completions
{"model":"m","messages":[{"role":"user","content":"1"},{"role":"user","content":"1"},{"role":"user","content":"1"}]}
--- error_code: 400
--- response_body chomp
{"error":{"message":"Invalid 'messages': List should have at most 2 items after validation, not more.","type":"invalid_request_error","param":"messages","code":"array_above_max_length"}}



=== TEST 14: too long, in a part
--- request
POST /v1/chat/completions
{"model":"m","messages":[{"role":"user","content":[{"type":"text","text":"0123456789a"}]}]}
--- error_code: 400
--- response_body chomp
{"error":{"message":"Invalid 'messages[0].content[0].text': String should have at most 10 characters.","type":"invalid_request_error","param":"messages[0].content[0].text","code":"string_above_max_length"}}



=== TEST 15: what is not known
--- request
POST /v1/completions
{"model":"m","prompt":"a","guided_regex":"(a+)+"}
--- error_code: 400
--- response_body chomp
{"error":{"message":"Unknown parameter: 'guided_regex'.","type":"invalid_request_error","param":"guided_regex","code":"unknown_parameter"}}



=== TEST 16: models
--- request eval
["GET /v1/models", "GET /v1/models/org/name"]
--- response_body eval
["GET /v1/models", "GET /v1/models/org/name"]



=== TEST 17: an endpoint that is not checked
--- request
POST /v1/embeddings
{"model":"m","input":"a"}
--- error_code: 404
--- response_body chomp
{"error":{"message":"Not Found","type":"invalid_request_error","param":null,"code":null}}



=== TEST 18: a format that is given
--- request
POST /problem/chat/completions
{"model":"m","messages":[{"role":"user","content":"1"}],"n":2}
--- error_code: 422
--- response_headers
Content-Type: application/problem+json



=== TEST 19: the path is the one that is proxied
--- request
POST /moved/from
1
--- response_body chomp
POST /moved/to



=== TEST 20: counted by location, field and reason
--- request eval
["POST /api/predict\n{\"features\":[1,\"a\"]}",
 "POST /api/predict\n{\"features\":[1,\"b\"]}",
 "POST /api/predict\n{\"secret\":{\"id\":1}}",
 "GET /metrics"]
--- more_headers eval
["Content-Type: application/json", "Content-Type: application/json",
 "Content-Type: application/json", ""]
--- error_code eval
[422, 422, 422, 200]
--- response_body_like eval
["float_type", "float_type", "missing",
 '(?=.*rejections_total\{location="/api/",reason="float_type",field="/features/\*"\} 2\n).*rejections_total\{location="/api/",reason="missing",field="/features"\} 1\n']
