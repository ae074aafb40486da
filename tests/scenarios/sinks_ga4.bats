#!/usr/bin/env bats
# sinks_ga4.bats -- events of a site at Google Analytics 4, which answers 204 to everything: a validator of
# its limits looks at what came, and what it would throw away must not have left.

bats_require_minimum_version 1.5.0
load trip.bash

relay_conf() {
    cat <<CONF
[endpoint "ga4"]
channel = metrics
profile = ga4
url = $URL/mp/collect?measurement_id=G-1
secret_file = $PWD/secret
timeout = 3s
CONF
}

site_init() {
    A init --name site --consent metrics=granted >/dev/null
    (umask 077 && echo 'tOp/s3cret' >secret)
}

# The newest record: its state and its reason, as the relay knows them.
newest() { fact '.records[-1] | .state + ": " + (.reason // "")' R records list; }

# arrive [OPTION]...: the record on standard input lies on the drive.
arrive() {
    A record metrics - "$@" >/dev/null
    A sync usb >/dev/null 2>&1 || true
}

# events N [JQ]: a record of N events of the last hours, each changed by the filter.
events() {
    jq -nc --argjson n "$1" --argjson now "$(date +%s)" '
        {client_id: "11.22", user_properties: {plan: {value: "pro"}}, events: [range($n) |
         {name: "e\(.)", params: {number: ., text: "t"}, timestamp_micros: (($now - 7200 + .) * 1000000)}'"${2:+ | $2}"']}'
}

# Names of the events that came.
came() { jq -r '.body | fromjson | .events[].name' v/tally.jsonl; }

# valid: each request keeps all of the limits of the Measurement Protocol, as Google has written them down.
valid() {
    local broken
    broken=$(jq -c --argjson now "$(date +%s)" '
        def words(max): type == "string" and length > 0 and length <= max;
        .size as $size | .body | fromjson | . as $request |
        [ if $size >= 130000 then "body of \($size)" else empty end,
          if (.client_id | words(1000)) then empty else "client_id" end,
          if .validation_behavior == "ENFORCE_RECOMMENDATIONS" then empty else "validation_behavior" end,
          if (.events | length) >= 1 and (.events | length) <= 25 then empty else "number of events" end,
          ((.user_properties // {}) | if length > 25 then "user properties" else empty end),
          ((.user_properties // {}) | to_entries[]
            | if (.key | words(24)) and (.value.value | tostring | length) <= 36 then empty else "property \(.)" end),
          (.events[] | if (.name | words(40)) then empty else "name \(.name)" end),
          (.events[] | .params // {} | if length > 25 then "parameters" else empty end),
          (.events[] | .params // {} | to_entries[]
            | if (.key | words(40)) and ((.value | type) != "string" or (.value | length) <= 100) then empty
              else "parameter \(.)" end),
          (.events[] | (.timestamp_micros // $request.timestamp_micros | tonumber / 1000000)
            | if . > $now + 600 or . < $now - 72 * 3600 then "time \(.)" else empty end)
        ] | select(length > 0)' v/tally.jsonl)
    [ -z "$broken" ] || fail "$broken"
}

@test "events arrive as they are, 25 at a time, and the secret stands nowhere" {
    ready
    events 60 | arrive
    there
    [ "$(newest)" = 'delivered: ' ]
    [ "$(wc -l <v/tally.jsonl)" = 3 ]
    [ "$(came | sort -u | wc -l)" = 60 ]
    valid
    [ "$(jq -s '[.[].body | fromjson | .events[] | .params.number] | add' v/tally.jsonl)" = 1770 ]
    R endpoints check >.said 2>&1 || true
    R status >>.said 2>&1 || true
    absent grep -rqE 'tOp/?(%2F)?s3cret' relay/var .said .out .err
    R sync usb >/dev/null
    home
    [ "$(state delivered)" = 1 ]
}

@test "a request stays below 130 kB, with what stands beside its events" {
    ready
    events 4 '.params = {list: ["x" * 32200]}' | jq -c '.client_id = "c" * 1000' | arrive
    there
    [ "$(newest)" = 'delivered: ' ]
    [ "$(wc -l <v/tally.jsonl)" = 2 ]
    [ "$(came | sort -u | wc -l)" = 4 ]
    valid
}

@test "what Google would throw away or date anew does not leave, and the site is told" {
    ready
    {
        events 1 '.name = "old" | .timestamp_micros -= 69 * 3600 * 1000000'
        events 1 '.name = "older" | .timestamp_micros -= 80 * 3600 * 1000000'
        events 1 '.name = "ahead" | .timestamp_micros += 4 * 3600 * 1000000'
        events 1 '.name = "n" * 41'
        events 1 '.name = "long" | .params.text = "x" * 101'
        events 1 '.name = "many" | .params = ([range(26) | {"p\(.)": .}] | add)'
        events 2 'del(.timestamp_micros)'
    } | jq -sc '{client_id: "1", events: map(.events[])}' | arrive
    there
    [ "$(came | xargs)" = 'old e0 e1' ] || fail "$(came)"
    valid
    R sync usb >/dev/null
    home
    gives 0 A status
    says '5 of 8 points refused: 1 older than 3d; 1 more than 10m ahead; 1 with a name longer than 40 characters;'
}

@test "a record from long ago is refused as a whole, and says why" {
    ready
    events 3 'del(.timestamp_micros)' | arrive --at "$(date -u -d '30 days ago' +%FT%TZ)"
    R sync usb >/dev/null 2>&1 || true
    [ "$(newest)" = 'rejected: 3 of 3 points refused: 3 older than 3d' ] || fail "$(newest)"
    [ ! -s v/tally.jsonl ]
    home
    gives 0 A status
    says '3 of 3 points refused: 3 older than 3d'
}

@test "what may have arrived is not sent twice" {
    ready
    events 3 | arrive
    vendor_script '9 reset-after'
    gives 75 R sync usb
    [[ $(newest) == 'held: it may have arrived ('* ]] || fail "$(newest)"
    vendor_script ''
    gives 75 R sync usb
    [ "$(wc -l <v/tally.jsonl)" = 1 ]
    # What had no effect is sent again.
    events 1 | arrive
    vendor_script '1 status 503'
    R sync usb >/dev/null 2>&1 || true
    [[ $(newest) == 'later: HTTP 503'* ]] || fail "$(newest)"
    vendor_script ''
    gives 0 R records retry
    R sync usb >/dev/null 2>&1 || true
    [ "$(newest)" = 'delivered: ' ]
    [ "$(wc -l <v/tally.jsonl)" = 2 ]
    valid
}

@test "a record of several requests that is cut off goes on with the next one, each event once" {
    ready
    events 60 | arrive
    vendor_script '1 slow 0' '9 status 503'
    R sync usb >/dev/null 2>&1 || true
    [[ $(newest) == 'later: HTTP 503'* ]] || fail "$(newest)"
    vendor_script '1 slow 0' '9 reset-after'
    gives 0 R records retry
    gives 75 R sync usb
    [[ $(newest) == 'held: it may have arrived ('*'release sends what is not known to be there again'* ]] || fail "$(newest)"
    vendor_script ''
    gives 0 R records release
    gives 0 R sync usb
    [ "$(newest)" = 'delivered: ' ]
    # Only the last request, which got no answer, came again.
    [ "$(came | sort | uniq -c | awk '{print $1}' | sort | uniq -c | tr -s ' \n' ' ')" = ' 50 1 10 2 ' ] || fail "$(came | sort | uniq -c)"
    valid
}

@test "the validator sees each fault" {
    mkdir v
    local n=0 fault
    while read -r fault; do
        events 2 | jq -c '.validation_behavior = "ENFORCE_RECOMMENDATIONS" | '"$fault"' | {size: (tojson | length), body: tojson}' >v/tally.jsonl
        n=$((n + 1))
        if [ $n = 1 ]; then valid; else absent valid; fi
    done <<'FAULTS'
.
.events = []
.events = [range(26) as $i | .events[0]]
.client_id = ""
.validation_behavior = "RELAXED"
.user_properties = ([range(26) | {"p\(.)": {value: 1}}] | add)
.user_properties = {"ppppppppppppppppppppppppp": {value: 1}}
.user_properties = {p: {value: ("v" * 37)}}
.events[1].name = "n" * 41
.events[1].params = ([range(26) | {"p\(.)": .}] | add)
.events[1].params = {("p" * 41): 1}
.events[1].params.text = "x" * 101
.events[1].timestamp_micros += 10 * 3600 * 1000000
.events[1].timestamp_micros -= 73 * 3600 * 1000000
.events[1].params.list = ["x" * 130000]
FAULTS
}
