#!/bin/bash
#
# Builds, runs and tests ngx_ml.  "./build.sh help" lists the commands.
#
# Everything made here goes into build/ and modules/.  /etc/nginx, the
# distribution's nginx sources and the tree behind NGINX_SRC are only read.

set -euo pipefail

cd "$(dirname "$(readlink -f "$0")")"

ROOT=$PWD
BUILD=$ROOT/build
MODULES="ngx_http_ml_module ngx_http_ml_validate_module
         ngx_http_ml_ratelimit_module ngx_http_ml_infer_module"

# the compiler of the distribution's nginx, unless the caller chose another
CC=${CC:-gcc}


usage() {
    cat <<USAGE
Usage: ./build.sh [COMMAND]

  (none)         build the modules and ml_check into modules/
  run            build, and run nginx with examples/nginx.conf on
                 127.0.0.1:8000 until Ctrl-C; PORT=N chooses another port
  test [FILE]    build and run every test, or the named ones only:
                 t/*.t, t/unit/*.c, t/process/*.py, t/oracle/*.py
  asan           build nginx and the modules with AddressSanitizer and
                 UndefinedBehaviorSanitizer, and run t/ under them
  fuzz SECONDS   run all fuzzers, sharing that much time
  bench [NAME]   run all benchmarks in bench/, or the named one
  clean          remove build/ and the built modules
  help           print this

  NGINX_SRC=DIR    build nginx and the modules from this nginx source tree
                 instead of the distribution's nginx-dev package
  CC=COMMAND     the compiler; gcc

Missing Debian packages are installed as needed, with sudo if not root.
USAGE
}


say() {
    printf '%s\n' "$*"
}


die() {
    printf 'build.sh: %s\n' "$*" >&2
    exit 1
}


. tools/packages.sh
. tools/modules.sh


clean() {
    rm -rf "$BUILD"
    rm -f modules/*.so modules/ml_check
}


command=${1:-build}

if [ $# -gt 0 ]; then
    shift
fi

case $command in
build)
    need_build
    build_modules
    ;;
run)
    . tools/run.sh
    run_nginx
    ;;
test)
    . tools/test.sh
    run_tests "$@"
    ;;
asan)
    . tools/test.sh
    . tools/asan.sh
    run_asan "$@"
    ;;
fuzz)
    . tools/fuzz.sh
    run_fuzz "${1:-}"
    ;;
bench)
    . tools/bench.sh
    run_bench "${1:-}"
    ;;
clean)
    clean
    ;;
help | -h | --help)
    usage
    ;;
*)
    usage >&2
    die "unknown command \"$command\""
    ;;
esac
