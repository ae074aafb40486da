# shellcheck shell=bash disable=SC2034 # used by those who source it
# page.bash -- a relay that shows its page, and couriers with curl, for scenarios.

# page_ready: a site that the relay knows, and a token for the courier alice in $token.
page_ready() {
    ready
    port=$(free_port)
    base=http://127.0.0.1:$port
    printf '[page]\nenabled = yes\nport = %s\n' "$port" >>relay/etc/gapferry/relay.conf
    token=$(R couriers add alice --json | jq -r .token)
}

enroll() { gives 0 R approve --card "$STATE/keys/card" "$(A card --fingerprint)"; }

page_start() {
    "$BIN/gapferry-relay" --root relay run 2>>run.log 3>&- &
    RUN=$!
    local i
    for ((i = 0; i < 300; i++)); do
        ! curl -skf -o /dev/null "$base/healthz" || return 0
        kill -0 "$RUN" 2>/dev/null || break
        sleep 0.1
    done
    fail "the page is not shown: $(cat run.log)"
}

page_stop() { # [SIGNAL]
    [ -n "${RUN:-}" ] || return 0
    kill -"${1:-TERM}" "$RUN" 2>/dev/null || true
    wait "$RUN" || true
    RUN=
}

# bundle: what the site would carry, written to its outbox now; its path is in $bundle.
bundle() {
    A export >/dev/null
    bundle=$(find "$STATE/outbox" -name '*.gfb' -printf '%T@ %p\n' | sort -n | tail -n 1 | cut -d' ' -f2-)
    [ -n "$bundle" ] || fail "nothing to carry"
}

# visit PATH [CURL OPTION]...: $code and the file `page` are the reply; $where the last one led to. Each courier has
# a jar of his own (JAR).
visit() {
    local path=$1
    shift
    rm -f page
    code=$(curl -s -b "${JAR:-jar}" -c "${JAR:-jar}" -o page -D head -w '%{http_code}' "$@" "$base$path") || true
    local to
    to=$(sed -nE 's/^Location: ([^\r]*)\r?$/\1/p' head)
    where=${to:-$where}
    [ -e page ] || : >page
}

proof() { sed -nE 's/.*name="csrf" value="([0-9a-f]{64})".*/\1/p' page | head -n 1; }

answers() { # CODE [TEXT]...
    [ "$code" = "$1" ] || fail "HTTP $code, not $1: $(cat page) $(tail -n 5 run.log)" || return
    shift
    shows "$@"
}

shows() { # TEXT...
    local text
    for text; do
        grep -qF -- "$text" page || fail "does not show \"$text\": $(cat page)" || return
    done
}

login() { # [TOKEN]
    visit /login
    visit /login --data-urlencode "csrf=$(proof)" --data-urlencode "token=${1:-$token}"
}

# upload FILE...: as a browser does it.
upload() {
    local file args=()
    visit /
    args=(-F "csrf=$(proof)")
    for file; do args+=(-F "file=@$file;type=application/octet-stream"); done
    visit /upload "${args[@]}"
}

# looked [PATH]: go there until the relay has looked into the bundle, or taken it in.
looked() {
    local i
    for ((i = 0; i < 100; i++)); do
        visit "${1:-$where}"
        grep -q 'reloads by itself' page || return 0
        sleep 0.1
    done
    fail "the relay does not look: $(cat page run.log)"
}

press() { # confirm|discard ROW
    visit "/bundle/$2"
    visit "/bundle/$2/$1" --data-urlencode "csrf=$(proof)"
}
