# What one guard refused and an error_page leads on: no guard may be slipped
# past on the way, and nobody is told of a body that is gone.

use Test::Nginx::Socket 'no_plan';

$ENV{TEST_NGINX_HTML_DIR} ||= html_dir();
$ENV{TEST_NGINX_ROOT} ||= Cwd::cwd();

add_block_preprocessor(sub {
    my $block = shift;

    $block->set_value("http_config", <<"_END_" . ($block->http_config || ''));
    ml_zone ml:2m;
    ml_keys \$TEST_NGINX_HTML_DIR/keys.json;
    ml_tier anonymous cost=1/h burst=1;
    ml_model predict { file $ENV{TEST_NGINX_ROOT}/examples/predict/predict.onnx; }
    server {
        listen unix:\$TEST_NGINX_HTML_DIR/upstream.sock;
        default_type text/plain;
        return 200 "upstream, length \$http_x_length";
    }
_END_

    $block->set_value("user_files", <<"_END_");
>>> keys.json
{"keys": [{"name": "acme", "tier": "anonymous", "sha256":
"2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b"}]}
_END_
});

no_long_string();
run_tests();

__DATA__

=== TEST 1: over the limit is over the limit where the error page infers
--- config
    location = /t {
        ml_ratelimit  cost=1;
        error_page    429 = @cheap;
        proxy_pass    http://unix:$TEST_NGINX_HTML_DIR/upstream.sock;
    }
    location @cheap {
        ml_ratelimit  cost=1;
        ml_validate   schema=$TEST_NGINX_ROOT/examples/predict/predict.json;
        ml_infer      predict;
    }
--- more_headers
Content-Type: application/json
--- request eval
[('POST /t
{"features":[1,2,3,4,5,6,7,8,9,10]}') x 3]
--- error_code eval
[200, 429, 429]



=== TEST 2: where the location behind has no limit, that is the operator's word
--- config
    location = /t {
        ml_ratelimit  cost=1;
        error_page    429 = @cheap;
        proxy_pass    http://unix:$TEST_NGINX_HTML_DIR/upstream.sock;
    }
    location @cheap {
        ml_ratelimit  off;
        ml_validate   schema=$TEST_NGINX_ROOT/examples/predict/predict.json;
        ml_infer      predict;
    }
--- more_headers
Content-Type: application/json
--- request eval
[('POST /t
{"features":[1,2,3,4,5,6,7,8,9,10]}') x 2]
--- error_code eval
[200, 200]
--- response_body_like eval
[qr/^upstream/, qr/^\{"prediction":5.5,/]



=== TEST 3: an unknown key stays unknown
--- config
    location = /t {
        ml_ratelimit  cost=1;
        error_page    401 = @cheap;
        proxy_pass    http://unix:$TEST_NGINX_HTML_DIR/upstream.sock;
    }
    location @cheap {
        ml_validate   schema=$TEST_NGINX_ROOT/examples/predict/predict.json;
        ml_infer      predict;
    }
--- more_headers
Content-Type: application/json
X-API-Key: nobody
--- request
POST /t
{"features":[1,2,3,4,5,6,7,8,9,10]}
--- error_code: 401



=== TEST 4: a page that inherits a limit is shown
--- config
    ml_ratelimit cost=1;
    location = /t {
        error_page  429 /page;
        proxy_pass  http://unix:$TEST_NGINX_HTML_DIR/upstream.sock;
    }
    location = /page {
        default_type text/plain;
        return 200 "come back later";
    }
--- request eval
["GET /t", "GET /t"]
--- error_code eval
[200, 429]
--- response_body_like eval
[qr/^upstream/, qr/^come back later$/]



=== TEST 5: the length of a dropped body is not told
--- config
    location = /t {
        ml_validate   schema=$TEST_NGINX_ROOT/examples/predict/predict.json;
        error_page    422 = @told;
        proxy_pass    http://127.0.0.1:1;
    }
    location @told {
        proxy_set_header X-Length $content_length;
        proxy_pass    http://unix:$TEST_NGINX_HTML_DIR/upstream.sock;
    }
--- more_headers
Content-Type: application/json
--- request
POST /t
{"features":[1,2,3]}
--- response_body chomp
upstream, length 0



=== TEST 6: a body that was never read goes where the error page leads
--- config
    location = /t {
        ml_ratelimit  cost=1;
        ml_validate   schema=$TEST_NGINX_ROOT/examples/predict/predict.json;
        error_page    415 = @told;
        proxy_pass    http://127.0.0.1:1;
    }
    location @told {
        proxy_set_header X-Length $content_length;
        proxy_pass    http://unix:$TEST_NGINX_HTML_DIR/upstream.sock;
    }
--- more_headers
Content-Type: text/plain
--- request
POST /t
{"features":[1,2,3]}
--- response_body chomp
upstream, length 20
