/*-------------------------------------------------------------------------
 *
 * reparse.h
 *	  The Query of a statement that has just run by a cached plan.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PG_NPLUSONE_REPARSE_H
#define PG_NPLUSONE_REPARSE_H

#include "executor/execdesc.h"
#include "nodes/params.h"
#include "nodes/parsenodes.h"

extern void reparse_statement(QueryDesc *queryDesc, Query **query,
							  const char **query_string,
							  ParamListInfo *params);

#endif							/* PG_NPLUSONE_REPARSE_H */
