# The contract of a location, derived of its model.

use Test::Nginx::Socket 'no_plan';
use Cwd;

$ENV{TEST_NGINX_HTML_DIR} ||= html_dir();
$ENV{TEST_NGINX_ROOT} ||= getcwd();

add_block_preprocessor(sub {
    my ($block) = @_;

    $block->set_value('http_config', <<'END');
    ml_zone ml:1m;
    ml_model one { file $TEST_NGINX_ROOT/t/models/identity.onnx;
                   batch 2; queue 2; }
    ml_model two { file $TEST_NGINX_ROOT/t/models/two-inputs.onnx; }
END

    $block->set_value('config', <<'END');
    location = /one {
        ml_validate  model=one;
        ml_infer     one;
    }
    location = /few {
        ml_validate         model=one;
        ml_validate_limits  elements=11;
        ml_infer            one;
    }
    location = /two {
        ml_validate  model=two;
        ml_infer     two;
    }
END

    $block->set_value('more_headers', 'Content-Type: application/json');
});

no_long_string();
run_tests();

__DATA__

=== TEST 1: names, shapes and rows are the model's
--- request eval
['POST /one
{"x": [[1, 2, 3, 4]]}', 'POST /one
{"x": [[1, 2, 3]]}', 'POST /one
{"y": [[1, 2, 3, 4]]}', 'POST /one
{"x": [[1, 2, 3, 4]], "more": 1}', 'POST /one
{"x": [1, 2, 3, 4]}']
--- error_code eval
[200, 422, 422, 422, 422]
--- response_body_like eval
['^\{"y":\[\[1.0,2.0,3.0,4.0\]\]\}', '"too_short"', '"loc":\["body","y"\]',
 '"extra_forbidden"', '"list_type"']



=== TEST 2: as many rows as the queue has room for, and one more
--- request eval
['POST /one
{"x": [' . join(',', ('[1,2,3,4]') x 4) . ']}', 'POST /one
{"x": [' . join(',', ('[1,2,3,4]') x 5) . ']}']
--- error_code eval
[200, 422]
--- response_body_like eval
['"y"', 'at most 4 items']



=== TEST 3: as many rows as the limits of elements allow
--- request eval
['POST /few
{"x": [' . join(',', ('[1,2,3,4]') x 2) . ']}', 'POST /few
{"x": [' . join(',', ('[1,2,3,4]') x 3) . ']}']
--- error_code eval
[200, 422]
--- response_body_like eval
['"y"', 'at most 2 items']
