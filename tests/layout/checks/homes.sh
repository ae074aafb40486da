# shellcheck shell=bash
# homes: a third-party library is included in one place only (design section 10, rule 2), and what is
# neither ours, nor the system's, nor in this table has no place at all.

# Header (a pattern), and the files or folders that may include it; "-" for nobody.
homes='
sodium.h           bundle-format/crypto/
archive(_entry)?.h bundle-format/format/
zstd(_errors)?.h   bundle-format/format/
cjson/cJSON.h      bundle-format/base/json.c
curl/.*            common/https.c,common/https_
microhttpd.h       common/httpd.c,common/httpd_
zlib.h             common/gunzip.c
sqlite3.h          common/db.c,common/db_,agent/store/,relay/ledger/
'

# The system: the C library and the kernel.
system='(assert|ctype|dirent|endian|errno|fcntl|float|getopt|glob|grp|ifaddrs|inttypes|limits|locale|malloc|math|netdb|poll|pthread|pwd|sched|semaphore|signal|spawn|stdalign|stdarg|stdatomic|stdbool|stddef|stdint|stdio|stdio_ext|stdlib|stdnoreturn|string|strings|syslog|termios|threads|time|unistd|wchar|(arpa|linux|net|netinet|sys)/[a-z0-9_/]+)[.]h'

# What the library has no use for: network, logs, locales, other processes, and asserts, which a release
# would leave out.
not_library='(assert|netdb|syslog|locale|malloc|spawn|ifaddrs|sys/socket|sys/un|sys/wait|(arpa|net|netinet)/.*)[.]h'

check() {
    sources 'bundle-format/*.[ch]' 'common/*.[ch]' 'agent/*.[ch]' 'relay/*.[ch]' |
        xargs -r awk -v homes="$homes" -v libc="^$system\$" -v outside="^$not_library\$" \
            -v list="$(sources '*.h')" '
        function fault(text) { print FILENAME ":" FNR ": " text }
        # Does the tree have a header of this name where this file would look for it?
        function ours(name,    own) {
            own = FILENAME
            sub(/[^\/]*$/, "", own)
            return (own name) in file || ("bundle-format/include/" name) in file || \
                ("bundle-format/" name) in file || name in file
        }
        BEGIN {
            n = split(homes, word)
            for (i = 1; i < n; i += 2) home["^" word[i] "$"] = word[i + 1]
            n = split(list, word)
            for (i = 1; i <= n; i++) file[word[i]] = 1
        }
        /^[ \t]*#[ \t]*include/ {
            name = $0
            gsub(/^[^"<]*["<]|[">].*$/, "", name)
            quoted = $0 ~ /"/
            if (ours(name) && (quoted || name ~ /^gapferry\//))
                next
            if (name ~ libc) {
                if (FILENAME ~ /^bundle-format\// && FILENAME !~ /\/tool\// && name ~ outside)
                    fault("the library has no use for <" name ">")
                next
            }
            for (h in home)
                if (name ~ h) {
                    n = split(home[h], allowed, ",")
                    for (i = 1; i <= n; i++)
                        if (index(FILENAME, allowed[i]) == 1)
                            next
                    fault("<" name "> is at home in " home[h] " only")
                    next
                }
            if (!quoted)
                fault("<" name "> is neither the system'"'"'s nor a library with a home")
        }'
}

good() {
    write bundle-format/crypto/key.c '#include <sodium.h>' '#include <stdint.h>' '#include <sys/stat.h>'
    write bundle-format/format/archive.h ''
    write bundle-format/format/archive.c '#include <archive.h>' '#include <zstd.h>' '#include "archive.h"'
    write bundle-format/reader/items.c '#include "format/archive.h"'
    write bundle-format/base/json.c '#include <cjson/cJSON.h>'
    write bundle-format/tool/main.c '#include <signal.h>'
    write common/httpd.c '#include <microhttpd.h>' '#include <sys/socket.h>'
    write relay/ledger/ledger.c '#include <sqlite3.h>'
    write tests/unit/test_key.c '#include <sodium.h>'
}
bad_sodium() { good; write bundle-format/format/card.c '' '#include <sodium.h>'; expect 'card.c:2: <sodium.h> is at home'; }
bad_sodium_in_tool() { good; write bundle-format/tool/main.c '#include <sodium.h>'; expect 'main.c:1: <sodium.h>'; }
bad_json() { good; write bundle-format/base/json_check.c '# include <cjson/cJSON.h>'; expect 'json_check.c:1'; }
bad_archive() { good; write bundle-format/reader/items.c '#include <archive.h>'; expect 'items.c:1: <archive.h>'; }
bad_archive_quoted() { good; write bundle-format/reader/items.c '#include "archive.h"'; expect 'items.c:1: <archive.h>'; }
bad_sqlite() { good; write relay/turn.c '#include <sqlite3.h>'; expect 'relay/turn.c:1'; }
bad_curl() { good; write agent/main.c '#include <curl/curl.h>'; expect 'agent/main.c:1'; }
bad_newcomer() { good; write common/db.c '#include <libpq-fe.h>'; expect 'neither'; }
bad_socket_in_library() { good; write bundle-format/drive/drive.c '#include <sys/socket.h>'; expect 'no use for'; }
bad_assert_in_library() { good; write bundle-format/base/buf.c '#include <assert.h>'; expect 'no use for <assert.h>'; }
