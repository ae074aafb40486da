/*
 * command.h -- how our programs begin and end: a table of commands, the overview, the nearest name,
 * --root, the line that tells a failure, and the exit status.
 */
#ifndef COMMON_COMMAND_H
#define COMMON_COMMAND_H

#include <stdarg.h>

#include "common/options.h"

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

/* GF_E_USAGE unless there are min to max arguments; `what` are their names. */
GF_MUST_CHECK int command_args(const struct options *o, size_t min, size_t max, const char *what,
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
 * own; command_user() still says root. */
GF_MUST_CHECK int command_check_user(const char *program, const char *state, struct gf_err *e);

/* GF_E_USER in place of "Permission denied" where `init` could not make dir: what to do. errno is
 * that of the failure. Always -1. */
int command_init_failed(const char *dir, struct gf_err *e);

/* Who runs this: the user behind sudo, else the user. */
void command_user(char out[65]);

#endif
