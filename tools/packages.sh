# Debian packages: installs what is missing, and nothing else.
#
# Packages that bring a system service (nginx, prometheus) must not start it:
# while apt runs, a policy-rc.d forbids that, unless the machine has its own.

POLICY=/usr/sbin/policy-rc.d


as_root() {
    if [ "$(id -u)" -eq 0 ]; then
        "$@"
    else
        sudo "$@"
    fi
}


# missing PACKAGE...: prints those that are not installed
missing() {
    local package

    for package; do
        if [ "$(dpkg-query -W -f '${db:Status-Status}' "$package" \
                2>/dev/null)" != installed ]
        then
            printf '%s ' "$package"
        fi
    done
}


# need PACKAGE...
need() {
    local packages

    if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null
    then
        say "not a Debian system: expecting the equivalents of: $*"
        return
    fi

    packages=$(missing "$@")

    if [ -z "$packages" ]; then
        return
    fi

    if [ "$(id -u)" -ne 0 ] && ! command -v sudo >/dev/null; then
        die "these packages are missing, and there is neither root nor" \
            "sudo to install them: $packages"
    fi

    say "installing: $packages"

    # a subshell, so that the trap ends with it
    (
        forbidden=

        allow_services() {
            if [ -n "$forbidden" ]; then
                as_root rm -f $POLICY
            fi
        }

        trap allow_services EXIT
        trap 'exit 130' INT TERM

        if [ ! -e $POLICY ]; then
            forbidden=yes
            printf '#!/bin/sh\nexit 101\n' | as_root tee $POLICY >/dev/null
            as_root chmod 755 $POLICY
        fi

        # the package lists may be absent or old: one update, one more try
        apt_install $packages 2>/dev/null \
            || { say "updating the package lists"
                 as_root apt-get -q update >/dev/null \
                     && apt_install $packages; }
    ) || die "apt-get could not install: $packages"
}


apt_install() {
    mkdir -p "$BUILD"

    as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -y \
        --no-install-recommends install "$@" >"$BUILD/apt.log" \
        || { tail -5 "$BUILD/apt.log" >&2; return 1; }
}


need_build() {
    need gcc libc6-dev make libcjson-dev libssl-dev libdnnl-dev zlib1g-dev \
         libpcre2-dev libvectorscan-dev libutf8proc-dev

    if [ -z "${NGINX_SRC:-}" ]; then
        need nginx nginx-dev
    fi
}


need_run() {
    need_build
    need nginx curl
}


need_fuzz() {
    need clang libclang-rt-14-dev llvm libcjson-dev libssl-dev
}


need_test() {
    need_run
    need_fuzz
    need perl procps python3 python3-venv prometheus libnginx-mod-http-echo
}


need_bench() {
    need_run
    need wrk python3 python3-venv g++ libnginx-mod-http-echo \
         libnginx-mod-http-lua lua-cjson libnginx-mod-http-modsecurity \
         modsecurity-crs
}
