#!/usr/bin/env bats
# shellcheck disable=SC2154 # trip.bash sets out and err
# relay_rotate.bats -- new keys of a relay: by drive, by HTTPS, twice, late, and in a thief's hand.

bats_require_minimum_version 1.5.0

# shellcheck source=tests/scenarios/trip.bash
source "$BATS_TEST_DIRNAME/trip.bash"
# shellcheck source=tests/scenarios/services.bash
source "$BATS_TEST_DIRNAME/services.bash"

setup() {
    cd "$BATS_TEST_TMPDIR" || return
    mkdir usb
    unset http_proxy https_proxy all_proxy HTTP_PROXY HTTPS_PROXY ALL_PROXY
    R init --name relay >/dev/null
    R card --out relay.card >/dev/null
    FIRST=$(R card --fingerprint)
}

# site_known: an agent that trusts the relay and is approved there.
site_known() {
    site_new site
    R approve "$(A card --fingerprint)" >/dev/null
}

# Half a trip each; USB says which drive.
home() { A sync "${USB:-usb}" >.home 2>&1 || true; }
there() { R sync "${USB:-usb}" --wait 0 >.there 2>&1 || true; }

trusted() { A trust --list --json | jq -r '[.relays[].fingerprint] | join(" ")'; }
records() { R records list --json | jq '.records | length'; }
# of BUNDLE MEMBER: what the signed header says.
of() { tar xOf "$1" bundle.json | jq -r ".$2"; }
missed() { R agents show "$(A card --fingerprint)" --json | jq .rotations_missed; }

@test "rotate: a request on its way is taken, answered by the key it knows, and the new one learned" {
    site_known
    home
    cp usb/GAPFERRY/to-relay/*.gfb request.gfb
    gives 0 R rotate --json
    [ "$(jq -r .replaces <<<"$out")" = "$FIRST" ]
    [ "$(jq -r .fingerprint <<<"$out")" = "$(R card --fingerprint)" ]
    [ "$(R card --fingerprint)" != "$FIRST" ]
    there
    [ "$(records)" = 1 ]
    [ "$(missed)" = 1 ]
    # Signed by the key to which the request went.
    [ "$(of usb/GAPFERRY/to-site/*.gfb from)" = "$(of request.gfb to)" ]
    home
    [ "$(relayed)" = 1 ]
    [ "$(trusted)" = "$(R card --fingerprint)" ]
    gives 0 A history
    says "its predecessor $FIRST"
    gives 0 A history verify
    # What is said from now on goes from new key to new key, and nothing comes twice.
    speak
    home && there && home
    [ "$(relayed)" = 2 ]
    [ "$(records)" = 2 ]
    [ "$(missed)" = 0 ]
    gives 0 R audit verify
    [ "$(R audit export | jq -r '.line | fromjson | select(.event == "rotated") | .fingerprint')" = "$(R card --fingerprint)" ]
}

@test "rotate twice while a site is away: it learns both from the drive, and its bundle stays as it was" {
    site_known
    home
    gives 0 R rotate
    second=$(R card --fingerprint)
    gives 0 R rotate
    third=$(R card --fingerprint)
    # A drive of another way brings the cards first.
    mkdir other
    USB=other there
    [ "$(find other/GAPFERRY/cards -name '*.card' | wc -l)" = 2 ]
    USB=other home
    [ "$(trusted)" = "$third" ]
    bundle=$(echo usb/GAPFERRY/to-relay/*.gfb)
    cmp "$bundle" "other/GAPFERRY/to-relay/${bundle##*/}"
    # The first drive arrives: to the oldest key. What is answered by that key comes too late.
    there
    [ "$(records)" = 1 ]
    home
    grep -q 'another one replaced it' .home
    [ "$(relayed)" = 0 ]
    # By then a request to the new key is on the drive, and all is said anew.
    there && home
    [ "$(relayed)" = 1 ]
    [ "$(missed)" = 0 ]
    gives 0 A history
    says "its predecessor $FIRST" "its predecessor $second"
}

@test "rotate: the key that an agent still needs is not given up unasked" {
    site_known
    home && there
    for _ in 1 2 3; do gives 0 R rotate; done
    [ "$(missed)" = 3 ]
    gives 64 R rotate
    says '1 agent still uses the key' --force
    there && home && there
    [ "$(missed)" = 0 ]
    gives 0 R rotate
    home && there && home
    [ "$(trusted)" = "$(R card --fingerprint)" ]
    [ "$(relayed)" = 1 ]
    # One that has missed more than the keys that are kept needs nobody still, while its card is the
    # predecessor of one on the drive.
    for _ in 1 2 3; do gives 0 R rotate --force; done
    gives 0 R rotate --force
    there && home
    [ "$(trusted)" = "$(R card --fingerprint)" ]
}

@test "an old key in a thief's hand: it cannot undo the rotation, and a second successor trusts nobody" {
    site_known
    home
    cp usb/GAPFERRY/to-relay/*.gfb request.gfb
    cp -a relay thief
    gives 0 R rotate
    there && home
    second=$(R card --fingerprint)
    [ "$(trusted)" = "$second" ]
    # What the thief answers in the relay's name is refused.
    speak
    home
    mkdir usb2
    cp -a usb/GAPFERRY usb2/
    cp request.gfb usb2/GAPFERRY/to-relay/
    rm -f usb2/GAPFERRY/to-site/*
    RELAY=thief R sync usb2 --wait 0 >/dev/null 2>&1 || true
    gives 77 A trust relay.card --fingerprint "$FIRST"
    says 'was replaced by its successor'
    [ "$(find usb2/GAPFERRY/to-site -name '*.gfb' | wc -l)" = 1 ]
    USB=usb2 home
    grep -q 'another one replaced it' .home
    [ "$(trusted)" = "$second" ]
    [ "$(relayed)" = 1 ]
    # A second successor: neither, until a person says which.
    RELAY=thief
    gives 0 R rotate
    mkdir usb3
    R sync usb3 --wait 0 >/dev/null 2>&1 || true
    RELAY=relay
    gives 77 A sync usb3
    says 'a second successor'
    [ -z "$(trusted)" ]
    gives 0 A trust --list
    says "forked     $second" 'one of two successors'
    A doctor >.doctor 2>&1 || true
    grep -q 'two successors of its key came' .doctor
    home
    [ -z "$(trusted)" ]
    gives 0 A trust relay/var/lib/gapferry/relay/keys/card --fingerprint "$second"
    home && there && home
    [ "$(trusted)" = "$second" ]
    [ "$(relayed)" = 2 ]
    gives 0 A history
    says relay-forked
}

@test "the relay's keys were stolen: a new relay, and an end to the trust in the old one" {
    site_known
    home && there && home
    speak
    home
    RELAY=new
    R init >/dev/null
    R approve "$(A card --fingerprint)" >/dev/null
    gives 66 A trust --end "$(R card --fingerprint)"
    gives 0 A trust --end "$FIRST"
    says 'not trusted any more' 'resend --to'
    [ -z "$(trusted)" ]
    gives 0 A trust new/var/lib/gapferry/relay/keys/card --fingerprint "$(R card --fingerprint)"
    printf '[relay "new"]\nfingerprint = %s\n' "$(R card --fingerprint)" >>site/etc/gapferry/agent.conf
    # What the old one says is refused, and what it had not answered goes to the new one.
    RELAY=relay there
    home
    grep -q 'which is not trusted any more' .home
    [ "$(relayed)" = 1 ]
    gives 0 A resend --to new
    home
    RELAY=new there
    home
    [ "$(relayed)" = 2 ]
    gives 0 A history
    says trust-ended
}

# ---- by HTTPS ----

@test "https: the relay is found by its old key, answers by it, and is known by the new one afterwards" {
    relay_up
    site_known
    link_to site "fingerprint = $FIRST"
    online
    [ "$(relayed)" = 1 ]
    cp -a relay before
    # While it runs; twice.
    gives 0 R rotate
    gives 0 R rotate
    speak
    online
    grep -q 'has new keys' site/var/lib/gapferry/agent/link.state
    [ "$(relayed)" = 2 ]
    [ "$(trusted)" = "$(R card --fingerprint)" ]
    # The configuration's fingerprint is the first one still.
    speak
    online
    [ "$(relayed)" = 3 ]
    [ "$(missed)" = 0 ]
    absent grep -q 'has new keys' site/var/lib/gapferry/agent/link.state
    absent ls site/var/lib/gapferry/agent/quarantine/*.gfb
    # A relay with the first key only is not it any more.
    stop relay
    rm -rf relay
    mv before relay
    relay_up
    speak
    online
    grep -q 'not the hello of our relay' .link site/var/lib/gapferry/agent/link.state
    [ "$(relayed)" = 3 ]
}

# ---- a grid ----

@test "a node of a grid: the manager's relay has new keys, and its policy holds" {
    site_known
    printf '[relay "manager"]\nreach = site\nfingerprint = %s\n' "$FIRST" >>site/etc/gapferry/agent.conf
    home && there && home
    gives 0 R rotate
    gives 0 R notice metrics airgap=hold
    there && home
    [ "$(trusted)" = "$(R card --fingerprint)" ]
    gives 0 R notice metrics consent=denied
    home && there && home
    [ "$(A consent --json | jq -r '.channels[] | select(.channel == "metrics") | .consent')" = denied ]
}
