/*-------------------------------------------------------------------------
 *
 * planwalk.h
 *	  Visits every node of a finished plan.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PG_NPLUSONE_PLANWALK_H
#define PG_NPLUSONE_PLANWALK_H

#include "nodes/plannodes.h"

typedef bool (*PlanVisitor) (Plan *plan, void *context);

extern bool planwalk(PlannedStmt *stmt, PlanVisitor visit, void *context);
extern List *planwalk_children(Plan *plan);
extern Oid	planwalk_index(Plan *plan);

#endif							/* PG_NPLUSONE_PLANWALK_H */
