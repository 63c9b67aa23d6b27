# Benchmarks: bench/NAME.py, each of which writes bench/results/NAME.md.

run_bench() {
    local name=${1:-} file
    local found=

    need_bench
    build_modules

    export TEST_NGINX_BINARY TEST_NGINX_LOAD_MODULES
    TEST_NGINX_BINARY=$(nginx_binary)
    TEST_NGINX_LOAD_MODULES=$(module_files)

    for file in bench/*.py; do
        if [ -n "$name" ] && [ "$file" != "bench/$name.py" ]; then
            continue
        fi

        found=yes
        say ""
        say "--- $file"
        PYTHONPATH=bench/lib python3 "$file"
    done

    [ -n "$found" ] || die "no such benchmark: bench/$name.py"
}
