# shellcheck shell=bash
# paths: the tree names no folder of one machine and no host that packages come from; a checkout works
# anywhere, and where packages come from is the machine's business.

# Written with brackets, so that this file does not contain what it looks for.
machine='(^|[^A-Za-z0-9_.$~}*-])[/](work|root|home)[/][A-Za-z0-9._-]|[/]tmp[/]bash_jobs'
registry='registry[.]npmjs|npmjs[.](org|com)|registry[.]yarnpkg|pypi[.]org|pythonhosted[.]org|crates[.]io|(deb|security|archive|ftp)[a-z.]*[.]debian[.]org|archive[.]ubuntu|proxy[.]golang|snapshot[.]debian'

check() {
    local file
    # Binary files count too: a recorded test file can hold a path (-a).
    sources | grep -v '^LICENSE$' | tr '\n' '\0' |
        { xargs -0 -r grep -naoE "$machine|$registry" /dev/null || true; } | while IFS=: read -r file line text; do
        finding "$file:$line" "names a machine's folder or a package host: $text"
    done
    sources '*package-lock.json' | while read -r file; do
        if grep -n '"resolved"' "$file" /dev/null | head -n 1 | grep -q .; then
            finding "$file" 'carries "resolved": write it with npm install --package-lock-only --omit-lockfile-registry-resolved'
        fi
    done
    sources '*.npmrc' | while read -r file; do
        finding "$file" 'is a setting of one machine'
    done
}

good() {
    write a.c '/* network/home/x, build/work/y, $HOME/root/z, https://example.org/home/ */'
    write tests/cctv/package-lock.json '{ "packages": { "x": { "version": "1.0.0", "integrity": "sha512-" } } }'
}
bad_home() { good; write b.md 'see ' "the file /ho""me/alice/notes"; expect 'b.md:2: names'; }
bad_work() { good; write b.sh "cd /wo""rk/main"; expect 'b.sh:1: names'; }
bad_root() { good; write b.sh "cp x '/ro""ot/.cache'"; expect 'b.sh:1: names'; }
bad_npm() { good; write b.sh "curl https://registry.np""mjs.org/x"; expect 'b.sh:1: names'; }
bad_mirror() { good; write b.sh "deb http://deb.deb""ian.org/debian bookworm main"; expect 'b.sh:1: names'; }
bad_lock() { good; write tests/x/package-lock.json '{' '"resolved": "https://example.org/x.tgz" }'; expect 'carries "resolved"'; }
bad_npmrc() { good; write .npmrc 'registry=http://localhost'; expect 'setting of one machine'; }
