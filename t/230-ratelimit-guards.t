# What floods and scans cost: answers of an upstream, and requests that other
# guards refuse before the charge.

use Test::Nginx::Socket 'no_plan';

$ENV{TEST_NGINX_HTML_DIR} ||= html_dir();

add_block_preprocessor(sub {
    my ($block) = @_;

    $block->set_value('user_files', <<'END');
>>> n.json
{"type": "object", "properties": {"n": {"type": "integer"}}}
>>> keys.json
{"keys": [{"name": "acme", "tier": "pro", "sha256":
  "2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b"}]}
END
});

no_long_string();
run_tests();

__DATA__

=== TEST 1: what an upstream answers is charged, 404 and 405 as well
--- http_config
    ml_zone ml:2m;
    ml_tier anonymous cost=60/h burst=3;
    server {
        listen $TEST_NGINX_RAND_PORT_1;
        location = /none { return 404; }
        location = /not  { return 405; }
    }
--- config
    location /p/ {
        proxy_pass http://127.0.0.1:$TEST_NGINX_RAND_PORT_1/;
        ml_ratelimit;
    }
--- request eval
["GET /p/none", "GET /p/not", "GET /p/none", "GET /p/none"]
--- error_code eval
[404, 405, 404, 429]
--- response_headers eval
["X-RateLimit-Remaining: 2", "X-RateLimit-Remaining: 1",
 "X-RateLimit-Remaining: 0", "X-RateLimit-Remaining: 0"]



=== TEST 2: a request is a request, whatever is given back
--- http_config
    ml_zone ml:2m;
    ml_tier anonymous cost=60/h burst=10 requests=3/h;
--- config
    ml_ratelimit;
    location = /none { root html; }
    location = /down {
        proxy_pass http://127.0.0.1:$TEST_NGINX_RAND_PORT_1;
    }
    location = /t { empty_gif; }
--- request eval
["GET /none", "POST /t", "GET /down", "GET /none"]
--- error_code eval
[404, 405, 502, 429]
--- response_headers eval
['RateLimit: "cost";r=10;t=0, "requests";r=2;t=1200',
 'RateLimit: "cost";r=10;t=0, "requests";r=1;t=2400',
 'RateLimit: "cost";r=10;t=0, "requests";r=0;t=3600',
 'RateLimit: "cost";r=10;t=1200, "requests";r=0;t=1200']



=== TEST 3: invalid requests cost nothing, but count
--- http_config
    ml_zone ml:2m;
    ml_tier anonymous cost=60/h burst=10 requests=4/h;
--- config
    location = /t {
        ml_validate schema=$TEST_NGINX_HTML_DIR/n.json;
        ml_ratelimit cost=7;
        proxy_pass http://127.0.0.1:1;
    }
--- request eval
["POST /t\n{\"n\":1.5}", "POST /t\n{", "GET /t", "POST /t\n{}",
 "POST /t\n{\"n\":1.5}", "POST /t\n{\"n\":1.5}"]
--- more_headers eval
[("Content-Type: application/json") x 3, "Content-Type: text/plain",
 ("Content-Type: application/json") x 2]
--- error_code eval
[422, 422, 405, 415, 429, 429]
--- response_headers eval
['RateLimit: "cost";r=10;t=0, "requests";r=3;t=900',
 'RateLimit: "cost";r=10;t=0, "requests";r=2;t=1800',
 'RateLimit: "cost";r=10;t=0, "requests";r=1;t=2700',
 'RateLimit: "cost";r=10;t=0, "requests";r=0;t=3600',
 'Retry-After: 900', 'Retry-After: 900']



=== TEST 4: the metrics of it add up
--- http_config
    ml_zone ml:2m;
    ml_tier anonymous cost=60/h burst=10 requests=10/h;
--- config
    location = /t {
        ml_validate schema=$TEST_NGINX_HTML_DIR/n.json;
        ml_ratelimit;
        proxy_pass http://127.0.0.1:1;
    }
    location = /metrics { ml_status prometheus; }
--- request eval
["POST /t\n{\"n\":1.5}", "POST /t\n{\"n\":1}", "GET /metrics"]
--- more_headers
Content-Type: application/json
--- error_code eval
[422, 502, 200]
--- response_body_like eval
[".", ".",
 '(?s)^(?=.*ml_cost_total\{tier="anonymous",unit="cost",state="reserved"\} 1\n)'
 . '(?=.*ml_cost_total\{tier="anonymous",unit="cost",state="released"\} 1\n)'
 . '(?=.*unit="requests",state="reserved"\} 2\n)'
 . '(?=.*unit="requests",state="settled"\} 2\n)'
 . '(?!.*unit="requests",state="released"\} [1-9])']



=== TEST 5: an unknown key counts nowhere, a known one counts as itself
--- http_config
    ml_zone ml:2m;
    ml_keys $TEST_NGINX_HTML_DIR/keys.json;
    ml_tier anonymous requests=1/h;
    ml_tier pro requests=2/h;
--- config
    location = /t {
        ml_validate schema=$TEST_NGINX_HTML_DIR/n.json;
        ml_ratelimit;
        proxy_pass http://127.0.0.1:1;
    }
--- request eval
["GET /t", "GET /t", "GET /t", "GET /t", "GET /t", "GET /t", "GET /t"]
--- more_headers eval
["X-API-Key: who", "X-API-Key: who", ("X-API-Key: secret") x 3, "A: b",
 "A: b"]
--- error_code eval
[401, 401, 405, 405, 429, 405, 429]



=== TEST 6: a claimed key counts as well as the address
--- http_config
    ml_zone ml:2m;
    ml_tier anonymous requests=2/h;
--- config
    location = /t {
        ml_validate schema=$TEST_NGINX_HTML_DIR/n.json;
        ml_ratelimit key=$arg_k;
        proxy_pass http://127.0.0.1:1;
    }
--- request eval
["POST /t?k=a\n{\"n\":1.5}", "POST /t?k=b\n{\"n\":1.5}",
 "POST /t?k=c\n{\"n\":1.5}"]
--- more_headers
Content-Type: application/json
--- error_code eval
[422, 422, 429]



=== TEST 7: tier=: the authenticated client, its address not, and no debt
--- http_config
    ml_zone ml:2m;
    ml_tier anonymous requests=1/h;
    ml_tier gold requests=2/h;
--- config
    location = /t {
        ml_validate schema=$TEST_NGINX_HTML_DIR/n.json;
        ml_ratelimit key=$arg_k tier=$arg_t;
        proxy_pass http://127.0.0.1:1;
    }
    location = /a { ml_ratelimit; empty_gif; }
--- request eval
["GET /t?k=a&t=gold", "POST /t?k=a&t=gold\n{\"n\":1.5}",
 "POST /t?k=a&t=gold\n{\"n\":1.5}", "POST /t?k=a&t=gold\n{\"n\":1.5}",
 "POST /t?k=a&t=gold\n{\"n\":1}", "POST /t?k=b&t=gold\n{\"n\":1}",
 "GET /a"]
--- more_headers
Content-Type: application/json
--- error_code eval
[405, 422, 422, 422, 429, 502, 200]
--- response_headers eval
["! RateLimit", 'RateLimit: "requests";r=1;t=1800',
 'RateLimit: "requests";r=0;t=3600', 'RateLimit: "requests";r=0;t=3600',
 'Retry-After: 1800', 'RateLimit: "requests";r=1;t=1800',
 'RateLimit: "requests";r=0;t=3600']



=== TEST 8: dry run: counts while it fits, refuses nothing
--- http_config
    ml_zone ml:2m;
    ml_tier anonymous requests=2/h;
    ml_ratelimit_headers legacy;
--- config
    location = /t {
        ml_validate schema=$TEST_NGINX_HTML_DIR/n.json;
        ml_ratelimit;
        ml_ratelimit_dry_run on;
        proxy_pass http://127.0.0.1:1;
    }
    location = /a { ml_ratelimit; empty_gif; }
--- request eval
["POST /t\n[]", "POST /t\n[]", "POST /t\n[]", "GET /a"]
--- more_headers
Content-Type: application/json
--- error_code eval
[422, 422, 422, 429]
--- response_headers eval
["X-RateLimit-Remaining: 1", "X-RateLimit-Remaining: 0",
 "X-RateLimit-Remaining: 0", "Retry-After: 1800"]



=== TEST 9: a tier without requests: invalid bodies are free
--- http_config
    ml_zone ml:2m;
    ml_tier anonymous cost=60/h burst=1;
--- config
    location = /t {
        ml_validate schema=$TEST_NGINX_HTML_DIR/n.json;
        ml_ratelimit;
        proxy_pass http://127.0.0.1:1;
    }
--- request eval
["POST /t\n[]", "POST /t\n[]", "POST /t\n[]"]
--- more_headers
Content-Type: application/json
--- error_code eval
[422, 422, 422]
--- response_headers eval
[("X-RateLimit-Remaining: 1") x 3]
