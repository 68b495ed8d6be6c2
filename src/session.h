/*-------------------------------------------------------------------------
 *
 * session.h
 *	  The loops of this session alone, for pg_nplusone_session.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PG_NPLUSONE_SESSION_H
#define PG_NPLUSONE_SESSION_H

#include "clusters.h"

#define SESSION_CLUSTERS 24		/* clusters a session remembers */

typedef struct SessionCluster
{
	ClusterKey	key;			/* queryid 0: unused */
	uint8		pattern;
	uint8		confidence;
	ClusterTotals totals;
} SessionCluster;

extern Size session_private_size(void);
extern void session_init(char *memory);
extern void session_reset(void);
extern void session_fold(const SlotLoop *loop);
extern int	session_collect(SessionCluster *clusters);

#endif							/* PG_NPLUSONE_SESSION_H */
