# shellcheck shell=bash
# includes: an #include points down or sideways, never up, and programs know of the library only its
# public headers (design section 10, rule 1).

# Layers, from the ground: folder and number.
layers='
bundle-format/base    0
bundle-format/crypto  1
bundle-format/format  2
bundle-format/writer  3
bundle-format/reader  3
bundle-format/drive   3
common                4
bundle-format/tool    5
agent                 5
relay                 5
'

# A public header has the layer of the source file of its name. These have no such file.
header_layers='
exit    0
limits  0
bundle  3
'

check() {
    sources 'bundle-format/*.[ch]' 'common/*.[ch]' 'agent/*.[ch]' 'relay/*.[ch]' |
        xargs -r awk -v layers="$layers" -v headers="$header_layers" -v list="$(sources '*.[ch]')" '
        function fault(text) { print FILENAME ":" FNR ": " text }
        function folder(path) { sub(/\/[^\/]*$/, "", path); return path }
        function program(path) {
            return path ~ /^agent\// ? "agent" : path ~ /^relay\// ? "relay" : \
                path ~ /^bundle-format\/tool\// ? "tool" : path ~ /^common\// ? "common" : ""
        }
        # The layer of a file; -1 if it lies in no known folder.
        function layer_of(path,    f, stem) {
            if (path ~ /^bundle-format\/include\/gapferry\//) {
                stem = path
                sub(/.*\//, "", stem)
                sub(/\.h$/, "", stem)
                return stem in stems ? stems[stem] : stem in header ? header[stem] : -1
            }
            for (f = folder(path); f != ""; f = f ~ /\// ? folder(f) : "")
                if (f in layer)
                    return layer[f]
            return -1
        }
        # The file of the tree that an include means, or "".
        function target(name,    n, i, try) {
            n = split(folder(FILENAME) "/ bundle-format/include/ bundle-format/ /", try, " ")
            for (i = 1; i <= n; i++) {
                sub(/^\/$/, "", try[i])
                if ((try[i] name) in file)
                    return try[i] name
            }
            return ""
        }
        BEGIN {
            n = split(layers, word)
            for (i = 1; i < n; i += 2) layer[word[i]] = word[i + 1]
            n = split(headers, word)
            for (i = 1; i < n; i += 2) header[word[i]] = word[i + 1]
            n = split(list, word)
            for (i = 1; i <= n; i++) file[word[i]] = 1
            for (f in file)
                if (f ~ /^bundle-format\/.*\.c$/ && folder(f) in layer && f !~ /\/tool\//) {
                    stem = f
                    sub(/.*\//, "", stem)
                    sub(/\.c$/, "", stem)
                    stems[stem] = layer[folder(f)]
                }
            for (h in header)
                if (h in stems)
                    print "tests/layout/checks/includes.sh: " h ".h has a source file: drop it from the table"
        }
        FNR == 1 {
            own = layer_of(FILENAME)
            if (own < 0)
                fault("lies in no folder of design section 10, or is a public header without a source")
        }
        FILENAME ~ /\.c$/ && /^extern / { fault("declares in a source file; include the header") }
        /^[ \t]*#[ \t]*include/ {
            name = $0
            gsub(/^[^"<]*["<]|[">].*$/, "", name)
            t = target(name)
            if (t == "") {
                if ($0 ~ /"/) fault("no such header: " name)
                next
            }
            other = layer_of(t)
            if (other > own)
                fault("includes upwards: " t)
            p = program(FILENAME)
            q = program(t)
            if (p != "" && q != p && q != "common" && t !~ /^bundle-format\/include\/gapferry\//)
                fault("may include gapferry/*.h, common and its own only: " t)
        }'
}

good() {
    write bundle-format/include/gapferry/err.h '#include <stdint.h>'
    write bundle-format/include/gapferry/card.h '#include "gapferry/err.h"'
    write bundle-format/base/err.c '#include "gapferry/err.h"'
    write bundle-format/base/pool.h '#include "gapferry/err.h"'
    write bundle-format/crypto/key.c '#include "base/pool.h"'
    write bundle-format/format/card.c '#include "gapferry/card.h"'
    write bundle-format/reader/head.h '#include "gapferry/card.h"'
    write bundle-format/reader/open.c '#include "head.h"'
    write bundle-format/writer/seal.c '#include "reader/head.h"'
    write common/options.h '#include <gapferry/err.h>'
    write common/options.c '#include "common/options.h"'
    write bundle-format/tool/tool.h '#include "gapferry/card.h"'
    write bundle-format/tool/main.c '#include "tool.h"' '#include "common/options.h"'
    write agent/queue.h '#include <stdint.h>'
    write agent/store/queue.c '#include "agent/queue.h"'
    write relay/turn.c '#include <gapferry/card.h>'
}
bad_private_header() { good; write bundle-format/base/err.c '#include "crypto/secret.h"'
    write bundle-format/crypto/secret.h ''; expect 'err.c:1: includes upwards: bundle-format/crypto/secret.h'; }
bad_public_header() { good; write bundle-format/crypto/key.c '' '# include <gapferry/card.h>'
    expect 'key.c:2: includes upwards'; }
bad_header_of_header() { good; write bundle-format/include/gapferry/err.h '#include "card.h"'
    expect 'err.h:1: includes upwards'; }
bad_library_knows_programs() { good; write bundle-format/drive/drive.c '#include "common/options.h"'
    expect 'drive.c:1: includes upwards'; }
bad_agent_knows_relay() { good; write relay/turn.h ''; write agent/main.c '#include "../relay/turn.h"' '#include "relay/turn.h"'
    expect 'agent/main.c:2: may include'; }
bad_relative_path() { good; write relay/turn.h ''; write agent/main.c '#include "../relay/turn.h"'
    expect 'no such header: ../relay/turn.h'; }
bad_program_knows_internals() { good; write relay/verify.c '#include "reader/head.h"'
    expect 'relay/verify.c:1: may include'; }
bad_tool_knows_internals() { good; write bundle-format/tool/main.c '#include "base/pool.h"'
    expect 'tool/main.c:1: may include'; }
bad_common_knows_program() { good; write common/options.c '#include "agent/queue.h"'
    expect 'common/options.c:1: includes upwards'; }
bad_folder() { good; write bundle-format/misc/util.c ''; expect 'lies in no folder'; }
bad_header_without_source() { good; write bundle-format/include/gapferry/util.h ''; expect 'util.h:1: lies in no'; }
bad_stale_table() { good; write bundle-format/reader/bundle.c ''; expect 'drop it from the table'; }
bad_extern() { good; write agent/main.c 'extern int queue_length(void);'; expect 'include the header'; }
