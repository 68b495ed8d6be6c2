/*-------------------------------------------------------------------------
 *
 * planwalk.c
 *	  Visits every node of a finished plan.
 *
 * Plans only, never plan states, and every pointer is looked at before it is
 * followed: what other extensions put into a plan is not known here.
 *
 * Locking: none; plans are read, never changed.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "miscadmin.h"
#include "nodes/extensible.h"
#include "nodes/plannodes.h"

#include "planwalk.h"

/* The plans directly below a node */
List *
planwalk_children(Plan *plan)
{
	List	   *children = NIL;

	if (plan->lefttree)
		children = lappend(children, plan->lefttree);
	if (plan->righttree)
		children = lappend(children, plan->righttree);
	switch (nodeTag(plan))
	{
		case T_Append:
			return list_concat(children, ((Append *) plan)->appendplans);
		case T_MergeAppend:
			return list_concat(children, ((MergeAppend *) plan)->mergeplans);
		case T_BitmapAnd:
			return list_concat(children, ((BitmapAnd *) plan)->bitmapplans);
		case T_BitmapOr:
			return list_concat(children, ((BitmapOr *) plan)->bitmapplans);
		case T_SubqueryScan:
			if (((SubqueryScan *) plan)->subplan)
				return lappend(children, ((SubqueryScan *) plan)->subplan);
			return children;
		case T_CustomScan:
			return list_concat(children, ((CustomScan *) plan)->custom_plans);
		default:
			return children;
	}
}

/* The index that a node scans; InvalidOid where it scans none */
Oid
planwalk_index(Plan *plan)
{
	switch (nodeTag(plan))
	{
		case T_IndexScan:
			return ((IndexScan *) plan)->indexid;
		case T_IndexOnlyScan:
			return ((IndexOnlyScan *) plan)->indexid;
		case T_BitmapIndexScan:
			return ((BitmapIndexScan *) plan)->indexid;
		default:
			return InvalidOid;
	}
}

static bool
walk_plan(Plan *plan, PlanVisitor visit, void *context)
{
	ListCell   *lc;

	check_stack_depth();
	if (plan == NULL)
		return false;
	if (visit(plan, context))
		return true;
	foreach(lc, planwalk_children(plan))
		if (walk_plan((Plan *) lfirst(lc), visit, context))
			return true;
	return false;
}

/* Visit the plan and its sub-plans until the visitor says true */
bool
planwalk(PlannedStmt *stmt, PlanVisitor visit, void *context)
{
	ListCell   *lc;

	if (stmt == NULL)
		return false;
	if (walk_plan(stmt->planTree, visit, context))
		return true;
	foreach(lc, stmt->subplans)
		if (walk_plan((Plan *) lfirst(lc), visit, context))
			return true;
	return false;
}
