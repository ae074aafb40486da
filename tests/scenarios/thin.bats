# thin.bats -- metrics at the cap of their channel: thousands of points through gapferry-collect into
# a queue that holds a part of them.
# shellcheck disable=SC2030,SC2031 # each test is a shell of its own

# shellcheck source=tests/scenarios/trip.bash
source "$BATS_TEST_DIRNAME/trip.bash"
# shellcheck source=tests/scenarios/collect.bash
source "$BATS_TEST_DIRNAME/collect.bash"

BEGIN=1700000400 # a multiple of ten minutes

setup() {
    cd "$BATS_TEST_TMPDIR" || return
    local tool
    for tool in curl jq; do
        command -v "$tool" >/dev/null || skip "$tool is not installed: $BATS_TEST_DESCRIPTION was not tried"
    done
    site_init
    printf '[collect]\nlisten = 127.0.0.1:0\nchannel = otlp\n[channel "otlp"]\nconsent = granted\n%s\n' \
        'max_bytes = 98K' >>site/etc/gapferry/agent.conf
    mkdir -p usb
}

teardown() {
    collect_stop KILL
}

# request FROM: 50 points of a gauge, a minute apart, the i-th of value i, and one of a delta sum.
request() {
    jq -nc --argjson from "$1" --argjson begin "$BEGIN" '
        def at: "\($begin + 60 * .)000000000";
        {resourceMetrics: [{scopeMetrics: [{metrics: [
            {name: "g", gauge: {dataPoints: [range($from; $from + 50) | {timeUnixNano: at, asInt: "\(.)"}]}},
            {name: "d", sum: {aggregationTemporality: 1,
                dataPoints: [$from | {timeUnixNano: at, asInt: "\(.)"}]}}]}]}]}'
}

post() { # PATH TYPE: the body is the file body
    code=$(curl -s --max-time 30 -o reply -w '%{http_code}' -H "Content-Type: $2" --data-binary @body "$base$1")
}

# The agent takes what lies there, and tells how much more it takes; no bundle is due yet.
intake() { A run --once >/dev/null 2>>run.log; }

# A body that found no room comes again once the agent has been there, as clients do.
post_until_taken() {
    post "$@"
    if [ "$code" = 429 ]; then
        full=$((full + 1))
        intake
        soon_room "$@"
    fi
    [[ $code = 2* ]] || fail "$code $(cat reply)"
}

soon_room() {
    local i
    for i in {1..50}; do
        post "$@"
        [ "$code" = 429 ] || return 0
        sleep 0.1
    done
}

@test "a full queue is thinned before gapferry-collect refuses for good, and says so all the way" {
    relay_init
    acquaint
    echo 'thin = 10m' >>site/etc/gapferry/agent.conf
    intake
    collect_start
    local i n=4000
    full=0
    for ((i = 0; i < n; i += 50)); do
        request "$i" >body
        post_until_taken /v1/metrics application/json
    done
    intake
    [ "$full" -ge 1 ] || fail "it was never full"
    A preview otlp >shown
    # Of each ten minutes of the gauge the last point at least; of the delta sum all.
    grep -oE '"asInt": ?"[0-9]+"' shown | tr -dc '0-9\n' | sort -n >there
    for ((i = 9; i < n; i += 10)); do echo "$i"; done >last
    for ((i = 0; i < n; i += 50)); do echo "$i"; done >deltas
    [ -z "$(sort -u there | comm -13 - <(sort -u last deltas))" ] || fail "missing: $(sort -u there | comm -13 - <(sort -u last deltas) | head)"
    [ "$(wc -l <there)" -lt $((n / 2)) ]
    # What it says: points there, and points left out, are all that came.
    A status --json >said
    [ "$(jq -c '.thinned[] | [.channel, .every_s]' said)" = '["otlp",600]' ]
    [ $(($(jq '.thinned[0].points' said) + $(wc -l <there))) = $((n + n / 50)) ]
    [ "$(jq -r '.thinned[0].from' said)" = "$(date -ud "@$BEGIN" +%FT%TZ)" ]
    [ "$(jq .lost said)" = 0 ]
    A status | grep -qE '^thinned +otlp: [0-9]+ points of 2023-11-14T22:20:00Z to .* left out of [0-9]+ records, one of each series stays in 10m'
    grep -qE '^  thinned  otlp: ' shown
    [ "$(A preview otlp --json | jq '[.channels[].records[].ext.thinned | select(.)] | map(.points) | add')" = "$(jq '.thinned[0].points' said)" ]
    # And the relay hears of it.
    A sync usb >/dev/null 2>&1
    R sync usb >/dev/null 2>&1 || true
    [ "$(R status --json | jq -c '.lost[] | [.channel, .policy]')" = '["otlp","thin-10m"]' ]
    [ "$(R status --json | jq -c '.lost[] | [.from, .to]')" = "$(jq -c '.thinned[] | [.from, .to]' said)" ]
    R status | grep -q ', points from 2023-11-14T22:20:00Z to .*, thinned there by its own policy (thin-10m)'
}
