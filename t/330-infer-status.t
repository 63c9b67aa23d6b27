# What models do, told by ml_status.

use Test::Nginx::Socket 'no_plan';
use Cwd;

$ENV{TEST_NGINX_HTML_DIR} ||= html_dir();
$ENV{TEST_NGINX_ROOT} ||= getcwd();

add_block_preprocessor(sub {
    my ($block) = @_;

    $block->set_value('http_config', $block->http_config . <<'END');
    ml_model identity { file $TEST_NGINX_ROOT/t/models/identity.onnx;
                        batch 8; queue 20; }
END

    $block->set_value('config', <<'END');
    location /t {
        ml_validate  schema=$TEST_NGINX_HTML_DIR/row.json;
        ml_infer     identity;
    }
    location /ready   { ml_status ready; }
    location /status  { ml_status json; }
    location /metrics { ml_status prometheus; }
END

    $block->set_value('more_headers', 'Content-Type: application/json');

    $block->set_value('user_files', <<'END');
>>> row.json
{"type": "object", "required": ["x"], "properties": {
    "x": {"x-tensor": {"input": "x", "dtype": "float32", "shape": [4]}}}}
END

});

no_long_string();
run_tests();

__DATA__

=== TEST 1: ready
--- http_config
    ml_zone ml:1m;
--- request
GET /ready
--- response_body chomp
{"status":"ready"}



=== TEST 2: JSON, in the zone
--- http_config
    ml_zone ml:1m;
--- request eval
["POST /t\n{\"x\": [1, 2, 3, 4]}", "GET /status"]
--- response_body_like eval
['"y"', '"models":\{"identity":\{"ready":true,"state":"ready","device":"cpu","executor":"thread","batch":8,"queue":20,"queue_depth":0,"breaker":"closed","row_seconds":[\d.e-]+\}\}']



=== TEST 3: JSON, without a zone
--- http_config
--- request eval
["POST /t\n{\"x\": [1, 2, 3, 4]}", "GET /status"]
--- response_body_like eval
['"y"', '"models":\{"identity":\{"ready":true,"state":"ready","device":"cpu",.*"queue_depth":0']



=== TEST 4: metrics
--- http_config
    ml_zone ml:1m;
--- request eval
["POST /t\n{\"x\": [1, 2, 3, 4]}", "POST /t\n{\"x\": [1, 2, 3, 4]}",
 "POST /t\n{\"x\": []}", "GET /metrics"]
--- error_code eval
[200, 200, 422, 200]
--- response_body_like eval
['"y"', '"y"', 'too_short', '(?s)ml_infer_requests_total\{model="identity",outcome="ok"\} 2
.*ml_infer_queue_seconds_bucket\{model="identity",le="\+Inf"\} 2
.*ml_infer_compute_seconds_count\{model="identity"\} 2
.*ml_infer_request_seconds_count\{model="identity"\} 2
.*ml_infer_batch_size_bucket\{model="identity",le="1"\} 2
.*ml_infer_queue_depth\{model="identity"\} 0
.*ml_infer_breaker_state\{model="identity"\} 0
.*ml_infer_device_busy_seconds_total\{device="cpu"\} [\d.e-]+
']
