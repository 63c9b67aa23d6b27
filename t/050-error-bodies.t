# Every error of a location with ml_error_format has a body in that format,
# whoever raised it; what is not nginx's error, and what the user's
# error_page shows, is left alone.

use Test::Nginx::Socket 'no_plan';

$ENV{TEST_NGINX_HTML_DIR} ||= html_dir();

no_long_string();
run_tests();

__DATA__

=== TEST 1: nginx's own 404 as FastAPI says it
--- config
    ml_error_format fastapi;
--- request
GET /missing
--- error_code: 404
--- response_headers
Content-Type: application/json
--- response_body chomp
{"detail":"Not Found"}



=== TEST 2: the same as problem details
--- config
    location /t {
        ml_error_format problem;
        return 403;
    }
--- request
GET /t
--- error_code: 403
--- response_headers
Content-Type: application/problem+json
--- response_body chomp
{"type":"about:blank","title":"Forbidden","status":403,"detail":"Forbidden"}



=== TEST 3: and in the simple form
--- config
    location /t {
        ml_error_format simple;
        return 503;
    }
--- request
GET /t
--- error_code: 503
--- response_body chomp
{"error":"Service Unavailable"}



=== TEST 4: a location without it keeps nginx's page
--- config
    location /t {
        return 403;
    }
    location /other {
        ml_error_format simple;
    }
--- request
GET /t
--- error_code: 403
--- response_headers
Content-Type: text/html
--- response_body_like: <center>nginx



=== TEST 5: inherited from http, replaced by the location
--- http_config
    ml_error_format problem;
--- config
    location /a {
        return 404;
    }
    location /b {
        ml_error_format simple;
        return 404;
    }
--- request
GET /b
--- error_code: 404
--- response_body chomp
{"error":"Not Found"}



=== TEST 6: the user's error_page wins, matched
--- config
    location /t {
        ml_error_format fastapi;
        error_page 403 /page;
        return 403;
    }
    location /page {
        ml_error_format fastapi;
        default_type text/plain;
        return 403 "the user's page";
    }
--- request
GET /t
--- error_code: 403
--- response_body chomp
the user's page



=== TEST 7: the user's error_page wins when it is a file
--- config
    ml_error_format fastapi;
    location /t {
        error_page 403 /page.html;
        return 403;
    }
    location = /page.html {
    }
--- user_files
>>> page.html
from a file
--- request
GET /t
--- error_code: 403
--- response_body
from a file



=== TEST 8: an error_page for another status does not count
--- config
    location /t {
        ml_error_format fastapi;
        error_page 500 /page;
        return 403;
    }
    location /page {
        return 500 "page";
    }
--- request
GET /t
--- error_code: 403
--- response_body chomp
{"detail":"Forbidden"}



=== TEST 9: a named error_page
--- config
    location /t {
        ml_error_format fastapi;
        error_page 404 = @named;
    }
    location @named {
        ml_error_format fastapi;
        default_type text/plain;
        return 200 "named";
    }
--- request
GET /t/none
--- response_body chomp
named



=== TEST 10: an upstream's own error is not ours
--- http_config
    server {
        listen unix:$TEST_NGINX_HTML_DIR/upstream.sock;
        default_type text/plain;
        return 422 "upstream said so";
    }
--- config
    location /t {
        ml_error_format fastapi;
        proxy_pass http://unix:$TEST_NGINX_HTML_DIR/upstream.sock;
    }
--- request
GET /t
--- error_code: 422
--- response_body chomp
upstream said so



=== TEST 11: but a dead upstream is
--- config
    location /t {
        ml_error_format fastapi;
        proxy_pass http://127.0.0.1:1;
    }
--- request
GET /t
--- error_code: 502
--- response_body chomp
{"detail":"Bad Gateway"}
--- error_log
connect() failed



=== TEST 12: HEAD has the length and no body
--- config
    location /t {
        ml_error_format fastapi;
        return 403;
    }
--- request
HEAD /t
--- error_code: 403
--- response_headers
Content-Length: 22
--- response_body



=== TEST 13: add_header always stays
--- config
    location /t {
        ml_error_format fastapi;
        add_header X-Kept yes always;
        return 403;
    }
--- request
GET /t
--- error_code: 403
--- response_headers
X-Kept: yes
--- response_body chomp
{"detail":"Forbidden"}



=== TEST 14: declared too large, before any phase of ours

Raw, because nginx's own early answer over HTTP/2 is lost on some clients.

--- config
    location /t {
        ml_error_format fastapi;
        client_max_body_size 5;
        proxy_pass http://127.0.0.1:1;
    }
--- raw_request eval
"POST /t HTTP/1.1\r
Host: localhost\r
Connection: close\r
Content-Length: 10\r
\r
0123456789"
--- error_code: 413
--- response_body_like: ^\{"detail":"Content Too Large"\}$
--- error_log
client intended to send too large body



=== TEST 15: as the Open Inference Protocol has it
--- config
    location /t {
        ml_error_format oip;
        return 404;
    }
--- request
GET /t
--- error_code: 404
--- response_headers
Content-Type: application/json
--- response_body chomp
{"error":"Not Found"}



=== TEST 16: as OpenAI has it
--- config
    location /t {
        ml_error_format openai;
        return 503;
    }
--- request
GET /t
--- error_code: 503
--- response_headers
Content-Type: application/json
--- response_body chomp
{"error":{"message":"Service Unavailable","type":"server_error","param":null,"code":null}}
