# libFuzzer targets: fuzz/fuzz_TOPIC.c with seeds in fuzz/corpus/TOPIC.  What
# they find is kept in build/fuzz/TOPIC, and is where the next run begins.

INCLUDES="-Ingx_ml_core -Ingx_ml_validate -Ingx_ml_ratelimit -Ingx_ml_infer
          -Ingx_ml_infer/engine -Ingx_ml_infer/engine/plan
          -Ingx_ml_infer/engine/cpu -Ingx_ml_infer/engine/cuda
          -Ingx_ml_infer/engine/fault -It/unit"

C_FLAGS="-std=gnu11 -g -O1 -Wall -Wextra -Werror -Wno-unused-parameter
         -fno-omit-frame-pointer -fno-sanitize-recover=all"


# link_flags FILE: from its line "/* link: -l... */"
link_flags() {
    sed -n 's,^/\* link: \(.*\) \*/$,\1,p' "$1"
}


build_fuzzer() {
    mkdir -p "$BUILD/fuzz/$1"

    clang $C_FLAGS -fsanitize=fuzzer,address,undefined $INCLUDES \
        -o "$BUILD/fuzz/fuzz_$1" "fuzz/fuzz_$1.c" \
        $(link_flags "fuzz/fuzz_$1.c")
}


# run_fuzzer TOPIC SECONDS
run_fuzzer() {
    local log=$BUILD/fuzz/$1.log seeds=fuzz/corpus/$1

    [ -d "$seeds" ] || seeds=

    if "$BUILD/fuzz/fuzz_$1" -max_total_time="$2" -timeout=10 \
           -rss_limit_mb=1024 -verbosity=1 -print_final_stats=1 \
           -artifact_prefix="$BUILD/fuzz/$1-" \
           "$BUILD/fuzz/$1" $seeds >"$log" 2>&1
    then
        say "fuzz_$1: $(sed -n 's/^stat::number_of_executed_units: *//p' \
            "$log") runs, nothing found"
        printf '1 0 0\n' >> "$BUILD/fuzz/results"

    else
        say "fuzz_$1: failed; see build/fuzz/$1.log"
        grep -m1 -E 'ERROR:|runtime error:|Assertion' "$log" || true
        printf '0 1 0\n' >> "$BUILD/fuzz/results"
    fi
}


# fuzz_all SECONDS: the fuzzers share that time on all cores; results, as
# lines "passed failed skipped", in build/fuzz/results
fuzz_all() {
    local topics= topic cores count each

    mkdir -p "$BUILD/fuzz"
    : > "$BUILD/fuzz/results"

    for topic in fuzz/fuzz_*.c; do
        [ -f "$topic" ] || continue

        topic=${topic#fuzz/fuzz_}
        topic=${topic%.c}

        say "compiling fuzz_$topic"

        if build_fuzzer "$topic"; then
            topics="$topics $topic"
        else
            printf '0 1 0\n' >> "$BUILD/fuzz/results"
        fi
    done

    count=$(wc -w <<< "$topics")
    cores=$(nproc)

    if [ "$count" -eq 0 ]; then
        say "no fuzzers"
        return
    fi

    # full rounds of as many as there are cores
    each=$(($1 / ((count + cores - 1) / cores)))

    say "fuzzing:$topics, $each seconds each"

    for topic in $topics; do
        while [ "$(jobs -rp | wc -l)" -ge "$cores" ]; do
            wait -n || true
        done

        run_fuzzer "$topic" "$each" &
    done

    wait
}


run_fuzz() {
    case ${1:-} in
    *[!0-9]* | "")
        die "usage: ./build.sh fuzz SECONDS"
        ;;
    esac

    need_fuzz
    fuzz_all "$1"

    ! grep -qv ' 0 [0-9]*$' "$BUILD/fuzz/results" || die "a fuzzer failed"
}
