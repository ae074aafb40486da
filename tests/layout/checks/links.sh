# shellcheck shell=bash
# links: what a page of ours links to in the tree is there.

check() {
    local page target
    sources '*.md' | while read -r page; do
        # [text](target), without what follows a '#'; addresses elsewhere and places on the page itself
        # are left out, and so is what stands in code.
        awk '/^```/ { code = !code } !code { gsub(/`[^`]*`/, ""); print }' "$page" |
            { grep -oE '\]\([^)# ]+' || true; } | sed 's/^](//' |
            { grep -vE '^[a-z]+:' || true; } | while read -r target; do
            [ -e "$(dirname "$page")/$target" ] || finding "$page" "links to $target, which is not there"
        done
    done
}

good() {
    write docs/design.md '# Design' 'see `[x](gone.md)` and [all](../README.md#top), [web](https://example.org/a)'
    write README.md '[design](docs/design.md), [folder](docs/), [below](#below)' '```' '[code](gone.md)' '```'
}
bad_page() { good; write docs/other.md 'see [more](gone.md)'; expect 'docs/other.md: links to gone.md'; }
bad_relative() { good; write docs/other.md '[design](docs/design.md#x)'; expect 'links to docs/design.md'; }
