# ml_status, and what it says of ml_zone.

use Test::Nginx::Socket 'no_plan';

no_long_string();
run_tests();

__DATA__

=== TEST 1: alive
--- config
    location = /health {
        ml_status live;
    }
--- request
GET /health
--- response_headers
Content-Type: application/json
--- response_body chomp
{"status":"ok"}



=== TEST 2: ready, when nothing has to be loaded
--- config
    location = /ready {
        ml_status ready;
    }
--- request
GET /ready
--- response_body chomp
{"status":"ready"}



=== TEST 3: only reads

Raw, because an early answer over HTTP/2 is lost on some clients.

--- config
    location = /health {
        ml_status live;
    }
--- raw_request eval
"POST /health HTTP/1.1\r
Host: localhost\r
Connection: close\r
Content-Length: 1\r
\r
x"
--- error_code: 405



=== TEST 4: JSON names the zone
--- http_config
    ml_zone ml:1m;
--- config
    location = /status {
        ml_status json;
    }
--- request
GET /status
--- response_body_like chomp
^\{"version":"\d+\.\d+\.\d+","build":"[^"]+","nginx":"[\d.]+","pid":\d+,"zone":\{"name":"ml","size":1048576,"free":\d+\}.*\}$



=== TEST 5: metrics, with and without a zone
--- config
    location = /metrics {
        ml_status prometheus;
    }
--- request
GET /metrics
--- response_headers
Content-Type: text/plain; version=0.0.4; charset=utf-8
--- response_body_like chomp
# TYPE ml_requests_total counter
