# The Open Inference Protocol: endpoints, headers, and what reaches an
# upstream or a model.

use Test::Nginx::Socket 'no_plan';
use Cwd;

$ENV{TEST_NGINX_HTML_DIR} ||= html_dir();
$ENV{TEST_NGINX_ROOT} ||= getcwd();

add_block_preprocessor(sub {
    my ($block) = @_;

    $block->set_value('http_config', <<'END');
    ml_zone ml:1m;
    ml_model two { file $TEST_NGINX_ROOT/t/models/two-inputs.onnx; }
    ml_model id  { file $TEST_NGINX_ROOT/t/models/identity.onnx; }
    server {
        listen unix:$TEST_NGINX_HTML_DIR/backend.sock;
        location / {
            return 200 "$request_method $uri";
        }
    }
END

    $block->set_value('config', <<'END');
    location /v2 {
        ml_validate  protocol=oip;
        ml_infer     oip;
        add_header   X-Model $ml_model;
        add_header   X-Reason $ml_validate_reason always;
    }
    location /proxy/ {
        ml_validate  protocol=oip;
        proxy_pass   http://unix:$TEST_NGINX_HTML_DIR/backend.sock;
        add_header   X-Reason $ml_validate_reason always;
    }
    location /little/ {
        ml_validate            protocol=oip;
        ml_validate_limits     elements=3;
        ml_validate_encodings  gzip;
        ml_infer               oip;
    }
    location /fastapi/ {
        ml_validate      protocol=oip;
        ml_error_format  fastapi;
        proxy_pass       http://unix:$TEST_NGINX_HTML_DIR/backend.sock;
    }
    location /try/ {
        ml_validate          protocol=oip;
        ml_validate_dry_run  on;
        proxy_pass           http://unix:$TEST_NGINX_HTML_DIR/backend.sock;
    }
    location /moved/v2/ {
        ml_validate  protocol=oip;
        ml_infer     oip;
        rewrite      ^/moved/v2/from/(.*)$ /moved/v2/models/id/$1 break;
    }
    location = /metrics {
        ml_status  prometheus;
    }
END
});

no_long_string();
run_tests();

__DATA__

=== TEST 1: live
--- request
GET /v2/health/live
--- response_body chomp
{"live":true}



=== TEST 2: ready
--- request eval
["HEAD /v2/health/ready", "GET /v2/health/ready", "GET /v2/models/id/ready"]
--- response_body eval
["", '{"ready":true}', '{"name":"id","ready":true}']



=== TEST 3: the server
--- request
GET /v2
--- response_headers
Content-Type: application/json
--- response_body_like chomp
^\{"name":"ngx_ml","version":"[0-9.]+","extensions":\["binary_tensor_data","model_configuration"\]\}$



=== TEST 4: a model
--- request
GET /v2/models/two/versions/1
--- response_body chomp
{"name":"two","versions":["1"],"platform":"ngx_ml_onnx","inputs":[{"name":"a","datatype":"FP32","shape":[-1,2]},{"name":"b","datatype":"FP32","shape":[-1,2]}],"outputs":[{"name":"sum","datatype":"FP32","shape":[-1,2]},{"name":"mean","datatype":"FP32","shape":[-1]}]}
--- response_headers
X-Model: two



=== TEST 5: its configuration
--- request
GET /v2/models/id/config
--- response_body_like chomp
^\{"name":"id","platform":"ngx_ml_onnx","backend":"ngx_ml","max_batch_size":[1-9]\d*,"input":\[\{"name":"x","data_type":"TYPE_FP32","dims":\[4\]\}\],"output":\[\{"name":"y","data_type":"TYPE_FP32","dims":\[4\]\}\]\}$



=== TEST 6: a model that is not there
--- request
GET /v2/models/none
--- error_code: 404
--- response_body chomp
{"error":"There is no such model, or not in this version"}



=== TEST 7: a version that is not there
--- request
POST /v2/models/id/versions/2/infer
{}
--- error_code: 404



=== TEST 8: inference
--- request
POST /v2/models/id/infer
{"id":"7","inputs":[{"name":"x","shape":[2,4],"datatype":"FP32","data":[1,2,3,4,5,6,7,8.5]}]}
--- response_headers
Content-Type: application/json
X-Model: id
--- response_body chomp
{"model_name":"id","model_version":"1","id":"7","outputs":[{"name":"y","datatype":"FP32","shape":[2,4],"data":[1.0,2.0,3.0,4.0,5.0,6.0,7.0,8.5]}]}



=== TEST 9: several inputs, in another order
--- request
POST /v2/models/two/infer
{"inputs":[{"name":"b","shape":[1,2],"datatype":"FP32","data":[[1,2]]},{"data":[3,4],"name":"a","shape":[1,2],"datatype":"FP32"}]}
--- response_body chomp
{"model_name":"two","model_version":"1","outputs":[{"name":"sum","datatype":"FP32","shape":[1,2],"data":[4.0,6.0]},{"name":"mean","datatype":"FP32","shape":[1],"data":[5.0]}]}



=== TEST 10: rows that differ
--- request
POST /v2/models/two/infer
{"inputs":[{"name":"b","shape":[1,2],"datatype":"FP32","data":[1,2]},{"data":[3,4,5,6],"name":"a","shape":[2,2],"datatype":"FP32"}]}
--- error_code: 400
--- response_body chomp
{"error":"The tensors differ in rows"}



=== TEST 11: an output that the model does not have
--- request
POST /v2/models/id/infer
{"inputs":[{"name":"x","shape":[1,4],"datatype":"FP32","data":[1,2,3,4]}],"outputs":[{"name":"z"}]}
--- error_code: 400
--- response_body chomp
{"error":"The model has no output of a name that is asked for"}



=== TEST 12: the elements alone
--- request eval
"POST /v2/models/id/infer\n" . pack("f<8", 1 .. 8)
--- more_headers
Inference-Header-Content-Length: 0
Content-Type: application/octet-stream
--- response_headers
Inference-Header-Content-Length: 133
Content-Type: application/octet-stream
--- response_body eval
'{"model_name":"id","model_version":"1","outputs":[{"name":"y","datatype":"FP32","shape":[2,4],"parameters":{"binary_data_size":32}}]}'
. pack("f<8", 1 .. 8)



=== TEST 13: the elements alone, of a model with several inputs
--- request
POST /v2/models/two/infer
xxxxxxxx
--- more_headers
Inference-Header-Content-Length: 0
--- error_code: 400
--- response_body_like: needs a model that is known and has one input



=== TEST 14: a method that the endpoint does not have
--- request
POST /v2/health/live
{}
--- error_code: 405
--- response_headers
Allow: GET, HEAD



=== TEST 15: the same, of inference
--- request
GET /v2/models/id/infer
--- error_code: 405
--- response_headers
Allow: POST



=== TEST 16: a body where there is none
--- request
GET /v2/health/live
{}
--- error_code: 415



=== TEST 17: no endpoint
--- request
GET /v2/models/id/generate
--- error_code: 404
--- response_headers
X-Reason: path



=== TEST 18: shared memory
--- request
POST /v2/systemsharedmemory/region/r/register
{}
--- error_code: 403
--- response_headers
X-Reason: forbidden



=== TEST 19: the repository, however it is written
--- request
POST /proxy/v2/x/../%72epository/models/m/load
{}
--- error_code: 403
--- response_body chomp
{"error":"Forbidden"}



=== TEST 20: what is sound reaches the upstream
--- request
POST /proxy/v2/models/any/versions/7/infer
{"inputs":[{"name":"what","shape":[2],"datatype":"BYTES","data":["a","b"]}]}
--- response_body chomp
POST /proxy/v2/models/any/versions/7/infer



=== TEST 21: so do endpoints without a body
--- request
GET /proxy/v2/models/any/ready
--- response_body chomp
GET /proxy/v2/models/any/ready



=== TEST 22: what is not sound does not
--- request
POST /proxy/v2/models/any/infer
{"inputs":[{"name":"x","shape":[3],"datatype":"UINT8","data":[1,2,256]}]}
--- error_code: 400
--- response_headers
X-Reason: less_than_equal
--- response_body chomp
{"error":"inputs[0].data[2]: Input should be less than or equal to 255"}



=== TEST 23: the log has no name of the client's
--- request
POST /proxy/v2/models/any/infer
{"inputs":[{"secret":1}]}
--- error_code: 400
--- response_body chomp
{"error":"inputs[0].secret: Extra inputs are not permitted"}
--- error_log
rejecting request: extra_forbidden at ["body","inputs",0,"?"]
--- no_error_log
secret



=== TEST 24: a media type
--- request
POST /proxy/v2/models/any/infer
{"inputs":[]}
--- more_headers
Content-Type: text/plain
--- error_code: 415



=== TEST 25: several media types
--- request
POST /proxy/v2/models/any/infer
{"inputs":[]}
--- more_headers
Content-Type: application/json
Content-Type: text/plain
--- error_code: 415



=== TEST 26: octets without a header
--- request
POST /proxy/v2/models/any/infer
{"inputs":[]}
--- more_headers
Content-Type: application/octet-stream
--- error_code: 415



=== TEST 27: a header that is longer than the body
--- request
POST /proxy/v2/models/any/infer
{"inputs":[]}
--- more_headers
Inference-Header-Content-Length: 14
--- error_code: 400
--- response_headers
X-Reason: inference_header
--- response_body chomp
{"error":"Inference-Header-Content-Length is no length of a part of the body"}



=== TEST 28: just as long
--- request
POST /proxy/v2/models/any/infer
{"inputs":[]}
--- more_headers
Inference-Header-Content-Length: 13
--- error_code: 200



=== TEST 29: negative
--- request
POST /proxy/v2/models/any/infer
{"inputs":[]}
--- more_headers
Inference-Header-Content-Length: -1
--- error_code: 400
--- response_headers
X-Reason: inference_header



=== TEST 30: twice
--- request
POST /proxy/v2/models/any/infer
{"inputs":[]}
--- more_headers
Inference-Header-Content-Length: 13
Inference-Header-Content-Length: 13
--- error_code: 400
--- response_headers
X-Reason: inference_header



=== TEST 31: another format of errors
--- request
POST /fastapi/v2/models/any/infer
{"inputs":[{"name":"x","shape":[1],"datatype":"BOOL","data":[1]}]}
--- error_code: 422
--- response_body chomp
{"detail":[{"type":"bool_type","loc":["body","inputs",0,"data",0],"msg":"Input should be a valid boolean"}]}



=== TEST 32: dry run
--- request
POST /try/v2/repository/index
{}
--- response_body chomp
POST /try/v2/repository/index
--- error_log
rejecting request, dry run: forbidden



=== TEST 33: a redirect to another model's path, inside of the location
--- request
POST /moved/v2/from/infer
{"inputs":[{"name":"x","shape":[1,4],"datatype":"FP32","data":[1,2,3,4]}]}
--- response_body_like: "model_name":"id"



=== TEST 34: an empty body
--- request
POST /v2/models/id/infer
--- error_code: 400
--- response_body chomp
{"error":"Field required"}



=== TEST 35: what is counted
--- request eval
["POST /v2/models/id/infer\n" . '{"inputs":[{"name":"x","shape":[1,4],"datatype":"FP32","data":[1,2,3,"4"]}]}',
 "GET /metrics"]
--- response_body_like eval
[qr/valid number/,
 qr{ml_validate_rejections_total\{location="/v2",reason="float_type",field="/inputs/\*/data/\*"\} 1\n}]
--- error_code eval
[400, 200]



=== TEST 36: a row of more elements than are allowed, without JSON
--- request eval
my $gzip = pack("H*", "1f8b08000000000000030300" . "00" x 8);
["POST /little/v2/models/id/infer\n" . $gzip,
 "POST /little/v2/models/id/infer\n" . pack("f<4", 1 .. 4)]
--- more_headers eval
["Inference-Header-Content-Length: 0\nContent-Encoding: gzip",
 "Inference-Header-Content-Length: 0"]
--- error_code eval
[400, 400]
--- response_body eval
['{"error":"Field required"}',
 '{"error":"Value error, these are more elements than are allowed"}']



=== TEST 37: as clients of KServe name the model once more
--- request eval
['POST /v2/models/id/infer
{"id":"7","model_name":"id","inputs":[{"name":"x","shape":[1,4],"datatype":"FP32","data":[1,2,3,4]}]}',
 'POST /proxy/v2/models/id/infer
{"id":"7","model_name":"other","inputs":[]}']
--- error_code eval
[200, 400]
--- response_body_like eval
[qr/"data":\[1.0,2.0,3.0,4.0\]/,
 qr/^\{"error":"model_name: Value error, the path names another model"\}$/]



=== TEST 38: versions need not be numbers, in front of an upstream
--- request eval
["GET /proxy/v2/models/any/versions/v10/ready",
 "GET /v2/models/id/versions/v10"]
--- error_code eval
[200, 404]
--- response_body eval
["GET /proxy/v2/models/any/versions/v10/ready",
 '{"error":"There is no such model, or not in this version"}']



=== TEST 39: paths in which an upstream may see another endpoint, or none
--- request eval
["GET /proxy/v2/models/stats",
 "GET /proxy/v2/models/m%2Fready",
 "GET /proxy/v2/models%2fx/config",
 "GET /proxy/v2/models/x/%2e%2e/m/ready",
 "GET /proxy/v2/%2E/models/m/ready",
 "GET /proxy/v2/models//m/ready",
 "GET /proxy/v2/models/m/ready/",
 "GET /proxy/v2%2Fmodels/m?x=%2f"]
--- error_code eval
[404, 404, 404, 404, 404, 404, 404, 404]



=== TEST 40: escapes of anything else do not matter, nor do arguments
--- request
GET /proxy/v2/models/m%20n/ready?a=%2f//../
--- error_code: 200
