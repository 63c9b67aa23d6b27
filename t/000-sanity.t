# The test house itself: every section that the other files rely on does what
# the genuine Test::Nginx::Socket documents.

use Test::Nginx::Socket 'no_plan';

no_long_string();
run_tests();

__DATA__

=== TEST 1: a response, its code, headers and body
--- config
    location = /t {
        add_header X-One 1;
        return 200 "hello\n";
    }
--- request
GET /t
--- response_headers
X-One: 1
! X-Two
--- response_body
hello
--- no_error_log
[error]



=== TEST 2: patterns for headers and body
--- config
    location = /t {
        add_header X-Time $msec;
        return 201 "id 42";
    }
--- request
    GET /t
--- error_code: 201
--- response_headers_like
X-Time: \d+\.\d+
--- response_body_like chomp
^id \d+$



=== TEST 3: a body reaches the server with its length
--- config
    location = /t {
        client_body_buffer_size 4k;
        proxy_pass http://127.0.0.1:$TEST_NGINX_RAND_PORT_1;
    }
--- http_config
    server {
        listen $TEST_NGINX_RAND_PORT_1;
        location / {
            add_header X-Length $http_content_length;
            add_header X-Type   $http_content_type;
            return 200;
        }
    }
--- request
POST /t
{"features":[1.0,2.0]}
--- more_headers
Content-Type: application/json
--- response_headers
X-Length: 22
X-Type: application/json
--- response_body chomp



=== TEST 4: several requests, each with its expectations
--- config
    location /t { return 200 "$arg_a"; }
    location /n { return 404; }
--- request eval
["GET /t?a=1", "GET /n"]
--- error_code eval
[200, 404]
--- response_body_like eval
["^1\$", "404 Not Found"]



=== TEST 5: pipelined requests on one connection
--- config
    location /t { return 200 "$connection_requests"; }
--- pipelined_requests eval
["GET /t", "GET /t", "GET /t"]
--- response_body eval
["1", "2", "3"]



=== TEST 6: a raw request, sent byte by byte
--- config
    location /t { return 200 "$arg_a"; }
--- raw_request eval
[map { $_ } split //, "GET /t?a=7 HTTP/1.0\r\nHost: localhost\r\n\r\n"]
--- response_body: 7



=== TEST 7: a chunked response is put together
--- config
    location = /t {
        root $TEST_NGINX_SERVER_ROOT/html;
        sub_filter b c;
        sub_filter_once off;
        sub_filter_types *;
    }
--- user_files
>>> t
abab
--- request
GET /t
--- response_body
acac



=== TEST 8: a client that gives up
--- config
    location = /t {
        proxy_pass http://127.0.0.1:$TEST_NGINX_RAND_PORT_1;
        proxy_read_timeout 5s;
    }
--- http_config
    server {
        listen $TEST_NGINX_RAND_PORT_1;
        location / { limit_rate 1; limit_rate_after 0; return 200 "aaaaaaa"; }
    }
--- raw_request eval
"GET /t HTTP/1.1\r\nHost: localhost\r\n\r\n"
--- timeout: 0.2
--- abort
--- ignore_response
--- no_error_log
[error]



=== TEST 9: a configuration that does not load
--- config
    location /t { no_such_directive; }
--- must_die: 1
--- no_error_log
[alert]



=== TEST 10: lines found in the error log
--- config
    location = /t {
        root /nonexistent;
    }
--- request
GET /t
--- error_code: 404
--- grep_error_log eval
qr/open\(\) "[^"]+" failed/
--- grep_error_log_out
open() "/nonexistent/t" failed
--- error_log eval
qr/No such file/
--- access_log
GET /t



=== TEST 11: a test that is not for this nginx
--- config
    location /t { no_such_directive; }
--- request
GET /t
--- skip_nginx: 2: > 0.1.0



=== TEST 12: raw headers
--- config
    location = /t { return 204; }
--- request
GET /t
--- error_code: 204
--- raw_response_headers_like: HTTP/\S+ 204
--- raw_response_headers_unlike: Content-Length



=== TEST 13: headers of a request by name
--- config
    location = /t { return 200 "$http_x_a $http_x_b"; }
--- request
GET /t
--- more_headers
X-A: 1
X-B: two words
--- response_body chop
1 two words
