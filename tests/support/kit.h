/*
 * kit.h -- what tests of whole bundles share: three parties with keys, some data, and a way to pack
 * and to read. Everything fails the test that calls it.
 */
#ifndef SUPPORT_KIT_H
#define SUPPORT_KIT_H

#include "gapferry/bundle.h"

#define KIT_DATA_SIZE (5 << 20)

extern char kit_root[];              /* a directory of the test's own */
extern int kit_root_fd;              /* the same, open */
extern struct gf_identity kit_site;  /* an agent */
extern struct gf_identity kit_relay; /* its relay */
extern struct gf_identity kit_other; /* another agent */
extern uint8_t *kit_data;            /* KIT_DATA_SIZE bytes, random and repeating stretches */

/* For cmocka_run_group_tests(). */
int kit_setup(void **state);
int kit_teardown(void **state);

/* A first request from kit_site to kit_relay, with kit_site among the readers. */
struct gf_pack kit_request(void);

/* A bundle of one file "Big File.bin" with these bytes, in an unnamed file. */
int kit_pack(const struct gf_pack *p, const void *bytes, size_t len, struct gf_header *h);

/* A new empty directory, open; and how many entries one has. */
int kit_new_dir(void);
size_t kit_entries(int dir);

/* All three steps, for one of us, into dir. */
int kit_read(int fd, const struct gf_identity *us, int threads, int dir, struct gf_contents *c,
             struct gf_err *e);

/* The file holds exactly these bytes. */
void kit_check_file(int dir, const char *path, const void *bytes, size_t len);

#endif
