/*-------------------------------------------------------------------------
 *
 * express.h
 *	  The express way: a statement of which nothing but counts can be new.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PG_NPLUSONE_EXPRESS_H
#define PG_NPLUSONE_EXPRESS_H

#include "unit.h"

/* What has to be known of an execution until it is done, mostly in registers. */
typedef struct Express
{
	UnitEntry  *entry;
	uint64		queryid;		/* of the entry, to see that it is still that */
	uint64		seq;
	bool		counted;		/* a loop counts it */
	TimestampTz started;
	TimestampTz run_started;
	int64		blks_hit;		/* of this backend, when it began */
	int64		blks_read;
} Express;

extern bool express_begin(QueryDesc *queryDesc, uint64 queryid, bool nested,
						  Express *express);
extern void express_describe(const Express *express, QueryDesc *queryDesc,
							 bool nested, Execution *execution);
extern void express_take_over(const Execution *execution, Express *express);
extern int64 express_end(const QueryDesc *queryDesc, bool nested,
						 const Express *express);

#endif							/* PG_NPLUSONE_EXPRESS_H */
