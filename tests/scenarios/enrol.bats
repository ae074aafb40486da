#!/usr/bin/env bats
# shellcheck disable=SC2154 # trip.bash sets out and err
# enrol.bats -- who is let in, by fingerprint, vendor or token; how a lineage goes on, and how it
# ends.

bats_require_minimum_version 1.5.0

# shellcheck source=tests/scenarios/trip.bash
source "$BATS_TEST_DIRNAME/trip.bash"
# shellcheck source=tests/scenarios/services.bash
source "$BATS_TEST_DIRNAME/services.bash"

setup() {
    cd "$BATS_TEST_TMPDIR" || return
    mkdir usb
    R init --name relay >/dev/null
    R card --out relay.card >/dev/null
}

post_card() { curl -s -o .reply -w '%{http_code}' -H "Content-Type: ${2:-application/vnd.gapferry.card}" --data-binary @"$1" "http://127.0.0.1:$PORT/v1/cards"; }

print() { SITE=${1:-site} A card --fingerprint; }

# state DIR: what the relay thinks of this agent.
state() {
    R agents --all --json | jq -r --arg f "$(print "$1")" '.agents[] | select(.fingerprint == $f) | .state'
}
facts() { # DIR FILTER
    R agents show "$(print "$1")" --json | jq -r "$2"
}
events() { sqlite3 "$RSTATE/relay.db" "SELECT line FROM audit ORDER BY n" | jq -r "select(.event == \"$1\") | ${2:-.fingerprint}"; }

# visit [SITE]: the drive goes to the site, to the relay, and back.
visit() {
    SITE=${1:-site} A sync usb >.visit 2>&1 || true
    R sync usb --wait 0 >.relay 2>&1 || true
    SITE=${1:-site} A sync usb >>.visit 2>&1 || true
}
told() { grep -qF -- "$1" .relay || fail "the relay does not say \"$1\": $(cat .relay)"; }

# vendor_key NAME: a key of minisign's without password.
vendor_key() { minisign -G -W -p "$1.pub" -s "$1.key" >/dev/null 2>&1; }
# sign_card CARD KEY OUT, with standard tools.
sign_card() {
    sed '/^untrusted comment: /,$d' "$1" >"$1.json"
    minisign -S -W -s "$2" -m "$1.json" >/dev/null 2>&1 || minisign -S -s "$2" -m "$1.json" </dev/null >/dev/null
    cat "$1" "$1.json.minisig" >"$3"
}
trust_vendor() { # NAME KEY
    printf '[vendor "%s"]\ncard = %s\n' "$1" "$PWD/$2" >>relay/etc/gapferry/relay.conf
}

# ---- three ways in ----

@test "token: an agent that is made with one is let in by its first drive, once" {
    R token --name site-a 2>/dev/null >token
    [[ $(cat token) =~ ^([A-Z2-7]{5}-){5}[A-Z2-7]{5}$ ]]
    # As a person types it.
    tr 'A-Z-' 'a-z ' <token >typed
    site_new site --token-file typed
    absent grep -rqiF "$(tr -d '\n' <token)" site usb
    visit
    [ "$(state site)" = enrolled ]
    [ "$(facts site '.how + " " + .by')" = "token site-a" ]
    [ "$(relayed)" = 1 ]
    [ "$(R token list --json | jq -r '.tokens[0] | .state + " \(.used)"')" = "used 1" ]
    [ "$(events enrol '.fingerprint + " " + .how + " " + .by')" = "$(print) token site-a" ]
    [ "$(events token .name)" = site-a ]

    # The second one with it is a stranger like others.
    site_new twin --token-file token
    visit twin
    [ "$(state twin)" = pending ]
    told "is used up"
    told "approve $(print twin)"
    [ "$(relayed twin)" = 0 ]
    gives 0 R approve "$(print twin)"
    visit twin
    [ "$(relayed twin)" = 1 ]
    [ "$(facts twin .how)" = fingerprint ]
}

@test "token: mistyped, ended, withdrawn, of another relay: a stranger, and told why" {
    R token --expires 1s 2>/dev/null >short.token
    R token 2>/dev/null >gone.token
    R token withdraw 2 >/dev/null
    RELAY=other R init >/dev/null
    RELAY=other R token 2>/dev/null >foreign.token
    sed 's/^A/#/;s/^[^#]/A/;s/^#/B/' gone.token >typo
    absent cmp -s typo gone.token
    gives 64 A init --token-file typo
    says mistyped
    absent grep -qF "$(cut -c1-11 typo)" <<<"$out$err"
    [ ! -e site ]
    gives 64 A init --token-file /dev/null
    gives 66 A init --token-file nowhere
    site_new short --token-file short.token
    site_new gone --token-file gone.token
    site_new foreign --token-file - <foreign.token
    sleep 1.1
    visit short
    told "ended on"
    visit gone
    told "was withdrawn on"
    visit foreign
    told "none that this relay has given out"
    for site in short gone foreign; do [ "$(state $site)" = pending ]; done
    [ "$(R token list --json | jq -r '[.tokens[].state] | join(" ")')" = "expired withdrawn" ]
    gives 66 R token withdraw 2
    gives 64 R token --uses 0
    gives 64 R token --expires 2y
}

@test "token: one for three agents lets in three, and an agent that is there may take one" {
    R token --uses 3 2>/dev/null >token
    for site in a b c d; do
        site_new $site
        SITE=$site A card --token-file token >/dev/null
        visit $site
    done
    [ "$(state a) $(state b) $(state c) $(state d)" = "enrolled enrolled enrolled pending" ]
    [ "$(SITE=a A card --json | jq .token)" = true ]

    # The signature of the keys before, by which the relay knows an agent again, is worth more.
    SITE=a gives 0 A rotate
    SITE=a gives 64 A card --token-file token
    says "signature away" "approve $(print a)"
    visit a
    [ "$(state a)" = enrolled ]
    [ "$(facts a .how)" = predecessor ]
}

@test "vendor: a card that it has signed is let in; one that somebody else signed is not" {
    vendor_key acme
    vendor_key thief
    trust_vendor acme acme.pub
    gives 0 R config check
    site_new site
    A card --out site.card >/dev/null
    absent grep -q '"name":"' site.card
    sign_card site.card acme.key signed.card
    gives 65 A card --install site.card
    gives 0 A card --install signed.card --json
    [ "$(jq .cosigned <<<"$out")" = true ]
    visit
    [ "$(state site)" = enrolled ]
    [ "$(facts site '.how + " " + .by')" = "vendor acme" ]
    [ "$(relayed)" = 1 ]

    # One of whom nothing but the card comes.
    SITE=quiet A init >/dev/null
    SITE=quiet A trust relay.card --fingerprint "$(R card --fingerprint)" >/dev/null
    SITE=quiet A card --out quiet.card >/dev/null
    sign_card quiet.card acme.key quiet-signed.card
    mkdir -p usb/GAPFERRY/cards
    cp quiet-signed.card usb/GAPFERRY/cards/"$(print quiet | tr 'A-Z' 'a-z')".card
    R sync usb --wait 0 >/dev/null 2>&1 || true
    [ "$(state quiet)" = enrolled ]

    # A token's MAC makes another card of it.
    R token 2>/dev/null >token
    gives 0 A card --token-file token --json
    [ "$(jq .cosigned <<<"$out")" = false ]
    says signature-gone

    # A forged signature: by another key, and one of another card.
    site_new forged
    SITE=forged A card --out forged.card >/dev/null
    sign_card forged.card thief.key by-thief.card
    SITE=forged A card --install by-thief.card >/dev/null
    visit forged
    [ "$(state forged)" = pending ]
    site_new borrowed
    SITE=borrowed A card --out borrowed.card >/dev/null
    cat borrowed.card site.card.json.minisig >by-acme.card
    SITE=borrowed A card --install by-acme.card >/dev/null
    visit borrowed
    [ "$(state borrowed)" = pending ]
    # Another's card is no card of this agent.
    gives 65 A card --install by-acme.card
}

@test "vendor: whoever has no relay yet trusts the one that it vouches for, in one round trip" {
    vendor_key acme
    trust_vendor acme acme.pub
    sign_card relay.card acme.key signed.card
    gives 0 R card --install signed.card
    R sync usb --wait 0 >/dev/null 2>&1 || true
    A init --consent metrics=granted >/dev/null
    A trust acme.pub --duty card >/dev/null
    A card --out site.card >/dev/null
    sign_card site.card acme.key site-signed.card
    A card --install site-signed.card >/dev/null
    speak site
    gives 0 A sync usb
    grep -qE '^note +relay .* is trusted from now on: the vendor acme has signed its card' .out || fail "$out"
    [[ $out != *'needs you'* ]] || fail "$out"
    R sync usb --wait 0 >/dev/null 2>&1 || true
    gives 0 A sync usb
    [ "$(relayed)" = 1 ]
    [ "$(A history --json | jq -r '.events[] | select(.role == "relay") | .by')" = "vendor acme" ]

    # A key for licences vouches for nobody.
    SITE=second A init --consent metrics=granted >/dev/null
    SITE=second A trust acme.pub --duty license >/dev/null
    speak second
    SITE=second gives 77 A sync usb
    says "has its card here"
}

# ---- the same by HTTPS, where no card lies on a drive ----

@test "https: a token or a vendor's signature lets in at the first visit; strangers leave no trace" {
    vendor_key acme
    trust_vendor acme acme.pub
    R token 2>/dev/null >token
    relay_up
    unset http_proxy https_proxy all_proxy HTTPS_PROXY ALL_PROXY

    site_new stranger
    link_to stranger
    online stranger
    [ "$(R agents --json | jq '.agents | length')" = 0 ]
    grep -q 'approve' .link || fail "$(cat .link)"
    # Approved meanwhile, its next visit is enough.
    R approve "$(print stranger)" >/dev/null
    online stranger
    [ "$(state stranger)" = enrolled ]
    [ "$(relayed stranger)" = 1 ]

    site_new site --token-file token
    link_to site
    online site
    [ "$(state site)" = enrolled ]
    [ "$(facts site .how)" = token ]
    [ "$(relayed)" = 1 ]

    # A used token says so.
    site_new twin --token-file token
    link_to twin
    online twin
    grep -q 'is used up' .link || fail "$(cat .link)"
    [ "$(R agents --json | jq '.agents | length')" = 2 ]

    site_new signed
    SITE=signed A card --out s.card >/dev/null
    sign_card s.card acme.key s-signed.card
    SITE=signed A card --install s-signed.card >/dev/null
    link_to signed
    online signed
    [ "$(facts signed .how)" = vendor ]
    [ "$(relayed signed)" = 1 ]

    # Who is revoked hears of it.
    R revoke --reason gone "$(print signed)" >/dev/null
    speak signed
    online signed
    grep -q 'was revoked here' .link || fail "$(cat .link)"
}

@test "https: what is no card, or proves nothing, is refused and not stored" {
    relay_up
    site_new site
    SITE=site A card --out site.card >/dev/null
    [ "$(post_card site.card)" = 403 ]
    [ "$(jq -r .error.code .reply)" = sender ]
    # Its fingerprint is logged, and a second one within a minute is not.
    [ "$(post_card site.card)" = 403 ]
    [ "$(grep -c "event=stranger-turned-away fingerprint=$(print)" relay.log)" = 1 ]
    # So is the sender of a bundle without a card: with his identity.
    local identity bundle
    SITE=site A trust relay.card --yes --fingerprint "$(R card --fingerprint)" >/dev/null
    users 1 >/dev/null
    mkdir -p made
    SITE=site A sync made >/dev/null
    bundle=$(echo made/GAPFERRY/to-relay/*.gfb)
    identity=$(tar xOf "$bundle" bundle.json | jq -r .from)
    for _ in 1 2; do
        [ "$(curl -s -o .reply -w '%{http_code}' -H 'Content-Type: application/vnd.gapferry.bundle' \
            --data-binary @"$bundle" "http://127.0.0.1:$PORT/v1/bundles")" = 403 ]
    done
    [ "$(grep -c "event=bundle-turned-away why=\"its sender is not enrolled\" identity=$identity fingerprint=unknown bundles=1" relay.log)" = 1 ]
    [ "$(grep -c event=bundle-turned-away relay.log)" = 1 ]
    [ "$(post_card relay.card)" = 400 ]
    head -c 100 site.card >cut.card
    [ "$(post_card cut.card)" = 400 ]
    head -c 8193 /dev/zero >large.card
    [ "$(post_card large.card)" = 413 ]
    : >empty.card
    [ "$(post_card empty.card)" = 400 ]
    [ "$(post_card site.card text/plain)" = 415 ]
    [ "$(curl -s -o .reply -w '%{http_code}' "http://127.0.0.1:$PORT/v1/cards")" = 405 ]
    sed 's/"created":"2/"created":"3/' site.card >forged.card
    [ "$(post_card forged.card)" = 400 ]
    [ "$(R agents --all --json | jq '.agents | length')" = 0 ]
    # Approved ahead, a card that is shown is enough.
    gives 0 R approve "$(print)"
    [ "$(post_card site.card)" = 200 ]
    [ "$(post_card site.card)" = 200 ]
    [ "$(state site)" = enrolled ]
}

# ---- the end of a lineage ----

@test "revoke: nothing more is taken, no response is carried, and no card of it comes back" {
    site_new site
    gives 0 R approve "$(print)"
    A sync usb >/dev/null 2>&1 || true
    R sync usb --wait 0 >/dev/null 2>&1 || true
    [ "$(find usb/GAPFERRY/to-site -name '*.gfb' | wc -l)" = 1 ]
    gives 66 R revoke AAAA-BBBB-CCCC-DDDD-EEEE
    gives 64 R revoke AAAA
    gives 0 R revoke --reason 'host was "stolen"' "$(print)"
    [ "$(state site)" = revoked ]
    [ "$(facts site .reason)" = 'host was "stolen"' ]
    [ "$(events revoke)" = "$(print)" ]
    [ "$(events revoke .reason)" = 'host was "stolen"' ]
    gives 66 R revoke "$(print)"

    # The response is taken off the drive, a new request stays on it and is kept as evidence.
    speak site
    A sync usb >/dev/null 2>&1 || true
    gives 77 R sync usb --wait 0
    says "was revoked here on" 'host was "stolen"' "can be deleted there"
    [ "$(find usb/GAPFERRY/to-site -name '*.gfb' | wc -l)" = 0 ]
    [ "$(find usb/GAPFERRY/to-relay -name '*.gfb' | wc -l)" -ge 1 ]
    [ "$(find $RSTATE/quarantine -name '*.gfb' | wc -l)" = 1 ]
    [ "$(facts site .refused)" = 1 ]
    # Who brings it again was told; its record of before still waits.
    gives 75 R sync usb --wait 0
    says "left alone" "delete it there" "needs a new agent"
    absent grep -qF 'needs you' <<<"$out"
    [ "$(R sync usb --wait 0 --json | jq '.ended')" = 1 ]
    [ "$(facts site .refused)" = 1 ]
    gives 77 R approve "$(print)"
    says "gapferry-agent init"
    gives 0 R agents
    says "revoked   $(print)"

    # What waited for approval when its lineage ended is refused, too; a new agent may come.
    site_new again
    gives 0 R approve "$(print again)"
    visit again
    [ "$(relayed again)" = 1 ]
}

# reconciled: the ledger that was put back, or is gone, is gone on with; its facts.
reconciled() { R reconcile --json >.reconciled && jq -r "$1" .reconciled; }
# shut SITE: its drive is refused, and so is a person's word for it.
shut() {
    speak "$1"
    visit "$1"
    told "was revoked here on"
    [ "$(facts "$1" .state)" != enrolled ]
    [ "$(relayed "$1")" = 1 ]
    gives 77 R approve "$(print "$1")"
    says "was revoked here on" "gapferry-agent init"
    [ "$(R agents --json | jq '[.agents[] | select(.state == "enrolled")] | length')" = 0 ]
}

@test "revoke: a ledger of before, or a new one, lets nobody in again, and opens no token" {
    vendor_key acme
    trust_vendor acme acme.pub
    R token --uses 5 2>/dev/null >token
    cp $RSTATE/relay.db empty.db
    site_new site --token-file token
    visit
    [ "$(relayed)" = 1 ]
    cp $RSTATE/relay.db enrolled.db
    gives 0 R revoke "$(print)"

    # The ledger has it as enrolled.
    cp enrolled.db $RSTATE/relay.db
    [ "$(reconciled '"\(.revoked) \(.tokens)"')" = "1 1" ]
    [ "$(state site)" = revoked ]
    shut site
    [ "$(R token list --json | jq -r '.tokens[0].state')" = withdrawn ]
    [ "$(reconciled .nothing_to_do)" = true ]

    # The ledger has never heard of it, and the vendor vouches for it.
    cp empty.db $RSTATE/relay.db
    gives 0 R reconcile
    says "tokens withdrawn" "make new ones" "declines" "revocations are not"
    SITE=site A card --out site.card >/dev/null
    sign_card site.card acme.key usb/GAPFERRY/cards/signed.card
    shut site
    site_new other --token-file token
    visit other
    told "was withdrawn on"

    # There is none any more.
    rm $RSTATE/relay.db
    [ "$(reconciled '"\(.new_ledger) \(.revoked)"')" = "true 0" ]
    shut site
}

# ---- new keys ----

@test "rotate: the relay takes the successor, what was under way arrives once, the old key is over" {
    site_new site
    gives 0 R approve "$(print)"
    visit
    speak site
    A sync usb >/dev/null 2>&1 || true
    cp usb/GAPFERRY/to-relay/*.gfb .
    old=$(print)
    cp -a site before
    gives 0 A rotate --json
    [ "$(jq -r .replaces <<<"$out")" = "$old" ]
    [ "$(jq -r .records_again <<<"$out")" = 1 ]
    [ "$(print)" != "$old" ]
    absent grep -q '"name":"' $STATE/keys/card
    visit
    [ "$(state site)" = enrolled ]
    [ "$(facts site '.how + " " + .by')" = "predecessor $old" ]
    [ "$(relayed)" = 2 ]
    [ "$(R records list --json | jq '.records | length')" = 2 ]
    [ "$(R agents --all --json | jq -r --arg f "$old" '.agents[] | select(.fingerprint == $f) | .state')" = replaced ]
    gives 0 A history verify

    # The bundle of before and one beside it come late: nothing of them counts, and nobody need see to it. (75: what the
    # successor has brought waits for its endpoint.)
    cp ./*.gfb usb/GAPFERRY/to-relay/
    gives 75 R sync usb --wait 0
    says "2 bundles by keys that have a successor" "can be deleted"
    absent grep -qF 'needs you' <<<"$out"
    [ "$(R records list --json | jq '.records | length')" = 2 ]
    [ "$(find $RSTATE/quarantine -name '*.gfb' | wc -l)" = 0 ]
    gives 0 R import ./*.gfb
    says "2 bundles by keys that have a successor"
    # What waited here already, signed before the new keys came, is told alike, and kept.
    for f in ./*.gfb; do install -m 600 "$f" "$RSTATE/incoming/$(sha256sum <"$f" | cut -c1-64).gfb"; done
    rm usb/GAPFERRY/to-relay/*
    gives 75 R sync usb --wait 0
    says "2 bundles by keys that have a successor"
    [ "$(find $RSTATE/quarantine -name '*.gfb' | wc -l)" = 2 ]
    [ "$(R agents show "$old" --json | jq .refused)" = 2 ]

    # Twice more while no relay is near: the cards between travel along.
    gives 0 A rotate
    gives 0 A rotate
    speak site
    visit
    [ "$(state site)" = enrolled ]
    [ "$(relayed)" = 3 ]

    # Somebody who has the first key makes a successor, too: nobody is trusted.
    SITE=before gives 0 A rotate
    rm -f usb/GAPFERRY/cards/*
    speak before
    visit before
    [ "$(state site)" = forked ]
    [ "$(state before)" = forked ]
    speak site
    visit
    [ "$(relayed)" = 3 ]
    gives 0 R agents
    says "one of two successors"
    gives 0 R approve "$(print)"
    visit
    [ "$(state site)" = enrolled ]
    [ "$(state before)" = replaced ]
    [ "$(relayed)" = 4 ]
}

@test "rotate: a bare acknowledgement that the old key has signed is no reason to end with an error" {
    printf '#!/bin/sh\ncat >/dev/null\n' >deliver && chmod +x deliver
    printf '[endpoint "all"]\nchannel = metrics\nprofile = exec\nprogram = %s/deliver\n' "$PWD" >>relay/etc/gapferry/relay.conf
    site_new site
    gives 0 R approve "$(print)"
    A sync usb >/dev/null 2>&1
    gives 0 R sync usb
    gives 0 A sync usb
    [ "$(find usb/GAPFERRY/to-relay -name '*.gfb' | wc -l)" = 1 ]
    gives 0 A rotate
    A card --out usb/GAPFERRY/cards/successor.card >/dev/null
    gives 0 R sync usb --json
    [ "$(jq -c '[.superseded, .refused, .needs_a_person, .exit]' <<<"$out")" = '[1,0,[],0]' ]
    [ "$(state site)" = enrolled ]
    # The site's next request acknowledges anew, and all is in order on both sides.
    gives 0 A sync usb
    gives 0 R sync usb
    says "by keys that have a successor"
    gives 0 A history verify
}

@test "rotate: what was told to another's successor is told to the site's own, once it is chosen" {
    site_new site
    gives 0 R approve "$(print)"
    A sync usb >/dev/null 2>&1 || true
    cp -a site thief
    SITE=thief gives 0 A rotate
    visit thief
    [ "$(state thief)" = enrolled ]
    [ "$(relayed thief)" = 1 ]
    gives 0 A rotate
    visit
    [ "$(state site)" = forked ]
    [ "$(relayed)" = 0 ]
    gives 0 R approve "$(print)"
    visit
    [ "$(relayed)" = 1 ]
    [ "$(R records list --json | jq '.records | length')" = 1 ]
}

@test "rotate: by https the successor is taken at the next visit; a response to the old key is read" {
    relay_up
    unset http_proxy https_proxy all_proxy HTTPS_PROXY ALL_PROXY
    site_new site
    link_to site
    R approve "$(print)" >/dev/null
    A export >/dev/null 2>&1 || true
    "$BIN/gapferry-link" --root site carry >/dev/null 2>&1
    [ "$(find $STATE/inbox -name '*.gfb' | wc -l)" = 1 ]
    gives 0 A rotate
    A import >/dev/null 2>&1 || true
    [ "$(relayed)" = 1 ]
    speak site
    online site
    [ "$(state site)" = enrolled ]
    [ "$(relayed)" = 2 ]
}

@test "rotate: cut off before or behind the exchange of keys, the next command ends it" {
    site_new site
    old=$(print)
    cp -a $STATE/keys old.keys
    gives 0 A rotate
    new=$(print)
    # As it was a moment before the keys changed places.
    mv $STATE/keys $STATE/keys.next
    mv $STATE/keys.old/* $STATE/keys
    [ "$(print)" = "$new" ]
    [ "$(find $STATE/keys.old -mindepth 1 -maxdepth 1 | wc -l)" = 1 ]
    # As it was a moment after: what is addressed to the old ones can still be opened.
    mv $STATE/keys.old/* $STATE/keys.next
    gives 0 A status
    [ ! -e $STATE/keys.next ]
    [ "$(find $STATE/keys.old -mindepth 1 -maxdepth 1 | wc -l)" = 1 ]
    # And with keys that are neither.
    rm -r $STATE/keys $STATE/keys.old
    cp -a old.keys $STATE/keys
    gives 65 A status
    says "these keys"
}

@test "card of another lineage: whoever claims an agent's id is refused" {
    site_new site
    gives 0 R approve "$(print)"
    visit
    agent=$(jq -Rr 'fromjson? | .agent' $STATE/keys/card | head -n 1)
    "$BIN/gapferry-bundle" keygen --role agent --agent "$agent" thief >/dev/null 2>&1
    cp thief/card usb/GAPFERRY/cards/"$("$BIN/gapferry-bundle" card --fingerprint thief | tr 'A-Z' 'a-z')".card
    R sync usb --wait 0 >/dev/null 2>&1 || true
    gives 77 R approve --card thief/card "$("$BIN/gapferry-bundle" card --fingerprint thief)"
    says "claims the agent id"
    [ "$(state site)" = enrolled ]
}

# ---- clones, gaps, absence ----

@test "a clone, a gap and an absence are shown, with their remedies" {
    site_new site
    gives 0 R approve "$(print)"
    visit
    [ "$(state site)" = enrolled ]
    cp -a site clone
    speak site
    visit
    mkdir usb2
    speak clone
    SITE=clone A sync usb2 >/dev/null 2>&1 || true
    cp -a clone/var/lib/gapferry/agent/outbox/. usb/GAPFERRY/to-relay/
    R sync usb --wait 0 >.relay 2>&1 || true
    [ "$(state site)" = forked ]
    gives 0 R agents
    says "gapferry-agent restore" "revoke $(print)"
    gives 0 R status
    says "forked"

    # A drive that was lost leaves a gap.
    site_new gappy
    gives 0 R approve "$(print gappy)"
    mkdir lost
    SITE=gappy A sync lost >/dev/null 2>&1 || true
    mv gappy/var/lib/gapferry/agent/outbox/*.gfb lost/
    speak gappy
    SITE=gappy A export >/dev/null 2>&1 || true
    mkdir -p usb3
    SITE=gappy A sync usb3 >/dev/null 2>&1 || true
    R sync usb3 --wait 0 >/dev/null 2>&1 || true
    [ "$(state gappy)" = behind ]
    [ "$(facts gappy '.missing, .gaps[0].from, .gaps[0].to' | tr '\n' ' ')" = "1 1 1 " ]

    sed -i 's/^\[relay\]/[relay]\noverdue = 1s/' relay/etc/gapferry/relay.conf
    sleep 2.1
    [ "$(state gappy)" = overdue ]
    gives 0 R status --json
    [ "$(jq -r '.attention.overdue, .attention.forked' <<<"$out" | tr '\n' ' ')" = "1 1 " ]
    sed -i 's/^overdue = 1s/overdue = 0/' relay/etc/gapferry/relay.conf
    [ "$(state gappy)" = behind ]
}
