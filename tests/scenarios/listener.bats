# listener.bats -- the relay's `run` and its listener from outside, with curl as the courier.
# shellcheck disable=SC2030,SC2031 # each test is a shell of its own

# shellcheck source=tests/scenarios/trip.bash
source "$BATS_TEST_DIRNAME/trip.bash"

setup() {
    cd "$BATS_TEST_TMPDIR" || return
    ready
    port=$(free_port)
    base=http://127.0.0.1:$port
    printf '[listen]\naddress = 127.0.0.1\nport = %s\n' "$port" >>relay/etc/gapferry/relay.conf
}

teardown() {
    relay_stop KILL
    vendor_stop
    local place
    for place in "$RSTATE" "$RSTATE.full"; do # what a test that failed has left mounted
        if mountpoint -q "$place"; then umount -l "$place"; fi
    done
}

# ---- the relay ----

relay_start() { # [SECONDS to wait]
    "$BIN/gapferry-relay" --root relay run 2>>run.log 3>&- &
    RUN=$!
    relay_waits
}

relay_waits() {
    local i
    for ((i = 0; i < 300; i++)); do
        ! curl -sf -o /dev/null "${CURL[@]}" "$base/healthz" || return 0
        kill -0 "$RUN" 2>/dev/null || break
        sleep 0.1
    done
    fail "the relay does not listen: $(cat run.log)"
}

relay_stop() { # [SIGNAL]
    [ -n "${RUN:-}" ] || return 0
    kill -"${1:-TERM}" "$RUN" 2>/dev/null || true
    wait "$RUN" && status=0 || status=$?
    RUN=
}

# The process that strangers speak to.
listener() { pgrep -P "$RUN" -f 'gapferry-relay: listener'; }

# ---- curl ----

# enroll: the relay gets the site's card by another way than a drive.
enroll() {
    gives 0 R approve --card "$STATE/keys/card" "$(A card --fingerprint)"
}

# request: what the site would carry, written to its outbox; its path is in $bundle.
request() {
    A export >/dev/null
    bundle=$(find "$STATE/outbox" usb/GAPFERRY/to-relay -name '*.gfb' -printf '%T@ %p\n' 2>/dev/null |
        sort -n | tail -n 1 | cut -d' ' -f2-)
    [ -n "$bundle" ] || fail "nothing to carry"
}

# post FILE [CURL OPTION]...: $code and $body are the reply.
post() {
    local file=$1
    shift
    code=$(curl -s "${CURL[@]}" -o body -D head -w '%{http_code}' -H 'Content-Type: application/vnd.gapferry.bundle' \
        --data-binary "@$file" "$@" "$base/v1/bundles") || true
    body=$(cat body 2>/dev/null || true)
}

get() { # PATH [CURL OPTION]...
    local path=$1
    shift
    rm -f body
    code=$(curl -s "${CURL[@]}" -o body -w '%{http_code}' "$@" "$base$path") || true
}

answers() { # CODE [ERROR]
    [ "$code" = "$1" ] || fail "HTTP $code, not $1: $body $(cat run.log)" || return
    [ $# -lt 2 ] || [ "$(jq -r .error.code body)" = "$2" ] || fail "$body is not $2"
}

# fetch: every response that the last reply lists, carried to the site.
fetch() {
    local id size
    mkdir -p usb/GAPFERRY/to-site
    while read -r id size; do
        get "/v1/responses/$id"
        [ "$code" = 200 ] || fail "response $id: HTTP $code" || return
        [ "$(stat -c %s body)" = "$size" ] || fail "response $id has another size" || return
        cp body "usb/GAPFERRY/to-site/$id.gfb"
    done < <(jq -r '.responses[] | "\(.id) \(.size)"' <<<"$1")
}

nothing_kept() {
    [ -z "$(find "$RSTATE"/{incoming,uploads,pending,quarantine,work} -type f 2>/dev/null)" ] ||
        fail "something was kept: $(find "$RSTATE"/{incoming,uploads,pending,quarantine,work} -type f)"
}

# ---- what is right ----

@test "a hello is signed for the nonce that was asked" {
    relay_start
    nonce=$(head -c 32 /dev/urandom | od -An -tx1 | tr -d ' \n')
    get "/v1/hello?nonce=$nonce"
    answers 200
    [ "$(sed -n 1p body | jq -r '.format + " " + .nonce')" = "gapferry-hello/1 $nonce" ]
    sed -n 1p body >hello.json
    sed -n '2,$p' body >hello.json.minisig
    if command -v minisign >/dev/null; then
        minisign -Vm hello.json -p "$RSTATE/keys/sign.pub"
    fi
    for wrong in '' '?nonce=' '?nonce=12' "?nonce=${nonce^^}x" "?nonce=${nonce}00"; do
        get "/v1/hello$wrong"
        answers 400 usage
    done
}

@test "a record goes out and its receipt comes back by HTTP alone" {
    enroll
    relay_start
    users 7 >/dev/null
    request
    post "$bundle"
    answers 200
    [ "$(jq -r .state body)" = taken ]
    [ "$(jq -r .bundle body).gfb" = "$(basename "$bundle")" ]
    [ "$(jq '.responses | length' body)" -ge 1 ]
    [ "$(tally '.[] | .count' 2>/dev/null | head -n 1)" != 0 ]
    fetch "$body"
    home
    [ "$(state delivered)" = 1 ]
    agree

    # What the site says it has is not listed any more, and not there any more.
    id=$(jq -r '.responses[0].id' <<<"$body")
    request
    post "$bundle"
    answers 200
    [ "$(jq '.responses | length' body)" = 0 ]
    for ((i = 0; i < 50; i++)); do
        get "/v1/responses/$id"
        [ "$code" != 404 ] || break
        sleep 0.1
    done
    answers 404 no-input
}

@test "a licence comes back in the same breath" {
    enroll
    relay_start
    license_request >/dev/null
    request
    post "$bundle"
    answers 200
    fetch "$body"
    home
    gives 0 A license status
    says 'demo'
}

@test "the same request again is seen, and lists the same responses" {
    enroll
    relay_start
    users 7 >/dev/null
    request
    post "$bundle"
    answers 200
    first=$(jq -c .responses body)
    for ((i = 0; i < 3; i++)); do
        post "$bundle"
        answers 200
        [ "$(jq -r .state body)" = seen ]
        [ "$(jq -c .responses body)" = "$first" ]
    done
    id=$(jq -r '.responses[0].id' body)
    get "/v1/responses/$id"
    sum=$(b2sum <body)
    get "/v1/responses/$id"
    [ "$(b2sum <body)" = "$sum" ]
    post "$bundle"
    fetch "$body"
    home
    agree
}

# ---- what is not taken ----

@test "an unknown sender is refused, and nothing of it is kept" {
    relay_start
    users 7 >/dev/null
    request
    post "$bundle"
    answers 403 sender
    nothing_kept
    # Once approved, the same bytes are taken.
    enroll
    post "$bundle"
    answers 200
}

@test "garbage, a cut, another relay's bundle and a changed byte are refused" {
    enroll
    relay_start
    users 7 >/dev/null
    request
    head -c 30000 /dev/urandom >garbage
    post garbage
    answers 400 shell
    printf x >short
    post short
    answers 400
    head -c $(($(stat -c %s "$bundle") - 1)) "$bundle" >shorter
    post shorter
    answers 400
    head -c 700 "$bundle" >shorter
    post shorter
    answers 400
    # The signature is over the header: a changed byte of it is not the sender's.
    cp "$bundle" changed
    other=2
    [ "$(dd if=changed bs=1 skip=600 count=1 status=none)" != 2 ] || other=3
    printf %s $other | dd of=changed bs=1 seek=600 conv=notrunc status=none
    post changed
    answers 400
    : >empty
    post empty
    absent [ "$code" = 200 ]
    nothing_kept

    # To another relay.
    RELAY=other R init --name other >/dev/null
    mkdir other-usb
    SITE=site2 site_init
    SITE=site2 A trust other/var/lib/gapferry/relay/keys/card --yes --fingerprint "$(RELAY=other R card --fingerprint)" >/dev/null
    SITE=site2 users 1 >/dev/null
    SITE=site2 A sync other-usb >/dev/null
    post other-usb/GAPFERRY/to-relay/*.gfb
    answers 421 not-for-us
    nothing_kept
    [ "$(R records list --json | jq '.records | length')" = 0 ]
}

@test "a payload that was changed on the way is refused and told, and the right one still taken" {
    enroll
    relay_start
    users 7 >/dev/null
    request
    cp "$bundle" changed
    size=$(stat -c %s changed)
    # In the payload: the last block before the two of the end, and its padding.
    printf '\377\377\377\377' | dd of=changed bs=1 seek=$((size - 1024 - 1100)) conv=notrunc status=none
    post changed
    answers 400
    post "$bundle"
    answers 200
    fetch "$body"
    home
    agree
}

@test "what is too large or has no length or type is refused" {
    enroll
    sed -i 's/^port = .*/&\nmax_mib = 1/' relay/etc/gapferry/relay.conf
    relay_start
    truncate -s 2M large
    post large
    answers 413 limit
    post large -H 'Transfer-Encoding: chunked'
    answers 411
    code=$(curl -s -o body -w '%{http_code}' --data-binary @large -H 'Content-Type: text/plain' "$base/v1/bundles")
    answers 415 usage
    get /v1/bundles -D head
    answers 405
    grep -qi $'^Allow: POST\r$' head
    get /healthz -X POST -d x -D head
    answers 405
    grep -qi $'^Allow: GET, HEAD\r$' head
    get /healthz -X GET -d x
    answers 413
    get /nothing
    answers 404
    get '/v1/responses/../../keys/sign.key' --path-as-is
    answers 404
    nothing_kept
}

@test "a body that ends early leaves nothing" {
    enroll
    relay_start
    users 7 >/dev/null
    head -c 3000000 /dev/urandom | base64 >long.txt
    request
    size=$(stat -c %s "$bundle")
    exec 5<>"/dev/tcp/127.0.0.1/$port"
    printf 'POST /v1/bundles HTTP/1.1\r\nHost: x\r\nContent-Type: application/vnd.gapferry.bundle\r\nContent-Length: %s\r\n\r\n' "$size" >&5
    head -c $((size - 1)) "$bundle" >&5
    sleep 0.5
    exec 5>&-
    for ((i = 0; i < 300; i++)); do
        ! nothing_kept 2>/dev/null || break
        sleep 0.1
    done
    nothing_kept
    post "$bundle"
    answers 200
}

# ---- TLS ----

@test "TLS by a certificate of an authority of one's own" {
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=test-ca \
        -keyout ca.key -out ca.pem 2>/dev/null
    openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=127.0.0.1 -keyout tls.key -out tls.csr 2>/dev/null
    openssl x509 -req -in tls.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -out tls.pem \
        -extfile <(echo subjectAltName=IP:127.0.0.1) 2>/dev/null
    printf 'cert_file = %s\nkey_file = %s\n' "$PWD/tls.pem" "$PWD/tls.key" >tls.lines
    sed -i '/^port = /r tls.lines' relay/etc/gapferry/relay.conf
    gives 0 R config check
    base=https://127.0.0.1:$port
    CURL=(--cacert ca.pem)
    enroll
    relay_start
    users 7 >/dev/null
    request
    post "$bundle"
    answers 200
    fetch "$body"
    # Nothing older than TLS 1.2, and nothing without TLS.
    absent curl -s --cacert ca.pem --tls-max 1.1 --ciphers DEFAULT:@SECLEVEL=0 "$base/healthz"
    absent curl -sf "http://127.0.0.1:$port/healthz"
}

@test "plain HTTP never leaves the machine, and mistakes are told before anything starts" {
    conf=relay/etc/gapferry/relay.conf
    sed -i 's/^address = .*/address = 0.0.0.0/' "$conf"
    gives 78 R config check
    says 'cert_file and key_file are needed'
    gives 78 R run
    sed -i 's/^address = .*/address = localhost/' "$conf"
    gives 78 R config check
    says 'is no numeric address'
    gives 78 R run
    sed -i 's/^address = .*/address = 127.0.0.1\ncert_file = gone.pem/' "$conf"
    gives 78 R config check
    says 'belong together'
    sed -i 's/^cert_file = .*/cert_file = gone.pem\nkey_file = gone.key/' "$conf"
    gives 78 R config check
    says 'gone.pem'
}

@test "run ends at once where it cannot listen, and announces nothing before" {
    local began=$SECONDS
    # Somebody else has the port of the second socket.
    relay_start
    RELAY=second gives 0 R init
    printf '[listen]\naddress = 127.0.0.1\nport = %s\n[page]\nenabled = yes\nport = %s\n' \
        "$port" $((port + 1)) >>second/etc/gapferry/relay.conf
    RELAY=second gives 78 R run
    says '[listen] cannot listen at 127.0.0.1 port' "second/etc/gapferry/relay.conf:" 'ss -lntp'
    absent grep -E 'event=(listening|showing-page)' .err
    relay_stop
    # An address for documentation, which no machine has.
    touch c
    sed -i "s|^address = .*|address = 192.0.2.1\ncert_file = $PWD/c\nkey_file = $PWD/c|" \
        relay/etc/gapferry/relay.conf
    gives 78 R run
    says 'cannot listen at 192.0.2.1'
    absent grep -E 'event=(listening|showing-page)' .err
    [ $((SECONDS - began)) -lt 20 ]
}

@test "a unix socket for a proxy of one's own" {
    sed -i "s|^address = .*|address = unix:$PWD/relay.sock|" relay/etc/gapferry/relay.conf
    CURL=(--unix-socket relay.sock)
    base=http://relay
    enroll
    relay_start
    [ "$(stat -c %a relay.sock)" = 660 ]
    users 7 >/dev/null
    request
    post "$bundle"
    answers 200
    relay_stop
    [ "$status" = 0 ]
    absent [ -e relay.sock ]
}

@test "run hears at once of what the operator releases or rejects" {
    local id
    enroll
    relay_start
    A consent other grant >/dev/null
    A record other - <<<'{}' >/dev/null
    request
    post "$bundle"
    answers 200
    gives 0 R records list --state held --json
    [ "$(jq '.records | length' .out)" = 1 ]
    printf '[endpoint "other"]\nchannel = other\nurl = %s/usage\n' "$URL" >>relay/etc/gapferry/relay.conf
    gives 0 R records release
    says '1 record that was held or waited is due; `run` tries now'
    soon delivered 1
    # And without `run` the next sync does.
    relay_stop
    A consent elsewhere grant >/dev/null
    id=$(A record elsewhere - <<<'{}')
    home
    gives 75 R sync usb
    gives 0 R records release
    says 'is due; the next sync tries again'
    relay_start
    soon held 1
    gives 0 R records reject "$id" --reason 'of no use'
    says '1 record rejected for good; the site is told by its next response'
}

# delivered N, held N: so many records are.
count() { [ "$(R records list --state "$1" --json | jq '.records | length')" = "$2" ]; }
delivered() { count delivered "$1"; }
held() { count held "$1"; }

# ---- processes ----

@test "the listener has no keys, no ledger, no files, and cannot open any" {
    relay_start
    pid=$(listener)
    [ -n "$pid" ]
    find "/proc/$pid/fd" -type l -printf '%l\n' >fds
    absent grep -qE 'keys|relay\.db|lock|uploads|outbox' fds
    [ "$(sed -n 's/^Seccomp:[[:space:]]*//p' "/proc/$pid/status")" = 2 ]
    [ "$(sed -n 's/^NoNewPrivs:[[:space:]]*//p' "/proc/$pid/status")" = 1 ]
}

@test "a listener that is killed comes back, and what was under way is posted again" {
    enroll
    relay_start
    users 7 >/dev/null
    request
    kill -9 "$(listener)"
    sleep 0.3
    relay_waits
    post "$bundle"
    answers 200
    kill -9 "$(listener)"
    sleep 0.3
    relay_waits
    post "$bundle"
    answers 200
    [ "$(jq -r .state body)" = seen ]
    grep -q 'event=listener-ended' run.log
    fetch "$body"
    home
    agree
}

@test "kill -9 of the relay at any moment loses and doubles nothing" {
    enroll
    for ((n = 1; n <= 6; n++)); do
        relay_start
        users "$n" >/dev/null
        request
        (post "$bundle") &
        poster=$!
        sleep "0.0$n"
        relay_stop KILL
        wait "$poster" || true
    done
    relay_start
    for b in "$STATE"/outbox/*.gfb; do
        post "$b"
        answers 200
    done
    for ((i = 0; i < 300; i++)); do
        post "$b"
        [ "$(R records list --json | jq '[.records[] | select(.state == "delivered")] | length')" != 6 ] || break
        sleep 0.1
    done
    fetch "$(cat body)"
    home
    [ "$(state delivered)" = 6 ]
    agree
}

@test "sync works while the relay runs" {
    relay_start
    users 7 >/dev/null
    home
    there
    home
    [ "$(state delivered)" = 1 ]
    agree
    # And only one of them runs.
    gives 73 R run
    says 'in use by gapferry-relay run'
}

@test "SIGTERM ends it cleanly, SIGHUP lets it look at once" {
    relay_start
    enroll
    users 7 >/dev/null
    request
    cp "$bundle" "$RSTATE/incoming/x.gfb"
    kill -HUP "$RUN"
    for ((i = 0; i < 300; i++)); do
        [ -e "$RSTATE/incoming/x.gfb" ] || break
        sleep 0.1
    done
    absent [ -e "$RSTATE/incoming/x.gfb" ]
    mapfile -t children < <(pgrep -P "$RUN")
    relay_stop
    [ "$status" = 0 ]
    absent curl -s "$base/healthz"
    for child in "${children[@]}"; do absent kill -0 "$child" 2>/dev/null; done
}

is_ready() {
    get /readyz
    [ "$code" = 200 ]
}

not_ready() {
    get /readyz
    [ "$code" = 503 ]
}

@test "ready says no when bundles cannot be taken; health is of the listener alone" {
    relay_start
    get /readyz
    answers 200
    get /healthz
    answers 200
    [ "$(cat body)" = ok ]
    # A ledger that was put back from a backup, under a relay that runs.
    cp "$RSTATE/audit.head" head.good
    sed -E 's/^[0-9]+/9999/' head.good >"$RSTATE/audit.head"
    get /readyz
    answers 503
    [ "$(cat body)" = 'the ledger is older than its head: was it put back from a backup? See gapferry-relay status' ]
    cp head.good "$RSTATE/audit.head"
    get /readyz
    answers 200
    # Turns that fail, for a mistake in the configuration.
    cp relay/etc/gapferry/relay.conf conf.good
    printf '[endpoint "usage"\n' >>relay/etc/gapferry/relay.conf
    kill -HUP "$RUN"
    soon not_ready
    [ "$(cat body)" = 'the last turn failed; the log says why (turn-failed)' ]
    cp conf.good relay/etc/gapferry/relay.conf
    kill -HUP "$RUN"
    soon is_ready
    # A worker that is stuck.
    kill -STOP "$RUN"
    get /readyz --max-time 20
    kill -CONT "$RUN"
    answers 503
    grep -q 'worker does not answer' body
    get /healthz
    answers 200
    get /readyz
    answers 200
}

@test "ready says no when the disk is nearly full" {
    [ "$(id -u)" = 0 ] || skip 'needs root'
    mkdir -p "$RSTATE.full"
    mount -t tmpfs -o size=96m none "$RSTATE.full" 2>/dev/null || skip 'cannot mount'
    cp -a "$RSTATE/." "$RSTATE.full/"
    mount --bind "$RSTATE.full" "$RSTATE"
    relay_start
    get /readyz
    local first=$code
    head -c 20M /dev/zero >"$RSTATE/filler"
    get /readyz
    relay_stop
    umount "$RSTATE" "$RSTATE.full"
    [ "$first" = 200 ]
    [ "$code" = 503 ]
    grep -q 'disk is nearly full' body
}

@test "what stays on a drive is counted as refused once, not with each visit" {
    local i
    mkdir -p usb/GAPFERRY/to-relay
    head -c 30000 /dev/urandom >usb/GAPFERRY/to-relay/00000000000000000000000000000000.gfb
    for ((i = 0; i < 3; i++)); do
        gives 65 R sync usb
        says '1 bundle refused'
    done
    relay_start
    get /metrics
    answers 200
    [ "$(metric 'bundles_total{verdict="refused"}')" = 1 ]
}

# metric NAME{LABELS}: its value.
metric() { awk -v name="gapferry_relay_$1" '$1 == name { print $2 }' body; }

@test "metrics tell what waits and what was refused, in a form that Prometheus reads" {
    enroll
    relay_start
    get /metrics
    answers 200
    [ "$(metric 'bundles_total{verdict="taken"}')" = 0 ]
    [ "$(metric 'endpoint_waiting_records{endpoint="usage"}')" = 0 ]
    [ "$(metric 'endpoint_oldest_waiting_seconds{endpoint="usage"}')" = 0 ]
    [ "$(metric 'endpoint_retry_in_seconds{endpoint="usage"}')" = 0 ]
    vendor_script '99 status 503'
    users 7 >/dev/null
    request
    post "$bundle"
    answers 200
    post "$bundle"
    answers 200
    head -c 30000 /dev/urandom >garbage
    post garbage
    answers 400
    get /metrics -D head
    answers 200
    grep -qi '^content-type: text/plain; version=0.0.4' head
    [ "$(metric 'bundles_total{verdict="taken"}')" = 1 ]
    [ "$(metric 'bundles_total{verdict="replayed"}')" = 1 ]
    [ "$(metric 'http_refused_total{code="shell"}')" = 1 ]
    [ "$(metric 'records{channel="metrics",state="later"}')" = 1 ]
    [ "$(metric 'endpoint_waiting_records{endpoint="usage"}')" = 1 ]
    (($(metric 'endpoint_retry_in_seconds{endpoint="usage"}') > 0))
    [ "$(metric 'endpoint_oldest_waiting_seconds{endpoint="usage"}')" -le 60 ]
    [ "$(metric 'responses_waiting')" = 1 ]
    [ "$(metric 'quarantine_bundles')" = 0 ]
    [ "$(metric 'ledger_bytes')" -gt 4096 ]
    local now
    now=$(date +%s)
    (($(metric 'turn_last_timestamp_seconds{part="in"}') > now - 60))
    (($(metric 'uptime_seconds') < 60))
    # Every line is a comment or NAME{LABEL="VALUE",...} NUMBER, and every name has its type first.
    absent grep -vE '^(# (HELP|TYPE) [a-z_]+ .+|[a-z_]+(\{[a-z]+="([^"\]|\\.)*"(,[a-z]+="([^"\]|\\.)*")*\})? [0-9]+)$' body
    absent awk '/^# TYPE/ { typed[$3] = 1; next } !/^#/ { sub(/[{ ].*/, ""); if (!($0 in typed)) exit found = 1 } END { exit !found }' body
}

@test "metrics are for this machine, or for who has the token" {
    relay_start
    get /metrics -H 'Host: evil.example'
    answers 403 user
    get /metrics -H 'Origin: http://evil.example'
    answers 403
    get /metrics -X POST -d x
    answers 405
    relay_stop
    echo 0123456789abcdef0123456789abcdef >token
    sed -i "s|^port = .*|&\nmetrics_token_file = $PWD/token|" relay/etc/gapferry/relay.conf
    relay_start
    get /metrics
    answers 401 user
    get /metrics -H 'Authorization: Bearer 0123456789abcdef0123456789abcdee'
    answers 401 user
    get /metrics -H "Authorization: Bearer $(cat token)" -H 'Host: relay.example.com'
    answers 200
    relay_stop
    echo short >token
    gives 78 R config check
    says 'a token has 16 to 255 bytes'
}

@test "what cannot be forwarded makes no storm, and what waits costs nothing" {
    enroll
    sed -i 's/^timeout = 3s/&\nprofile = nonsense/' relay/etc/gapferry/relay.conf
    relay_start
    users 7 >/dev/null
    request
    post "$bundle"
    answers 200
    # Where Linux counts it: time of the processor that relay and listener use while nothing happens.
    ticks() { cat "/proc/$RUN/stat" "/proc/$(listener)/stat" | awk '{n += $14 + $15 + $16 + $17} END {print n}'; }
    settled ticks
    before=$(ticks)
    sleep 4
    after=$(ticks)
    [ $((after - before)) -le 4 ] || fail "$((after - before)) ticks in 4 s"
    # And keeps little in memory: each of the two, in KiB.
    for pid in "$RUN" "$(listener)"; do
        rss=$(awk '/^VmRSS/ { print $2 }' "/proc/$pid/status")
        ((rss < 16384)) || fail "$rss KiB"
    done
    [ "$(grep -c 'event=needs-you' run.log)" -le 3 ]
}

@test "callers without manners do not keep others away" {
    enroll
    sed -i 's/^port = .*/&\npatience = 2s\nconnections = 8\nper_address = 0/' relay/etc/gapferry/relay.conf
    relay_start
    users 7 >/dev/null
    request
    local i pids=()
    for ((i = 0; i < 20; i++)); do
        # shellcheck disable=SC2016
        bash -c 'exec 5<>"/dev/tcp/127.0.0.1/$1"; for ((;;)); do printf G >&5 || exit; sleep 0.3; done' _ "$port" 2>/dev/null &
        pids+=($!)
    done
    sleep 0.5
    post "$bundle" --max-time 30
    kill "${pids[@]}" 2>/dev/null || true
    answers 200
}

# logged WORDS: how many lines of the log hold them.
logged() { grep -c "$1" run.log || true; }

@test "SIGTERM does not wait for an endpoint, and the record goes out with the same key later" {
    enroll
    users 1 >/dev/null
    request
    vendor_script '1 timeout-after 30 /usage'
    sed -i 's/^timeout = 3s/timeout = 60s/' relay/etc/gapferry/relay.conf
    relay_start
    post "$bundle"
    [ "$(fact '.channels[0].sending' R status)" -eq 1 ]
    local began=$SECONDS
    relay_stop
    [ "$status" -eq 0 ]
    ((SECONDS - began < 15)) || fail "it took $((SECONDS - began)) s"
    [ "$(fact '.channels[0].sending' R status)" -eq 1 ]
    gives 0 R sync usb
    [ "$(fact '.channels[0].delivered' R status)" -eq 1 ]
    home
    agree
}

@test "who waits for approval is logged once, and again when something changes" {
    local i now SITE=other
    turned() { get /metrics && [ "$(metric 'turn_last_timestamp_seconds{part="in"}')" -ge "$1" ]; }
    told() { [ "$(grep -c needs-you run.log)" -eq "$1" ]; }
    site_init
    A trust "$RSTATE/keys/card" --yes --fingerprint "$(R card --fingerprint)" >/dev/null
    users 1 >/dev/null
    home
    gives 77 R sync usb
    relay_start
    for ((i = 0; i < 3; i++)); do
        sleep 1
        kill -HUP "$RUN"
    done
    sleep 1
    now=$(date +%s)
    kill -HUP "$RUN"
    soon turned "$now"
    told 1
    [ "$(grep -c 'event=came-in.* strangers=1' run.log)" -eq 1 ]
    users 2 >/dev/null
    home
    gives 77 R sync usb
    kill -HUP "$RUN"
    soon told 2
    sleep 1
    told 2
    relay_stop
}
