/*-------------------------------------------------------------------------
 *
 * pending.h
 *	  Verifies, for a reader, what cached plans kept from the planner.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PG_NPLUSONE_PENDING_H
#define PG_NPLUSONE_PENDING_H

#include "hintstore.h"

extern void pending_verify(const HintEntry *entry);

#endif							/* PG_NPLUSONE_PENDING_H */
