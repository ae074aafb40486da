# collect_scrape.bats -- gapferry-collect asks the Prometheus endpoints of the site.
# shellcheck disable=SC2030,SC2031 # each test is a shell of its own

# shellcheck source=tests/scenarios/trip.bash
source "$BATS_TEST_DIRNAME/trip.bash"
# shellcheck source=tests/scenarios/collect.bash
source "$BATS_TEST_DIRNAME/collect.bash"

C() { "$BIN/gapferry-collect" --root site "$@"; }

setup() {
    cd "$BATS_TEST_TMPDIR" || return
    local tool
    for tool in curl jq node; do
        command -v "$tool" >/dev/null || skip "$tool is not installed: $BATS_TEST_DESCRIPTION was not tried"
    done
    mkdir -p usb e
    printf '# TYPE requests_total counter\nrequests_total{code="200",secret="s"} 7 1767225600123\n# TYPE load gauge\nload 0.5\n' >e/metrics
}

teardown() {
    collect_stop KILL
    vendor_stop KILL
    local pid
    for pid in ${PIDS:-}; do kill -9 "$pid" 2>/dev/null || true; done
}

# site [LINE]...: an agent whose configuration has these lines, too.
site() {
    A init --name site --consent metrics=granted >/dev/null 2>&1
    printf '[collect]\nlisten = 127.0.0.1:0\n' >>site/etc/gapferry/agent.conf
    printf '%s\n' "$@" >>site/etc/gapferry/agent.conf
    drain
}

# endpoint: the scripted one, at port $at and at the socket e.sock.
endpoint() {
    node "$SOURCE/tests/support/endpoint.mjs" e "$PWD/e.sock" >e/port 2>e/err 3>&- &
    PIDS="${PIDS:-} $!"
    soon test -s e/port
    at=127.0.0.1:$(cat e/port)
}

# scrape NAME URL [LINE]...: its section.
scrape() { printf '[scrape "%s"]\nurl = %s\nevery = 10s\n' "$1" "$2" && printf '%s\n' "${@:3}"; }

# look FILTER: what jq says of the status; what stands in status.json then is of one moment.
look() { C status --json >status.json && jq -r "$1" status.json; }
of() { jq -r ".scrapes[] | select(.scrape == \"$1\") | .$2" status.json; } # NAME MEMBER, at that moment
asked() { [ "$(look '[.scrapes[] | select(.last_success or .last_failure)] | length')" = "$1" ]; } # N: so many were
works() { look . >/dev/null && [ "$(of "$1" failures)" = 0 ]; }                                    # NAME

# series: NAME{resource}{point} VALUE of what arrived at the vendor, but for how long a scrape took.
series() { curl -sf "$URL/points" | jq -r '.points[] | "\(.series) \(.value)"' | grep -v duration_seconds | sort; }

@test "what endpoints say arrives, each sample under its name, with its time; what is denied does not" {
    endpoint
    vendor_start
    site "$(scrape node "http://$at/metrics" 'job = machines')" "$(scrape db "http+unix://$PWD/e.sock:/openmetrics")" \
        '[channel "metrics"]' 'deny = secret,host.*'
    R init --name relay >/dev/null
    printf '[endpoint "otlp"]\nchannel = metrics\nprofile = otlp\nurl = %s\nattributes = none\n' \
        "$URL/v1/metrics" >relay/etc/gapferry/relay.conf
    acquaint
    collect_start
    soon asked 2
    [ "$(of node samples) $(of db samples)" = '2 1' ]
    [ "$(of node failures) $(of db failures)" = '0 0' ]
    home
    there
    home
    [ "$(state delivered)" = 2 ]
    series >arrived
    diff arrived - <<'SERIES'
load{service.name=machines,service.instance.id=node}{} 0.5
o_total{service.name=db,service.instance.id=db}{} 1
requests_total{service.name=machines,service.instance.id=node}{code=200} 7
up{service.name=db,service.instance.id=db}{} 1
up{service.name=machines,service.instance.id=node}{} 1
SERIES
    curl -sf "$URL/points" | jq -r '.points[] | "\(.series) \(.time)"' >times.txt
    grep -q '^requests_total.* 1767225600123000000$' times.txt
    grep -q '^o_total.* 1767225600500000000$' times.txt
    # What names no time has that of the scrape.
    local moment
    moment=$(sed -n 's/^load.* \([0-9]\{10\}\)[0-9]\{9\}$/\1/p' times.txt)
    [ $(($(date +%s) - moment)) -ge 0 ] && [ $(($(date +%s) - moment)) -lt 60 ]
}

@test "what an endpoint does wrong is told with its reason, holds up nobody, and is not tried over and over" {
    endpoint
    local fault
    for fault in flip error redirect page garbage short hang drip; do
        scrape "$fault" "http://$at/$fault" 'timeout = 3s' >>more.conf
    done
    {
        scrape huge "http://$at/huge" 'body_max = 1M'
        scrape gone http://127.0.0.1:9/metrics
        scrape nosock http+unix:///nonexistent/x.sock:/metrics
    } >>more.conf
    site "$(cat more.conf)"
    collect_start
    # Two endpoints hang, and whoever posts is served at once.
    soon grep -q /drip e/log
    local i
    for ((i = 0; i < 20; i++)); do
        curl -sf --max-time 1 --json '{"resourceMetrics":[{"scopeMetrics":[{"metrics":[{"name":"m","gauge":{"dataPoints":[{"asInt":"1"}]}}]}]}]}' \
            "$base/v1/metrics" >/dev/null
    done
    soon asked 11
    for fault in 'flip|answered with status 500' 'error|answered with status 500' 'redirect|redirects are not followed' \
        'page|another form than text/plain' 'garbage|line 2: ' 'short|' 'hang|no answer within 3 s' 'drip|within 3 s' \
        'huge|larger than we take (body_max' 'gone|nobody listens' 'nosock|/nonexistent/x.sock: nobody listens'; do
        [[ $(of "${fault%%|*}" reason) == *"${fault##*|}"* ]] || fail "$fault: $(of "${fault%%|*}" reason)"
        [ "$(of "${fault%%|*}" last_success)" = null ]
    done
    [ "$(jq '.records - .scraped' status.json)" = 20 ] # the posts; each failure is a record with up = 0
    # One of them works again at its next time.
    touch e/flip
    soon works flip
    [ "$(of flip samples)" = 2 ]
    soon grep -q 'event=scrape-recovered scrape=flip' collect.log
    C status | grep -q 'scrape     flip: .*; 2 samples at .*; failed last at .*: answered with status 500'
    C status | grep -q 'scrape     error: .*; FAILS, '
    [ "$(grep -c event=scrape-failed collect.log)" = 11 ]
    [ "$(grep -c '^/metrics$' e/log)" = 0 ]
    [ "$(sort e/log | uniq -c | sort -n | awk 'END { print $1 }')" -le 3 ]
}

@test "nobody is asked while the site has not consented, and nothing is kept for which there is no room" {
    endpoint
    site "$(scrape node "http://$at/metrics")" "$(scrape full "http://$at/metrics" 'channel = small')" \
        '[channel "small"]' 'consent = granted' 'max_records = 1'
    A record small - <<<'{}' >/dev/null
    A consent metrics deny >/dev/null
    collect_start
    soon asked 2
    [[ $(of node reason) == *'the site has denied its consent'* ]]
    [[ $(of full reason) == *"the agent's queue takes no more of it now"* ]]
    [ "$(wc -l <e/log)" = 1 ] # of the channel that has consent
    [ "$(jq -c '[.records, .refused, .scrapes_failed]' status.json)" = '[0,0,2]' ]
}

@test "an answer that no record holds becomes several" {
    endpoint
    site "$(scrape many "http://$at/many" 'body_max = 4M')"
    collect_start
    soon asked 1
    [ "$(of many samples)" = 20000 ] || fail "$(of many reason)"
    [ "$(jq .records status.json)" -gt 1 ]
    drain
    local points
    points=$(A preview metrics --json | jq '[.. | .metrics? | objects | .points] | add')
    [ "$points" = 20002 ] || fail "$points points"
}

@test "in airgap mode nobody beyond this host is asked" {
    site "$(scrape node http://10.0.0.1:9100/metrics)"
    gives 0 A config check
    gives 0 C check
    says 'scrape     node: http://10.0.0.1:9100/metrics every 10s to channel metrics'
    sed -i 's/^\[collect\]/[agent]\nmode = airgap\n[collect]/' site/etc/gapferry/agent.conf
    local command
    for command in 'A config check' 'C check' 'C run'; do
        # shellcheck disable=SC2086 # words
        gives 78 $command
        says 'with [agent] mode = airgap only unix sockets and addresses of this host' agent.conf:
    done
}

@test "config check says what will not come in, and what is asked without a path" {
    endpoint
    A init --name site >/dev/null 2>&1
    {
        printf '[collect]\nlisten = 127.0.0.1:4317\n'
        scrape bare "http://$at" && scrape page http://127.0.0.1:1/ 'channel = yes'
        scrape held "http+unix://$PWD/e.sock:/metrics" 'channel = no'
        printf '[channel "yes"]\nconsent = granted\nallow = users\n[channel "no"]\nconsent = denied\n'
    } >>site/etc/gapferry/agent.conf
    gives 0 A config check
    says "[scrape \"bare\"] url names no path: http://$at/metrics is asked" \
        '[scrape "bare"] is not asked, for its channel metrics has no consent' 'consent metrics grant' \
        '[scrape "page"] url names no path: http://127.0.0.1:1/ is asked; metrics are mostly at /metrics' \
        '[channel "yes"] allow names fields of JSON, which cannot be applied to metrics: nothing of [scrape "page"]' \
        '[scrape "held"] is not asked, for its channel no has no consent' 'change consent at' \
        '[collect] listen at port 4317'
    [ "$(A config check --json | jq '.warnings | length')" = 6 ]
    # What is mended is told no more, and what was said is what is asked.
    A consent metrics grant >/dev/null 2>&1
    sed -i -e 's/:4317/:0/' -e 's/^allow = .*/allow = */' -e 's/^consent = denied/consent = granted/' \
        -e 's|:1/$|:1/metrics|' site/etc/gapferry/agent.conf
    gives 0 A config check
    [ "$(A config check --json | jq '.warnings | length')" = 1 ]
    drain
    collect_start
    soon asked 3
    grep -q '^/metrics$' e/log
    absent grep '^/$' e/log
    [ "$(of bare url)" = "http://$at/metrics" ]
    [ "$(of bare samples)" -gt 0 ] || fail "$(cat status.json)"
}

@test "an address of a private network is asked" {
    unshare -n true 2>/dev/null || skip "cannot make a network namespace here: no such address was asked"
    site "$(scrape node http://10.77.0.1:9100/metrics)"
    printf 'HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 4\r\n\r\nm 1\n' >answer
    # shellcheck disable=SC2016 # for the inner shell
    unshare -n bash -c '
        ip link set lo up && ip addr add 10.77.0.1/32 dev lo
        node -e "require(\"http\").createServer((q, r) => r.writeHead(200, {\"Content-Type\": \"text/plain\"}).end(\"m 1\\n\")).listen(9100, \"10.77.0.1\")" &
        node=$!
        while ! (: <>/dev/tcp/10.77.0.1/9100) 2>/dev/null; do sleep 0.1; done
        "$0" --root site run 2>collect.log &
        collect=$!
        for ((i = 0; i < 100; i++)); do
            "$0" --root site status --json | jq -e ".scrapes[0].last_success" >/dev/null 2>&1 && break
            sleep 0.1
        done
        kill "$node" "$collect"
        wait "$collect"' "$BIN/gapferry-collect" 3>&-
    asked 1
    [ "$(of node samples)" = 1 ]
}

@test "what real programs expose is understood: node exporter, Prometheus, VictoriaMetrics" {
    local program n=0
    for program in prometheus-node-exporter prometheus victoria-metrics; do
        command -v "$program" >/dev/null || continue
        local port
        port=$(free_port)
        case $program in
        prometheus-node-exporter) exec prometheus-node-exporter --web.listen-address="127.0.0.1:$port" ;;
        prometheus)
            echo 'scrape_configs: []' >prometheus.yml
            exec prometheus --config.file=prometheus.yml --storage.tsdb.path=tsdb --web.listen-address="127.0.0.1:$port"
            ;;
        victoria-metrics) exec victoria-metrics -httpListenAddr="127.0.0.1:$port" -storageDataPath=vm ;;
        esac >"$program.log" 2>&1 3>&- &
        PIDS="${PIDS:-} $!"
        soon curl -sf -o "$program.txt" "http://127.0.0.1:$port/metrics"
        curl -sf -o "$program.txt" "http://127.0.0.1:$port/metrics" # the first one has made new series
        scrape "$program" "http://127.0.0.1:$port/metrics" >>more.conf
        n=$((n + 1))
    done
    [ "$n" -gt 0 ] || skip "none of them is installed: no real endpoint was asked"
    site "$(cat more.conf)"
    collect_start
    soon asked "$n"
    for program in prometheus-node-exporter prometheus victoria-metrics; do
        [ -f "$program.txt" ] || continue
        [ "$(of "$program" failures)" = 0 ] || fail "$program: $(of "$program" reason)"
        # Some come from one time to the next.
        local lines samples
        lines=$(grep -cv '^#' "$program.txt")
        samples=$(of "$program" samples)
        [[ $samples -gt $((lines * 3 / 4)) && $samples -lt $((lines * 5 / 4)) ]] || fail "$program: $samples of $lines"
    done
}
