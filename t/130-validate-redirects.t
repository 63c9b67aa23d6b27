# A body that was read, checked or dropped in another location.

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

    $block->set_value('user_files', <<'END');
>>> weak.json
{"type": "object"}
>>> strict.json
{"type": "object", "required": ["x"], "properties": {
    "x": {"x-tensor": {"input": "x", "dtype": "float32", "shape": [2]}}}}
END
});

no_long_string();
run_tests();

__DATA__

=== TEST 1: an error_page that proxies gets no body to wait for
--- config
    location = /t {
        ml_validate  schema=$TEST_NGINX_HTML_DIR/strict.json;
        proxy_pass   http://127.0.0.1:1;
        error_page   422 = @fallback;
    }
    location @fallback {
        proxy_pass   http://unix:$TEST_NGINX_HTML_DIR/backend.sock;
        rewrite      ^ /length break;
        proxy_read_timeout 2s;
    }
--- request
POST /t
{"x": [1, 2, 3]}
--- response_body chomp
[0]



=== TEST 2: nor in the middle of a body
--- config
    location = /t {
        ml_validate  schema=$TEST_NGINX_HTML_DIR/strict.json;
        proxy_pass   http://127.0.0.1:1;
        error_page   422 = @fallback;
    }
    location @fallback {
        proxy_pass   http://unix:$TEST_NGINX_HTML_DIR/backend.sock;
        rewrite      ^ /length break;
        proxy_read_timeout 2s;
    }
--- raw_request eval
"POST /t HTTP/1.1\r
Host: localhost\r
Content-Type: application/json\r
Content-Length: 1000\r
\r
{\"x\":[1,2,3,"
--- response_headers
Connection: close
--- response_body chomp
[0]



=== TEST 3: a weak location leads to a strict one
--- config
    location /weak {
        ml_validate  schema=$TEST_NGINX_HTML_DIR/weak.json;
        try_files    /none @strict;
    }
    location @strict {
        ml_validate  schema=$TEST_NGINX_HTML_DIR/strict.json;
        proxy_pass   http://unix:$TEST_NGINX_HTML_DIR/backend.sock;
        rewrite      ^ /echo break;
        proxy_set_header  X-Body $request_body;
    }
--- request eval
["POST /weak\n{\"x\":[1,2,3]}", "POST /weak\n{\"x\":[1,2]}"]
--- more_headers eval
["Content-Type: application/json", "Content-Type: application/json"]
--- error_code eval
[422, 200]
--- response_body_like eval
['too_long', '^\{"x":\[1,2\]\}$']



=== TEST 4: with the body in a file
--- config
    location /weak {
        ml_validate  schema=$TEST_NGINX_HTML_DIR/weak.json;
        client_body_in_file_only clean;
        client_body_buffer_size 1k;
        try_files    /none @strict;
    }
    location @strict {
        ml_validate  schema=$TEST_NGINX_HTML_DIR/strict.json;
        proxy_pass   http://unix:$TEST_NGINX_HTML_DIR/backend.sock;
        rewrite      ^ /length break;
    }
--- request eval
["POST /weak\n{\"pad\":\"" . ("a" x 100000) . "\",\"x\":[1,2,3]}",
 "POST /weak\n{\"pad\":\"" . ("a" x 100000) . "\",\"x\":[1,2]}"]
--- more_headers eval
["Content-Type: application/json", "Content-Type: application/json"]
--- error_code eval
[422, 200]
--- response_body_like eval
['too_long', '^\[100020\]$']



=== TEST 5: dry run does not weaken the location behind it
--- config
    location /weak {
        ml_validate  schema=$TEST_NGINX_HTML_DIR/strict.json;
        ml_validate_dry_run on;
        try_files    /none @strict;
    }
    location @strict {
        ml_validate  schema=$TEST_NGINX_HTML_DIR/strict.json;
        proxy_pass   http://127.0.0.1:1;
    }
--- request
POST /weak
{"x": [1, 2, 3]}
--- error_code: 422
--- response_body_like: too_long



=== TEST 6: a rejected body does not come back in another location
--- config
    location = /t {
        ml_validate  schema=$TEST_NGINX_HTML_DIR/strict.json;
        proxy_pass   http://127.0.0.1:1;
        error_page   422 = @weak;
    }
    location @weak {
        ml_validate  schema=$TEST_NGINX_HTML_DIR/weak.json;
        proxy_pass   http://unix:$TEST_NGINX_HTML_DIR/backend.sock;
        rewrite      ^ /echo break;
    }
--- request
POST /t
{"x": [1, 2, 3]}
--- error_code: 422



=== TEST 7: the user's page wins
--- config
    location = /t {
        ml_validate  schema=$TEST_NGINX_HTML_DIR/strict.json;
        proxy_pass   http://127.0.0.1:1;
        error_page   422 /mine;
    }
    location = /mine {
        return 200 "mine";
    }
--- request
POST /t
{"x": [1, 2, 3]}
--- error_code: 422
--- response_body chomp
mine



=== TEST 8: satisfy any does not lead around it
--- config
    location = /t {
        satisfy      any;
        allow        all;
        auth_basic   "x";
        auth_basic_user_file  none;
        ml_validate  schema=$TEST_NGINX_HTML_DIR/strict.json;
        proxy_pass   http://127.0.0.1:1;
    }
--- request
POST /t
{"x": [1, 2, 3]}
--- error_code: 422



=== TEST 9: mirror gets no rejected body
--- config
    location = /t {
        ml_validate  schema=$TEST_NGINX_HTML_DIR/strict.json;
        mirror       /copy;
        proxy_pass   http://unix:$TEST_NGINX_HTML_DIR/backend.sock:/ok;
    }
    location = /copy {
        internal;
        proxy_pass   http://unix:$TEST_NGINX_HTML_DIR/backend.sock:/denied;
    }
--- request
POST /t
{"x": [1, 2, 3]}
--- error_code: 422
--- no_error_log
access forbidden



=== TEST 10: the checks of static locations
--- config
    location /html/ {
        ml_validate  schema=$TEST_NGINX_HTML_DIR/strict.json;
        alias        $TEST_NGINX_HTML_DIR/;
        error_page   405 =200 /page;
    }
    location = /page {
        return 200 "method";
    }
--- request
POST /html/weak.json
{"x": [1]}
--- error_code: 422



=== TEST 11: a body that was read before it was rejected goes nowhere
--- config
    location /weak {
        ml_validate  schema=$TEST_NGINX_HTML_DIR/weak.json;
        try_files    /none @strict;
    }
    location @strict {
        ml_validate  schema=$TEST_NGINX_HTML_DIR/strict.json;
        proxy_pass   http://127.0.0.1:1;
        error_page   422 = @fallback;
    }
    location @fallback {
        proxy_pass   http://unix:$TEST_NGINX_HTML_DIR/backend.sock;
        rewrite      ^ /echo break;
        proxy_set_header  X-Body "[$request_body]";
    }
--- request
POST /weak
{"x": [1, 2, 3]}
--- response_body chomp
[]
