# What ml_validate refuses before it reads the body.

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

    $block->set_value('config', <<'END') unless defined $block->config;
    location = /t {
        ml_validate  schema=$TEST_NGINX_HTML_DIR/any.json;
        proxy_pass   http://unix:$TEST_NGINX_HTML_DIR/backend.sock:/ok;
        add_header   X-Reason $ml_validate_reason always;
    }
    location = /open {
        deny all;
    }
END

    $block->set_value('user_files', <<'END');
>>> any.json
{"type": "object"}
END
});

no_long_string();
run_tests();

__DATA__

=== TEST 1: methods without a checked body
--- request eval
["GET /t", "DELETE /t\n{}", "OPTIONS /t"]
--- more_headers eval
["Content-Type: application/json", "Content-Type: application/json",
 "Content-Type: application/json"]
--- error_code eval
[405, 405, 405]
--- response_headers eval
["Allow: POST, PUT, PATCH\nX-Reason: method", "Allow: POST, PUT, PATCH",
 "Allow: POST, PUT, PATCH"]
--- response_body eval
[('{"detail":"Method Not Allowed"}') x 3]



=== TEST 2: HEAD
--- request
HEAD /t
--- error_code: 405
--- response_headers
Allow: POST, PUT, PATCH



=== TEST 3: media types that are JSON
--- request eval
["POST /t\n{}", "POST /t\n{}", "POST /t\n{}", "POST /t\n{}"]
--- more_headers eval
["Content-Type: application/json", "Content-Type: Application/JSON",
 "Content-Type: application/json; charset=UTF-8",
 "Content-Type: application/json ;charset=\"utf-8\" "]
--- error_code eval
[204, 204, 204, 204]



=== TEST 4: and those that are not
--- request eval
[("POST /t\n{}") x 8]
--- more_headers eval
["Content-Type: text/plain", "Content-Type: application/jsonx",
 "Content-Type: application/json; charset=utf-16",
 "Content-Type: application/json; charset=utf-8; charset=utf-16",
 "Content-Type: application/json;", "Content-Type: ",
 "Content-Type: application/json, text/plain",
 "Content-Type: application/json; charset=\"utf-8"]
--- error_code eval
[(415) x 8]
--- response_body eval
[('{"detail":"Unsupported Media Type"}') x 8]



=== TEST 5: two of them, and none
--- raw_request eval
"POST /t HTTP/1.1\r
Host: localhost\r
Connection: close\r
Content-Type: application/json\r
Content-Type: application/json\r
Content-Length: 2\r
\r
{}"
--- error_code: 415
--- response_headers
X-Reason: media_type



=== TEST 6: none
--- raw_request eval
"POST /t HTTP/1.1\r
Host: localhost\r
Connection: close\r
Content-Length: 2\r
\r
{}"
--- error_code: 415



=== TEST 7: codings
--- request eval
[("POST /t\n{}") x 3]
--- more_headers eval
["Content-Type: application/json\nContent-Encoding: gzip",
 "Content-Type: application/json\nContent-Encoding: identity, br",
 "Content-Type: application/json\nContent-Encoding: Identity"]
--- error_code eval
[415, 415, 204]



=== TEST 8: the body of a refused request is not the next request
--- raw_request eval
["POST /t HTTP/1.1\r
Host: localhost\r
Content-Type: text/plain\r
Content-Length: 53\r
\r
", "POST /open HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n",
"GET /t HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"]
--- raw_request_middle_delay: 0.05
--- error_code: 415
--- no_error_log
access forbidden



=== TEST 9: a client that waits for 100 Continue gets its answer, and no more
--- config
    location = /t {
        ml_validate  schema=$TEST_NGINX_HTML_DIR/any.json;
        proxy_pass   http://127.0.0.1:1;
        lingering_timeout 100ms;
    }
--- raw_request eval
"POST /t HTTP/1.1\r
Host: localhost\r
Content-Type: text/plain\r
Content-Length: 2\r
Expect: 100-continue\r
\r
"
--- error_code: 415
--- response_headers
Connection: close



=== TEST 10: and 100 Continue when its head is right
--- raw_request eval
["POST /t HTTP/1.1\r
Host: localhost\r
Connection: close\r
Content-Type: application/json\r
Content-Length: 2\r
Expect: 100-continue\r
\r
", "{}"]
--- raw_request_middle_delay: 0.1
--- error_code: 100



=== TEST 11: refused in dry run only
--- config
    location = /t {
        ml_validate          schema=$TEST_NGINX_HTML_DIR/any.json;
        ml_validate_dry_run  on;
        proxy_pass   http://unix:$TEST_NGINX_HTML_DIR/backend.sock:/ok;
        add_header   X-Status $ml_validate_status always;
        add_header   X-Reason $ml_validate_reason always;
    }
--- request
POST /t
{}
--- more_headers
Content-Type: text/plain
--- error_code: 204
--- response_headers
X-Status: REJECTED_DRY_RUN
X-Reason: media_type



=== TEST 12: too large for nginx itself, said in JSON
--- config
    location = /t {
        ml_validate  schema=$TEST_NGINX_HTML_DIR/any.json;
        client_max_body_size 10;
        proxy_pass   http://127.0.0.1:1;
    }
--- raw_request eval
"POST /t HTTP/1.1\r
Host: localhost\r
Connection: close\r
Content-Type: application/json\r
Content-Length: 19\r
\r
{\"a\": \"0123456789\"}"
--- error_code: 413
--- response_headers
Content-Type: application/json
--- response_body_like: ^\{"detail":"Content Too Large"\}$
