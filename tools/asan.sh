# nginx from the distribution's source package, and the modules, with
# AddressSanitizer and UndefinedBehaviorSanitizer; t/*.t and t/process under
# them.
#
# Leak detection is off: nginx frees its cycle's memory with the process.
# What nginx itself does that UBSan reports is listed, each with its reason,
# in t/ubsan.supp.

ASAN=$BUILD/asan


# The Debian archives this machine uses, as source archives, in lists of our
# own: nothing in /etc/apt or /var/lib/apt changes.
source_lists() {
    apt-get indextargets --format '$(REPO_URI) $(CODENAME) $(COMPONENT)' \
            'Created-By: Packages' 'Origin: Debian' | sort -u \
        | while read -r uri release component; do
            case $uri in
            *security*)
                case $release in
                *-security) ;;
                *) release=$release-security ;;
                esac
                ;;
            esac

            printf 'deb-src %s %s %s\n' "$uri" "$release" "$component"
        done
}


# apt_here apt-get|apt-cache ARGUMENT...
apt_here() {
    local command=$1
    shift

    "$command" -q -o Dir::Etc::SourceList="$ASAN/sources.list" \
        -o Dir::Etc::SourceParts=/dev/null \
        -o Dir::State::Lists="$ASAN/lists" \
        -o Dir::Cache="$ASAN/cache" -o APT::Sandbox::User= "$@"
}


# The installed version first; where the archive no longer has it, another of
# the same release, newest first.
source_versions() {
    dpkg-query -W -f '${Version}\n' nginx
    apt_here apt-cache showsrc nginx 2>/dev/null \
        | sed -n 's/^Version: //p' | sort -rV
}


# Leaves the patched tree in $ASAN/nginx.
fetch_nginx() {
    local version

    if [ -d "$ASAN/nginx" ]; then
        return
    fi

    rm -rf "$ASAN"
    mkdir -p "$ASAN/lists/partial" "$ASAN/cache/archives/partial"
    source_lists > "$ASAN/sources.list"

    apt_here apt-get update >"$BUILD/apt.log" 2>&1 \
        || die "cannot read the lists of the source archives"

    for version in $(source_versions | awk '!seen[$0]++'); do
        say "fetching the sources of nginx $version"

        if (cd "$ASAN" && apt_here apt-get --download-only source \
                "nginx=$version") >>"$BUILD/apt.log" 2>&1
        then
            dpkg-source --no-check -x "$ASAN/nginx_${version#*:}.dsc" \
                "$ASAN/nginx" >>"$BUILD/apt.log" 2>&1 \
                || die "cannot unpack the sources of nginx $version"
            return
        fi
    done

    tail -5 "$BUILD/apt.log" >&2
    die "cannot fetch the sources of nginx"
}


run_asan() {
    local reports file runtime

    need_test
    need dpkg-dev
    fetch_nginx

    NGINX_SRC=$ASAN/nginx
    # its runtime is one for both sanitizers; gcc's two do not share a log
    CC=clang

    # private aliases: every nginx module exports arrays of the same names
    CC_OPT="-g -O1 -fPIC -fno-omit-frame-pointer
        -fsanitize=address,undefined -fsanitize-recover=undefined
        -mllvm -asan-use-private-alias=1 -Wno-conditional-uninitialized"
    runtime=$(clang -print-file-name=libclang_rt.asan-$(uname -m).so)
    LD_OPT="-fsanitize=address,undefined -shared-libasan"
    LD_OPT="$LD_OPT -Wl,-rpath,$(dirname "$runtime")"
    BACKEND_CFLAGS="-g -O1 $LD_OPT"
    use_nginx_dir "$ASAN/build"

    build_modules "$ASAN/modules"
    test_environment "$ASAN/modules"

    rm -rf "$ASAN/reports"
    mkdir -p "$ASAN/reports"

    # slower by an order of magnitude
    export TEST_NGINX_TIMEOUT=10 TEST_NGINX_SLEEP=0.05
    export ASAN_OPTIONS="detect_leaks=0:log_path=$ASAN/reports/asan"
    export UBSAN_OPTIONS="suppressions=$ROOT/t/ubsan.supp"
    UBSAN_OPTIONS="$UBSAN_OPTIONS:print_stacktrace=1"
    UBSAN_OPTIONS="$UBSAN_OPTIONS:log_path=$ASAN/reports/ubsan"

    if [ $# -gt 0 ]; then
        step "under ASan and UBSan" run_named_tests "$@"
    else
        step "t/*.t under ASan and UBSan" test_nginx $(existing 't/*.t')

        # but for the one that builds anew
        step "processes under ASan and UBSan" \
            test_scripts $(existing 't/process/[0-9]*.py' | grep -v _run.py)
    fi

    reports=$(find "$ASAN/reports" -type f -size +0 | sort)

    for file in $reports; do
        say ""
        say "--- $file"
        head -40 "$file"
        result 0 1 0
    done

    pass_or_fail "no sanitizer report" test -z "$reports"

    say ""
    totals
}
