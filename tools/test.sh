# Everything that can be checked.  Each check appends lines
# "passed failed skipped" to build/test/results, which the totals are made of.

. tools/run.sh
. tools/fuzz.sh

RESULTS=$BUILD/test/results


result() {
    printf '%s %s %s\n' "$@" >> "$RESULTS"
}


# pass_or_fail TEXT COMMAND...
pass_or_fail() {
    local text=$1
    shift

    if "$@"; then
        result 1 0 0
    else
        say "failed: $text"
        result 0 1 0
    fi
}


skip() {
    say "skipped: $*"
    result 0 0 1
}


our_files() {
    find build.sh config ngx_ml_* check t tools bench fuzz examples .ci \
        -path '*/corpus' -prune -o -name 'servroot*' -prune -o \
        -name __pycache__ -prune -o -type f \( "$@" \) -print
}


style_of() {
    local file=$1 ok=0

    if [ "$(wc -l < "$file")" -gt 800 ]; then
        say "$file: longer than 800 lines"
        ok=1
    fi

    case $file in
    *.t)
        ;;
    *)
        ! grep -nHP '\t' "$file" || ok=1
        ! grep -nHP ' +$' "$file" || ok=1
        ! LC_ALL=C.UTF-8 grep -nHE '^.{81}' "$file" || ok=1
        ;;
    esac

    return $ok
}


test_style() {
    local file

    for file in $(our_files -name '*.[ch]' -o -name '*.cu' -o -name '*.cuh' \
                  -o -name '*.sh' -o -name '*.p[lmy]' -o -name '*.t' \
                  -o -name config)
    do
        pass_or_fail "style of $file" style_of "$file"
    done
}


exports_three() {
    local names
    names=$(nm -D --defined-only "$1" | awk '{ print $3 }' | LC_ALL=C sort)

    [ "$names" = "$(printf 'ngx_module%s\n' _names _order s)" ]
}


# The inference library and its kin belong to the backends.
links_light() {
    local light='c|m|dl|pthread|cjson|crypto|pcre2-8|z|hs|utf8proc'

    [ -f "$1" ] && ! readelf -d "$1" | grep NEEDED \
        | grep -vE "lib($light)\.so|ld-linux"
}


test_exports() {
    local module

    for module in $MODULES; do
        pass_or_fail "$module.so exports nginx's three arrays only" \
            exports_three "modules/$module.so"
        pass_or_fail "$module.so links light libraries only" \
            links_light "modules/$module.so"
    done
}


# unit_test FILE: compiles and runs it, buffering what it says
unit_test() {
    local name log line
    name=$(basename "$1" .c)
    log=$BUILD/test/$name.log

    if ! clang $C_FLAGS -fsanitize=address,undefined $INCLUDES \
            -o "$BUILD/test/$name" "$1" $(link_flags "$1") >"$log" 2>&1
    then
        say "$1: does not compile"
        head -20 "$log"
        result 0 1 0
        return
    fi

    if timeout 300 "$BUILD/test/$name" >"$log" 2>&1; then
        line=$(tail -1 "$log")
    else
        line="exit status $?: $(tail -1 "$log")"
    fi

    count_line "$1" "$line" "$log"
}


# count_line NAME LINE LOG: LINE should be "N passed, N failed[, N skipped]"
count_line() {
    local name=$1 line=$2 log=$3 number='([0-9]+)'

    say "$name: $line"

    if [[ $line =~ ^$number\ passed,\ $number\ failed(,\ $number\ skipped)?$ ]]
    then
        result "${BASH_REMATCH[1]}" "${BASH_REMATCH[2]}" \
               "${BASH_REMATCH[4]:-0}"

        if [ "${BASH_REMATCH[2]}" -eq 0 ]; then
            return
        fi

    else
        result 0 1 0
    fi

    sed 's/^/    /' "$log" | tail -40
}


# parallel COMMAND ITEM...: as many at once as there are cores
parallel() {
    local command=$1 item
    shift

    for item; do
        while [ "$(jobs -rp | wc -l)" -ge "$(nproc)" ]; do
            wait -n || true
        done

        $command "$item" &
    done

    wait
}


test_units() {
    parallel unit_test "$@"
}


genuine_test_nginx() {
    perl -MTest::Nginx::Socket -e 1 2>/dev/null
}


prove_http1() {
    TEST_NGINX_RANDOMIZE=1 \
        perl tools/tap.pl "$RESULTS" "$1" "" $T_LIBRARY
}


prove_http2() {
    TEST_NGINX_RANDOMIZE=1 TEST_NGINX_USE_HTTP2=1 \
        perl tools/tap.pl "$RESULTS" "$1" " over HTTP/2" $T_LIBRARY
}


test_nginx() {
    T_LIBRARY=t/lib

    if genuine_test_nginx; then
        T_LIBRARY=
    fi

    parallel prove_http1 "$@"
    parallel prove_http2 "$@"
}


# script_test FILE: a program that ends with a line of totals; exit status 77
# says that it cannot run here, and its last line says why
script_test() {
    local log status=0 line
    log=$BUILD/test/$(basename "$1").log

    timeout 600 "${PYTHON:-python3}" "$1" >"$log" 2>&1 || status=$?
    line=$(tail -1 "$log")

    if [ $status -eq 77 ]; then
        skip "$1: $line"
        return
    fi

    if [ $status -ne 0 ] && ! [[ $line =~ \ [1-9][0-9]*\ failed ]]; then
        line="exit status $status"
    fi

    count_line "$1" "$line" "$log"
}


test_scripts() {
    local file

    for file; do
        script_test "$file"
    done
}


# The reference implementations, from PyPI, in an environment of their own.
make_venv() {
    local venv=$BUILD/venv stamp
    stamp=$(sha256sum < t/requirements.txt)

    if [ "$stamp" = "$(cat "$venv/stamp" 2>/dev/null)" ]; then
        return
    fi

    say "installing the reference implementations into build/venv"

    python3 -m venv "$venv" \
        && "$venv/bin/pip" install -q --disable-pip-version-check \
               -r t/requirements.txt >"$BUILD/test/pip.log" 2>&1 \
        && printf '%s\n' "$stamp" > "$venv/stamp"
}


test_oracles() {
    if ! make_venv; then
        skip "$*: $(tail -1 "$BUILD/test/pip.log")"
        return
    fi

    PYTHON=$BUILD/venv/bin/python test_scripts "$@"
}


# The example as ./build.sh run starts it, after a request of each kind.
metrics_are_clean() {
    local port=$1 body

    body='{"features":[1,2,3,4,5,6,7,8,9,10]}'
    curl -s -o /dev/null -H 'Content-Type: application/json' -d "$body" \
        "http://127.0.0.1:$port/predict"
    curl -s -o /dev/null -H 'Content-Type: application/json' -d '{' \
        "http://127.0.0.1:$port/predict"
    curl -s "http://127.0.0.1:$port/metrics" > "$BUILD/test/metrics"

    grep -q '^ml_requests_total' "$BUILD/test/metrics" \
        && promtool check metrics < "$BUILD/test/metrics" \
               >"$BUILD/test/promtool.log" 2>&1 \
        && [ ! -s "$BUILD/test/promtool.log" ] \
        || { cat "$BUILD/test/promtool.log" 2>/dev/null; return 1; }
}


test_metrics() {
    local port=18127 prefix=$BUILD/run/metrics nginx
    nginx=$(nginx_binary)

    while port_taken $port; do
        port=$((port + 1))
    done

    run_prepare "$prefix" $port

    if ! "$nginx" -e stderr -p "$prefix/" -c conf/nginx.conf \
            -g "$(run_globals | sed 's/daemon off;//')"
    then
        say "failed: examples/nginx.conf does not load"
        result 0 1 0
        return
    fi

    pass_or_fail "promtool check metrics" metrics_are_clean $port

    kill -QUIT "$(cat "$prefix/logs/nginx.pid")"
}


# bench/gpu_check itself, with the CPU in the place of the GPU
test_gpu_check() {
    local log=$BUILD/test/gpu_check.log line

    if ! has_cuda; then
        skip "the CUDA backend is not compiled: no nvcc"
    fi

    if ! OUT=$BUILD CC=$CC bench/gpu_check --quick --build "$(build_id)" \
            --backend modules/ngx_ml_backend_cpu.so >"$log" 2>&1 \
        && ! grep -q ' [1-9][0-9]* failed' "$log"
    then
        result 0 1 0
        tail -20 "$log"
    fi

    while read -r line; do
        count_line "bench/gpu_check on the CPU" "$line" "$log"
    done < <(grep -E '^[0-9]+ passed, [0-9]+ failed, ' "$log")
}


test_fuzzers() {
    fuzz_all "${FUZZ_SECONDS:-180}"
    cat "$BUILD/fuzz/results" >> "$RESULTS"
}


# The one line of totals; false when anything failed.
totals() {
    awk '{ passed += $1; failed += $2; skipped += $3 }
         END { printf "%d passed, %d failed, %d skipped\n",
                      passed, failed, skipped
               exit failed > 0 || passed == 0 }' "$RESULTS"
}


test_environment() {
    mkdir -p "$BUILD/test"
    : > "$RESULTS"

    export TEST_NGINX_BINARY TEST_NGINX_LOAD_MODULES
    TEST_NGINX_BINARY=$(nginx_binary)
    TEST_NGINX_LOAD_MODULES=$(module_files "${1:-$ROOT/modules}")

    # the tests' own; a caller's would get in the way
    unset TEST_NGINX_USE_HTTP2 TEST_NGINX_PORT TEST_NGINX_SERVER_PORT
}


# existing PATTERN...: those that exist, so that an empty folder is no error
existing() {
    compgen -G "$1" || true
}


step() {
    say ""
    say "--- $1"
    shift
    "$@"
}


run_tests() {
    need_test
    build_modules
    test_environment

    if [ $# -gt 0 ]; then
        run_named_tests "$@"
        totals
        return
    fi

    step "style" test_style
    step "exports" test_exports
    step "unit tests" test_units $(existing 't/unit/test_*.c')
    step "t/*.t" test_nginx $(existing 't/*.t')
    step "processes" test_scripts $(existing 't/process/[0-9]*.py')
    step "reference implementations" test_oracles $(existing 't/oracle/*.py')
    step "gpu_check" test_gpu_check
    step "metrics" test_metrics
    step "fuzzers" test_fuzzers

    say ""
    totals
}


run_named_tests() {
    local file

    for file; do
        [ -f "$file" ] || die "no such test: $file"

        case $file in
        *.t)
            test_nginx "$file"
            ;;
        *.c)
            test_units "$file"
            ;;
        *oracle/*.py)
            test_oracles "$file"
            ;;
        *.py)
            test_scripts "$file"
            ;;
        *)
            die "not a test: $file"
            ;;
        esac
    done
}
