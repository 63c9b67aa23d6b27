# Deadlines of single requests; more in t/process/310_infer_queue.py.  Twenty
# rows take the slow model more than half a second.

use Test::Nginx::Socket 'no_plan';
use Cwd;

$ENV{TEST_NGINX_HTML_DIR} ||= html_dir();
$ENV{TEST_NGINX_ROOT} ||= getcwd();

add_block_preprocessor(sub {
    my ($block) = @_;

    $block->set_value('http_config', <<'END');
    ml_model slow { file $TEST_NGINX_ROOT/t/models/slow.onnx; batch 1;
                    queue 10 timeout=150ms; }
END

    $block->set_value('more_headers', 'Content-Type: application/json');

    $block->set_value('user_files', <<'END');
>>> row.json
{"type": "object", "required": ["x"], "properties": {
    "x": {"x-tensor": {"input": "x", "dtype": "float32", "shape": [-1, 4],
                       "maxItems": 20}}}}
END

});

no_long_string();
run_tests();

__DATA__

=== TEST 1: the deadline passes while the model runs
--- config
    location /t {
        ml_validate  schema=$TEST_NGINX_HTML_DIR/row.json;
        ml_infer     slow;
        add_header   X-Infer "$ml_infer_status $ml_breaker" always;
    }
--- request
POST /t
{"x": [[1,2,3,4], [1,2,3,4], [1,2,3,4], [1,2,3,4], [1,2,3,4], [1,2,3,4], [1,2,3,4], [1,2,3,4], [1,2,3,4], [1,2,3,4], [1,2,3,4], [1,2,3,4], [1,2,3,4], [1,2,3,4], [1,2,3,4], [1,2,3,4], [1,2,3,4], [1,2,3,4], [1,2,3,4], [1,2,3,4]]}
--- error_code: 504
--- response_headers
X-Infer: TIMEOUT closed
Content-Type: application/json
--- response_body chomp
{"detail":"The deadline passed while the model was running"}
--- error_log
[warn]
inference refused: timeout, model "slow"



=== TEST 2: the user's own page wins
--- config
    location /t {
        ml_validate  schema=$TEST_NGINX_HTML_DIR/row.json;
        ml_infer     slow;
        error_page   504 @late;
    }
    location @late {
        return 504 "too late";
    }
--- request
POST /t
{"x": [[1,2,3,4], [1,2,3,4], [1,2,3,4], [1,2,3,4], [1,2,3,4], [1,2,3,4], [1,2,3,4], [1,2,3,4], [1,2,3,4], [1,2,3,4], [1,2,3,4], [1,2,3,4], [1,2,3,4], [1,2,3,4], [1,2,3,4], [1,2,3,4], [1,2,3,4], [1,2,3,4], [1,2,3,4], [1,2,3,4]]}
--- error_code: 504
--- response_body chomp
too late



=== TEST 3: logged as loud as one likes
--- config
    location /t {
        ml_validate         schema=$TEST_NGINX_HTML_DIR/row.json;
        ml_infer            slow;
        ml_infer_log_level  info;
        ml_error_format     simple;
    }
--- request
POST /t
{"x": [[1,2,3,4], [1,2,3,4], [1,2,3,4], [1,2,3,4], [1,2,3,4], [1,2,3,4], [1,2,3,4], [1,2,3,4], [1,2,3,4], [1,2,3,4], [1,2,3,4], [1,2,3,4], [1,2,3,4], [1,2,3,4], [1,2,3,4], [1,2,3,4], [1,2,3,4], [1,2,3,4], [1,2,3,4], [1,2,3,4]]}
--- error_code: 504
--- response_body chomp
{"error":"The deadline passed while the model was running"}
--- error_log
[info]
inference refused: timeout
--- no_error_log
[warn]
