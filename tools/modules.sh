# The four modules, built by nginx's own configure and make.
#
# nginx's sources are copied to build/nginx/src, because configure writes into
# the tree it runs in.  configure runs again only when the set of our files,
# the flags or nginx changed; after that make compiles only what changed.
#
# Flags: those of the distribution's nginx, whose --with-compat makes the
# signature match.  nginx itself adds -W -Wall -Wpointer-arith -Werror.

ML_SOURCES="ngx_ml_core ngx_ml_validate ngx_ml_ratelimit ngx_ml_infer"

CC_OPT=${CC_OPT:-"-g -O2 -fPIC -fstack-protector-strong -Wformat
    -Werror=format-security -Wdate-time -D_FORTIFY_SOURCE=2"}
LD_OPT=${LD_OPT:-"-Wl,-z,relro -Wl,-z,now -fPIC"}
BACKEND_CFLAGS="-g -Werror -fstack-protector-strong"

# for a source tree that has no conf_flags of a distribution
NGX_FLAGS="--with-compat --with-debug --with-pcre-jit --with-threads
    --with-http_ssl_module --with-http_v2_module --with-http_realip_module
    --with-http_auth_request_module --with-http_addition_module
    --with-http_sub_module --with-http_stub_status_module"


# use_nginx_dir DIR: where nginx is built and its binary is found
use_nginx_dir() {
    NGX_BUILD=$1
    NGX_OBJS=$NGX_BUILD/objs
}


if [ -n "${NGINX_SRC:-}" ]; then
    [ -f "$NGINX_SRC/src/core/nginx.h" ] \
        || die "NGINX_SRC=$NGINX_SRC is not an nginx source tree"

    NGINX_SRC=$(readlink -f "$NGINX_SRC")
    use_nginx_dir "$BUILD/nginx-$(printf %s "$NGINX_SRC" \
                                  | cksum | cut -d' ' -f1)"
else
    use_nginx_dir "$BUILD/nginx"
fi


ml_files() {
    find $ML_SOURCES config ngx_ml.map -path '*/engine/*/*' -prune -o \
        -type f \( -name '*.[ch]' -o -name config -o -name ngx_ml.map \) \
        -print | LC_ALL=C sort
}


# Whether nginx itself can be built: the -dev package has headers only.
has_nginx_sources() {
    [ -f "$1/src/core/nginx.c" ]
}


configure_nginx() {
    local src=${NGINX_SRC:-/usr/share/nginx/src} stamp flags configure

    [ -f "$src/src/core/nginx.h" ] \
        || die "$src has no nginx sources: is nginx-dev installed?"

    if [ -f "$src/conf_flags" ]; then
        . "$src/conf_flags"
        flags=("${NGX_CONF_FLAGS[@]}")
    else
        flags=($NGX_FLAGS)
    fi

    stamp=$({ ml_files; cat config; printf '%s\n' "$src" "$CC" "$CC_OPT" \
              "$LD_OPT" "${flags[@]}"; $CC --version | head -1
              cat "$src/src/core/nginx.h"
              find "$src/src" "$src/auto" -newer "$NGX_BUILD/stamp" \
                  -type f 2>/dev/null || true; } | sha256sum | cut -c1-32)

    if [ "$stamp" = "$(cat "$NGX_BUILD/stamp" 2>/dev/null)" ]; then
        return
    fi

    say "configuring nginx $(sed -n 's/.*NGINX_VERSION  *"\(.*\)"/\1/p' \
        "$src/src/core/nginx.h")"

    rm -rf "$NGX_BUILD"
    mkdir -p "$NGX_BUILD/src"
    tar -C "$src" --exclude=./.git --exclude=./.hg --exclude=./objs -cf - . \
        | tar -C "$NGX_BUILD/src" --no-same-owner -xf -

    configure=configure
    if [ ! -f "$NGX_BUILD/src/configure" ]; then
        configure=auto/configure
    fi

    (
        export NGX_ML_BUILD=$(build_id)

        cd "$NGX_BUILD/src"
        sh ./$configure --builddir="$NGX_OBJS" \
            --with-cc="$CC" \
            --with-cc-opt="$(printf %s "$CC_OPT" | tr -s '\n ' ' ')" \
            --with-ld-opt="$LD_OPT" "${flags[@]}" \
            --add-dynamic-module="$ROOT" >"$NGX_BUILD/configure.log" 2>&1
    ) || {
        tail -4 "$NGX_BUILD/configure.log" >&2
        die "nginx's configure failed; see $NGX_BUILD/configure.log"
    }

    printf '%s\n' "$stamp" > "$NGX_BUILD/stamp"
}


# One identity for the files of one build: what they are made of.
build_id() {
    { ml_files | xargs cat; cat ngx_ml_infer/engine/*/*
      printf '%s ' $CC "$CC_OPT" "$LD_OPT"; } | sha256sum | cut -c1-16
}


# In a file of its own, so that a change of one source does not compile all of
# them again.
write_build_id() {
    local new="const char  ngx_http_ml_build[] = \"$(build_id)\";"

    if [ "$new" != "$(cat "$NGX_OBJS/ngx_ml_build.c" 2>/dev/null)" ]; then
        printf '%s\n' "$new" > "$NGX_OBJS/ngx_ml_build.c"
    fi
}


make_modules() {
    local targets=modules

    if has_nginx_sources "$NGX_BUILD/src"; then
        targets="binary modules"
    fi

    write_build_id

    say "compiling"
    make -s -k -j"$(nproc)" -C "$NGX_BUILD/src" -f "$NGX_OBJS/Makefile" \
        $targets
}


# install_module FILE: a new inode, as a running nginx may have the old mapped
install_module() {
    local to
    to=$OUT/$(basename "$1")

    if ! cmp -s "$1" "$to"; then
        cp "$1" "$to.new"
        mv "$to.new" "$to"
    fi
}


# build_modules [OUT]: the four modules, the backends and ml_check into OUT
build_modules() {
    local module failed=

    OUT=${1:-$ROOT/modules}
    mkdir -p "$OUT" "$BUILD"

    command -v "${CC%% *}" >/dev/null || die "no C compiler: $CC"
    command -v make >/dev/null || die "no make"

    # two builds at once would write the same objects
    exec 9>"$BUILD/lock"
    flock 9

    configure_nginx
    make_modules || failed=yes

    for module in $MODULES; do
        if [ -f "$NGX_OBJS/$module.so" ]; then
            install_module "$NGX_OBJS/$module.so"
        else
            rm -f "$OUT/$module.so"
        fi
    done

    build_backends || failed=yes
    build_check || failed=yes

    exec 9>&-

    if [ -n "$failed" ]; then
        die "the build failed"
    fi

    say "built: $OUT"
}


build_backends() {
    build_backend cpu && build_backend fault || return 1

    if has_cuda; then
        build_backend cuda
    else
        say "no nvcc of CUDA 12 or later with cuBLAS:" \
            "the CUDA backend is not built"
        rm -f "$OUT/ngx_ml_backend_cuda.so"
    fi
}


# ml_check, of the files that know nothing of nginx
build_check() {
    local sources

    sources="check/ml_check.c $(echo ngx_ml_validate/ml_*.c)
             $(echo ngx_ml_infer/engine/ml_*.c)
             $(printf 'ngx_ml_core/ml_%s.c ' error oip text tensor \
                      siphash)"

    if [ -f "$OUT/ml_check" ] \
        && [ -z "$(find check ngx_ml_validate ngx_ml_core ngx_ml_infer/engine \
                       -newer "$OUT/ml_check" -name '*.[ch]')" ]
    then
        return
    fi

    say "compiling ml_check"

    $CC $CC_OPT $LD_OPT -Wall -Wextra -Wno-unused-parameter -Werror \
        -fPIE -pie -Ingx_ml_core -Ingx_ml_validate -Ingx_ml_infer/engine \
        -o "$OUT/ml_check.new" $sources -lm -lpcre2-8 -lz -lhs -lutf8proc \
        -ldl -lpthread \
        || return 1

    mv "$OUT/ml_check.new" "$OUT/ml_check"
}


has_cuda() {
    printf '#include <cuda.h>\n#include <cublasLt.h>\n%s\n' \
        '#if CUDA_VERSION < 12000' '#error' '#endif' \
        | PATH=$PATH:/usr/local/cuda/bin nvcc -x cu -E - >/dev/null 2>&1
}


# build_backend NAME: ngx_ml_backend_NAME.so, of the modules' build
build_backend() {
    local backend=$OUT/ngx_ml_backend_$1.so id
    id=$(build_id)

    if [ -f "$backend" ] && grep -qF "$id" "$backend"; then
        return
    fi

    say "compiling the $1 backend"

    CC=$CC CFLAGS="$BACKEND_CFLAGS" NGX_ML_BUILD=$id \
        bash "ngx_ml_infer/engine/$1/build.sh" "$backend.new" || return 1

    mv "$backend.new" "$backend"
}


# The nginx to run: the one built beside the modules, else the distribution's.
nginx_binary() {
    if [ -x "$NGX_OBJS/nginx" ]; then
        printf %s "$NGX_OBJS/nginx"
        return
    fi

    command -v nginx || PATH=$PATH:/usr/sbin command -v nginx \
        || die "no nginx binary"
}


# The modules, in the form of TEST_NGINX_LOAD_MODULES.
module_files() {
    printf "${1:-$ROOT/modules}/%s.so " $MODULES | sed 's/ $//'
}
