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

extern bool express_begin(QueryDesc *queryDesc, uint64 queryid, bool nested,
						  Execution *execution);
extern int64 express_end(const QueryDesc *queryDesc, const Execution *execution);

#endif							/* PG_NPLUSONE_EXPRESS_H */
