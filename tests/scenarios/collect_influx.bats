# collect_influx.bats -- lines of the Influx line protocol come into gapferry-collect: with curl as
# Telegraf sends them, and with the clients of npm.
# shellcheck disable=SC2030,SC2031 # each test is a shell of its own

# shellcheck source=tests/scenarios/trip.bash
source "$BATS_TEST_DIRNAME/trip.bash"
# shellcheck source=tests/scenarios/collect.bash
source "$BATS_TEST_DIRNAME/collect.bash"

setup() {
    cd "$BATS_TEST_TMPDIR" || return
    local tool
    for tool in curl jq sqlite3; do
        command -v "$tool" >/dev/null || skip "$tool is not installed: $BATS_TEST_DESCRIPTION was not tried"
    done
    A init --name site --consent metrics=granted >/dev/null 2>&1
    printf '[collect]\nlisten = 127.0.0.1:0\n' >>site/etc/gapferry/agent.conf
    mkdir -p usb
}

teardown() { collect_stop KILL; }

begin() {
    drain
    collect_start
}

# send QUERY [CURL OPTION]...: standard input to /write; $code and $body are the reply, head its head.
send() {
    code=$(curl -s --max-time 30 -o body -D head -w '%{http_code}' -H "Content-Type: ${type:-text/plain; charset=utf-8}" \
        --data-binary @- "${@:2}" "$base/${1/#\?/write?}") || true
    body=$(cat body 2>/dev/null || true)
}

answers() { # STATUS WORDS
    [[ $code = "$1" && $body = *"$2"* ]] || fail "$code $body"
}

records() { cut -c19- "$STATE"/intake/*.spool; }
last() { records | tail -n 1 | jq -j .body; }

@test "lines come in as they are; clock, unit and names are seen to" {
    begin
    printf 'cpu,cpu=cpu0 usage=1.50,up=t,s="a\nb",n=5i 1700000000123456789\nmem  used=1e9 1700000000123456789' >plain
    send '?db=telegraf' <plain
    answers 204 ''
    grep -qi '^content-type' head
    last | cmp - plain
    [ "$(records | jq -r '.channel, .type' | paste -sd' ')" = 'metrics text/x-influx-line' ]

    send '?db=telegraf&rp=autogen&consistency=any&precision=s&u=me&p=not-to-be-logged' \
        <<<'cpu,host=db1.grid,cpu=cpu0 usage=1 1700000000'
    answers 204 ''
    [ "$(last)" = 'cpu,cpu=cpu0 usage=1 1700000000000000000' ]
    local from; from=$(date +%s)
    send '?' <<<$'# host=db1.grid\ncpu,host=db1.grid usage=1,user="root",n=3i'
    answers 204 ''
    [[ $(last) =~ ^'cpu usage=1,n=3i '([0-9]+)[0-9]{9}$ ]]
    [ "$((BASH_REMATCH[1] - from))" -le 30 ]
    absent grep -rq 'db1.grid' "$STATE"

    gzip -c plain | send 'api/v2/write?org=o&bucket=b&precision=ns' -H 'Content-Encoding: gzip' \
        -H 'Transfer-Encoding: chunked' -H 'Authorization: Token not-to-be-logged'
    answers 204 ''
    last | cmp - plain
    send 'write' </dev/null
    answers 204 ''
    [ "$(records | wc -l)" = 4 ]
    absent grep -q 'not-to-be-logged' collect.log
    drain
    [ "$(sqlite3 "$STATE/agent.db" 'SELECT count(*) FROM record')" = 4 ]
}

@test "valid lines come in beside others, and the reply names the first that is none" {
    begin
    send '?' <<<$'m f=1 1\nm f=\nm f=2 2\nm,a= f=1'
    answers 400 '{"error":"partial write: unable to parse line 2: a field without a value, and other lines dropped=2"}'
    [ "$(last)" = $'m f=1 1\nm f=2 2' ]
    send '?' <<<$'m f=1 1\nm user="root" 2'
    answers 400 'partial write: the list (deny) of the channel leaves nothing of 1 lines dropped=1'
    [ "$(last)" = 'm f=1 1' ]
    [ "$(records | wc -l)" = 2 ]
    send '?' <<<$'m f=\nm'
    answers 400 '{"error":"unable to parse line 1: '
    send 'api/v2/write?precision=ns' <<<m
    answers 400 '{"code":"invalid","message":"unable to parse line 1: missing fields"}'
    send '?precision=d' <<<'m f=1'
    answers 400 "unknown precision 'd'"
    send '?' -H 'Origin: http://evil.example' <<<'m f=1 1'
    answers 403 pages
    send '?' -H 'Host: evil.example' <<<'m f=1 1'
    answers 403 Host
    send '?' -H 'Content-Encoding: br' <<<'m f=1 1'
    answers 415 '"error"'
    [ "$(records | wc -l)" = 2 ]
    # A record of lines, as any other: all of it or nothing.
    type=text/x-influx-line send v1/records/metrics <<<'m,host=a f=1 5'
    answers 200 '"dropped":"host"'
    [ "$(last)" = 'm f=1 5' ]
    type=text/x-influx-line send v1/records/metrics <<<$'m f=1 5\nm'
    answers 400 'line 2'
}

@test "without consent or room nothing comes in, and the client hears when to come again" {
    rm "$STATE/policy.json"
    collect_start
    send '?' <<<'m f=1'
    answers 503 '"error"'
    grep -qi '^retry-after: [1-9]' head
    drain
    A consent metrics deny >/dev/null 2>&1
    send api/v2/write <<<'m f=1'
    answers 403 '"code":"forbidden"'
    A consent metrics grant >/dev/null 2>&1
    printf '[channel "metrics"]\nmax_records = 1\n' >>site/etc/gapferry/agent.conf
    drain
    send '?' <<<'m f=1 1'
    answers 204 ''
    send '?' <<<'m f=1 2'
    answers 429 'takes no more'
    grep -qi '^retry-after: [1-9]' head
    [ "$(records | wc -l)" = 1 ]
    sed -i 's/^max_records = 1/allow = users/' site/etc/gapferry/agent.conf
    drain
    send '?' <<<'m f=1 1'
    answers 403 'cannot be applied to lines'
}

@test "a body larger than a record becomes several of one group, cut between lines" {
    begin
    # Strings with LF and quotes in them, which take twice the room.
    awk 'BEGIN { for (i = 0; i < 20000; i++) printf "log,i=%d n=%di,s=\"line\n of \\\"%d\\\" words %080d\" 17000000000000%05d\n", i, i, i, i, i }' >many
    [ "$(wc -c <many)" -gt 2500000 ]
    send '?' <many
    answers 204 ''
    [ "$(records | wc -l)" -ge 3 ]
    records | jq -j .body | cmp - many
    records | jq -e '.body | startswith("log,i=") and endswith("\n")' >/dev/null
    soon grep -q '^groups=1$' "$STATE/collect.state"
    # Each says of itself what it holds.
    [ "$(records | jq .ext.metrics.points | jq -s add)" = 40000 ]
    records | jq -r '.ext.metrics | .from[-10:-1], .to[-10:-1]' >stamps
    diff <(sed -n '1p;$p' stamps) <(printf '%s\n' 000000000 000019999)
    diff <(sed '1~2d;$d' stamps | awk '{ printf "%09d\n", $1 + 1 }') <(sed '1~2!d;1d' stamps)
    # There is room for two of the four: none comes in.
    printf '[channel "metrics"]\nmax_records = 6\n' >>site/etc/gapferry/agent.conf
    drain
    send '?' <many
    answers 429 'takes no more'
    [ -z "$(ls "$STATE/intake")" ]
    sed -i '/^max_records/d' site/etc/gapferry/agent.conf
    drain
    cat many many many many many >five
    send '?' <five
    answers 413 '8 MiB of records'
    [ -z "$(ls "$STATE/intake")" ]
}

@test "who asks whether a database is there, or makes one, is answered" {
    begin
    local method
    for method in GET HEAD; do
        code=$(curl -s -o body -D head -w '%{http_code}' "$([ $method = HEAD ] && echo -I || echo -i)" "$base/ping")
        [ "$code" = 204 ]
        grep -qi '^x-influxdb-version: 1\.8' head
    done
    # As Telegraf does without skip_database_creation.
    type=application/x-www-form-urlencoded send query <<<'q=CREATE+DATABASE+%22telegraf%22'
    answers 200 '{"results":[{"statement_id":0}]}'
    send 'query?db=x&q=create%20database%20x' </dev/null
    answers 200 '{"results":[{"statement_id":0}]}'
    send query <<<'q=DROP+DATABASE+%22telegraf%22'
    answers 400 '"error"'
    send 'query?q=SELECT%20*%20FROM%20cpu' </dev/null
    answers 400 '"error"'
    send query </dev/null
    answers 400 '"error"'
    code=$(curl -s -o body -w '%{http_code}' "$base/write")
    [ "$code" = 405 ]
    absent ls "$STATE"/intake/*.spool
}

# clients: of npm, or the test is skipped.
clients() {
    local tool
    for tool in node npm; do
        command -v "$tool" >/dev/null || skip "$tool is not installed: no client was tried"
    done
    [ -d "$SOURCE/tests/influx/node_modules/influx" ] ||
        (cd "$SOURCE/tests/influx" && npm ci --ignore-scripts --no-audit --no-fund >/dev/null) ||
        skip "the clients cannot be fetched: none was tried"
}

@test "the client of InfluxDB 1.x makes its database and writes in each precision" {
    clients
    begin
    run timeout 60 node "$SOURCE/tests/influx/write.mjs" v1 "$base"
    [ "$status" = 0 ] || fail "$output"
    [ "$output" = $'ping true 1.8-gapferry\nwritten' ] || fail "$output"
    [ "$(records | wc -l)" = 5 ]
    local fields='state="say \"fine\", a=b\\",up=T,usage=1.5,users=3i'
    diff <(records | head -n 4 | jq -r .body) - <<END
cpu,cpu=cpu\\ 0 $fields 1700000000000000000
cpu,cpu=cpu\\ 1 $fields 1700000000123000000
cpu,cpu=cpu\\ 2 $fields 1700000000123000000
cpu,cpu=cpu\\ 3 $fields 1700000000123000000
END
    absent grep -rq 'db1.grid\|not-to-be-logged' "$STATE" collect.log
}

@test "the client of InfluxDB 2.x writes batches in gzip, and waits for a grant" {
    clients
    begin
    mv "$STATE/policy.json" kept
    timeout 60 node "$SOURCE/tests/influx/write.mjs" v2 "$base" >said 2>&1 3>&- &
    local client=$!
    soon grep -q 'event=refused status=503' collect.log
    mv kept "$STATE/policy.json"
    wait "$client" || fail "$(cat said)"
    grep -q written said
    # Three batches, every point once, with its time.
    [ "$(records | wc -l)" = 3 ] || fail "$(records | wc -l) $(cat said)"
    diff <(records | jq -r .body | sort) \
        <(for i in {0..2999}; do echo "took,path=/log\\ in ms=$i.5 $((1700000000000 + i))000000"; done | sort)
}

resident() { awk '/^VmRSS/ { print $2 }' "/proc/$COLLECT/status"; }

@test "the memory that a huge body took is given back" {
    begin
    awk 'BEGIN { for (i = 0; i < 1000000; i++) print "m,t=a v=" i % 10 }' >lines
    head -c 15000000 /dev/zero | tr '\0' ' ' | gzip >blanks.gz
    send '?db=x' <lines
    [ "$code" = 413 ]
    type=application/json
    code=$(curl -s -o body -w '%{http_code}' -H "Content-Type: $type" -H 'Content-Encoding: gzip' \
        --data-binary @blanks.gz "$base/v1/metrics")
    [ "$code" = 400 ]
    [ "$(resident)" -lt 24576 ] || fail "$(resident) KiB"
}
