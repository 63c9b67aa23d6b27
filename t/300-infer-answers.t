# What ml_infer answers: rows, batches, echoed fields, variables.

use Test::Nginx::Socket 'no_plan';
use Cwd;

$ENV{TEST_NGINX_HTML_DIR} ||= html_dir();
$ENV{TEST_NGINX_ROOT} ||= getcwd();

add_block_preprocessor(sub {
    my ($block) = @_;

    $block->set_value('http_config', <<'END') unless defined $block->http_config;
    ml_model identity { file $TEST_NGINX_ROOT/t/models/identity.onnx; batch 2; }
    ml_model two      { file $TEST_NGINX_ROOT/t/models/two-inputs.onnx; }
    ml_model slow     { file $TEST_NGINX_ROOT/t/models/slow.onnx; batch 1; }
    ml_model predict  { file $TEST_NGINX_ROOT/examples/predict/predict.onnx; }
END

    $block->set_value('more_headers', 'Content-Type: application/json')
        unless defined $block->more_headers;

    $block->set_value('user_files', <<'END');
>>> row.json
{"type": "object", "required": ["x"], "properties": {
    "x": {"x-tensor": {"input": "x", "dtype": "float32", "shape": [4]}},
    "id": {"type": "string"}, "any": {}}}
>>> batch.json
{"type": "object", "required": ["x"], "properties": {
    "x": {"x-tensor": {"input": "x", "dtype": "float32", "shape": [-1, 4],
                       "maxItems": 10}}}}
>>> two.json
{"type": "object", "required": ["a", "b"], "properties": {
    "a": {"x-tensor": {"input": "a", "dtype": "float32", "shape": [-1, 2],
                       "maxItems": 4}},
    "b": {"x-tensor": {"input": "b", "dtype": "float32", "shape": [-1, 2],
                       "maxItems": 4}}}}
>>> predict.json
{"type": "object", "required": ["features"], "properties": {
    "features": {"x-tensor": {"input": "features", "dtype": "float32",
                              "shape": [10]}},
    "request_id": {"type": "string"}}}
END

});

no_long_string();
run_tests();

__DATA__

=== TEST 1: a row, without the dimension of the batch
--- config
    location /t {
        ml_validate  schema=$TEST_NGINX_HTML_DIR/row.json;
        ml_infer     identity;
    }
--- request
POST /t
{"x": [1, -2.5, 3e10, 0.1]}
--- response_headers
Content-Type: application/json
--- response_body chomp
{"y":[1.0,-2.5,3e+10,0.1]}



=== TEST 2: a scalar where a row has one element; what is echoed comes last
--- config
    location /t {
        ml_validate    schema=$TEST_NGINX_HTML_DIR/predict.json;
        ml_infer       predict;
        ml_infer_echo  request_id;
    }
--- request
POST /t
{"request_id": "req_001", "features": [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]}
--- response_body_like chomp
^\{"prediction":5\.5,"confidence":0\.\d+,"request_id":"req_001"\}$



=== TEST 3: a batch of rows
--- config
    location /t {
        ml_validate  schema=$TEST_NGINX_HTML_DIR/batch.json;
        ml_infer     identity;
    }
--- request
POST /t
{"x": [[1, 2, 3, 4], [5, 6, 7, 8]]}
--- response_body chomp
{"y":[[1.0,2.0,3.0,4.0],[5.0,6.0,7.0,8.0]]}



=== TEST 4: a batch of one row stays a batch
--- config
    location /t {
        ml_validate  schema=$TEST_NGINX_HTML_DIR/batch.json;
        ml_infer     identity;
    }
--- request
POST /t
{"x": [[1, 2, 3, 4]]}
--- response_body chomp
{"y":[[1.0,2.0,3.0,4.0]]}



=== TEST 5: more rows than the model runs at once
--- config
    location /t {
        ml_validate  schema=$TEST_NGINX_HTML_DIR/batch.json;
        ml_infer     identity;
        add_header   X-Batch $ml_batch_size;
    }
--- request
POST /t
{"x": [[1,1,1,1],[2,2,2,2],[3,3,3,3],[4,4,4,4],[5,5,5,5]]}
--- response_headers
X-Batch: 5
--- response_body chomp
{"y":[[1.0,1.0,1.0,1.0],[2.0,2.0,2.0,2.0],[3.0,3.0,3.0,3.0],[4.0,4.0,4.0,4.0],[5.0,5.0,5.0,5.0]]}



=== TEST 6: fields come back as they are, in the order of the directive
--- config
    location /t {
        ml_validate    schema=$TEST_NGINX_HTML_DIR/row.json;
        ml_infer       identity;
        ml_infer_echo  id any;
    }
--- request
POST /t
{"any": {"a": [1, true, null]}, "x": [0, 0, 0, 0], "id": "a\"\u00e9\n"}
--- response_body_like chomp
^\{"y":\[0\.0,0\.0,0\.0,0\.0\],"id":"a\\"(?:é|\\u00e9)\\(?:n|u000a)","any":\{"a":\[1,true,null\]\}\}$



=== TEST 7: a field that the request does not have is left out
--- config
    location /t {
        ml_validate    schema=$TEST_NGINX_HTML_DIR/row.json;
        ml_infer       identity;
        ml_infer_echo  id any;
    }
--- request
POST /t
{"x": [0, 0, 0, 0], "any": 1}
--- response_body chomp
{"y":[0.0,0.0,0.0,0.0],"any":1}



=== TEST 8: variables
--- config
    location /t {
        ml_validate  schema=$TEST_NGINX_HTML_DIR/row.json;
        ml_infer     identity;
        add_header   X-Infer
            "$ml_infer_status $ml_model $ml_batch_size $ml_breaker";
        add_header   X-Times "$ml_queue_time $ml_compute_time";
    }
--- request
POST /t
{"x": [0, 0, 0, 0]}
--- response_headers
X-Infer: OK identity 1 closed
--- raw_response_headers_like chomp
(?i)X-Times: 0\.\d{6} 0\.\d{6}



=== TEST 9: variables where nothing was inferred are empty
--- config
    location /t {
        add_header  X-Infer "[$ml_infer_status$ml_model$ml_batch_size]";
        return 204;
    }
--- request
POST /t
{}
--- error_code: 204
--- response_headers
X-Infer: []



=== TEST 10: two inputs, in another order than the model's
--- config
    location /t {
        ml_validate  schema=$TEST_NGINX_HTML_DIR/two.json;
        ml_infer     two;
    }
--- request
POST /t
{"b": [[10, 20], [30, 40]], "a": [[1, 2], [3, 4]]}
--- response_body_like chomp
^\{"sum":\[\[11\.0,22\.0\],\[33\.0,44\.0\]\],"mean":\[16\.5,38\.5\]\}$



=== TEST 11: two inputs of different rows
--- config
    location /t {
        ml_validate  schema=$TEST_NGINX_HTML_DIR/two.json;
        ml_infer     two;
        add_header   X-Infer $ml_infer_status always;
    }
--- request
POST /t
{"b": [[10, 20]], "a": [[1, 2], [3, 4]]}
--- error_code: 422
--- response_headers
X-Infer: INVALID
--- response_body chomp
{"detail":"The tensors differ in rows"}



=== TEST 12: a model that takes long runs beside the event loop
--- config
    location /t {
        ml_validate  schema=$TEST_NGINX_HTML_DIR/row.json;
        ml_infer     slow;
        add_header   X-Infer $ml_infer_status;
    }
--- request
POST /t
{"x": [1, 2, 3, 4]}
--- response_headers
X-Infer: OK
--- response_body_like chomp
^\{"y":-?[\d.e+-]+\}$
--- timeout: 10



=== TEST 13: one connection, answers in order
--- config
    location /t {
        ml_validate    schema=$TEST_NGINX_HTML_DIR/row.json;
        ml_infer       identity;
    }
--- pipelined_requests eval
["POST /t\n{\"x\":[1,0,0,0]}", "POST /t\n{\"x\":[2,0,0,0]}",
 "POST /t\n{\"x\":[3,0,0,0]}"]
--- response_body eval
['{"y":[1.0,0.0,0.0,0.0]}', '{"y":[2.0,0.0,0.0,0.0]}',
 '{"y":[3.0,0.0,0.0,0.0]}']
