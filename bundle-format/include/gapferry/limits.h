/*
 * limits.h -- every limit of the format, with its unit and its reason. Each is applied before
 * anything is allocated or written for the thing it limits.
 */
#ifndef GAPFERRY_LIMITS_H
#define GAPFERRY_LIMITS_H

/* Bytes of bundle.json: room for 16 identities and a long `ext`, and the whole head still
 * fits GF_HEAD_MAX. */
#define GF_HEADER_MAX 16384

/* Bytes at the front of a bundle that are read before anything is trusted: bundle.json, its
 * signature and three member headers. */
#define GF_HEAD_MAX 20480

/* Bytes of a bundle: FAT32 ends at 2^32 - 1, many tools err at 2^31. */
#define GF_BUNDLE_MAX ((1LL << 31) - 1)

/* Bytes of the plaintext archive, so that the sealed file always fits GF_BUNDLE_MAX. */
#define GF_ARCHIVE_MAX ((1LL << 31) - (1LL << 24))

/* Identities in `readers`: a grid's officer, auditors and the site itself; each costs a stanza. */
#define GF_READERS_MAX 15

/* Feature names in `needs`, and bytes of each. */
#define GF_NEEDS_MAX     16
#define GF_NEED_NAME_MAX 32

/* Bytes of content in one zstd frame: what one worker holds; bounds memory on both sides. */
#define GF_FRAME_MAX (1 << 20)

/* Frames in a payload: eight times what full frames need. More is an attempt to burn time. */
#define GF_FRAMES_MAX 16384

/* Members of the inner archive; bytes of contents.json that lists them. */
#define GF_MEMBERS_MAX  4096
#define GF_CONTENTS_MAX (2 << 20)

/* Bytes of a real file name, as data in contents.json. */
#define GF_NAME_MAX 255

/* Bytes of a member's file name below files/: [a-z0-9][a-z0-9.-]{0,63}. */
#define GF_MEMBER_NAME_MAX 64

/* Bytes of one line of a .jsonl member, with its LF. A larger body travels as a file. */
#define GF_LINE_MAX (1 << 20)

/* Bytes of short texts in lines: names (channel, product) and reasons. */
#define GF_WORD_MAX   64
#define GF_REASON_MAX 1024

/* Bytes of a media type with its parameters: RFC 6838 gives type and subtype 127 each. */
#define GF_TYPE_MAX 255

/* Bytes of a record's `ext` as it stands in the line: facts beside the body, and no second body
 * that no rule of the site has looked at. */
#define GF_EXT_MAX 4096

/* Entries: void sequence numbers, streams in `have`, numbers in `also`, entries of `want`. */
#define GF_VOID_MAX 1024
#define GF_HAVE_MAX 256
#define GF_ALSO_MAX 1024
#define GF_WANT_MAX 256

/* Bytes of a card's JSON (it is read before anybody is trusted), and of the whole card file with
 * its signatures. */
#define GF_CARD_MAX      4096
#define GF_CARD_FILE_MAX 8192

/* Bytes of a hello with its signature: who asks for one reads no more from a stranger. */
#define GF_HELLO_MAX 4096

/* Bytes of a signed document's JSON; signatures under it. */
#define GF_DOCUMENT_MAX      (1 << 20)
#define GF_DOCUMENT_SIGS_MAX 3

/* Bytes of a minisign trusted comment: minisign's own limit. */
#define GF_COMMENT_MAX 8192

/* Bytes and stanzas of an age header in general; a bundle's has exactly 1 + readers. */
#define GF_AGE_HEADER_MAX  65536
#define GF_AGE_STANZAS_MAX 256

/* JSON: nesting, members of one object, elements of one array, bytes of one name. */
#define GF_JSON_DEPTH_MAX    16
#define GF_JSON_MEMBERS_MAX  256
#define GF_JSON_ELEMENTS_MAX 8192
#define GF_JSON_NAME_MAX     256

/* JSON: values in one text, objects and arrays among them. A parsed value costs about 80 bytes, so
 * this bounds what any text can make of memory: 5 MiB. */
#define GF_JSON_VALUES_MAX 65536

/* Largest integer of our own fields: 2^53 - 1, which every JSON reader holds exactly. */
#define GF_JSON_INT_MAX ((1LL << 53) - 1)

/* Drives: directory entries looked at, bundles taken from one folder in one go, cards. */
#define GF_DRIVE_ENTRIES_MAX 100000
#define GF_DRIVE_BUNDLES_MAX 4096
#define GF_DRIVE_CARDS_MAX   256

#endif
