# Benchmarks: bench/NAME.py, each of which writes bench/results/NAME.md.

run_bench() {
    local name=${1:-} file
    local found=

    need_bench
    build_modules

    export BENCH_NGINX BENCH_MODULES
    BENCH_NGINX=$(nginx_binary)
    BENCH_MODULES=$(module_files)

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
