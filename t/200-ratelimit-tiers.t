# Budgets of anonymous clients: weighted cost, requests, bursts, units, gate
# and charge, and what is given back.

use Test::Nginx::Socket 'no_plan';

no_long_string();
run_tests();

__DATA__

=== TEST 1: a burst, and not one request more
--- http_config
    ml_zone ml:2m;
    ml_tier anonymous cost=60/h burst=3;
--- config
    location = /t {
        empty_gif;
        ml_ratelimit;
    }
--- request eval
["GET /t", "GET /t", "GET /t", "GET /t", "GET /t"]
--- error_code eval
[200, 200, 200, 429, 429]



=== TEST 2: the capacity is the whole budget when no burst is given
--- http_config
    ml_zone ml:2m;
    ml_tier anonymous cost=4/h;
--- config
    location = /t {
        empty_gif;
        ml_ratelimit;
    }
--- request eval
["GET /t", "GET /t", "GET /t", "GET /t", "GET /t"]
--- error_code eval
[200, 200, 200, 200, 429]



=== TEST 3: cost is weighted, one budget over locations
--- http_config
    ml_zone ml:2m;
    ml_tier anonymous cost=60/h burst=10;
--- config
    ml_ratelimit;
    location = /cheap { empty_gif; }
    location = /dear  { empty_gif; ml_ratelimit cost=5; }
    location = /free  { empty_gif; ml_ratelimit off; }
--- request eval
["GET /dear", "GET /cheap", "GET /dear", "GET /cheap", "GET /cheap",
 "GET /cheap", "GET /cheap", "GET /cheap", "GET /free"]
--- error_code eval
[200, 200, 429, 200, 200, 200, 200, 429, 200]



=== TEST 4: requests count beside cost, and a refusal charges neither
--- http_config
    ml_zone ml:2m;
    ml_tier anonymous cost=60/h burst=10 requests=3/h;
--- config
    location = /t {
        empty_gif;
        ml_ratelimit cost=$arg_c;
    }
--- request eval
["GET /t?c=4", "GET /t?c=7", "GET /t?c=7", "GET /t?c=3", "GET /t?c=3",
 "GET /t?c=1"]
--- error_code eval
[200, 429, 429, 200, 200, 429]
--- response_headers eval
["RateLimit: \"cost\";r=6;t=240, \"requests\";r=2;t=1200",
 "RateLimit: \"cost\";r=6;t=60, \"requests\";r=2;t=60",
 "RateLimit: \"cost\";r=6;t=60, \"requests\";r=2;t=60",
 "X-RateLimit-Remaining: 3", "X-RateLimit-Remaining: 0",
 "RateLimit: \"cost\";r=0;t=1200, \"requests\";r=0;t=1200"]



=== TEST 5: a cost of zero is free, but a request, and the gate asks for 1
--- http_config
    ml_zone ml:2m;
    ml_tier anonymous cost=60/h burst=1 requests=4/h;
--- config
    location = /t {
        empty_gif;
        ml_ratelimit cost=$arg_c;
    }
--- request eval
["GET /t?c=0", "GET /t?c=0", "GET /t?c=1", "GET /t?c=0"]
--- error_code eval
[200, 200, 200, 429]
--- response_headers eval
["RateLimit: \"requests\";r=3;t=900", "RateLimit: \"requests\";r=2;t=1800",
 "X-RateLimit-Remaining: 0", "X-RateLimit-Remaining: 0"]



=== TEST 6: a cost that is no number lets nothing through
--- http_config
    ml_zone ml:2m;
    ml_tier anonymous cost=60/h;
--- config
    location = /t {
        empty_gif;
        ml_ratelimit cost=$arg_c;
    }
--- request eval
["GET /t", "GET /t?c=-1", "GET /t?c=1x", "GET /t?c=99999999999999999999"]
--- error_code eval
[500, 500, 500, 500]
--- error_log
the cost of the request is not a number



=== TEST 7: more than a budget can ever hold: no Retry-After
--- http_config
    ml_zone ml:2m;
    ml_tier anonymous cost=60/h burst=10;
--- config
    location = /t {
        empty_gif;
        ml_ratelimit cost=$arg_c;
    }
--- request
GET /t?c=11
--- error_code: 429
--- response_headers
! Retry-After
X-RateLimit-Remaining: 10
--- response_body chomp
{"detail":"Request costs more than its budget can hold"}



=== TEST 8: refill, per second
--- http_config
    ml_zone ml:2m;
    ml_tier anonymous cost=2/s burst=1;
--- config
    location = /t {
        empty_gif;
        ml_ratelimit;
    }
--- request eval
["GET /t", "GET /t", "GET /t"]
--- wait: 0.55
--- error_code eval
[200, 200, 200]



=== TEST 9: without a tier for them anonymous clients are not limited
--- http_config
    ml_zone ml:2m;
    ml_tier pro cost=1/h;
--- config
    location = /t {
        empty_gif;
        ml_ratelimit;
    }
--- request eval
["GET /t", "GET /t", "GET /t"]
--- error_code eval
[200, 200, 200]
--- response_headers eval
[("! RateLimit\n! X-RateLimit-Limit") x 3]



=== TEST 10: a tier without budgets is unlimited on purpose
--- http_config
    ml_zone ml:2m;
    ml_tier anonymous;
--- config
    location = /t {
        empty_gif;
        ml_ratelimit cost=5;
    }
--- request eval
["GET /t", "GET /t"]
--- error_code eval
[200, 200]



=== TEST 11: work that was not done is given back
--- http_config
    ml_zone ml:2m;
    ml_tier anonymous cost=60/h burst=2;
--- config
    location = /none   { root html; ml_ratelimit; }
    location = /down   {
        proxy_pass http://127.0.0.1:$TEST_NGINX_RAND_PORT_1;
        ml_ratelimit;
    }
    location = /t      { empty_gif; ml_ratelimit; }
--- request eval
["GET /none", "POST /t", "GET /down", "GET /none", "GET /down", "GET /t",
 "GET /t", "GET /t"]
--- error_code eval
[404, 405, 502, 404, 502, 200, 200, 429]
--- response_headers eval
["X-RateLimit-Remaining: 2", "X-RateLimit-Remaining: 2",
 "X-RateLimit-Remaining: 2", "X-RateLimit-Remaining: 2",
 "X-RateLimit-Remaining: 2", "X-RateLimit-Remaining: 1",
 "X-RateLimit-Remaining: 0", "X-RateLimit-Remaining: 0"]



=== TEST 12: an upstream that failed may have worked: 500 and 504 are charged
--- http_config
    ml_zone ml:2m;
    ml_tier anonymous cost=60/h burst=2;
    server {
        listen $TEST_NGINX_RAND_PORT_1;
        location = /t { return 500; }
        location = /u { return 504; }
    }
--- config
    location /p/ {
        proxy_pass http://127.0.0.1:$TEST_NGINX_RAND_PORT_1/;
        ml_ratelimit;
    }
--- request eval
["GET /p/t", "GET /p/u", "GET /p/t"]
--- error_code eval
[500, 504, 429]



=== TEST 13: index and try_files redirect, and are charged once
--- http_config
    ml_zone ml:2m;
    ml_tier anonymous cost=60/h burst=5;
--- config
    ml_ratelimit;
    location /d/ { root $TEST_NGINX_SERVER_ROOT/html; index a.html; }
    location /try { try_files /nothing /d/a.html; }
    location /named { try_files /nothing @named; }
    location @named { root $TEST_NGINX_SERVER_ROOT/html; try_files /d/a.html =404; }
--- user_files
>>> d/a.html
a
--- request eval
["GET /d/", "GET /try", "GET /named"]
--- error_code eval
[200, 200, 200]
--- response_headers eval
["X-RateLimit-Remaining: 4", "X-RateLimit-Remaining: 3",
 "X-RateLimit-Remaining: 2"]



=== TEST 14: X-Accel-Redirect is charged once
--- http_config
    ml_zone ml:2m;
    ml_tier anonymous cost=60/h burst=5;
    server {
        listen $TEST_NGINX_RAND_PORT_1;
        location / {
            add_header X-Accel-Redirect /final;
            return 200;
        }
    }
--- config
    location = /t {
        proxy_pass http://127.0.0.1:$TEST_NGINX_RAND_PORT_1;
        ml_ratelimit cost=2;
    }
    location = /final { internal; empty_gif; ml_ratelimit cost=3; }
--- request eval
["GET /t", "GET /t"]
--- response_headers eval
["X-RateLimit-Remaining: 3", "X-RateLimit-Remaining: 1"]
--- error_code eval
[200, 200]



=== TEST 15: subrequests are not charged
--- http_config
    ml_zone ml:2m;
    ml_tier anonymous cost=60/h burst=5;
--- config
    ml_ratelimit;
    location = /auth { empty_gif; }
    location = /t {
        auth_request /auth;
        mirror /auth;
        empty_gif;
    }
--- request
GET /t
--- response_headers
X-RateLimit-Remaining: 4



=== TEST 16: an IPv6 client counts by its /64, IPv4 by its address
--- http_config
    ml_zone ml:2m;
    ml_tier anonymous cost=60/h burst=2;
    set_real_ip_from 127.0.0.1;
    real_ip_header X-Real-IP;
--- config
    location = /t { empty_gif; ml_ratelimit; }
--- request eval
["GET /t", "GET /t", "GET /t", "GET /t", "GET /t", "GET /t", "GET /t"]
--- more_headers eval
["X-Real-IP: 2001:db8::1", "X-Real-IP: 2001:db8::2",
 "X-Real-IP: 2001:db8::ffff:3", "X-Real-IP: 2001:db8:0:1::1",
 "X-Real-IP: 192.0.2.1", "X-Real-IP: ::ffff:192.0.2.1",
 "X-Real-IP: 192.0.2.1"]
--- error_code eval
[200, 200, 429, 200, 200, 200, 429]



=== TEST 17: the gate comes before nginx's own access checks, and is free
--- http_config
    ml_zone ml:2m;
    ml_tier anonymous cost=60/h burst=1;
--- config
    ml_ratelimit;
    location = /t { empty_gif; }
    location = /denied { deny all; }
--- request eval
["GET /denied", "GET /denied", "GET /t", "GET /denied"]
--- error_code eval
[403, 403, 200, 429]



=== TEST 18: what a budget refuses holds no place among the running
--- http_config
    ml_zone ml:2m;
    ml_tier anonymous cost=60/h burst=2 concurrency=1;
--- config
    location = /t { empty_gif; ml_ratelimit cost=$arg_c; }
--- request eval
["GET /t?c=3", "GET /t?c=3", "GET /t?c=1", "GET /t?c=2", "GET /t?c=1"]
--- error_code eval
[429, 429, 200, 429, 200]
