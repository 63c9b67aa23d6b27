# No way into ml_infer around the guards: subrequests, redirects, error pages.

use Test::Nginx::Socket 'no_plan';
use Cwd;

$ENV{TEST_NGINX_HTML_DIR} ||= html_dir();
$ENV{TEST_NGINX_ROOT} ||= getcwd();

add_block_preprocessor(sub {
    my ($block) = @_;

    my $http = defined $block->http_config ? $block->http_config : '';

    $block->set_value('http_config', $http . <<'END');
    ml_model identity { file $TEST_NGINX_ROOT/t/models/identity.onnx; }
    ml_model slow     { file $TEST_NGINX_ROOT/t/models/slow.onnx; batch 1;
                        queue 10 timeout=25ms; }
END

    $block->set_value('more_headers', 'Content-Type: application/json')
        unless defined $block->more_headers;

    $block->set_value('user_files', <<'END');
>>> row.json
{"type": "object", "required": ["x"], "properties": {
    "x": {"x-tensor": {"input": "x", "dtype": "float32", "shape": [4],
                       "maximum": 100}}}}
>>> weak.json
{"type": "object", "required": ["x"], "properties": {
    "x": {"x-tensor": {"input": "x", "dtype": "float32", "shape": [4]}}}}
>>> anything.json
{"type": "object"}
>>> page.html
[<!--#include virtual="/infer" -->]
END

});

no_long_string();
run_tests();

__DATA__

=== TEST 1: an SSI subrequest
--- config
    location /page.html {
        ssi on;
    }
    location /infer {
        ml_validate  schema=$TEST_NGINX_HTML_DIR/row.json;
        ml_infer     identity;
    }
--- request
GET /page.html
--- response_body_unlike: "y"
--- error_log
"ml_infer" was reached without tensors



=== TEST 2: auth_request
--- config
    location /t {
        auth_request /infer;
    }
    location /infer {
        ml_validate  schema=$TEST_NGINX_HTML_DIR/row.json;
        ml_infer     identity;
    }
--- request
POST /t
{"x": [1, 2, 3, 4]}
--- error_code: 500
--- error_log
"ml_infer" was reached without tensors



=== TEST 3: a mirrored request
--- config
    location /page.html {
        mirror /infer;
    }
    location /infer {
        ml_validate  schema=$TEST_NGINX_HTML_DIR/row.json;
        ml_infer     identity;
    }
--- request
GET /page.html
--- error_code: 200
--- error_log
"ml_infer" was reached without tensors



=== TEST 4: the subrequest of a request that was validated itself
--- http_config
    server {
        listen        unix:$TEST_NGINX_HTML_DIR/backend.sock;
        default_type  text/html;
        return        200 '[<!--#include virtual="/infer" -->]';
    }
--- config
    location /t {
        ml_validate  schema=$TEST_NGINX_HTML_DIR/row.json;
        ssi          on;
        proxy_pass   http://unix:$TEST_NGINX_HTML_DIR/backend.sock;
    }
    location /infer {
        ml_validate  schema=$TEST_NGINX_HTML_DIR/row.json;
        ml_infer     identity;
    }
--- request
POST /t
{"x": [1, 2, 3, 4]}
--- response_body_unlike: "y"
--- error_log
"ml_infer" was reached without tensors



=== TEST 5: from a weak location into a strict one, a body that is good
--- config
    location /weak {
        ml_validate  schema=$TEST_NGINX_HTML_DIR/weak.json;
        try_files    /none /strict;
    }
    location /strict {
        ml_validate  schema=$TEST_NGINX_HTML_DIR/row.json;
        ml_infer     identity;
    }
--- request
POST /weak
{"x": [1, 2, 3, 100]}
--- response_body chomp
{"y":[1.0,2.0,3.0,100.0]}



=== TEST 6: and one that is only good enough for the weak one
--- config
    location /weak {
        ml_validate  schema=$TEST_NGINX_HTML_DIR/weak.json;
        try_files    /none /strict;
    }
    location /strict {
        ml_validate  schema=$TEST_NGINX_HTML_DIR/row.json;
        ml_infer     identity;
    }
--- request
POST /weak
{"x": [1, 2, 3, 101]}
--- error_code: 422
--- response_body_like: less_than_equal



=== TEST 7: from one without tensors
--- config
    location /weak {
        ml_validate  schema=$TEST_NGINX_HTML_DIR/anything.json;
        try_files    /none /strict;
    }
    location /strict {
        ml_validate  schema=$TEST_NGINX_HTML_DIR/row.json;
        ml_infer     identity;
    }
--- request
POST /weak
{"x": []}
--- error_code: 422



=== TEST 8: an error page that infers again finds no body
--- config
    location /t {
        ml_validate  schema=$TEST_NGINX_HTML_DIR/row.json;
        ml_infer     slow;
        error_page   503 504 = @again;
    }
    location @again {
        ml_validate  schema=$TEST_NGINX_HTML_DIR/row.json;
        ml_infer     identity;
    }
--- request
POST /t
{"x": [1, 2, 3, 4]}
--- error_code: 500
--- response_body_unlike: "y"



=== TEST 9: limit_except refuses
--- config
    location /t {
        ml_validate  schema=$TEST_NGINX_HTML_DIR/row.json;
        ml_infer     identity;
        limit_except GET { deny all; }
    }
--- request
POST /t
{"x": [1, 2, 3, 4]}
--- error_code: 403



=== TEST 10: limit_except allows, and the guards are there
--- config
    location /t {
        ml_validate  schema=$TEST_NGINX_HTML_DIR/row.json;
        ml_infer     identity;
        limit_except GET { allow all; }
    }
--- request eval
["POST /t\n{\"x\": [1, 2, 3, 4]}", "POST /t\n{\"x\": [1, 2, 3, 101]}"]
--- error_code eval
[200, 422]



=== TEST 11: inside "if"
--- config
    location /t {
        ml_validate    schema=$TEST_NGINX_HTML_DIR/row.json;
        ml_infer       identity;

        if ($arg_a) {
            add_header  X-If $arg_a;
        }
    }
--- request eval
["POST /t?a=1\n{\"x\": [1, 2, 3, 4]}", "POST /t?a=1\n{\"x\": [1, 2, 3, 101]}"]
--- error_code eval
[200, 422]



=== TEST 12: a location inside does not inherit
--- config
    location /t {
        ml_validate  schema=$TEST_NGINX_HTML_DIR/row.json;
        ml_infer     identity;

        location /t/page {
            ml_validate  off;
            alias $TEST_NGINX_HTML_DIR/page.html;
        }
    }
--- request
GET /t/page
--- response_body_like: include



=== TEST 13: a subrequest to the very location of its validated request
--- config
    location /infer {
        ml_validate     schema=$TEST_NGINX_HTML_DIR/row.json;
        ml_infer        identity;
        addition_types  *;
        add_after_body  /infer;
    }
--- request
POST /infer
{"x": [1, 2, 3, 4]}
--- response_body_unlike: "y".*"y"
--- error_log
"ml_infer" was reached without tensors
