# shellcheck shell=bash
# calls: the library does not print, log, exit, read the clock or the environment, start processes or
# open sockets (design section 10, rule 5). Seen in what its own objects import.

forbidden='
printf fprintf vprintf vfprintf dprintf vdprintf puts putchar putc fputs fputc fwrite perror psignal
stdin stdout stderr
exit _exit _Exit quick_exit abort atexit on_exit __assert_fail
time gettimeofday clock_gettime clock timespec_get times
localtime localtime_r mktime timelocal ctime ctime_r tzset strftime setlocale
getenv secure_getenv setenv unsetenv putenv clearenv environ __environ
syslog vsyslog openlog warn warnx err errx verr vwarn error
rand random srand srandom rand_r drand48 lrand48
system popen fork vfork execve execv execvp execl execlp posix_spawn posix_spawnp
socket connect bind listen accept accept4 socketpair getaddrinfo gethostbyname send sendto sendmsg recv
recvfrom recvmsg
'

check() {
    local source object
    library_objects | while read -r source object; do
        # _FORTIFY_SOURCE turns printf into __printf_chk.
        nm -P -u "$object" | awk '{ print $1 }' | sed -E 's/^__(.*)_chk$/\1/' | sort -u |
            { grep -Fxf <(tr -s ' ' '\n' <<<"$forbidden" | grep .) || true; } | while read -r symbol; do
            finding "$source" "calls $symbol"
        done
    done
}

good() {
    write bundle-format/base/err.c '#include <stdio.h>' \
        'int gf_err_set(char *b, int n) { return snprintf(b, 10, "%d", n); }' 'int timer(void) { return 0; }'
    write bundle-format/tool/main.c '#include <stdio.h>' 'int main(void) { return printf("%d", 1); }'
    compile bundle-format/*/*.c
}
one_call() { # HEADER CALL
    good
    write bundle-format/base/buf.c '#include <stddef.h>' "#include <$1>" \
        "long gf_buf(void);" "long gf_buf(void) { return (long)$2; }"
    compile bundle-format/base/buf.c
    expect "buf.c: calls ${2%%[^a-z]*}"
}
bad_printf() { one_call stdio.h 'printf("%d", (int)gf_buf())'; }
bad_stderr() { one_call stdio.h 'stderr'; }
bad_time() { one_call time.h 'time(NULL)'; }
bad_getenv() { one_call stdlib.h 'getenv("HOME")'; }
bad_exit() { one_call stdlib.h '(exit(1), 1)'; expect 'calls exit'; }
bad_assert() { one_call assert.h '1; }
long gf_buf_b(void);
long gf_buf_b(void) { assert(gf_buf() == 1); return 1'; expect 'calls __assert_fail'; }
bad_socket() { one_call sys/socket.h 'socket(AF_UNIX, 1, 0)'; }
bad_fortified() { one_call stdio.h 'printf("%d", 7)'
    cc -O2 -D_FORTIFY_SOURCE=2 -c bundle-format/base/buf.c -o build/bundle-format/base/CMakeFiles/x.dir/buf.c.o; }
