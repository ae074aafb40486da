# shellcheck shell=bash disable=SC2154 # trip.bash sets URL
# repo.bash -- a vendor's repository of updates, for scenarios: manifests that minisign has signed, in
# repo/, which the vendor serves below /files/. release.key is the vendor's, stranger.key is nobody's.

repo_keys() {
    minisign -G -W -p release.pub -s release.key >/dev/null
    minisign -G -W -p stranger.pub -s stranger.key >/dev/null
}

# What files whose tests all use one begin with: keys once (in setup_file), and for each test a repository,
# a drive, and a place for what is to be published.
repo_keys_once() {
    cd "$BATS_FILE_TMPDIR" || return
    repo_keys
}
repo_begin() {
    cd "$BATS_TEST_TMPDIR" || return
    cp "$BATS_FILE_TMPDIR"/*.{pub,key} .
    mkdir -p usb repo/demo/stable new
    echo "what is new" >new/NOTES
}

# repository: what relay.conf says of it.
repository() {
    cat <<CONF
[relay]
response_max = 1M
[vendor "acme"]
update = $PWD/release.pub
[endpoint "repo"]
channel = updates
profile = updates
url = $URL/files/
timeout = 3s
refresh = 0
[endpoint "reports"]
channel = updates
type = application/vnd.gapferry.update-report+json
url = $URL/usage
timeout = 3s
CONF
}

now() { date -u -d "${1:-now}" +%Y-%m-%dT%H:%M:%SZ; }

# publish SERIAL FILE...: version 1.SERIAL, its artifacts and its signature. KEY, PLATFORM, EXPIRES
# say what is unusual.
publish() {
    local serial=$1 file at=repo/demo/stable/${PLATFORM:-any}.json
    shift
    for file; do
        cp "$file" repo/demo/stable/
        jq -n --arg name "${file##*/}" --argjson size "$(stat -c %s "$file")" \
            --arg sha256 "$(sha256sum <"$file" | cut -d' ' -f1)" \
            --arg blake2b "$(b2sum -l 256 <"$file" | cut -d' ' -f1)" '$ARGS.named'
    done | jq -s --argjson serial "$serial" --arg platform "${PLATFORM:-any}" \
        --arg issued "$(now "${ISSUED:-yesterday}")" --arg expires "$(now "${EXPIRES:-next year}")" \
        '{format: "gapferry-update/1", product: "demo", channel: "stable", platform: $platform,
          version: "1.\($serial)", serial: $serial, issued: $issued, expires: $expires, artifacts: .}' >"$at"
    rm -f "$at.minisig"
    minisign -S -s "${KEY:-release.key}" -m "$at" >/dev/null
}

# served PATTERN: how often the vendor has served it, whatever the status.
served() { grep -cE "^/files/demo/stable/$1 " v/files.log || true; }

# How many artifacts the site misses of its newest update.
missing() { fact '.updates[0].missing' A updates list; }
