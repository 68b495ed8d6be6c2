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

/* The plans below a node that it keeps in a list of its own */
static List *
listed_children(Plan *plan)
{
	switch (nodeTag(plan))
	{
		case T_Append:
			return ((Append *) plan)->appendplans;
		case T_MergeAppend:
			return ((MergeAppend *) plan)->mergeplans;
		case T_BitmapAnd:
			return ((BitmapAnd *) plan)->bitmapplans;
		case T_BitmapOr:
			return ((BitmapOr *) plan)->bitmapplans;
		case T_CustomScan:
			return ((CustomScan *) plan)->custom_plans;
		default:
			return NIL;
	}
}

static Plan *
subquery_child(Plan *plan)
{
	return IsA(plan, SubqueryScan) ? ((SubqueryScan *) plan)->subplan : NULL;
}

/* The plans directly below a node, as a new list */
List *
planwalk_children(Plan *plan)
{
	List	   *children = NIL;

	if (plan->lefttree)
		children = lappend(children, plan->lefttree);
	if (plan->righttree)
		children = lappend(children, plan->righttree);
	children = list_concat(children, listed_children(plan));
	if (subquery_child(plan))
		children = lappend(children, subquery_child(plan));
	return children;
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
	/* without a list of its own: a statement must not fail for want of memory */
	if (walk_plan(plan->lefttree, visit, context) ||
		walk_plan(plan->righttree, visit, context))
		return true;
	foreach(lc, listed_children(plan))
	{
		if (walk_plan((Plan *) lfirst(lc), visit, context))
			return true;
	}
	return walk_plan(subquery_child(plan), visit, context);
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
	{
		if (walk_plan((Plan *) lfirst(lc), visit, context))
			return true;
	}
	return false;
}
