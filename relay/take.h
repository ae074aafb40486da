/*
 * take.h -- a bundle that was unpacked, into the ledger.
 */
#ifndef RELAY_TAKE_H
#define RELAY_TAKE_H

#include "gapferry/bundle.h"
#include "relay/enrol.h"

/*
 * Unpack a verified bundle and take it: body files into STATE/files, all else into the ledger, in
 * one transaction, which goes on while the payload is read. 0 and the number of new records, and
 * whether the sender has responses that this ledger never wrote; 1 with *why (one of
 * unpack_bundle()'s, also one that is not the bundle's fault; GF_E_CREATE where its records take
 * what is kept free of the disk): nothing has happened; -1 with *e.
 */
struct take_from {
    int copy;     /* the bundle */
    int work;     /* an empty directory */
    int64_t room; /* bytes that its members may take */
};
struct take_result {
    int64_t records;
    int behind;
};
GF_MUST_CHECK int take_bundle(struct relay *r, const struct gf_head *h,
                              const struct take_from *from, struct take_result *out,
                              struct gf_err *why, struct gf_err *e);

/* 1 if the ledger has the bundle that is open on fd durably, taken or refused; 0 if not, or none of
 * `who` has signed it. */
GF_MUST_CHECK int take_is_known(struct relay *r, int fd, struct enrol_cards *who, struct gf_err *e);

#endif
