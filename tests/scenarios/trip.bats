#!/usr/bin/env bats
# shellcheck disable=SC2154,SC2030,SC2031,SC2034 # trip.bash sets out, err and URL, and uses SITE and RELAY
# trip.bats -- the whole trip with the real programs: agent, drive, relay, vendor, drive, agent.

bats_require_minimum_version 1.5.0

# shellcheck source=tests/scenarios/trip.bash
. "$BATS_TEST_DIRNAME/trip.bash"

# A file system of a few KiB in m/, and usb/ on it.
small_drive() { # SIZE
    mkdir m
    mount -t tmpfs -o "size=$1" gapferry-test m 2>/dev/null || skip "cannot mount a file system here: $BATS_TEST_DESCRIPTION was not tried"
    rmdir usb
    ln -s m usb
}

# ---- the trip ----

@test "the first trip: from init to a licence that is active offline" {
    mkdir usb
    gives 0 A init --name site-a --consent metrics=granted --allow metrics=users,edition
    gives 0 R init --name relay-1
    vendor_start
    sed -i '/^\[endpoint/,$d' relay/etc/gapferry/relay.conf
    printf '[endpoint "%s"]\nchannel = %s\nurl = %s\n' l license "$URL/license" m metrics "$URL/usage" \
        >>relay/etc/gapferry/relay.conf
    gives 0 A trust v/vendor.pub --duty license

    # The relay's card comes by the drive, its fingerprint another way.
    gives 0 R sync usb/
    gives 0 A trust usb/GAPFERRY/cards/*.card --yes --fingerprint "$(R card --fingerprint)"

    echo '{"users":42,"edition":"pro","hostname":"classified"}' >observed
    gives 0 A record metrics observed
    says 'dropped by the rule of channel metrics' ': hostname'
    absent grep -rqF classified site
    gives 0 A preview metrics
    says '{"users":42,"edition":"pro"}'
    A preview metrics --json | jq -j '.channels[0].records[0].body' >previewed
    gives 0 A license request --product demo --key AAAA-BBBB --contact ops@example.org
    A preview license --json | jq -j '.channels[0].records[0].body' >asked
    gives 90 A license check
    gives 0 A sync usb/

    # A stranger: who, the fingerprint, and what to do.
    gives 77 R sync usb/
    says 'unknown sender' "$(A card --fingerprint)" "gapferry-relay --root relay approve $(A card --fingerprint)"
    [ "$(tally .requests)" = 0 ]
    gives 0 R approve "$(A card --fingerprint)"
    gives 0 R sync usb/
    says '2 records delivered'
    gives 0 A sync usb/
    says '2 records delivered' '1 answer applied'

    gives 0 A license check
    gives 0 A license check --strict
    gives 0 A status
    says 'metrics 1' '0 rejected' 'demo: valid until'
    [ "$(A status --json | jq -c '.licences[0] | [.fact, .may_run]')" = '["valid",true]' ]
    agree
    # What was previewed is what the vendor got, to the byte.
    jq -j 'select(.path == "/usage").body' v/tally.jsonl | cmp - previewed
    jq -j 'select(.path == "/license").body' v/tally.jsonl | cmp - asked

    # It holds without relay and vendor, and later visits find nothing to do.
    vendor_stop KILL
    mv relay away
    gives 0 A license check
    mv away relay
    home && there && home && there
    [ "$(fact .responses R status)" = 0 ]
    [ "$(bundles to-relay)$(bundles to-site)" = 00 ]
}

@test "no command of the agent opens a socket that leaves the machine" {
    command -v strace >/dev/null || skip 'strace is not installed: sockets were not watched'
    vendor_start
    strace -f -e trace=network -o net curl -s "$URL/tally" >/dev/null || skip 'strace may not trace here: sockets were not watched'
    grep -q AF_INET net # it sees one where there is one
    vendor_stop
    ready
    watched() { # STATUS ARGUMENT...
        gives "$1" strace -f -e trace=network -o net "$BIN/gapferry-agent" --root site "${@:2}"
        grep -qF '+++ exited with' net
        absent grep -E 'AF_INET|AF_NETLINK|AF_PACKET' net
        # A name service cache is asked for the user's name by a path, at most.
        absent grep -E 'connect\(|bind\(' < <(grep -v 'AF_UNIX, sun_path="/' net)
    }
    echo '{"users":1}' >body
    watched 0 record metrics body
    watched 0 preview
    watched 0 license request --product demo --key AAAA-BBBB
    watched 0 sync usb
    there
    watched 0 sync usb
    watched 0 license check
    watched 0 status
    rm -r site
    watched 0 init
}

@test "the agent imports no function of the network" {
    [ -n "$(nm -D --undefined-only "$BIN/gapferry-agent")" ]
    absent grep -wE 'socket|socketpair|connect|bind|listen|accept4?|getaddrinfo|gethostby.*|sendto|sendm?msg|recvfrom|recvm?msg|curl_.*|res_.*' \
        < <(nm -D --undefined-only "$BIN/gapferry-agent" | awk '{ sub(/@.*/, "", $2); print $2 }')
}

@test "both sides known beforehand: one round trip is enough" {
    ready
    license_request
    users 1
    home && there && home
    says '2 records delivered' '1 answer applied'
    gives 0 A license check
    agree
}

@test "the sender's card may lie on the drive, the approval come first" {
    ready
    rm -r site
    site_init
    A trust "$RSTATE/keys/card" --fingerprint "$(R card --fingerprint)" >/dev/null
    users 7
    home
    gives 0 R approve "$(A card --fingerprint)" # before anything was seen of it
    there
    says '1 record delivered'
    home
    agree
}

# ---- drives that are lost, found, carried again ----

@test "a drive lost on the way out costs a trip; found later it does nothing" {
    ready
    users 1
    license_request
    home
    mv usb lost
    mkdir usb
    users 2
    home
    says '2 requests written, 3 records'
    there
    says '3 records delivered'
    home
    agree
    [ "$(state)" = 'delivered 3' ]
    # Somebody finds the first one and brings it to the relay, then to the site.
    there lost
    says '1 bundle seen before'
    [ "$(bundles to-relay lost)" = 0 ]
    home lost
    agree
    [ "$(tally .requests)" = 3 ]
}

@test "a drive lost on the way back costs a trip; found later it does nothing" {
    ready
    users 1
    license_request
    home && there
    mv usb lost
    mkdir usb
    home
    says '1 request written'
    [ "$(state exported)" = 2 ]
    there
    says '1 bundle seen before' '1 response'
    # Byte for byte the response that was lost.
    diff <(cd lost/GAPFERRY/to-site && b2sum ./*) <(cd usb/GAPFERRY/to-site && b2sum ./*)
    home
    says '2 records delivered' '1 answer applied'
    home lost
    says '1 response seen before'
    agree
    [ "$(tally .requests)" = 2 ]
}

@test "a drive carried twice, in both directions, doubles nothing" {
    ready
    users 1
    license_request
    home
    cp -a usb out
    there
    cp -a usb back
    home
    agree
    cp site/var/lib/gapferry/agent/agent.db before.db
    there out
    says '1 bundle seen before'
    home back
    says '1 response seen before'
    there back # without anything for it
    home out
    local again
    for again in out back; do
        there "$again" && there && home && there usb && home back && there out
    done
    agree
    [ "$(tally .requests)" = 2 ]
    [ "$(state)" = 'delivered 2' ]
    gives 0 A license check
    [ "$(fact .responses R status)" = 0 ]
}

@test "bundles and responses arrive in any order" {
    ready
    local i j
    for i in 1 2 3; do
        users "$i"
        mkdir "d$i"
        home "d$i"
        for ((j = 1; j < i; j++)); do
            (cd "d$j/GAPFERRY/to-relay" && find . -name '*.gfb') | (cd "d$i/GAPFERRY/to-relay" && xargs rm)
        done
        [ "$(bundles to-relay "d$i")" = 1 ]
    done
    for i in 3 1 2; do
        there "d$i"
        says '1 bundle, 1 record' '1 record delivered'
    done
    # d3 came first: now d3 has response 1, d1 has 1 and 2, d2 has all; let each have its own only.
    (cd d3/GAPFERRY/to-site && find . -name '*.gfb') >first
    (cd d1/GAPFERRY/to-site && xargs rm <../../../first && find . -name '*.gfb') >second
    (cd d2/GAPFERRY/to-site && cat ../../../first ../../../second | xargs rm)
    local order
    for order in '2 d2' '1 d3' '0 d1'; do
        home "${order#* }"
        says '1 response, 1 record delivered'
        [ "$(state exported)" = "${order% *}" ]
    done
    agree
    [ "$(tally '[.effects[].count] | add')" = 3 ]
    # What came in such an order is acknowledged whole, on the last of the drives.
    there d1
    [ "$(fact .responses R status)" = 0 ]
}

# ---- the vendor ----

@test "the vendor is down, then up: it waits at the relay, the site hears of both" {
    ready
    vendor_stop
    users 1
    license_request
    home
    gives 75 R sync usb
    says '2 records for another try' 'nobody listens there'
    gives 0 A sync usb
    says '2 records relayed' '2 records at the relay'
    [ "$(state)" = 'relayed 2' ]
    gives 90 A license check
    # Back again: nothing is doubled by trips in between.
    gives 75 R sync usb
    vendor_start
    agree --open
    R records release >/dev/null
    there
    says '2 records delivered'
    home
    says '2 records delivered' '1 answer applied'
    agree
    gives 0 A license check
}

@test "whatever the vendor does to a request, each record takes effect once" {
    ready
    local fault
    for fault in 'reset-before' 'reset-after' 'close' 'status 500' 'status 503' 'half' 'retry-after 60' 'timeout-after 20'; do
        vendor_script "3 $fault /usage" "3 $fault /license"
        users 1 && license_request
        home
        # half: the whole answer does not matter to a record that wants none. Who is busy or ill comes right by
        # itself; a connection that breaks may have to be mended by somebody.
        case $fault in status* | retry-after*) gives 0 R sync usb ;; *) gives 75 R sync usb ;; esac
        says 'to be tried again'
        home
        vendor_script
        R records release >/dev/null
        there
        home
        agree || fail "after $fault"
    done
    [ "$(state)" = 'delivered 16' ]
    gives 0 A license check
    [ "$(tally '.effects | length')" = 16 ]
}

@test "a vendor that asks for time gets it" {
    ready
    vendor_script '1 retry-after 600 /usage'
    users 1
    home
    gives 0 R sync usb
    [ "$(fact '.records[0] | .state + " " + (.due | fromdate - now > 590 | tostring)' R records list)" = 'later true' ]
    gives 0 R sync usb
    [ "$(tally '.requests')" = 1 ]
    [ "$(tally '.effects | length')" = 0 ]
}

@test "an endpoint that holds things up holds them for the operator, who releases them" {
    ready
    vendor_script '9 status 401 /usage'
    users 1
    home
    gives 75 R sync usb
    says 'held' '401' 'gapferry-relay --root relay records release'
    home
    [ "$(state)" = 'relayed 1' ]
    vendor_script
    gives 75 R sync usb # not by itself
    gives 0 R records release
    there && home
    agree
}

@test "a wrong licence key: the vendor's words reach the site" {
    ready
    license_request WRONG-KEY
    users 1
    home
    R sync usb >/dev/null
    gives 0 A sync usb
    says '1 record rejected' '1 record delivered' 'note       why the record was rejected, and what to do: gapferry-agent --root site status'
    gives 0 A status
    says 'This licence key is not known here. Check it for slips, or write to sales@vendor.example.'
    gives 90 A license check
    says 'its request is rejected' 'once that is mended, ask anew: gapferry-agent --root site license request'
    [ "$(sed -n 2p .out)" = 'the vendor does not want it: HTTP 422: This licence key is not known here. Check it for slips, or write to sales@vendor.example.' ] || fail "$out"
    agree
    # With the right one it goes on.
    license_request
    home && there && home
    gives 0 A license check
    agree
}

@test "what no endpoint takes is held, and leaves once an endpoint is there" {
    ready
    A consent other grant >/dev/null
    A record other - <<<'{}'
    users 1 >/dev/null
    A consent more grant >/dev/null
    A record more - <<<'{}'
    home
    gives 75 R sync usb
    says '1 held: no endpoint takes channel other' '1 held: no endpoint takes channel more' \
        'records release' '[endpoint "other"]'
    gives 0 R records list --state held
    says 'no endpoint for channel other'
    home
    [ "$(state rejected)" = 0 ]

    printf '[endpoint "other"]\nchannel = other\nurl = %s/usage\n' "$URL" \
        >>relay/etc/gapferry/relay.conf
    gives 0 R records release --channel other
    gives 75 R sync usb # the other channel is held still
    home
    [ "$(state delivered)" = 2 ]
    R records reject --channel more
    there
    home
    [ "$(state rejected)" = 1 ]
    agree
}

@test "the operator can give up what is held, and the site learns why" {
    ready
    A consent other grant >/dev/null
    local id told
    id=$(A record other - <<<'{}')
    told=$(A record other - <<<'{}')
    home
    gives 75 R sync usb
    gives 64 R records reject
    gives 64 R records reject nonsense
    gives 64 R records release --reason mended
    says '--reason is for reject and drop'
    gives 66 R records reject --channel metrics
    gives 0 R records reject "$id"
    says '1 record rejected for good'
    gives 66 R records reject "$id"
    gives 0 R records reject "$told" --reason 'nobody here reads this channel'
    gives 0 R audit export
    says 'nobody here reads this channel'
    there
    home
    gives 0 A status
    says 'no endpoint for channel other' 'nobody here reads this channel'
    agree
}

# ---- licences of others ----

# The licence document that the vendor gave out last.
given() {
    jq -j 'select(.path == "/license").answer' v/tally.jsonl
}

@test "a licence of another site is refused, however it comes" {
    ready
    license_request
    home && there && home
    given >licence
    gives 0 A license install licence
    # The second one has the same vendor, but another salt: none of its factors match.
    SITE=other
    site_init
    A trust v/vendor.pub --duty license >/dev/null
    # (A machine without a single factor gets licences that hold anywhere, but answer one request.)
    if sed '/^untrusted comment/,$d' licence | jq -e '.fingerprint != null' >/dev/null; then
        gives 93 A license install licence
        says 'is for another machine'
    else
        gives 95 A license install licence
    fi
    gives 90 A license check
}

@test "an answer for another machine is refused, kept, and shown" {
    [ -n "$(command -v minisign)" ] || skip 'minisign is not installed: no licence was made for another machine'
    ready
    vendor_script '3 reset-after /license'
    license_request
    home
    gives 75 R sync usb
    # The vendor has answered and nobody heard it. It makes up its mind: another machine.
    vendor_stop
    given | sed '/^untrusted comment/,$d' | jq -c '.fingerprint = {k: 1, factors: {"machine-id": ("0" * 64)}}' >l.json
    minisign -S -s v/vendor.key -m l.json -x l.sig >/dev/null </dev/null
    cat l.json l.sig >l
    jq -c --rawfile l l 'if .path == "/license" then .answer = $l else . end' v/tally.jsonl >changed
    mv changed v/tally.jsonl
    vendor_start
    R records release >/dev/null
    there
    gives 75 A sync usb
    says '1 answer unusable' 'gapferry-agent --root site status'
    gives 0 A status
    says 'for another machine' 'refused/'
    gives 90 A license check
    gives 93 A license install "$(ls "$STATE"/refused/*.license)"
}

# ---- consent ----

@test "without consent nothing is recorded, and nothing travels" {
    ready
    gives 85 A record usage - <<<'{"users":1}'
    says 'consent was not given'
    home && there && home
    [ "$(tally .requests)" = 0 ]
    [ "$(state)" = '' ]
}

@test "consent withdrawn before the drive left: it is taken from the drive" {
    ready
    users 1
    license_request
    home
    gives 0 A consent metrics deny
    says '1 record without receipt deleted'
    home
    [ "$(bundles to-relay)" = 1 ]
    there && home
    [ "$(tally '[.effects[].path] | join(" ")')" = /license ]
    gives 0 A license check
    agree
}

@test "consent withdrawn while the drive travels: the late receipt is told and harmless" {
    ready
    users 1
    license_request
    home && there
    gives 0 A consent metrics deny
    cp -R site twin # which takes the same response as a file
    gives 0 "$BIN/gapferry-agent" --root twin import usb/GAPFERRY/to-site/*.gfb
    says '1 delivered' 'had been carried already and was delivered: '
    gives 0 A sync usb
    says '1 record delivered' '1 answer applied' 'had been carried already and was delivered: '
    [[ $out != *'fits nothing'* ]]
    [ "$(state)" = 'delivered 1' ]
    gives 0 A license check
    gives 85 A record metrics - <<<'{"users":2}'
    there && home && there
    [ "$(fact .responses R status)" = 0 ]
    [ "$(tally '.effects | length')" = 2 ]
}

# ---- media ----

@test "a read-only drive is read, and nothing on it is changed" {
    ready
    small_drive 1m
    users 1
    home && there
    mount -o remount,ro m
    find m -type f -exec b2sum {} + | sort >before
    gives 75 A sync usb
    says '1 record delivered' 'the drive cannot be written: nothing was written or removed'
    users 2
    gives 75 A sync usb
    says '1 response seen before' '2 requests not written'
    find m -type f -exec b2sum {} + | sort | diff before -
    mount -o remount,rw m
    home
    mount -o remount,ro m
    gives 75 R sync usb
    says '1 record delivered' 'the drive cannot be written'
    mount -o remount,rw m
    there
    home
    agree
}

@test "a full drive: what does not fit stays here, and goes when there is room" {
    ready
    small_drive 1m
    gives 0 A sync usb
    users 1
    head -c 2m /dev/zero >m/filler 2>/dev/null || true
    gives 73 A sync usb
    says 'request not written'
    [ "$(bundles to-relay)" = 0 ]
    [ "$(find m -type f | grep -cvE 'README.txt|\.card$|filler')" = 0 ]
    rm m/filler
    home
    head -c 2m /dev/zero >m/filler 2>/dev/null || true
    gives 73 R sync usb
    says '1 record delivered' 'the drive is full' 'the response stays here for the next drive'
    [ "$(bundles to-relay)$(bundles to-site)" = 00 ]
    rm m/filler
    there && home
    agree
    [ "$(state)" = 'delivered 1' ]
}

@test "a damaged bundle among good ones holds back none, and is sent again" {
    ready
    local i
    for i in 1 2 3; do users "$i" && home; done
    local victim
    victim=$(find usb/GAPFERRY/to-relay -name '*.gfb' | sort | head -n 1)
    printf 'X' | dd of="$victim" bs=1 seek=4000 conv=notrunc status=none
    cp "$victim" evidence
    run R sync usb
    [[ $status = 65 || $status = 80 ]] || fail "status $status: $output"
    [[ $output == *'2 records delivered'*"$(basename "$victim")"* ]] || fail "$output"
    cmp "$victim" evidence # left where it lay, and a copy here with the reason
    [ "$(find "$RSTATE/quarantine" -name '*.why' | wc -l)" = 1 ]
    # The site's next visit puts the right bytes there.
    home
    absent cmp -s "$victim" evidence
    there && home
    agree
    [ "$(state)" = 'delivered 3' ]
}

@test "a damaged response among good ones holds back none, and is written again" {
    ready
    users 1
    home && there
    mv usb first && mkdir usb
    users 2
    home && there
    local victim
    victim=$(basename "$(find first/GAPFERRY/to-site -name '*.gfb')")
    printf 'X' | dd of="usb/GAPFERRY/to-site/$victim" bs=1 seek=4000 conv=notrunc status=none
    run A sync usb
    [[ $status = 65 || $status = 80 ]] || fail "status $status: $output"
    [[ $output == *'1 record delivered'*"$victim"* ]] || fail "$output"
    there && home
    agree
    [ "$(state)" = 'delivered 2' ]
}

@test "a drive with hostile names and files is a drive" {
    ready
    users 1
    license_request
    home
    local folder n
    for folder in to-relay to-site cards; do
        n=usb/GAPFERRY/$folder
        mkdir -p "$n"
        : >"$n/$(printf '\033[2Jnew.gfb')"
        : >"$n/$(printf 'a\nsafe to remove: b.gfb')"
        : >"$n/\$(touch pwned).gfb"
        : >"$n/.hidden.gfb"
        : >"$n/UPPER.GFB"
        : >"$n/$(printf '\xff\xfe').gfb"
        : >"$n/$(printf 'n%.0s' {1..251}).gfb"
        mkfifo "$n/fifo.gfb" "$n/fifo.card"
        ln -s /etc/passwd "$n/link.gfb"
        ln -s "$PWD/$STATE/keys/seal.key" "$n/00000000000000000000000000000000.gfb"
        mkdir "$n/dir.gfb" "$n/dir.card"
        echo garbage >"$n/garbage.card"
    done
    ln -s / usb/GAPFERRY/root
    (cd usb && find . -mindepth 3 | sort | grep -avE '[0-9a-f]{32}\.gfb|[a-z0-9]{4}-.*card') >before
    timeout 30 "$BIN/gapferry-relay" --root relay sync usb >.out 2>.err || fail "relay $?: $(cat .out .err)"
    absent grep -q "$(printf '\033')" .out .err
    grep -q '2 records delivered' .out
    timeout 30 "$BIN/gapferry-agent" --root site sync usb >.out 2>.err || fail "agent $?: $(cat .out .err)"
    absent grep -q "$(printf '\033')" .out .err
    agree
    [ "$(state)" = 'delivered 2' ]
    [ ! -e pwned ]
    (cd usb && find . -mindepth 3 | sort | grep -avE '[0-9a-f]{32}\.gfb|[a-z0-9]{4}-.*card') | diff before -
}

@test "garbage under a bundle's name is refused, and holds back nothing" {
    ready
    users 1
    home
    : >usb/GAPFERRY/to-relay/-rf.gfb
    head -c 30000 /dev/urandom >usb/GAPFERRY/to-relay/0123456789abcdef0123456789abcdef.gfb
    run R sync usb
    [ "$status" -eq 65 ]
    [[ $output == *'1 record delivered'*'0123456789abcdef0123456789abcdef.gfb'* ]]
    head -c 30000 /dev/urandom >usb/GAPFERRY/to-site/0123456789abcdef0123456789abcdef.gfb
    run A sync usb
    [ "$status" -eq 65 ]
    [[ $output == *'1 record delivered'*'0123456789abcdef0123456789abcdef.gfb'* ]]
    agree
}

# ---- several ----

@test "two agents and two relays on one drive leave each other's alone" {
    ready
    SITE=site2 RELAY=relay2
    site_init && relay_init && acquaint
    SITE=site RELAY=relay
    users 1
    home
    SITE=site2
    users 2
    users 3
    home
    [ "$(bundles to-relay)" = 2 ]

    RELAY=relay
    there
    says '1 bundle, 1 record'
    [ "$(bundles to-relay)" = 1 ]
    there # what is not ours never counts
    RELAY=relay2
    there
    says '1 bundle, 2 records'
    [ "$(bundles to-relay)" = 0 ]
    [ "$(bundles to-site)" = 2 ]

    SITE=site
    home
    says '1 response, 1 record delivered'
    [ "$(bundles to-site)" = 1 ]
    home
    SITE=site2
    home
    says '1 response, 2 records delivered'
    [ "$(bundles to-site)" = 0 ]
    SITES='site site2'
    agree
    # Each relay takes what was meant for it only, and nothing is left over.
    RELAY=relay there
    RELAY=relay2 there
    [ "$(bundles to-relay)" = 0 ]
    [ "$(RELAY=relay fact .responses R status)$(RELAY=relay2 fact .responses R status)" = 00 ]
}

@test "an agent whose state was lost starts anew on the same drive" {
    ready
    users 1
    home
    local old
    old=$(fact .agent A card)
    rm -r site
    site_init
    # It trusts the relay by the card on the drive, or is told to.
    users 2
    gives 77 A sync usb
    says 'no relay is trusted yet'
    A trust "$RSTATE/keys/card" --fingerprint "$(R card --fingerprint)" >/dev/null
    home
    [ "$(bundles to-relay)" = 2 ]
    gives 77 R sync usb
    says '1 record delivered' "gapferry-relay --root relay approve $(A card --fingerprint)"
    gives 0 R approve "$(A card --fingerprint)"
    there
    home
    says '1 response, 1 record delivered'
    [ "$(bundles to-site)" = 1 ] # for the one that is no more
    [ "$(tally '[.effects[].count] | add')" = 2 ]
    [ "$(tally '[.effects[].agent] | unique | length')" = 2 ]
    tally '.effects[].agent' | grep -qx "$old"
    gives 1 "$SOURCE/tests/faults/agree" "$URL" "$STATE"
    says 'took effect, and no agent has it'
    there && home
}

# ---- the judge ----

@test "agree finds what is lost, doubled, changed, foreign, or not told" {
    ready
    local id change
    id=$(users 1)
    license_request WRONG
    echo "$id 1" >accepted
    home
    R sync usb >/dev/null
    curl -sf "$URL/tally" >before
    judge() { gives "$1" "$SOURCE/tests/faults/agree" "${@:3}" "$2" "$STATE"; }
    judge 0 before --open
    judge 1 before
    says 'still exported' 'its agent was not told'
    home
    judge 0 before --accepted accepted
    while IFS='|' read -r change text; do
        jq "$change" before >after
        judge 1 after
        says "$text"
    done <<'CHANGES'
del(.effects[0])|the vendor has nothing: lost
.effects[0].count = 2|took effect 2 times: doubled
.effects += [.effects[0]]|took effect under 2 keys: doubled
.effects[0].digest = "0"|another body
.effects[0].agent = "0"|no agent has it
CHANGES
    echo 01a20000-0000-7000-8000-000000000000 >>accepted
    judge 1 before --accepted accepted
    says 'was accepted, and no agent has it: lost'
    jq --arg id "$(A status --json | jq -r '.trouble[0].record')" '.effects += [.effects[0] | .record = $id]' before >after
    judge 1 after
    says 'rejected, says the agent; yet it took effect'
}

@test "a relay's init that was cut off is run again: its keys come last" {
    mkdir relay
    : >relay/etc # the configuration cannot be made
    gives 74 R init --name relay-1
    [ ! -e relay/var/lib/gapferry/relay/keys ]
    rm relay/etc
    gives 0 R init --name relay-1
    gives 0 R config check
    grep -F 'name = "relay-1"' relay/etc/gapferry/relay.conf
}
