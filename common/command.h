/*
 * command.h -- how our programs begin and end: a table of commands, the overview, the nearest name,
 * --root, the line that tells a failure, and the exit status.
 */
#ifndef COMMON_COMMAND_H
#define COMMON_COMMAND_H

#include <stdarg.h>
#include <sys/types.h>

#include "common/options.h"
#include "gapferry/card.h"

/* Rows of the options' table that many commands have. command_main() takes --root off the command
 * line; it stands in each table for --help. */
#define COMMAND_OPTION_ROOT                                                                        \
    { "root", 0, "DIR", "use DIR/etc/gapferry and DIR/var/lib/gapferry" }
#define COMMAND_OPTION_JSON                                                                        \
    { "json", 0, NULL, "print one JSON object instead of text" }
#define COMMAND_OPTION_HELP                                                                        \
    { "help", 'h', NULL, "show this help" }
#define COMMAND_OPTION_END                                                                         \
    { NULL, 0, NULL, NULL }

/* One command: its words are those after its name, its result is the exit status. */
struct command_entry {
    const char *name;
    int (*run)(const char *root, int argc, char **argv);
    const char *help; /* for the overview */
};

struct command_program {
    const char *name;
    const char *version;
    const char *about; /* what the program is, wrapped, each line with its LF */
    const struct command_entry *commands;
    size_t ncommands;
    int (*begin)(struct gf_err *e); /* before anything else; NULL: nothing */
};

/* The whole program: command_begin(), `begin`, the command, command_finish(). root is NULL unless
 * --root was given. */
int command_main(const struct command_program *p, int argc, char **argv);

/* Standard streams that are there, and SIGPIPE as an error like others, so that nothing is left
 * behind because of it. */
void command_begin(void);

/* Was all printed? Then `status`, else the status of that failure; if the reader closed the pipe,
 * it has read enough, and the process ends as other tools do then. */
int command_finish(const char *program, int status);

/* What was printed has come out; else GF_E_SYSTEM or GF_E_CREATE. For who has to say what happened
 * although nobody was told; command_finish() sees to all others. */
GF_MUST_CHECK int command_print(struct gf_err *e);

/* One line about a failure, with json also an object on standard output; its exit status. */
int command_failed(const char *program, const struct gf_err *e, int json);

/* 1 if --json is among the words, wherever: for errors before they are parsed. */
int command_json(int argc, char **argv);

/* Parse the words, show the help if that was asked for, else work, and tell a failure. *status is
 * what the command ends with where work returns 0. The exit status. */
typedef int command_body(void *context, const struct options *o, int *status, struct gf_err *e);
int command_do(const char *program, const struct option_page *page, int argc, char **argv,
               command_body *work, void *context);

/* The graver of two statuses, for what does several things and goes on where one fails: 70, 74, 73,
 * 78, 84, 65, 80, 83, 77, 85, 69, 75, 0 (design section 9). What is none of these, such as 81 (not
 * for us), never counts. */
enum gf_exit command_graver(enum gf_exit x, enum gf_exit y);

/* GF_E_USAGE unless there are min to max arguments; `what` are their names. */
GF_MUST_CHECK int command_args(const struct options *o, size_t min, size_t max, const char *what,
                               struct gf_err *e);

/* Where a program's things are: ROOT/etc/gapferry/WORD.conf and ROOT/var/lib/gapferry/WORD; root
 * NULL: the system's. GF_E_USAGE unless the state directory leaves `below` bytes of room for the
 * longest path within it. */
#define COMMAND_PATH 512
GF_MUST_CHECK int command_paths(const char *word, const char *root, size_t below,
                                char config[COMMAND_PATH], char state[COMMAND_PATH],
                                struct gf_err *e);

/* How a program is called, for the commands that messages name: "PROGRAM", or "PROGRAM --root DIR"
 * where DIR is what stands before /var/lib/gapferry in the path of its state directory. */
#define COMMAND_SELF 640
const char *command_called(const char *program, const char *state, char out[COMMAND_SELF]);

/* "next: CALLED ..." to standard error, if that is a terminal. */
void command_suggest(const char *called, const char *fmt, va_list ap) GF_PRINTF(2, 0);

/* GF_E_USER if this user may not use the state directory of program: who may, and how to say it. A
 * directory that is missing, or on a medium that cannot be written, is nothing to do with users.
 * Root becomes the owner of the directory, for good, so that what it makes there is the service's
 * own; command_user() still says root. It keeps one right, which is off: see COMMAND_REACH(). */
GF_MUST_CHECK int command_check_user(const char *program, const char *state, struct gf_err *e);

/*
 * Root points a command at a file of its own, or at a drive that was mounted by root or for the
 * person who sits there; the owner of the state may not use either. So the one right to pass over
 * the modes of files (CAP_DAC_OVERRIDE) is kept, off, and on only within COMMAND_REACH(call), a
 * call that returns an int: one that touches a drive, where no link and no other file system is
 * followed, or opens what was named on the command line. Nothing is parsed within it but what that
 * call parses. Whoever has no such right calls as ever. errno is kept.
 */
void command_reach(void);
GF_MUST_CHECK int command_reached(int rc);
#define COMMAND_REACH(call) (command_reach(), command_reached(call))

/* Give that right up: for what works on and is pointed at nothing. 0, or -1 with errno. */
GF_MUST_CHECK int command_reach_drop(void);

/* Become this user and group, with that right and no other. 0, or -1 with errno. */
GF_MUST_CHECK int command_reach_become(uid_t uid, gid_t gid);

/* Load the keys of program below its state directory. A directory (or outbox/ beside it) that
 * others may write to is refused, GF_E_CONFIG; a key file that is missing is GF_E_DAMAGED with the
 * remedy. */
GF_MUST_CHECK int command_keys(const char *state, struct gf_identity *out, struct gf_err *e);

/* GF_E_USER in place of "Permission denied" where `init` could not make dir: what to do. errno is
 * that of the failure. Always -1. */
int command_init_failed(const char *dir, struct gf_err *e);

/* Who runs this: the user behind sudo, else the user. */
void command_user(char out[65]);

#endif
