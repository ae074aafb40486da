/*
 * spool_parts.h -- what writer and reader of a spool share.
 */
#ifndef COMMON_SPOOL_PARTS_H
#define COMMON_SPOOL_PARTS_H

#include "common/spool.h"

#define SPOOL_HEAD 18 /* bytes before the line */

#endif
