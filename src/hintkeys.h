/*-------------------------------------------------------------------------
 *
 * hintkeys.h
 *	  Foreign keys that lack an index.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PG_NPLUSONE_HINTKEYS_H
#define PG_NPLUSONE_HINTKEYS_H

#include "hintstore.h"

/* A reader is shown at most so many */
#define HINTKEYS_MAX	32

extern int	hintkeys_collect(HintEntry *into);

#endif							/* PG_NPLUSONE_HINTKEYS_H */
