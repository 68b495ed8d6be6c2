/*-------------------------------------------------------------------------
 *
 * tally.h
 *	  Sums over all loops that have ended, by pattern and confidence.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PG_NPLUSONE_TALLY_H
#define PG_NPLUSONE_TALLY_H

#include "clusters.h"

extern Size tally_shmem_size(void);
extern void tally_shmem_init(void);
extern void tally_add(const SlotLoop *loop);
extern void tally_read(Pattern pattern, Confidence confidence,
					   ClusterTotals *sums);

#endif							/* PG_NPLUSONE_TALLY_H */
