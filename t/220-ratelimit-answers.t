# What clients are told: 429, Retry-After, RateLimit, X-RateLimit, bodies;
# and what operators are: variables, logs, metrics, status.

use Test::Nginx::Socket 'no_plan';

no_long_string();
run_tests();

__DATA__

=== TEST 1: fields of an admitted request
--- http_config
    ml_zone ml:2m;
    ml_tier anonymous cost=3600/h burst=100 requests=60/m;
--- config
    location = /t { empty_gif; ml_ratelimit cost=5; }
--- request
GET /t
--- response_headers
RateLimit-Policy: "cost";q=100;w=100;ml-unit="cost", "requests";q=60;w=60
RateLimit: "cost";r=95;t=5, "requests";r=59;t=1
X-RateLimit-Limit: 100
X-RateLimit-Remaining: 95
X-RateLimit-Reset: 5
! Retry-After



=== TEST 2: a refusal: when to come back, and nothing of the budget's rest
--- http_config
    ml_zone ml:2m;
    ml_tier anonymous cost=60/h burst=10;
--- config
    location = /t { empty_gif; ml_ratelimit cost=7; }
--- request eval
["GET /t", "GET /t"]
--- error_code eval
[200, 429]
--- response_headers eval
["! Retry-After",
 "Retry-After: 240\nRateLimit: \"cost\";r=3;t=240\nX-RateLimit-Reset: 240\n"
 . "X-RateLimit-Remaining: 3"]
--- response_body_like eval
["GIF89a", '^\{"detail":"Rate limit exceeded"\}$']



=== TEST 3: the longest wait of all limits counts
--- http_config
    ml_zone ml:2m;
    ml_tier anonymous cost=60/h burst=1 requests=60/m;
--- config
    location = /t { empty_gif; ml_ratelimit; }
--- request eval
["GET /t", "GET /t"]
--- error_code eval
[200, 429]
--- response_headers eval
["X-RateLimit-Limit: 1", "Retry-After: 60"]



=== TEST 4: Retry-After is not too early
--- http_config
    ml_zone ml:2m;
    ml_tier anonymous cost=1/s burst=2;
--- config
    location = /t { empty_gif; ml_ratelimit cost=2; }
--- request eval
["GET /t", "GET /t", "GET /t"]
--- wait: 2
--- timeout: 10
--- error_code eval
[200, 200, 200]



=== TEST 5: only the ones that were asked for: ietf
--- http_config
    ml_zone ml:2m;
    ml_tier anonymous cost=60/h;
    ml_ratelimit_headers ietf;
--- config
    location = /t { empty_gif; ml_ratelimit; }
--- request
GET /t
--- response_headers
RateLimit: "cost";r=59;t=60
! X-RateLimit-Limit



=== TEST 6: legacy
--- http_config
    ml_zone ml:2m;
    ml_tier anonymous cost=60/h;
    ml_ratelimit_headers legacy;
--- config
    location = /t { empty_gif; ml_ratelimit; }
--- request
GET /t
--- response_headers
X-RateLimit-Limit: 60
! RateLimit
! RateLimit-Policy



=== TEST 7: off; Retry-After stays
--- http_config
    ml_zone ml:2m;
    ml_tier anonymous cost=1/h;
    ml_ratelimit_headers off;
--- config
    location = /t { empty_gif; ml_ratelimit; }
--- request eval
["GET /t", "GET /t"]
--- error_code eval
[200, 429]
--- response_headers eval
["! RateLimit\n! X-RateLimit-Limit",
 "! RateLimit\n! X-RateLimit-Limit\nRetry-After: 3600"]



=== TEST 8: another status
--- http_config
    ml_zone ml:2m;
    ml_tier anonymous cost=1/h;
    ml_ratelimit_status 503;
--- config
    location = /t { empty_gif; ml_ratelimit; }
--- request eval
["GET /t", "GET /t"]
--- error_code eval
[200, 503]
--- response_headers eval
["! Retry-After", "Retry-After: 3600"]



=== TEST 9: the user's error_page wins, is not charged, and is not limited
--- http_config
    ml_zone ml:2m;
    ml_tier anonymous cost=60/h burst=1;
--- config
    ml_ratelimit;
    error_page 429 /busy.html;
    location = /t { empty_gif; }
    location = /busy.html { root $TEST_NGINX_SERVER_ROOT/html; }
--- user_files
>>> busy.html
busy
--- request eval
["GET /t", "GET /t"]
--- error_code eval
[200, 429]
--- response_body_like eval
["GIF89a", "^busy\$"]
--- response_headers eval
["X-RateLimit-Remaining: 0", "Retry-After: 60\nX-RateLimit-Remaining: 0"]



=== TEST 10: dry run: nothing is refused, and it shows
--- http_config
    ml_zone ml:2m;
    ml_tier anonymous cost=60/h burst=1;
    ml_ratelimit_dry_run on;
--- config
    location = /t {
        empty_gif;
        ml_ratelimit;
        add_header X-Status $ml_ratelimit_status;
    }
--- request eval
["GET /t", "GET /t", "GET /t"]
--- error_code eval
[200, 200, 200]
--- response_headers eval
["X-Status: PASSED", "X-Status: REJECTED_DRY_RUN\n! Retry-After",
 "X-Status: REJECTED_DRY_RUN"]



=== TEST 11: dry run: it is logged, at the level that was chosen
--- http_config
    ml_zone ml:2m;
    ml_tier anonymous cost=60/h burst=1;
    ml_ratelimit_dry_run on;
    ml_ratelimit_log_level notice;
--- config
    location = /t { empty_gif; ml_ratelimit cost=$arg_c; }
--- request
GET /t?c=2
--- error_log eval
qr/\[notice\].* limiting requests, dry run, by "cost" of tier "anonymous", /



=== TEST 12: the log of a refusal
--- http_config
    ml_zone ml:2m;
    ml_tier anonymous cost=60/h burst=1;
--- config
    location = /t { empty_gif; ml_ratelimit cost=$arg_c; }
--- request
GET /t?c=2
--- error_code: 429
--- error_log eval
qr/\[warn\].* limiting requests, by "cost" of tier "anonymous", client: /
--- no_error_log
[error]



=== TEST 13: variables, before and after the settlement
--- http_config
    ml_zone ml:2m;
    ml_tier anonymous cost=60/h burst=10;
    log_format ml "$ml_client $ml_tier $ml_ratelimit_status $ml_cost "
                  "$ml_cost_actual $status";
--- config
    access_log logs/access.log ml;
    location = /t {
        empty_gif;
        ml_ratelimit cost=7;
        add_header X-Cost "$ml_client/$ml_tier/$ml_cost/$ml_cost_actual";
    }
--- request
GET /t
--- response_headers
X-Cost: 127.0.0.1/anonymous/7/
--- access_log eval
qr/^127.0.0.1 anonymous PASSED 7 7 200$/m



=== TEST 14: variables of a request whose cost was given back
--- http_config
    ml_zone ml:2m;
    ml_tier anonymous cost=60/h burst=10;
    log_format ml "$ml_tier $ml_ratelimit_status $ml_cost $ml_cost_actual";
--- config
    access_log logs/access.log ml;
    location = /t { root html; ml_ratelimit cost=7; }
--- request
GET /t
--- error_code: 404
--- access_log eval
qr/^anonymous PASSED 7 0$/m



=== TEST 15: variables of a refused request
--- http_config
    ml_zone ml:2m;
    ml_tier anonymous cost=60/h burst=1;
    log_format ml "$ml_tier $ml_ratelimit_status $ml_cost $ml_cost_actual";
--- config
    access_log logs/access.log ml;
    location = /t { empty_gif; ml_ratelimit cost=$arg_c; }
--- request
GET /t?c=2
--- error_code: 429
--- access_log eval
qr/^anonymous REJECTED - -$/m



=== TEST 16: variables of requests that no limiter saw
--- http_config
    ml_zone ml:2m;
--- config
    location = /t {
        empty_gif;
        add_header X-V "[$ml_client$ml_tier$ml_ratelimit_status$ml_cost]";
    }
--- request
GET /t
--- response_headers
X-V: []



=== TEST 17: metrics add up
--- http_config
    ml_zone ml:2m;
    ml_tier anonymous cost=60/h burst=10 concurrency=5;
--- config
    location = /t { empty_gif; ml_ratelimit cost=4; }
    location = /none { root html; ml_ratelimit cost=4; }
    location = /metrics { ml_status prometheus; }
--- request eval
["GET /t", "GET /none", "GET /t", "GET /t", "GET /metrics"]
--- error_code eval
[200, 404, 200, 429, 200]
--- response_body_like eval
[".", ".", ".", ".",
 '(?s)ml_ratelimit_refusals_total\{tier="anonymous",limit="cost"\} 1\n'
 . '(?=.*ml_cost_total\{tier="anonymous",unit="cost",state="reserved"\} 12\n)'
 . '(?=.*ml_cost_total\{tier="anonymous",unit="cost",state="settled"\} 8\n)'
 . '(?=.*ml_cost_total\{tier="anonymous",unit="cost",state="released"\} 4\n)'
 . '(?=.*ml_clients\{kind="anonymous"\} 1\n)']



=== TEST 18: status
--- http_config
    ml_zone ml:2m;
    ml_tier anonymous cost=60/h concurrency=5;
--- config
    location = /t { empty_gif; ml_ratelimit; }
    location = /status { ml_status json; }
--- request eval
["GET /t", "GET /status"]
--- response_body_like eval
[".", '"ratelimit":\{"clients":\{"anonymous":1,"proven":0,'
 . '"capacity":[1-9]\d+\},"running":0\}']
--- error_code eval
[200, 200]



=== TEST 19: health and status cost nothing where everything else is limited
--- http_config
    ml_zone ml:2m;
    ml_tier anonymous cost=60/h burst=1;
--- config
    ml_ratelimit;
    location = /t { empty_gif; }
    location = /health { ml_ratelimit off; ml_status live; }
--- request eval
["GET /t", "GET /health", "GET /health", "GET /t"]
--- error_code eval
[200, 200, 200, 429]

