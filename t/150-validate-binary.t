# Bodies that are raw elements; for numpy's format see t/oracle/npy_http.py.

use Test::Nginx::Socket 'no_plan';
use Cwd;

$ENV{TEST_NGINX_HTML_DIR} ||= html_dir();
$ENV{TEST_NGINX_ROOT} ||= getcwd();

add_block_preprocessor(sub {
    my ($block) = @_;

    $block->set_value('http_config', <<'END');
    ml_zone ml:1m;
    ml_model identity { file $TEST_NGINX_ROOT/t/models/identity.onnx;
                        batch 8; queue 20; }
END

    $block->set_value('config', <<'END');
    location = /raw {
        ml_validate  schema=$TEST_NGINX_HTML_DIR/rows.json protocol=raw;
        ml_infer     identity;
        add_header   X-Reason $ml_validate_reason always;
    }
    location = /model {
        ml_validate  model=identity protocol=raw;
        ml_infer     identity;
    }
    location = /json {
        ml_validate  schema=$TEST_NGINX_HTML_DIR/rows.json protocol=json;
        ml_infer     identity;
    }
END

    $block->set_value('more_headers',
                      'Content-Type: application/octet-stream')
        unless defined $block->more_headers;

    $block->set_value('user_files', <<'END');
>>> rows.json
{"x-tensor": {"input": "x", "dtype": "float32", "shape": [-1, 4],
              "maxItems": 3, "minimum": -10, "maximum": 10}}
END

});

no_long_string();
run_tests();

__DATA__

=== TEST 1: raw rows
--- request eval
"POST /raw\n" . pack('f<*', 1, 2, 3, 4, -1, 0, 0.5, 10)
--- response_body chomp
{"y":[[1.0,2.0,3.0,4.0],[-1.0,0.0,0.5,10.0]]}



=== TEST 2: as many rows as may be, and one more
--- request eval
["POST /raw\n" . pack('f<*', (1) x 12), "POST /raw\n" . pack('f<*', (1) x 16),
 "POST /raw\n" . pack('f<*', 1, 2, 3)]
--- error_code eval
[200, 422, 422]
--- response_body_like eval
['^\{"y":', '"type":"too_long","loc":\["body"\]', '"type":"value_error"']



=== TEST 3: not a number, and out of bounds, and where
--- request eval
["POST /raw\n" . pack('f<*', 1, 2, 3, 4, 1, 2)  . pack('V', 0x7fc00000)
               . pack('f<*', 4),
 "POST /raw\n" . pack('f<*', 1, 11, 3, 4)]
--- error_code eval
[422, 422]
--- response_body_like eval
['"type":"finite_number","loc":\["body",1,2\]',
 '"type":"less_than_equal","loc":\["body",0,1\]']
--- response_headers eval
["X-Reason: finite_number", "X-Reason: less_than_equal"]



=== TEST 4: another format is another media type
--- request eval
["POST /json\n[[1, 2, 3, 4]]", "POST /raw"]
--- error_code eval
[415, 422]
--- response_body_like eval
["", '"type":"missing"']



=== TEST 5: JSON, with a root that is a tensor
--- more_headers
Content-Type: application/json
--- request eval
["POST /json\n[[1, 2, 3, 4]]", "POST /raw\n[[1, 2, 3, 4]]"]
--- error_code eval
[200, 415]



=== TEST 6: the contract is the model's
--- request eval
["POST /model\n" . pack('f<*', 1, 2, 3, 40), "POST /model\n" . 'abcd' x 3]
--- error_code eval
[200, 422]
--- response_body_like eval
['^\{"y":\[\[1.0,2.0,3.0,40.0\]\]\}', "cut off"]
