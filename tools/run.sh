# nginx in the foreground with examples/nginx.conf, as a private instance:
# everything it reads and writes is below build/run/PORT.

run_prepare() {
    local prefix=$1 port=$2 file

    mkdir -p "$prefix/conf" "$prefix/logs" "$prefix/temp"
    ln -sfn "$ROOT/modules" "$prefix/modules"
    ln -sfn "$ROOT/modules" "$prefix/conf/modules"

    for file in examples/*; do
        ln -sfn "$ROOT/$file" "$prefix/conf/${file#examples/}"
    done

    rm -f "$prefix/conf/nginx.conf"
    sed "s/127\.0\.0\.1:8000/127.0.0.1:$port/" examples/nginx.conf \
        > "$prefix/conf/nginx.conf"
}


# Workers run as the owner of this tree, who can read it wherever it stands.
run_globals() {
    printf 'daemon off; pid logs/nginx.pid; lock_file logs/nginx.lock;'

    if [ "$(id -u)" -eq 0 ]; then
        printf ' user %s;' "$(stat -c '%U %G' .)"
    fi
}


port_taken() {
    (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null
}


run_hint() {
    cat <<HINT

nginx is running on http://127.0.0.1:$1 (Ctrl-C stops it).  Try:

curl -X POST http://localhost:$1/predict \\
  -H "Content-Type: application/json" \\
  -d '{"features": [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0, 10.0], \
"request_id": "req_001"}'

curl -X POST http://localhost:$1/predict \\
  -H "Content-Type: application/json" \\
  -d '{"features": [1.0, 2.0]}'

curl http://localhost:$1/health

HINT
}


run_nginx() {
    local port=${PORT:-8000} prefix nginx pid status=0

    case $port in
    *[!0-9]* | "")
        die "PORT=$port is not a number"
        ;;
    esac

    if port_taken "$port"; then
        die "port $port is taken; PORT=N ./build.sh run uses another one"
    fi

    need_run
    build_modules

    prefix=$BUILD/run/$port
    nginx=$(nginx_binary)

    run_prepare "$prefix" "$port"

    "$nginx" -e stderr -p "$prefix/" -c conf/nginx.conf -g "$(run_globals)" \
        -t -q || die "the configuration does not load"

    "$nginx" -e stderr -p "$prefix/" -c conf/nginx.conf \
        -g "$(run_globals)" &
    pid=$!

    # Ctrl-C reaches nginx by itself; a signal to this script does not
    trap 'kill -TERM $pid 2>/dev/null' INT TERM HUP EXIT

    while kill -0 $pid 2>/dev/null && ! port_taken "$port"; do
        sleep 0.05
    done

    if kill -0 $pid 2>/dev/null; then
        run_hint "$port"
    fi

    # wait returns early when a signal comes
    while kill -0 $pid 2>/dev/null; do
        wait $pid && status=0 || status=$?
    done

    trap - INT TERM HUP EXIT

    return $status
}
