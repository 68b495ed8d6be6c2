/*-------------------------------------------------------------------------
 *
 * sqlfuncs.h
 *	  What functions that return rows have in common.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PG_NPLUSONE_SQLFUNCS_H
#define PG_NPLUSONE_SQLFUNCS_H

#include "fmgr.h"
#include "nodes/execnodes.h"

extern ReturnSetInfo *sqlfuncs_begin(FunctionCallInfo fcinfo, int columns);

#endif							/* PG_NPLUSONE_SQLFUNCS_H */
