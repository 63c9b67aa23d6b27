# API keys: who is let in as whom, and what an unknown key gains (nothing).

use Test::Nginx::Socket 'no_plan';

our $Keys = <<'END';
>>> keys.json
{"keys":[
 {"name":"acme","sha256":"df09835b74052adbf315dcd6c198cafc46874e7d2e59941d13bde49fae086b69","tier":"pro"},
 {"name":"beta","sha256":"0d87978ca3f20d9288f1d31ab6c05626e6ff1a67c65e22385e42a52331b98453","tier":"pro"}
]}
END

our $Http = <<'END';
    ml_zone ml:2m;
    ml_keys $TEST_NGINX_SERVER_ROOT/html/keys.json;
    ml_tier anonymous cost=60/h burst=2;
    ml_tier pro cost=60/h burst=3;
END

no_long_string();
run_tests();

__DATA__

=== TEST 1: each key its own budget, and the anonymous theirs
--- http_config eval: $::Http
--- user_files eval: $::Keys
--- config
    location = /t { empty_gif; ml_ratelimit; }
--- request eval
["GET /t", "GET /t", "GET /t", "GET /t", "GET /t", "GET /t", "GET /t",
 "GET /t"]
--- more_headers eval
["X-API-Key: sk_acme", "X-API-Key: sk_acme", "X-API-Key: sk_acme",
 "X-API-Key: sk_acme", "X-API-Key: sk_beta", "", "", ""]
--- error_code eval
[200, 200, 200, 429, 200, 200, 200, 429]



=== TEST 2: a bearer token is the same client
--- http_config eval: $::Http
--- user_files eval: $::Keys
--- config
    location = /t { empty_gif; ml_ratelimit; }
--- request eval
["GET /t", "GET /t", "GET /t", "GET /t"]
--- more_headers eval
["X-API-Key: sk_acme", "Authorization: Bearer sk_acme",
 "Authorization: bearer  sk_acme",
 "Authorization: Bearer sk_acme\nX-API-Key: sk_acme"]
--- error_code eval
[200, 200, 200, 429]



=== TEST 3: unknown, malformed and ambiguous keys
--- http_config eval: $::Http
--- user_files eval: $::Keys
--- config
    location = /t { empty_gif; ml_ratelimit; }
--- request eval
["GET /t", "GET /t", "GET /t", "GET /t", "GET /t", "GET /t", "GET /t"]
--- more_headers eval
["X-API-Key: sk_acm", "X-API-Key: sk_acme2", "Authorization: Bearer sk_x",
 "Authorization: Bearer", "Authorization: Bearer sk_acme sk_acme",
 "X-API-Key: sk_acme\nAuthorization: Bearer sk_beta",
 "X-API-Key: sk_acme\nX-API-Key: sk_beta"]
--- error_code eval
[401, 401, 401, 401, 401, 401, 401]
--- response_headers eval
[("WWW-Authenticate: Bearer\n! RateLimit") x 7]
--- response_body eval
[('{"detail":"Invalid API key"}') x 7]
--- log_level: info
--- no_error_log
sk_ac



=== TEST 4: another scheme is none of ours
--- http_config eval: $::Http
--- user_files eval: $::Keys
--- config
    location = /t { empty_gif; ml_ratelimit; }
--- request
GET /t
--- more_headers
Authorization: Basic dXNlcjpwYXNz
--- response_headers
X-RateLimit-Limit: 2



=== TEST 5: a header of the operator's choice
--- http_config
    ml_zone ml:2m;
    ml_keys $TEST_NGINX_SERVER_ROOT/html/keys.json header=X-Model-Key;
    ml_tier anonymous cost=60/h burst=2;
    ml_tier pro cost=60/h burst=3;
--- user_files eval: $::Keys
--- config
    location = /t { empty_gif; ml_ratelimit; }
--- request eval
["GET /t", "GET /t", "GET /t"]
--- more_headers eval
["X-Model-Key: sk_acme", "X-API-Key: sk_wrong", "X-Model-Key: sk_wrong"]
--- error_code eval
[200, 200, 401]
--- response_headers eval
["X-RateLimit-Limit: 3", "X-RateLimit-Limit: 2", "! X-RateLimit-Limit"]



=== TEST 6: inventing keys of key= gains nothing
--- http_config
    ml_zone ml:2m;
    ml_tier anonymous cost=60/h burst=3;
--- config
    location = /t { empty_gif; ml_ratelimit key=$http_x_user; }
--- request eval
["GET /t", "GET /t", "GET /t", "GET /t", "GET /t", "GET /t"]
--- more_headers eval
["X-User: 1", "X-User: 2", "X-User: 3", "X-User: 4", "X-User: 5", ""]
--- error_code eval
[200, 200, 200, 429, 429, 429]



=== TEST 7: an unproven key counts wherever it comes from
--- http_config
    ml_zone ml:2m;
    ml_tier anonymous cost=60/h burst=2;
    set_real_ip_from 127.0.0.1;
    real_ip_header X-Real-IP;
--- config
    location = /t { empty_gif; ml_ratelimit key=$http_x_user; }
--- request eval
["GET /t", "GET /t", "GET /t", "GET /t"]
--- more_headers eval
["X-User: 1\nX-Real-IP: 192.0.2.1", "X-User: 1\nX-Real-IP: 192.0.2.2",
 "X-User: 1\nX-Real-IP: 192.0.2.3", "X-User: 2\nX-Real-IP: 192.0.2.3"]
--- error_code eval
[200, 200, 429, 200]



=== TEST 8: a key with a declared tier stands for itself
--- http_config
    ml_zone ml:2m;
    ml_tier anonymous cost=60/h burst=1;
    ml_tier pro cost=60/h burst=2;
    map $http_x_user $tier {
        ~^paid- pro;
        default "";
    }
--- config
    location = /t { empty_gif; ml_ratelimit key=$http_x_user tier=$tier; }
--- request eval
["GET /t", "GET /t", "GET /t", "GET /t", "GET /t", "GET /t"]
--- more_headers eval
["X-User: free-1", "X-User: free-2", "X-User: paid-1", "X-User: paid-1",
 "X-User: paid-1", "X-User: paid-2"]
--- error_code eval
[200, 429, 200, 200, 429, 200]



=== TEST 9: the key of auth_request, which the gate cannot know yet
--- http_config
    ml_zone ml:2m;
    ml_tier anonymous cost=60/h burst=1;
    ml_tier pro cost=60/h burst=2;
    map $user $tier {
        "" "";
        default pro;
    }
    server {
        listen $TEST_NGINX_RAND_PORT_1;
        location / {
            add_header X-User $http_x_token;
            return 204;
        }
    }
--- config
    location = /auth {
        internal;
        proxy_pass http://127.0.0.1:$TEST_NGINX_RAND_PORT_1;
        proxy_pass_request_body off;
        proxy_set_header Content-Length "";
    }
    location = /t {
        auth_request /auth;
        auth_request_set $user $upstream_http_x_user;
        empty_gif;
        ml_ratelimit key=$user tier=$tier;
    }
--- request eval
["GET /t", "GET /t", "GET /t", "GET /t"]
--- more_headers eval
["X-Token: a", "X-Token: a", "X-Token: a", "X-Token: b"]
--- error_code eval
[200, 200, 429, 200]



=== TEST 10: satisfy any does not open the door
--- http_config eval: $::Http
--- user_files eval: $::Keys
--- config
    location = /t {
        satisfy any;
        allow all;
        auth_basic "x";
        auth_basic_user_file html/none;
        empty_gif;
        ml_ratelimit;
    }
--- request eval
["GET /t", "GET /t", "GET /t", "GET /t"]
--- more_headers eval
["", "", "", "X-API-Key: sk_wrong"]
--- error_code eval
[200, 200, 429, 401]



=== TEST 11: keys authenticate without any limit too
--- http_config
    ml_keys $TEST_NGINX_SERVER_ROOT/html/keys.json;
    ml_tier pro;
    ml_zone ml:2m;
--- user_files eval: $::Keys
--- config
    location = /t { empty_gif; ml_ratelimit; }
--- request eval
["GET /t", "GET /t"]
--- more_headers eval
["X-API-Key: sk_acme", "X-API-Key: sk_nobody"]
--- error_code eval
[200, 401]




=== TEST 12: keys that are only claimed take no place among the proven
--- http_config
    ml_zone ml:2m;
    ml_tier anonymous cost=60/h burst=9;
    ml_tier pro cost=60/h burst=9;
    map $http_x_user $tier {
        ~^paid- pro;
        default "";
    }
--- config
    location = /t { empty_gif; ml_ratelimit key=$http_x_user tier=$tier; }
    location = /status { ml_status json; }
--- request eval
["GET /t", "GET /t", "GET /t", "GET /t", "GET /status"]
--- more_headers eval
["X-User: 1", "X-User: 2", "X-User: 3", "X-User: paid-1", ""]
--- error_code eval
[(200) x 5]
--- response_body_like eval
[(".") x 4, '"clients":\{"anonymous":4,"proven":1,']
