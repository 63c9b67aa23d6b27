# ml_status and ml_zone.

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
--- config
    location = /health {
        ml_status live;
    }
--- request
POST /health
x
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
--- response_body_like
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
--- response_body_like
# TYPE ml_requests_total counter



=== TEST 6: unknown kind
--- config
    location = /status {
        ml_status xml;
    }
--- must_die
--- error_log
invalid parameter "xml" in



=== TEST 7: given twice
--- config
    location = /status {
        ml_status live;
        ml_status ready;
    }
--- must_die
--- error_log
"ml_status" directive is duplicate



=== TEST 8: two zones
--- http_config
    ml_zone a:1m;
    ml_zone b:1m;
--- config
--- must_die
--- error_log
"ml_zone" directive is duplicate



=== TEST 9: a zone one byte too small
--- http_config
    ml_zone ml:1048575;
--- config
--- must_die
--- error_log
zone "ml:1048575" is too small, at least 1m is needed in



=== TEST 10: a zone without a size
--- http_config
    ml_zone ml;
--- config
--- must_die
--- error_log
invalid zone "ml", expected name:size in



=== TEST 11: a zone with a size that is none
--- http_config
    ml_zone ml:big;
--- config
--- must_die
--- error_log
invalid zone size "ml:big" in



=== TEST 12: a status location with another handler
--- config
    location = /status {
        stub_status;
        ml_status live;
    }
--- must_die
--- error_log
conflicts with another content handler
