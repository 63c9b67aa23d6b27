# How the body is read: in pieces, too slowly, not to its end, and refused in
# its middle.

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

    $block->set_value('config', <<'END') unless defined $block->config;
    location = /t {
        ml_validate  schema=$TEST_NGINX_HTML_DIR/features.json;
        proxy_pass   http://unix:$TEST_NGINX_HTML_DIR/backend.sock:/echo;
        proxy_set_header  X-Body $request_body;
        client_body_in_single_buffer on;
        client_body_timeout 300ms;
    }
    location = /open {
        deny all;
    }
END

    $block->set_value('user_files', <<'END') unless defined $block->user_files;
>>> features.json
{"type": "object", "required": ["features"], "properties": {
    "features": {"x-tensor": {"input": "x", "dtype": "float32",
                              "shape": [3]}},
    "text": {"type": "string"}}}
>>> many.json
{"type": "object", "required": ["features"], "properties": {
    "features": {"x-tensor": {"input": "x", "dtype": "float32",
                              "shape": [-1], "maxItems": 200000,
                              "maximum": 9}}}}
END
});

no_long_string();
run_tests();

__DATA__

=== TEST 1: chunks of one byte
--- raw_request eval
"POST /t HTTP/1.1\r
Host: localhost\r
Connection: close\r
Content-Type: application/json\r
Transfer-Encoding: chunked\r
\r
" . join('', map { "1\r\n$_\r\n" }
             split //, '{"features":[1.5e0,-2,3],"text":"\u00e9' . "\xc3\xa9" . '"}')
  . "0\r\n\r\n"
--- response_body eval
'{"features":[1.5e0,-2,3],"text":"\u00e9' . "\xc3\xa9" . '"}'



=== TEST 2: packets of one byte
--- raw_request eval
["POST /t HTTP/1.1\r
Host: localhost\r
Connection: close\r
Content-Type: application/json\r
Content-Length: 26\r
\r
", split //, '{"features":[1.5e0,-2,30]}']
--- raw_request_middle_delay: 0.005
--- response_body chomp
{"features":[1.5e0,-2,30]}



=== TEST 3: chunks of one byte, refused
--- raw_request eval
"POST /t HTTP/1.1\r
Host: localhost\r
Connection: close\r
Content-Type: application/json\r
Transfer-Encoding: chunked\r
\r
" . join('', map { "1\r\n$_\r\n" } split //, '{"features":[1.5e0,-2,3,4]}')
  . "0\r\n\r\n"
--- error_code: 422
--- response_body_like: "type":"too_long","loc":\["body","features"\]



=== TEST 4: refused in its middle, the rest is not the next request
--- raw_request eval
["POST /t HTTP/1.1\r
Host: localhost\r
Content-Type: application/json\r
Content-Length: 1000\r
\r
{\"features\":[1,2,x",
"POST /open HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n"]
--- raw_request_middle_delay: 0.05
--- error_code: 422
--- response_headers
Connection: close
--- response_body_like: "loc":\["body",17\]
--- no_error_log
access forbidden



=== TEST 5: the same in one packet
--- raw_request eval
"POST /t HTTP/1.1\r
Host: localhost\r
Content-Type: application/json\r
Content-Length: 1000\r
\r
{\"features\":[1,2,x" .
"POST /open HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n"
--- error_code: 422
--- response_headers
Connection: close
--- no_error_log
access forbidden



=== TEST 6: the same in chunks
--- raw_request eval
["POST /t HTTP/1.1\r
Host: localhost\r
Content-Type: application/json\r
Transfer-Encoding: chunked\r
\r
12\r\n{\"features\":[1,2,x\r\n",
"POST /open HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n"]
--- raw_request_middle_delay: 0.05
--- error_code: 422
--- response_headers
Connection: close
--- no_error_log
access forbidden



=== TEST 7: a refused body that has come whole keeps the connection
--- pipelined_requests eval
["POST /t\n{\"features\":[1,2,x]}", "POST /t\n{\"features\":[1,2,3]}"]
--- more_headers eval
["Content-Type: application/json", "Content-Type: application/json"]
--- error_code eval
[422, 200]
--- response_body_like eval
['json_invalid', '^\{"features":\[1,2,3\]\}$']



=== TEST 8: a client that is too slow is told so
--- raw_request eval
"POST /t HTTP/1.1\r
Host: localhost\r
Content-Type: application/json\r
Content-Length: 100\r
\r
{\"features\":[1,2"
--- error_code: 408
--- response_headers
Content-Type: application/json
Connection: close
--- response_body chomp
{"detail":"Request Timeout"}



=== TEST 9: with his own page if he wants
--- config
    location = /t {
        ml_validate  schema=$TEST_NGINX_HTML_DIR/features.json;
        proxy_pass   http://127.0.0.1:1;
        client_body_timeout 100ms;
        error_page   408 /slow;
    }
    location = /slow {
        internal;
        return 200 "my own page";
    }
--- raw_request eval
"POST /t HTTP/1.1\r
Host: localhost\r
Content-Type: application/json\r
Content-Length: 100\r
\r
{\"features\":[1,2"
--- error_code: 408
--- response_body chomp
my own page



=== TEST 10: a body that ends early is never taken for whole
--- raw_request eval
"POST /t HTTP/1.1\r
Host: localhost\r
Content-Type: application/json\r
Content-Length: 30\r
\r
{\"features\":[1,2,3]}"
--- shutdown: 1
--- ignore_response
--- error_log
client prematurely closed connection
--- no_error_log
/echo



=== TEST 11: bad chunks are nginx's own 400, in JSON
--- raw_request eval
"POST /t HTTP/1.1\r
Host: localhost\r
Content-Type: application/json\r
Transfer-Encoding: chunked\r
\r
zz\r\n"
--- error_code: 400
--- response_headers
Content-Type: application/json
--- response_body chomp
{"detail":"Bad Request"}



=== TEST 12: grows over client_max_body_size while it comes
--- config
    location = /t {
        ml_validate  schema=$TEST_NGINX_HTML_DIR/features.json;
        client_max_body_size 30;
        proxy_pass   http://127.0.0.1:1;
    }
--- raw_request eval
"POST /t HTTP/1.1\r
Host: localhost\r
Content-Type: application/json\r
Transfer-Encoding: chunked\r
\r
14\r\n{\"features\":[1,2,3],\r\n20\r\n" . (" " x 32) . "\r\n0\r\n\r\n"
--- error_code: 413
--- response_body chomp
{"detail":"Content Too Large"}



=== TEST 13: an empty chunked body
--- raw_request eval
"POST /t HTTP/1.1\r
Host: localhost\r
Connection: close\r
Content-Type: application/json\r
Transfer-Encoding: chunked\r
\r
0\r\n\r\n"
--- error_code: 422
--- response_body chomp
{"detail":[{"type":"missing","loc":["body"],"msg":"Field required"}]}



=== TEST 14: large, refused at its end
--- config
    location = /t {
        ml_validate  schema=$TEST_NGINX_HTML_DIR/many.json;
        proxy_pass   http://127.0.0.1:1;
        client_max_body_size 2m;
        client_body_buffer_size 8k;
    }
--- request eval
"POST /t\n{\"features\":[" . join(',', (1.25) x 100000) . ",10]}"
--- error_code: 422
--- response_body_like: "loc":\["body","features",100000\]



=== TEST 15: large, refused at its start
--- config
    location = /t {
        ml_validate  schema=$TEST_NGINX_HTML_DIR/many.json;
        proxy_pass   http://127.0.0.1:1;
        client_max_body_size 2m;
        client_body_buffer_size 8k;
    }
--- request eval
[("POST /t\n{\"features\":[10," . join(',', (1.25) x 190000) . "]}") x 5]
--- more_headers eval
[("Content-Type: application/json") x 5]
--- error_code eval
[(422) x 5]
--- response_body_like eval
[('"loc":\["body","features",0\]') x 5]



=== TEST 16: large, to the backend from a file
--- config
    location = /t {
        ml_validate  schema=$TEST_NGINX_HTML_DIR/many.json;
        proxy_pass   http://unix:$TEST_NGINX_HTML_DIR/backend.sock:/length;
        client_max_body_size 2m;
        client_body_buffer_size 8k;
        client_body_in_file_only clean;
    }
--- request eval
"POST /t\n{\"features\":[" . join(',', (1.25) x 100000) . "]}"
--- response_body chomp
[500014]
--- error_code: 200



=== TEST 17: chunks that nginx does not put together, cut anywhere
--- raw_request eval
"POST /t HTTP/1.1\r
Host: localhost\r
Connection: close\r
Content-Type: application/json\r
Transfer-Encoding: chunked\r
\r
" . join('', map { sprintf("%x\r\n%s\r\n", length, $_) }
             '{"text":"' . ('a' x 150), ('a' x 150) . '","features":[1.5e',
             '0,-2,' . (' ' x 150) . '3', '0' . (' ' x 150) . ']}')
  . "0\r\n\r\n"
--- response_body eval
'{"text":"' . ('a' x 300) . '","features":[1.5e0,-2,' . (' ' x 150) . '30'
  . (' ' x 150) . ']}'



=== TEST 18: chunks of one byte, each in its own packet
--- raw_request eval
["POST /t HTTP/1.1\r
Host: localhost\r
Connection: close\r
Content-Type: application/json\r
Transfer-Encoding: chunked\r
\r
", (map { "1\r\n$_\r\n" } split //, '{"features":[1.5e0,-2,30]}'),
"0\r\n\r\n"]
--- raw_request_middle_delay: 0.005
--- response_body chomp
{"features":[1.5e0,-2,30]}



=== TEST 19: nor one whose end comes later
--- config
    location = /t {
        ml_validate  schema=$TEST_NGINX_HTML_DIR/features.json;
        proxy_pass   http://unix:$TEST_NGINX_HTML_DIR/backend.sock:/denied;
    }
--- raw_request eval
["POST /t HTTP/1.1\r
Host: localhost\r
Content-Type: application/json\r
Content-Length: 30\r
\r
", "{\"features\":[1,2,3]}", ""]
--- raw_request_middle_delay: 0.1
--- shutdown: 1
--- ignore_response
--- error_log
client prematurely closed connection
--- no_error_log
access forbidden
