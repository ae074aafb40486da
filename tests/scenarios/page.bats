#!/usr/bin/env bats
# shellcheck disable=SC2030,SC2031,SC2154 # each test is a shell of its own; page.bash sets token and base
# page.bats -- what the courier's page does with what is brought, with curl as the browser. browser.bats
# has a real one.

# shellcheck source=tests/scenarios/trip.bash
source "$BATS_TEST_DIRNAME/trip.bash"

setup() {
    cd "$BATS_TEST_TMPDIR" || return
    # shellcheck source=tests/scenarios/page.bash
    source "$BATS_TEST_DIRNAME/page.bash"
    page_ready
}

teardown() {
    page_stop KILL
    vendor_stop
}

@test "an unknown sender is named with its fingerprint, kept when confirmed, and taken when approved" {
    R approve --withdraw "$(A card --fingerprint)" >/dev/null
    # What the operator calls it counts once it is let in.
    printf '[agent "%s"]\nname = "Plant <7>"\n' "$(A card --fingerprint)" >>relay/etc/gapferry/relay.conf
    page_start
    users 1 >/dev/null
    bundle
    login
    # Without its card nobody knows who it is.
    upload "$bundle"
    answers 303
    looked
    answers 200 'not enrolled' 'Its card was never seen here'
    press discard 1
    # With it, and its name shown as text.
    sed 's/"name":"[^"]*"/"name":"<b>x<\/b>"/' "$STATE/keys/card" >forged.card
    upload "$bundle" "$STATE/keys/card"
    answers 303
    [ "$where" = /bundle/2 ]
    looked
    answers 200 'not enrolled' "approve $(A card --fingerprint)" 'until its sender is approved'
    press confirm "${where##*/}"
    answers 303
    visit "$where"
    answers 200 "approve $(A card --fingerprint)" 'The relay keeps it until then'
    [ "$(find "$RSTATE/pending" -name '*.gfb' | wc -l)" = 1 ]
    # One that he has not confirmed yet is looked into anew, once its sender is approved.
    local i first=$where
    users 2 >/dev/null
    bundle
    upload "$bundle"
    looked
    answers 200 'not enrolled' 'until its sender is approved'
    gives 0 R approve "$(A card --fingerprint)"
    says 'what waits of it is taken in by `run` now'
    looked
    shows 'Its signature is that of an enrolled sender' 'Plant &lt;7&gt;' '1 record' 'Confirm: hand it in'
    where=$first
    for ((i = 0; i < 100; i++)); do
        visit "$where"
        ! grep -q '>delivered<' page || break
        sleep 0.1
    done
    shows 'Where its records are' '>delivered<' 'enrolled'
    # A card that is none, or was changed, is refused with the reason.
    upload forged.card
    answers 200 'forged.card' 'refused'
    absent grep -qF '<b>x' page
}

@test "what is refused says why in plain words, and does not keep back the others" {
    enroll
    page_start
    users 1 >/dev/null
    bundle
    head -c 20000 /dev/urandom >garbage.gfb
    echo 'hello, relay' >text.gfb
    head -c -100 "$bundle" >cut.gfb
    cat "$bundle" - <<<x >longer.gfb
    cp "$bundle" payload.gfb
    printf X | dd of=payload.gfb bs=1 seek=$(($(stat -c %s payload.gfb) - 1500)) conv=notrunc 2>/dev/null
    cp "$bundle" '<script>alert(1)<script>.gfb'
    : >empty.gfb
    login
    # The payload is looked into when all of it is here; a whole copy may come later.
    upload payload.gfb
    looked
    answers 200 'Refused:' 'Discard'
    absent grep -q confirm page
    # The proof by hand does not help.
    visit "$where"
    visit "$where/confirm" --data-urlencode "csrf=$(proof)"
    answers 409 'cannot be handed in'
    upload garbage.gfb text.gfb cut.gfb longer.gfb empty.gfb "$RSTATE/keys/card" "$STATE/keys/card" \
        '<script>alert(1)<script>.gfb'
    answers 200 'garbage.gfb</code>: <span class="is bad">refused</span>: this is no bundle' \
        'text.gfb</code>: <span class="is bad">refused</span>: this is no bundle' \
        'it is cut off; copy it' '<span class="is off">not needed' 'site&#39;s card noted' \
        'something follows its end' 'empty.gfb</code>: <span class="is bad">refused</span>: it is empty' \
        '&lt;script&gt;alert(1)&lt;script&gt;.gfb</code>: <span class="is good">uploaded</span>'
    absent grep -qE '<script|bundle\.json|member' page
    [ "$(find "$RSTATE/brought" "$RSTATE/uploads" -name '*.gfb' | wc -l)" = 2 ]
    visit /metrics
    shows 'http_refused_total{code="shell"} 5'
    # The page of the results says whose it is, and lets him leave.
    upload garbage.gfb
    answers 200 'Gapferry relay <strong>relay</strong>' 'courier <strong>alice</strong>' 'Log out'
    visit /logout --data-urlencode "csrf=$(proof)"
    [ "$where" = /login ]
    login
    # Somebody else's card by itself is no error.
    upload "$RSTATE/keys/card"
    answers 200 '<h1>Uploaded</h1>' 'not needed'
    absent grep -q refused page
    # What is whole goes its way.
    looked /bundle/2
    press confirm 2
    answers 303
    looked
    shows 'Where its records are'
}

one_effect() { [ "$(tally '[.effects[].count] | add')" = 1 ]; }

@test "what is addressed to the relay's keys before is taken, though they were replaced meanwhile" {
    enroll
    page_start
    users 1 >/dev/null
    bundle
    login
    gives 0 R rotate
    upload "$bundle"
    answers 303
    looked
    press confirm 1
    answers 303
    looked
    shows 'Where its records are'
}

@test "a bundle that comes again is not kept twice, and shows what waits" {
    enroll
    page_start
    users 1 >/dev/null
    bundle
    login
    upload "$bundle"
    looked
    upload "$bundle"
    answers 303
    looked
    press confirm 1
    looked
    upload "$bundle"
    [ "$where" = /bundle/1 ]
    visit /bundle/1
    shows 'Where its records are'
    [ -z "$(find "$RSTATE/brought" -name '1.gfb')" ]
    # Who handed it in stands in the log.
    gives 0 R audit verify
    [ "$(R audit export | jq -r .line | grep -c '"event":"brought","courier":"alice"')" = 1 ]
    # By another courier, too.
    # The token is alone on stdout, as a script keeps it.
    R couriers add bob >bob 2>note
    [ "$(wc -l <bob)" = 1 ]
    grep -qE '^[0-9a-f]{4}(-[0-9a-f]{4}){7}$' bob
    grep -q 'courier bob. It is shown once' note
    JAR=bobs login "$(cat bob)"
    JAR=bobs visit /
    absent grep -q '/bundle/1' page
    JAR=bobs visit /bundle/1
    [ "$code" = 404 ]
    JAR=bobs upload "$bundle"
    answers 303
    JAR=bobs visit "$where"
    shows 'Where its records are' 'Download'
    soon one_effect
    # What was downloaded is marked for whoever did it, until he logs out.
    absent grep -q '>downloaded<' page
    local response
    response=$(grep -oE '/response/[0-9a-f]{32}\.gfb' page | head -n 1)
    JAR=bobs visit "$response"
    [ "$code" = 200 ]
    JAR=bobs visit /response/00000000000000000000000000000000.gfb
    [ "$code" = 404 ]
    JAR=bobs visit "$where"
    [ "$(grep -c '>downloaded<' page)" = 1 ]
    grep -F "$response" page | grep -q '>downloaded<'
    JAR=bobs visit /
    shows '>downloaded<'
    visit /
    shows 'Download'
    absent grep -q '>downloaded<' page
    JAR=bobs login "$(cat bob)"
    JAR=bobs visit /
    absent grep -q '>downloaded<' page
}

@test "a token that was taken back, or a new one, ends the session" {
    page_start
    login
    answers 303
    visit /
    answers 200 'courier <strong>alice</strong>'
    R couriers add alice >/dev/null
    visit /
    answers 303
    [ "$where" = /login ]
    token=$(R couriers add alice --json | jq -r .token)
    login
    gives 0 R couriers remove alice
    visit /
    [ "$where" = /login ]
    login
    answers 403 'No courier has a token yet'
    gives 66 R couriers remove alice
    gives 64 R couriers add 'a b'
    gives 0 R couriers list
    says 'nobody has a token'
    # The token itself is nowhere.
    absent grep -raqF "${token//-/}" "$RSTATE"
}

@test "names that are not ours, other methods and odd forms are refused" {
    enroll
    page_start
    login
    visit / -H 'Host: evil.example'
    answers 421
    visit /login -H "Host: localhost:$port"
    answers 200
    visit / -X PUT -d x
    answers 405
    grep -qi '^Allow: GET, HEAD, POST' head
    visit / -X GET -d x
    answers 413
    # What is far too long for a form is not even read.
    visit /login -H 'Content-Length: 100000000000' -d x
    answers 413
    visit /login -H 'Origin: http://evil.example' -d x=y
    answers 403 'another site'
    visit /login -H 'Sec-Fetch-Site: cross-site' -d x=y
    answers 403 'another site'
    head -c 5000 /dev/zero | tr '\0' a >long
    visit /login --data-binary @long
    answers 413
    visit /upload -d x=y
    answers 415
    visit /upload -H 'Content-Type: multipart/form-data; boundary=x' --data-binary 'hello'
    answers 400 'the form is malformed'
    visit /upload -H 'Content-Type: multipart/form-data; boundary=x' --data-binary $'--x\r\nContent-Disposition: form-data; name="csrf"\r\n\r\nabc'
    answers 400 'did not come whole'
    # Without a session nothing of an upload is kept, and nothing is shown.
    for path in / /bundle/1 /response/00000000000000000000000000000000.gfb /relay.card; do
        code=$(curl -s -o page -D head -w '%{http_code}' "$base$path")
        [ "$code" = 303 ]
    done
    users 1 >/dev/null
    bundle
    JAR=nobody visit /login
    JAR=nobody visit /upload -F "csrf=$(proof)" -F "file=@$bundle"
    answers 303
    [ "$where" = /login ]
    [ -z "$(find "$RSTATE/brought" "$RSTATE/uploads" -type f)" ]
    # Every reply is careful.
    visit /
    for field in "Content-Security-Policy: default-src 'none'; " "frame-ancestors 'none'" 'Referrer-Policy: no-referrer' \
        'X-Content-Type-Options: nosniff' 'Cache-Control: no-store' 'X-Frame-Options: DENY'; do
        grep -qF "$field" head
    done
    # Only this machine sees it without a certificate; and a port that is taken is told.
    sed -i 's/^\[page\]/&\naddress = 0.0.0.0/' relay/etc/gapferry/relay.conf
    gives 78 R config check
    says 'relay.conf:' 'not of this machine alone'
    sed -i '/^address = 0.0.0.0/d' relay/etc/gapferry/relay.conf
    sed -i 's/^\[page\]/&\nnames = relay.example.com/' relay/etc/gapferry/relay.conf
    page_stop
    page_start
    visit /login -H 'Host: relay.example.com'
    answers 200
}

@test "what is left lying survives a restart; what is cut off leaves nothing" {
    enroll
    page_start
    users 1 >/dev/null
    bundle
    login
    upload "$bundle"
    looked
    page_stop KILL
    page_start
    visit /bundle/1
    answers 303
    login
    visit /bundle/1
    answers 200 'Confirm: hand it in'
    # Half of an upload.
    visit /
    printf -- '--x\r\nContent-Disposition: form-data; name="csrf"\r\n\r\n%s\r\n--x\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n' "$(proof)" >half
    users 2 >/dev/null
    bundle
    head -c 4000 "$bundle" >>half
    cookie=$(awk '/gapferry-page/ { print $7 }' jar)
    exec 5<>"/dev/tcp/127.0.0.1/$port"
    printf 'POST /upload HTTP/1.1\r\nHost: localhost\r\nCookie: gapferry-page=%s\r\nContent-Type: multipart/form-data; boundary=x\r\nContent-Length: 9999\r\n\r\n' "$cookie" >&5
    cat half >&5
    sleep 0.3
    exec 5>&-
    sleep 0.5
    [ -z "$(find "$RSTATE/uploads" -type f)" ]
    visit /
    answers 200
    absent grep -q '/bundle/2' page
}

@test "a large bundle flows through: the listener keeps none of it in memory" {
    enroll
    page_start
    login
    head -c 100M /dev/urandom >big.bin
    gives 0 "$BIN/gapferry-bundle" pack -i "$STATE/keys" -t "$RSTATE/keys/card" -o big.gfb big.bin
    local before after
    before=$(awk '/VmRSS/ { print $2 }' "/proc/$(pgrep -P "$RUN" -f listener)/status")
    upload big.gfb
    answers 303
    after=$(awk '/VmHWM/ { print $2 }' "/proc/$(pgrep -P "$RUN" -f listener)/status")
    ((after - before < 8192)) || fail "the listener has grown from $before to $after KiB"
    looked
    shows '1 file' '100.0&nbsp;MiB'
}

@test "a card that proves itself lets its sender in, and one that was revoked is refused" {
    R approve --withdraw "$(A card --fingerprint)" >/dev/null
    page_start
    R token --json | jq -r .token >t
    A card --token-file t >/dev/null
    users 1 >/dev/null
    bundle
    login
    # Whatever comes first: the card may lie behind the bundle.
    upload "$bundle" "$STATE/keys/card"
    answers 303
    for ((i = 0; i < 100; i++)); do
        looked
        ! grep -q 'Confirm: hand it in' page || break
        sleep 0.1
    done
    answers 200 'enrolled' 'Confirm: hand it in'
    press confirm "${where##*/}"
    looked
    shows 'Where its records are'
    gives 0 R revoke "$(A card --fingerprint)"
    users 2 >/dev/null
    bundle
    upload "$bundle"
    answers 200 'refused' 'revoked'
}
