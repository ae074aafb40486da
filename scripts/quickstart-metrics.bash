# shellcheck shell=bash disable=SC2034 # what is set here is for scripts/quickstart, which sources it
# quickstart-metrics.bash -- for scripts/quickstart --metrics: a week of an OpenTelemetry client's points goes
# from a site without network into VictoriaMetrics.

PACKAGES+=(victoria-metrics nodejs npm faketime iproute2)
TARGETS+=(gapferry-collect)
EVERY=$((12 * 3600))
SINK='' COLLECT='' HOLDER='' SINK_PORT='' OTLP=''

metrics_finish() {
    local pid
    for pid in $COLLECT $SINK $HOLDER; do
        kill "$pid" 2>/dev/null
        wait "$pid" 2>/dev/null
    done
}

metrics_go_on() {
    cat <<TEXT

Everything is left in $WORK (rm -rf it when you have done). To look at it again:

  cd $WORK; PATH=$BIN:\$PATH
  victoria-metrics -storageDataPath=sink -retentionPeriod=1y -httpListenAddr=127.0.0.1:8428 &
  curl -s 'http://127.0.0.1:8428/api/v1/export' -d 'match[]={gapferry_site="site-a"}'
  gapferry-agent --root site status
TEXT
}

# What the site's programs share: one namespace with nothing but its own loopback, held by a process that
# does nothing else. Without one, as without a namespace at all.
metrics_cut() {
    local hold='ip link set lo up && echo up && exec sleep 3600' enter=(nsenter -n) try
    if [ ${#CUT[@]} -eq 0 ]; then return; fi
    try=("${CUT[@]::${#CUT[@]}-1}")
    if [ "${try[1]}" = -c ]; then
        try+=(--keep-caps) enter=(nsenter -U --preserve-credentials -n)
    fi
    "${try[@]}" -- sh -c "$hold" >holder 2>&1 &
    HOLDER=$!
    if until_said up holder; then
        CUT=("${enter[@]}" -t "$HOLDER" --)
    else
        CUT=() AIRGAP=forced
    fi
}

until_said() { # WORDS FILE
    for _ in {1..200}; do
        if grep -qs -- "$1" "$2"; then return 0; fi
        sleep 0.05
    done
    return 1
}

# The exporters, from npm, into tests/otel.
metrics_client() {
    local tool
    for tool in victoria-metrics node npm faketime jq; do
        command -v "$tool" >/dev/null || die "$tool is not installed; without --bin it is" 69
    done
    if [ -d "$SOURCE/tests/otel/node_modules/@opentelemetry/sdk-metrics" ]; then return; fi
    step 'The client: OpenTelemetry for JavaScript'
    echo '   $ (cd tests/otel && npm ci)'
    (cd "$SOURCE/tests/otel" && npm ci --ignore-scripts --no-audit --no-fund) >>log 2>&1 ||
        die "npm could not fetch it: $(tail -n 3 log)"
}

ask() { curl -sS --fail --noproxy '*' "http://127.0.0.1:$SINK_PORT$1" "${@:2}"; }

start_sink() {
    for _ in {1..5}; do
        SINK_PORT=$((20000 + RANDOM % 12000))
        victoria-metrics -storageDataPath=sink -retentionPeriod=1y -dedup.minScrapeInterval=1ms \
            -httpListenAddr="127.0.0.1:$SINK_PORT" >sink.log 2>&1 &
        SINK=$!
        for _ in {1..200}; do
            kill -0 "$SINK" 2>/dev/null || break
            if [ "$(ask /health 2>/dev/null)" = OK ]; then return; fi
            sleep 0.05
        done
        kill "$SINK" 2>/dev/null
        wait "$SINK"
    done
    die "victoria-metrics did not start: $(tail -n 3 sink.log)"
}

metrics_host() {
    step 'The connected host: a relay, and VictoriaMetrics' \
        'It keeps a year of points, and takes one that comes again for the same. The relay asks afterwards whether what it sent is there: a 204 proves nothing.'
    start_sink
    printf '   host$ victoria-metrics -retentionPeriod=1y -dedup.minScrapeInterval=1ms &\n'
    run 0 host gapferry-relay --root host init --name relay-1
    cat >endpoint <<CONF

[endpoint "metrics"]
channel = metrics
profile = prometheus
url = http://127.0.0.1:$SINK_PORT/api/v1/import/prometheus
readback = http://127.0.0.1:$SINK_PORT/api/v1/export
max_age = 30d
CONF
    cat endpoint >>host/etc/gapferry/relay.conf
    echo '   in relay.conf:'
    sed 1d endpoint | shown
    run 0 host gapferry-relay --root host config check
    run 0 host gapferry-relay --root host sync usb
}

metrics_site() {
    local fingerprint
    step 'The site: an agent, and a collector for programs that speak OpenTelemetry' \
        'It has no network. Both listen to nobody but this machine.'
    run 0 site gapferry-agent --root site init --name site-a --consent metrics=granted
    fingerprint=$(gapferry-relay --root host card --fingerprint) || die 'the relay has no card'
    run 0 site gapferry-agent --root site trust usb/GAPFERRY/cards/*.card --yes --fingerprint "$fingerprint"
    if [ ${#CUT[@]} -eq 0 ]; then sed -i 's/^\[agent\]$/&\nmode = airgap/' site/etc/gapferry/agent.conf; fi
    printf '\n[collect]\nlisten = 127.0.0.1:0\n' >>site/etc/gapferry/agent.conf
    run 0 site gapferry-agent --root site sync usb
    "${CUT[@]}" gapferry-collect --root site run >collect.log 2>&1 &
    COLLECT=$!
    printf '   site$ gapferry-collect --root site run &\n'
    until_said 'event=listening' collect.log || die "gapferry-collect did not start: $(tail -n 1 collect.log)"
    OTLP=http://$(sed -n 's/.*event=listening address=\([^ ]*\).*/\1/p' collect.log)/v1/metrics
}

reads() { # AGO json|proto
    local client=$SOURCE/tests/otel/readings.mjs
    if [ "$SHOWN" = 0 ]; then command_line site "faketime -f $1 node tests/otel/readings.mjs $2 $OTLP"; fi
    at site faketime -f "$1" node "$client" "$2" "$OTLP" >>recorded 2>>log ||
        die "the client could not export: $(tail -n 3 log)"
    if [ "$SHOWN" = 0 ]; then shown <recorded; fi
    SHOWN=$((SHOWN + 1))
}

metrics_record() {
    local ago forms=(json proto)
    SHOWN=0
    step 'A week of readings' \
        'A real OpenTelemetry client reads this machine. Nobody waits a week: libfaketime dates each run back. Every other export is JSON, the rest protobuf; one run is two months old.'
    for ((ago = DAYS * 86400; ago > 0; ago -= EVERY)); do
        reads "-${ago}s" "${forms[SHOWN % 2]}"
    done
    say "... and $((SHOWN - 1)) more of them."
    cp recorded wanted
    reads -60d json
    run 0 site gapferry-collect --root site status
    say 'Taken out of each: host.name, as the rule of the site (deny) says when nobody has said otherwise. Before anything leaves, one can see all of it:'
    run_head 30 site gapferry-agent --root site preview metrics
    if grep -qF "$(uname -n)" <(at site gapferry-agent --root site preview metrics --json); then
        die 'the name of this host would leave'
    fi
}

metrics_trip() {
    local fingerprint
    step 'Out, to the connected host, into VictoriaMetrics, and back' 'The drive is a directory here, usb.'
    run 0 site gapferry-agent --root site sync usb
    BUNDLE=$(echo usb/GAPFERRY/to-relay/*.gfb)
    [ -f "$BUNDLE" ] || die "one bundle should be on the drive: $BUNDLE"
    cp "$BUNDLE" first.gfb
    run 77 host gapferry-relay --root host sync usb
    fingerprint=$(at site gapferry-agent --root site card --fingerprint)
    run 0 host gapferry-relay --root host approve "$fingerprint"
    printf '\n[agent "%s"]\nname = site-a\n' "$fingerprint" >agent
    cat agent >>host/etc/gapferry/relay.conf
    echo '   in relay.conf, so that points say where they come from:'
    sed 1d agent | shown
    run 0 host gapferry-relay --root host sync usb
    run 0 site gapferry-agent --root site sync usb
    run 0 site gapferry-agent --root site status
    grep -q 'older than 30d' said || die 'the status does not say which points were refused, and why'
    step 'Carried twice' 'Somebody carries a copy of the first bundle again. Nothing may be there twice.'
    cp first.gfb "$BUNDLE"
    run 0 host gapferry-relay --root host sync usb
}

# "NAME MS VALUE", sorted, of what the client said and of what VictoriaMetrics says.
metrics_account() {
    step 'The account' \
        'What the client recorded, as it said itself, beside what VictoriaMetrics gives for gapferry_site="site-a" now.'
    ask /internal/force_flush >/dev/null
    command_line host "curl http://127.0.0.1:$SINK_PORT/api/v1/export -d 'match[]={gapferry_site=\"site-a\"}'"
    ask /api/v1/export -d 'match[]={gapferry_site="site-a"}' >exported || die 'the sink does not answer'
    jq -r '"\(.name) \(.ms) \(.value)"' wanted | sort >recorded.list
    jq -r '. as $s | range(.values | length) | "\($s.metric.__name__) \($s.timestamps[.]) \($s.values[.])"' exported |
        sort >sink.list
    head -n 1 exported | jq -c .metric | shown
    echo
    join -a 1 -a 2 -e - -o 0,1.2,2.2 <(sed 's/ /@/' recorded.list | sort) <(sed 's/ /@/' sink.list | sort) |
        awk '{
            split($1, of, "@")
            when = strftime("%Y-%m-%d %H:%M:%S", int(of[2] / 1000), 1) sprintf(".%03d", of[2] % 1000)
            printf "%-16s %s %16.10g %16s\n", of[1], when, $2, $3 == "-" ? "-" : sprintf("%.10g", $3)
        }' >table
    printf '     %-16s %-23s %16s %16s\n' metric time recorded VictoriaMetrics
    grep '^load' table | shown
    say "... and so on for the other $(grep -vc '^load' table) points."
    echo
    diff recorded.list sink.list >>log || die "the sink has something else than what was recorded: see above, and $WORK/log"
    say "All $(wc -l <recorded.list) points are there once, each with its own time and value; the $(jq -s 'length' <(tail -n +$(($(wc -l <wanted) + 1)) recorded)) of two months ago are not, and the site knows why."
}

metrics_all() {
    metrics_client
    metrics_cut
    metrics_host
    metrics_site
    metrics_record
    metrics_trip
    metrics_account
}
