# collect.bats -- gapferry-collect from outside, with curl as the programs of a site.
# shellcheck disable=SC2030,SC2031 # each test is a shell of its own

# shellcheck source=tests/scenarios/trip.bash
source "$BATS_TEST_DIRNAME/trip.bash"
# shellcheck source=tests/scenarios/collect.bash
source "$BATS_TEST_DIRNAME/collect.bash"

C() { "$BIN/gapferry-collect" --root site "$@"; }

setup() {
    cd "$BATS_TEST_TMPDIR" || return
    local tool
    for tool in curl jq sqlite3; do
        command -v "$tool" >/dev/null || skip "$tool is not installed: $BATS_TEST_DESCRIPTION was not tried"
    done
    site_init
    printf '[collect]\nlisten = 127.0.0.1:0\nchannel = otlp\n[channel "otlp"]\nconsent = granted\n' \
        >>site/etc/gapferry/agent.conf
    mkdir -p usb
}

teardown() {
    collect_stop KILL
    vendor_stop KILL
    if mountpoint -q "$STATE/intake"; then umount -l "$STATE/intake"; fi
}

# begin: the agent has told what it grants, and collect runs.
begin() {
    drain
    collect_start
}

# post PATH [CURL OPTION]...: $code and $body are the reply, the file head its head.
post() {
    code=$(curl -s --max-time 30 -o body -D head -w '%{http_code}' "${@:2}" "$base$1") || true
    body=$(tr -d '\0' <body 2>/dev/null || true)
}

refused() { # STATUS WORDS PATH [CURL OPTION]...
    post "${@:3}"
    [[ $code = "$1" && $body = *"$2"* ]] || fail "${*:3}: $code $body"
}

json=(-H 'Content-Type: application/json')
protobuf=(-H 'Content-Type: application/x-protobuf')

# ids FILE...: what the replies in these files promise, as the queue spells it.
ids() { cat "$@" | grep -o '"record":"[0-9a-f-]*"' | cut -d'"' -f4 | tr -d - | sort; }
queued() { sqlite3 "$STATE/agent.db" 'SELECT lower(hex(id)) FROM record' | sort; }
lines() { cut -c19- "$STATE"/intake/*.spool; }

# ---- what comes in ----

@test "a record comes in through the rule of its channel, and arrives at the vendor" {
    vendor_start
    relay_init
    acquaint
    begin
    post /v1/records/metrics "${json[@]}" -d '{"users":12, "host":"db1.grid", "edition":"pro"}'
    [ "$code" = 200 ]
    [ "$(jq -r .dropped <<<"$body")" = host ]
    id=$(jq -r .record body)
    # What the next sync takes along is shown before it.
    [ "$(A preview --json | jq -r '.channels[].records[].id')" = "$id" ]
    home
    there
    home
    [ "$(A status --json | jq .records.delivered)" = 1 ]
    [ "$(tally '[.effects[].path] | join(" ")')" = /usage ]
    absent grep -rq db1.grid "$STATE"
    [ "$(queued)" = "$(tr -d - <<<"$id")" ]
}

@test "OTLP comes in as JSON and protobuf, in gzip, in chunks, and keeps its bytes" {
    begin
    printf '%s' '{"resourceMetrics":[{"scopeMetrics":[{"metrics":[{"name":"m","gauge":{"dataPoints":[{"timeUnixNano":"1","asDouble":1.50}]}}]}]}]}' >request.json
    # One point of gauge m, and a field that nobody knows, which does not come in.
    printf '\x0a\x1d\x12\x1b\x12\x19\x0a\x01m\x2a\x14\x0a\x12\x19\x01\x02\x03\x04\x05\x06\x07\x18\x21\x00\x00\x00\x00\x00\x00\xf0\x3f\xba\x3e\x01\xff' >request.pb
    post /v1/metrics "${json[@]}" --data-binary @request.json
    [[ $code = 200 && $body = '{}' ]]
    grep -qi '^content-type: application/json' head
    post /v1/metrics "${protobuf[@]}" --data-binary @request.pb
    [[ $code = 200 && $body = '' ]]
    grep -qi '^content-type: application/x-protobuf' head
    gzip -c request.pb >request.pb.gz
    post /v1/metrics "${protobuf[@]}" -H 'Content-Encoding: gzip' -H 'Transfer-Encoding: chunked' \
        --data-binary @request.pb.gz
    [ "$code" = 200 ]
    curl -sf --unix-socket "$PWD/site/run/gapferry/collect.sock" "${json[@]}" -H 'Transfer-Encoding: chunked' \
        --data-binary @request.json http://any.name/v1/metrics >/dev/null
    [ "$(lines | wc -l)" = 4 ]
    [ "$(lines | jq -r 'select(.type == "application/json") | .body' | sort -u)" = "$(cat request.json)" ]
    lines | jq -r 'select(.type == "application/x-protobuf") | .body64' | while read -r b; do
        base64 -d <<<"$b" | cmp - <(head -c 31 request.pb)
    done
    [ "$(lines | jq -r .channel | sort -u)" = otlp ]
    # Beside them stands what they hold: the points and their times.
    [ "$(lines | jq -c 'select(.type == "application/json") | .ext' | sort -u)" = '{"metrics":{"points":1,"from":"1970-01-01T00:00:00.000000001Z","to":"1970-01-01T00:00:00.000000001Z","delta":false}}' ]
    [ "$(lines | jq -r 'select(.type != "application/json") | .ext.metrics.to' | sort -u)" = 2024-11-11T21:06:40.359154177Z ]
    lines | jq -c .ext | sort >facts
    drain
    [ "$(queued | wc -l)" = 4 ]
    A preview --json | jq -c '.channels[].records[].ext' | sort | diff facts -
    A preview | grep -qF 'facts    {"metrics":{"points":1,'
}

@test "attributes that name hosts and users are taken out of OTLP; the site may say which" {
    local metric='"scopeMetrics":[{"metrics":[{"name":"m","gauge":{"dataPoints":[{"timeUnixNano":"1","asDouble":1.50}]}}]}]'
    local attribute
    attributes() { lines | tail -n 1 | jq -r .body | jq -r '[.resourceMetrics[0].resource.attributes[].key] | join(",")'; }
    {
        printf '{"resourceMetrics":[{"resource":{"attributes":['
        for attribute in host.name service.name user.name custom.site; do
            printf '{"key":"%s","value":{"stringValue":"secret-%s"}},' "$attribute" "$attribute"
        done
        printf '{"key":"last","value":{"intValue":"1"}}]},%s}]}' "$metric"
    } >request.json
    # The same in protobuf: resource { host.name = "secret1" }, one point of gauge m.
    printf '\x0a\x37\x0a\x18\x0a\x16\x0a\x09host.name\x12\x09\x0a\x07secret1\x12\x1b\x12\x19\x0a\x01m\x2a\x14\x0a\x12\x19\x01\x02\x03\x04\x05\x06\x07\x18\x21\x00\x00\x00\x00\x00\x00\xf0\x3f' >request.pb
    begin
    post /v1/metrics "${json[@]}" --data-binary @request.json
    [ "$code" = 200 ]
    [ "$(attributes)" = service.name,custom.site,last ]
    absent grep -rqF secret-host.name "$STATE"
    post /v1/metrics "${protobuf[@]}" --data-binary @request.pb
    [ "$code" = 200 ] || fail "$code $body"
    lines | tail -n 1 | jq -r '.body64 // (.body | @base64)' | base64 -d >left
    [ -s left ]
    absent grep -qa secret1 left
    # What scope metrics were once (field 1000 of resource metrics): a point with the same attribute.
    printf '\x0a\x36\xc2\x3e\x33\x12\x31\x0a\x01n\x2a\x2c\x0a\x2a\x19\x01\x02\x03\x04\x05\x06\x07\x18\x3a\x16\x0a\x09host.name\x12\x09\x0a\x07secret1\x21\x00\x00\x00\x00\x00\x00\xf0\x3f' |
        cat - request.pb >old.pb
    post /v1/metrics "${protobuf[@]}" --data-binary @old.pb
    [ "$code" = 200 ] || fail "$code $body"
    absent grep -rqaF -e secret1 -e "$(printf secret1 | base64 | head -c 8)" "$STATE/intake"
    sed 's/"resource":/"older":/; s/"resourceMetrics":\[/&{"scopeMetrics":[{"metrics":[{"gauge":{"dataPoints":[{}]}}]}]},/' request.json >old.json
    post /v1/metrics "${json[@]}" --data-binary @old.json
    [ "$code" = 200 ] || fail "$code $body"
    absent grep -rqF secret-host.name "$STATE/intake"
    sed -i 's/^consent = granted/&\ndeny = custom.*/' site/etc/gapferry/agent.conf
    drain
    post /v1/metrics "${json[@]}" --data-binary @request.json
    [ "$(attributes)" = host.name,service.name,user.name,last ]
    sed -i 's/^deny = .*/deny = ""/' site/etc/gapferry/agent.conf
    drain
    post /v1/metrics "${json[@]}" --data-binary @request.json
    [ "$(lines | tail -n 1 | jq -r .body)" = "$(cat request.json)" ]
    post /v1/metrics "${json[@]}" --data-binary @old.json
    [ "$(lines | tail -n 1 | jq -r .body)" = "$(cat old.json)" ]
    sed -i 's/^deny = .*/deny = host.name user.name/' site/etc/gapferry/agent.conf
    gives 78 A config check
    says 'separated by commas'
}

@test "a request that says nothing is a success, and no record" {
    begin
    post /v1/metrics "${json[@]}" -d '{}'
    [[ $code = 200 && $body = '{}' ]]
    post /v1/metrics "${json[@]}" -d '{"resourceMetrics": [{"scopeMetrics": [ ]}]}'
    [ "$code" = 200 ]
    post /v1/metrics "${protobuf[@]}" -d ''
    [[ $code = 200 && $body = '' ]]
    [ -z "$(ls "$STATE/intake")" ]
}

# ---- what does not ----

@test "without consent nothing comes in, and a withdrawal counts at once" {
    rm "$STATE/policy.json"
    collect_start
    refused 503 'was not run' /v1/records/metrics "${json[@]}" -d '{}'
    grep -qi '^retry-after: [1-9]' head
    drain
    refused 403 '(gapferry-agent consent other grant)' /v1/records/other "${json[@]}" -d '{}'
    [ "$(jq .status body)" = 403 ]
    refused 403 'gapferry-agent alone' /v1/records/license "${json[@]}" -d '{}'
    refused 403 'gapferry-agent alone' /v1/records/updates "${json[@]}" -d '{}'
    post /v1/records/metrics "${json[@]}" -d '{"users":1}'
    [ "$code" = 200 ]
    A consent metrics deny --yes >/dev/null 2>&1 || A consent metrics deny >/dev/null
    refused 403 'has denied' /v1/records/metrics "${json[@]}" -d '{"users":2}'
    sed -i 's/^consent = granted/consent = denied/' site/etc/gapferry/agent.conf
    drain
    refused 403 '"code":7' /v1/metrics "${json[@]}" -d '{"resourceMetrics":[{}]}'
    post /v1/metrics "${protobuf[@]}" --data-binary 'x'
    [ "$code" = 403 ]
    [ "$(head -c 2 body | od -An -tx1 | tr -d ' ')" = 0807 ]
    [ "$(queued | wc -l)" = 0 ]
}

@test "where there is a rule nothing comes in that it cannot be applied to" {
    begin
    refused 415 'only application/json' /v1/records/metrics -H 'Content-Type: text/plain' -d 'users=1'
    refused 400 'no JSON object' /v1/records/metrics "${json[@]}" -d '[1]'
    refused 403 'leaves nothing' /v1/records/metrics "${json[@]}" -d '{"host":"x"}'
    sed -i 's/^consent = granted/&\nallow = users/' site/etc/gapferry/agent.conf
    drain
    refused 403 'cannot be applied to OTLP' /v1/metrics "${json[@]}" -d '{"resourceMetrics":[{}]}'
    refused 403 'cannot be applied to OTLP' /v1/metrics "${protobuf[@]}" --data-binary x
    [ -z "$(ls "$STATE/intake")" ]
}

@test "what is malformed, too large or of another type is refused, and told" {
    printf '[collect]\nbody_max = 100K\n' >>site/etc/gapferry/agent.conf
    begin
    head -c 102401 /dev/zero | tr '\0' 1 >big
    head -c 102400 big >fits
    gzip -c big >big.gz
    refused 400 'no JSON' /v1/records/otlp "${json[@]}" -d '{"a":'
    refused 400 'byte 5' /v1/metrics "${json[@]}" -d '{"a":'
    refused 400 'resourceMetrics' /v1/metrics "${protobuf[@]}" -d "$(printf '\x0a\x7f')"
    refused 400 'gzip' /v1/records/otlp "${json[@]}" -H 'Content-Encoding: gzip' -d '{}'
    refused 400 'has a body' /v1/records/otlp -d ''
    refused 413 'larger' /v1/records/otlp "${json[@]}" --data-binary @big
    refused 413 'larger' /v1/records/otlp "${json[@]}" -H 'Transfer-Encoding: chunked' --data-binary @big
    refused 413 'decodes to more' /v1/records/otlp "${json[@]}" -H 'Content-Encoding: gzip' --data-binary @big.gz
    refused 415 'application/x-protobuf' /v1/metrics -H 'Content-Type: text/plain' -d x
    refused 415 'Content-Encoding: gzip' /v1/records/otlp -H 'Content-Encoding: br' -d x
    refused 415 'media type' /v1/records/otlp -H 'Content-Type: nonsense' -d x
    refused 404 'OTEL_TRACES_EXPORTER=none' /v1/traces "${json[@]}" -d '{}'
    refused 404 'nothing at this path' /v1/trace "${json[@]}" -d '{}'
    refused 404 '' '/v1/records/No!' -d x
    refused 405 POST /v1/metrics
    [ -z "$(ls "$STATE/intake")" ]
    post /v1/records/otlp "${json[@]}" --data-binary @fits
    [ "$code" = 200 ]
}

@test "a record that no line holds is refused with 413" {
    begin
    head -c 2000000 /dev/zero | tr '\0' 1 >big
    refused 413 '1 MiB' /v1/records/otlp "${json[@]}" --data-binary @big
    refused 413 '1 MiB' /v1/records/otlp "${json[@]}" -H 'Transfer-Encoding: chunked' --data-binary @big
    head -c 1000000 big >fits
    post /v1/records/otlp "${json[@]}" --data-binary @fits
    [ "$code" = 200 ]
    drain
    [ "$(queued | wc -l)" = 1 ]
}

# many POINTS BYTES [BYTES]...: a request of gauges with attributes of so many bytes, one of each size.
many() {
    jq -nc --argjson n "$1" '[$ARGS.positional[] | tonumber] as $sizes | def point($i; $size): {timeUnixNano: "\(1700000000 + $i)000000000", asDouble: $i, attributes: [{key: "a", value: {stringValue: ("x" * $size)}}]};
        {resourceMetrics: [{resource: {attributes: [{key: "r", value: {stringValue: "1"}}]}, scopeMetrics: [{metrics: [
            {name: "m", gauge: {dataPoints: [range($n) | point(.; $sizes[0])]}},
            {name: "large\u001b", gauge: {dataPoints: [$sizes[1:][] | point(0; .)]}}]}]}]}' --args "${@:2}"
}

# parts: the bodies of what lies there, one behind the other.
parts() { lines | jq -r '.body64 // (.body | @base64)' | while read -r b; do base64 -d <<<"$b"; done; }

@test "a request that no record holds becomes several, and all are there when it is answered" {
    begin
    many 30000 40 >big.json
    [ "$(stat -c %s big.json)" -gt 3000000 ]
    post /v1/metrics "${json[@]}" --data-binary @big.json
    [[ $code = 200 && $body = '{}' ]] || fail "$code $body"
    [ "$(lines | wc -l)" -gt 1 ]
    [ "$(lines | jq -r .type | sort -u)" = application/x-protobuf ]
    [ "$(lines | jq -s 'map(.ext.metrics.points) | add')" = 30000 ]
    [ "$(lines | jq -sr 'map(.ext.metrics.from) | min')" = 2023-11-14T22:13:20.000000000Z ]
    [ "$(lines | jq -sr '[.[].ext.metrics | .to > .from] | unique | join(" ")')" = true ]
    [ "$(lines | jq -r .id | sort -u | wc -l)" = "$(lines | wc -l)" ]
    # What they hold together is one request, which comes in in protobuf, too.
    parts >big.pb
    n=$(lines | wc -l)
    gzip -c big.pb >big.pb.gz
    post /v1/metrics "${protobuf[@]}" -H 'Content-Encoding: gzip' --data-binary @big.pb.gz
    [[ $code = 200 && $body = '' ]] || fail "$code $body"
    [ "$(lines | jq -s 'map(.ext.metrics.points) | add')" = 60000 ]
    [ "$(lines | wc -l)" = $((2 * n)) ]
    drain
    [ "$(queued | wc -l)" = $((2 * n)) ]
    # All of it or nothing: where the queue has not the room, none of it comes in.
    sed -i 's/^consent = granted/&\nmax_records = '$((3 * n - 1))/ site/etc/gapferry/agent.conf
    drain
    refused 429 'takes no more' /v1/metrics "${protobuf[@]}" --data-binary @big.pb
    [ "$(lines | wc -l)" = 0 ]
}

@test "a point that no record holds is partial success, and the others come in" {
    begin
    many 3 40 1500000 900000 >big.json
    post /v1/metrics "${json[@]}" --data-binary @big.json
    [ "$code" = 200 ]
    [ "$(jq -r .partialSuccess.rejectedDataPoints body)" = 2 ] || fail "$body"
    [[ $(jq -r .partialSuccess.errorMessage body) = *'larger than a record'*'large\x1b' ]] || fail "$body"
    [ "$(lines | jq -c '.ext.metrics | [.points, .to]')" = '[3,"2023-11-14T22:13:22.000000000Z"]' ]
    grep -q 'status=200 channel=otlp .*larger than a record' collect.log
    # In protobuf: field 1, and in it field 1 with the number.
    { parts && parts && printf '\x0a\xea\x92\x7a\x12\xe6\x92\x7a\x12\xe2\x92\x7a\x0a\x01n\x2a\xdb\x92\x7a\x0a\xd7\x92\x7a\x3a\xd3\x92\x7a\x0a\x01a\x12\xcc\x92\x7a\x0a\xc8\x92\x7a' &&
        head -c 2001224 /dev/zero | tr '\0' y; } >one.pb
    post /v1/metrics "${protobuf[@]}" --data-binary @one.pb
    [ "$code" = 200 ] || fail "$body"
    [ "$(od -An -tx1 -N 1 body; od -An -tx1 -j 2 -N 2 body)" = ' 0a
 08 01' ] || fail "$(od -c body | head)"
    [ "$(lines | tail -n 1 | jq .ext.metrics.points)" = 6 ]
    # Where nothing is left, no record is made of it.
    many 0 40 1500000 >big.json
    post /v1/metrics "${json[@]}" --data-binary @big.json
    [[ $code = 200 && $(jq -r .partialSuccess.rejectedDataPoints body) = 1 ]]
    [ "$(lines | wc -l)" = 2 ]
}

@test "pages and names that are not this host's are refused; two ends are none" {
    begin
    refused 403 'pages' /v1/records/otlp -H 'Origin: http://evil.example' "${json[@]}" -d '{}'
    refused 403 'Host' /v1/records/otlp -H "Host: evil.example:${base##*:}" "${json[@]}" -d '{}'
    refused 403 'Host' /v1/records/otlp -H "Host: 127.0.0.1.evil.example" "${json[@]}" -d '{}'
    refused 400 '' /v1/records/otlp -H 'Content-Length: 2' -H 'Transfer-Encoding: chunked' "${json[@]}" -d '{}'
    post /v1/records/otlp -H "Host: localhost:${base##*:}" "${json[@]}" -d '{}'
    [ "$code" = 200 ]
}

# ---- room ----

@test "no more comes in than the queue has room for; afterwards it goes on" {
    sed -i 's/^consent = granted/&\nmax_records = 3/' site/etc/gapferry/agent.conf
    begin
    for i in 1 2 3; do
        post /v1/records/otlp "${json[@]}" -d "{\"n\":$i}"
        [ "$code" = 200 ]
    done
    refused 429 'takes no more' /v1/records/otlp "${json[@]}" -d '{"n":4}'
    grep -qi '^retry-after: [1-9]' head
    # Another collect counts what lies there.
    collect_stop
    collect_start
    refused 429 'takes no more' /v1/records/otlp "${json[@]}" -d '{"n":4}'
    # They are in the queue now, and the queue is full.
    drain
    [ "$(queued | wc -l)" = 3 ]
    refused 429 'takes no more' /v1/records/otlp "${json[@]}" -d '{"n":4}'
    sed -i 's/^max_records = 3/max_records = 4/' site/etc/gapferry/agent.conf
    drain
    post /v1/records/otlp "${json[@]}" -d '{"n":4}'
    [ "$code" = 200 ]
    [ "$(C status --json | jq .channels[1].records)" = 1 ]
}

@test "a full disk: 429, nothing is lost, and it goes on when there is room" {
    begin
    collect_stop
    mkdir -p "$STATE/intake"
    mount -t tmpfs -o size=200k,mode=0700 gapferry-test "$STATE/intake" 2>/dev/null ||
        skip "cannot mount a file system here: no disk was filled"
    chown --reference="$STATE" "$STATE/intake"
    collect_start
    head -c 20000 /dev/zero | tr '\0' 1 >body20
    local i taken=0
    for i in {1..15}; do
        post /v1/records/otlp "${json[@]}" --data-binary @body20
        [ "$code" = 200 ] && cat body >>replies && taken=$((taken + 1))
        if [ "$code" != 200 ]; then [[ $code = 429 && $body = *'disk'* ]] || fail "$code $body"; fi
    done
    [ "$taken" -ge 5 ] && [ "$taken" -lt 12 ]
    grep -q 'event=not-written' collect.log
    mount -o remount,size=1m "$STATE/intake"
    post /v1/records/otlp "${json[@]}" --data-binary @body20
    [ "$code" = 200 ]
    cat body >>replies
    drain
    diff <(ids replies) <(queued)
}

# ---- crashes and crowds ----

@test "an intake that was moved away or replaced takes nothing until it is back" {
    begin
    post /v1/records/otlp "${json[@]}" -d '{"n":1}'
    [ "$code" = 200 ]
    mv "$STATE/intake" away
    refused 503 'not now' /v1/records/otlp "${json[@]}" -d '{"n":2}'
    mkdir -m 700 "$STATE/intake"
    refused 503 'not now' /v1/records/otlp "${json[@]}" -d '{"n":3}'
    grep -q 'event=not-written .*another directory' collect.log
    rmdir "$STATE/intake"
    mv away "$STATE/intake"
    post /v1/records/otlp "${json[@]}" -d '{"n":4}'
    [ "$code" = 200 ]
    drain
    [ "$(queued | wc -l)" = 2 ]
}

@test "kill -9 among many clients: every 200 is in the queue exactly once" {
    local i
    begin
    for i in {1..16}; do
        curl -s --max-time 30 "${json[@]}" -d '{"client":'"$i"'}' "$base/v1/records/otlp?n=[1-2000]" >"reply.$i" 2>/dev/null 3>&- &
    done
    soon [ -s reply.16 ]
    sleep 0.3
    kill -9 "$COLLECT"
    wait
    COLLECT=
    rm "$STATE/collect.state"
    ids reply.* >promised
    [ "$(wc -l <promised)" -gt 20 ]
    # What was under way may be there, too, but nothing twice; it goes on where it was.
    collect_start
    curl -s "${json[@]}" -d '{}' "$base/v1/records/otlp?n=[1-5]" >after
    ids after >>promised
    drain
    [ "$(queued | uniq -d | wc -l)" = 0 ]
    [ "$(comm -23 <(sort promised) <(queued) | wc -l)" = 0 ]
}

@test "slow clients and those who say nothing hold nobody up" {
    local i fds=() port
    begin
    port=${base##*:}
    for i in {1..30}; do
        exec {fd}<>"/dev/tcp/127.0.0.1/$port"
        fds+=("$fd")
        printf 'POST /v1/records/otlp HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\nslow' >&"$fd"
    done
    for i in {1..20}; do
        post /v1/records/otlp "${json[@]}" -d '{}' --max-time 5
        [ "$code" = 200 ]
    done
    for fd in "${fds[@]}"; do exec {fd}>&-; done
    # More than there is room for at once: each gets its turn.
    seq 200 | xargs -P 100 -I{} curl -s --max-time 30 "${json[@]}" -d '{"n":{}}' "$base/v1/records/otlp" >crowd
    [ "$(ids crowd | uniq | wc -l)" = 200 ]
}

@test "bodies that never end shut nobody out, and give way to new ones" {
    local i fd fds=() port
    sed -i 's/^channel = otlp$/&\nbody_max = 1M/' site/etc/gapferry/agent.conf
    begin
    port=${base##*:}
    for i in {1..4}; do
        exec {fd}<>"/dev/tcp/127.0.0.1/$port"
        fds+=("$fd")
        printf 'POST /v1/metrics HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 1048576\r\n\r\n' >&"$fd"
        head -c 1048575 /dev/zero >&"$fd"
    done
    jq -nc '{n: ("x" * 3000)}' >new
    for i in {1..5}; do
        post /v1/records/otlp "${json[@]}" --data-binary @new
        [ "$code" = 200 ] || fail "$code $body"
    done
    # Only the oldest gave way; it hears so at its end, and the youngest is judged by what it says.
    printf 0 >&"${fds[0]}"
    IFS= read -r -t 5 i <&"${fds[0]}"
    [[ $i = 'HTTP/1.1 503 '* ]] || fail "$i"
    printf 0 >&"${fds[3]}"
    IFS= read -r -t 5 i <&"${fds[3]}"
    [[ $i = 'HTTP/1.1 400 '* ]] || fail "$i"
    for fd in "${fds[@]}"; do exec {fd}>&-; done
}

@test "a body longer than any record is refused at its head" {
    local fd line
    begin
    exec {fd}<>"/dev/tcp/127.0.0.1/${base##*:}"
    printf 'POST /v1/records/otlp HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1048577\r\n\r\n' >&"$fd"
    IFS= read -r -t 5 line <&"$fd"
    exec {fd}>&-
    [[ $line = 'HTTP/1.1 413 '* ]] || fail "$line"
}

# ---- the program ----

@test "it runs once, ends by SIGTERM, and says what it did" {
    gives 85 C check
    says 'channel otlp has no consent: gapferry-agent consent otlp grant'
    rm "$STATE/policy.json"
    gives 75 C check
    says '127.0.0.1:0' 'gapferry-agent run, or sync'
    begin
    gives 0 C check
    says 'channel    otlp: consent granted'
    gives 73 C run
    says 'gapferry-collect run'
    post /v1/records/otlp "${json[@]}" -d '{}'
    post /v1/records/no "${json[@]}" -d '{}'
    collected() { [ "$(C status --json | jq -c '[.running, .records, .refused]')" = '[true,1,1]' ]; }
    soon collected
    gives 0 C status
    says "listen     ${base#http://}" 'records    1 (' ' on channel no (403): the site has not given its consent' \
        "; counted up to $(C status --json | jq -r .written)"
    [ "$(C status --json | jq -c '.last_refusal | [.status, .channel]')" = '[403,"no"]' ]
    kill -TERM "$COLLECT"
    wait "$COLLECT"
    COLLECT=
    [ ! -e site/run/gapferry/collect.sock ]
    [ "$(C status --json | jq -c '[.running, .records]')" = '[false,1]' ]
    sed -i 's/^listen = .*/listen = 0.0.0.0:4318/' site/etc/gapferry/agent.conf
    gives 78 C check
    says 'only this machine'
    gives 78 A config check
    says 'only this machine'
}

@test "sockets may come from the service manager" {
    command -v systemd-socket-activate >/dev/null || skip "systemd-socket-activate is not installed: it was not tried"
    drain
    local port; port=$(free_port)
    systemd-socket-activate -l "127.0.0.1:$port" -l "$PWD/passed.sock" "$BIN/gapferry-collect" --root site run \
        2>>collect.log 3>&- &
    COLLECT=$!
    base=http://127.0.0.1:$port
    soon curl -sf -o /dev/null "$base/healthz"
    post /v1/records/otlp "${json[@]}" -d '{}'
    [ "$code" = 200 ]
    curl -sf --unix-socket passed.sock "${json[@]}" -d '{}' http://x/v1/records/otlp >/dev/null
    [ ! -e site/run ]
    [ "$(lines | wc -l)" = 2 ]
}

@test "help fits a terminal; completion and manual have each command, option and key" {
    local command word
    C --help | grep -q '^usage: gapferry-collect '
    # shellcheck source=/dev/null
    source "$SOURCE/scripts/completion/gapferry-collect.bash"
    for command in run check status; do
        C --help | grep -q "^  $command "
        [ "$(C "$command" --help | wc -L)" -le 90 ]
        diff <(_gapferry_collect_options "$command" | tr ' ' '\n' | sort) \
            <(C "$command" --help | grep -oE '^ +(-[a-zA-Z],)? *--[a-z-]+' | grep -oE -- '--[a-z-]+' | sort)
        grep -q "^\*gapferry-collect\* .*\*$command\*" "$SOURCE/docs/man/gapferry-collect.8.scd"
    done
    for word in listen socket body_max clients channel; do
        grep -qE "^\*$word\*" "$SOURCE/docs/man/gapferry-collect.8.scd" || fail "$word"
        grep -q "\"collect\", 0, \"$word\"" "$SOURCE/agent/agent_keys.c"
    done
}
