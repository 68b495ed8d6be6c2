/*-------------------------------------------------------------------------
 *
 * plantext.c
 *	  A plan in words, without the statement's values.
 *
 * Writes a finished plan the way EXPLAIN does, but without starting it: a
 * plan with indexes that do not exist must never get near the executor.
 * Every constant is shown as $n, so that the text can be kept where others
 * may read it.
 *
 * Locking: none; catalog caches only.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/xact.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "nodes/parsenodes.h"
#include "parser/parsetree.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/resowner.h"
#include "utils/ruleutils.h"
#include "mb/pg_wchar.h"

#include "planwalk.h"
#include "plantext.h"
#include "verify.h"
#include "whatif.h"

typedef struct PlanText
{
	StringInfoData buf;
	PlannedStmt *stmt;
	List	   *indexes;		/* the hypothetical ones, to name them */
	List	   *context;		/* for deparsing */
	List	   *ancestors;		/* the plans above, the nearest first */
	int			limit;			/* no more is wanted than this */
} PlanText;

typedef struct NodeName
{
	NodeTag		tag;
	const char *name;
} NodeName;

static const NodeName node_names[] =
{
	{T_Result, "Result"}, {T_ProjectSet, "ProjectSet"},
	{T_ModifyTable, "ModifyTable"}, {T_Append, "Append"},
	{T_MergeAppend, "Merge Append"}, {T_RecursiveUnion, "Recursive Union"},
	{T_BitmapAnd, "BitmapAnd"}, {T_BitmapOr, "BitmapOr"},
	{T_SeqScan, "Seq Scan"}, {T_SampleScan, "Sample Scan"},
	{T_IndexScan, "Index Scan"}, {T_IndexOnlyScan, "Index Only Scan"},
	{T_BitmapIndexScan, "Bitmap Index Scan"},
	{T_BitmapHeapScan, "Bitmap Heap Scan"}, {T_TidScan, "Tid Scan"},
	{T_TidRangeScan, "Tid Range Scan"}, {T_SubqueryScan, "Subquery Scan"},
	{T_FunctionScan, "Function Scan"}, {T_ValuesScan, "Values Scan"},
	{T_TableFuncScan, "Table Function Scan"}, {T_CteScan, "CTE Scan"},
	{T_NamedTuplestoreScan, "Named Tuplestore Scan"},
	{T_WorkTableScan, "WorkTable Scan"}, {T_ForeignScan, "Foreign Scan"},
	{T_CustomScan, "Custom Scan"}, {T_NestLoop, "Nested Loop"},
	{T_MergeJoin, "Merge Join"}, {T_HashJoin, "Hash Join"},
	{T_Material, "Materialize"}, {T_Memoize, "Memoize"}, {T_Sort, "Sort"},
	{T_IncrementalSort, "Incremental Sort"}, {T_Group, "Group"},
	{T_Agg, "Aggregate"}, {T_WindowAgg, "WindowAgg"}, {T_Unique, "Unique"},
	{T_Gather, "Gather"}, {T_GatherMerge, "Gather Merge"}, {T_Hash, "Hash"},
	{T_SetOp, "SetOp"}, {T_LockRows, "LockRows"}, {T_Limit, "Limit"}
};

static const char *
node_name(Plan *plan)
{
	for (int i = 0; i < lengthof(node_names); i++)
		if (node_names[i].tag == nodeTag(plan))
			return node_names[i].name;
	return "Node";
}

/* Every constant becomes a parameter: its value is nobody's business */
static Node *
mask_constants(Node *node, int *count)
{
	if (node == NULL)
		return NULL;
	if (IsA(node, Const) && !((Const *) node)->constisnull)
	{
		Param	   *param = makeNode(Param);

		param->paramkind = PARAM_EXTERN;
		param->paramid = ++(*count);
		param->paramtype = ((Const *) node)->consttype;
		param->paramtypmod = -1;
		param->paramcollid = ((Const *) node)->constcollid;
		param->location = -1;
		return (Node *) param;
	}
	node = expression_tree_mutator(node, mask_constants, count);

	/* the special spelling of EXTRACT and others takes a constant for granted */
	if (IsA(node, FuncExpr) &&
		((FuncExpr *) node)->funcformat == COERCE_SQL_SYNTAX)
		((FuncExpr *) node)->funcformat = COERCE_EXPLICIT_CALL;
	return node;
}

static void
append_quals(PlanText *text, Plan *plan, const char *label, List *quals,
			 int indent)
{
	int			count = 0;
	Node	   *node;
	List	   *context;

	if (quals == NIL)
		return;
	node = mask_constants((Node *) make_ands_explicit(copyObject(quals)), &count);
	context = set_deparse_context_plan(text->context, plan, text->ancestors);
	appendStringInfo(&text->buf, "\n%*s%s: %s", indent * 2 + 2, "", label,
					 deparse_expression(node, context, true, false));
}

/* The name of an index, or of what would be one */
static void
append_index(PlanText *text, Plan *plan)
{
	Oid			indexoid = planwalk_index(plan);
	ListCell   *lc;

	if (!OidIsValid(indexoid))
		return;
	foreach(lc, text->indexes)
	{
		if (((WhatifIndex *) lfirst(lc))->indexoid == indexoid)
		{
			appendStringInfoString(&text->buf, " using the suggested index");
			return;
		}
	}
	if (get_rel_name(indexoid) != NULL)
		appendStringInfo(&text->buf, " using %s",
						 quote_identifier(get_rel_name(indexoid)));
}

static void
append_relation(PlanText *text, Plan *plan)
{
	Index		scanrelid;
	RangeTblEntry *rte;

	switch (nodeTag(plan))
	{
		case T_SeqScan:
		case T_IndexScan:
		case T_IndexOnlyScan:
		case T_BitmapHeapScan:
		case T_TidScan:
		case T_TidRangeScan:
		case T_SampleScan:
			scanrelid = ((Scan *) plan)->scanrelid;
			break;
		default:
			return;
	}
	if (scanrelid == 0 || scanrelid > list_length(text->stmt->rtable))
		return;
	rte = rt_fetch(scanrelid, text->stmt->rtable);
	if (rte->rtekind == RTE_RELATION && get_rel_name(rte->relid) != NULL)
		appendStringInfo(&text->buf, " on %s",
						 quote_identifier(get_rel_name(rte->relid)));
}

static void
append_conditions(PlanText *text, Plan *plan, int indent)
{
	switch (nodeTag(plan))
	{
		case T_IndexScan:
			append_quals(text, plan, "Index Cond",
						 ((IndexScan *) plan)->indexqualorig, indent);
			break;
		case T_BitmapIndexScan:
			append_quals(text, plan, "Index Cond",
						 ((BitmapIndexScan *) plan)->indexqualorig, indent);
			break;
		case T_HashJoin:
			append_quals(text, plan, "Hash Cond",
						 ((HashJoin *) plan)->hashclauses, indent);
			break;
		case T_NestLoop:
			append_quals(text, plan, "Join Filter",
						 ((NestLoop *) plan)->join.joinqual, indent);
			break;
		default:
			break;
	}
	append_quals(text, plan, "Filter", plan->qual, indent);
}

static void
append_plan(PlanText *text, Plan *plan, int indent)
{
	ListCell   *lc;

	if (plan == NULL || text->buf.len > text->limit)
		return;
	if (text->buf.len > 0)
		appendStringInfoChar(&text->buf, '\n');
	appendStringInfo(&text->buf, "%*s%s%s", indent * 2, "",
					 indent > 0 ? "->  " : "", node_name(plan));
	append_index(text, plan);
	append_relation(text, plan);
	appendStringInfo(&text->buf, "  (cost=%.2f..%.2f rows=%.0f width=%d)",
					 plan->startup_cost, plan->total_cost, plan->plan_rows,
					 plan->plan_width);
	append_conditions(text, plan, indent + (indent > 0 ? 2 : 0));
	text->ancestors = lcons(plan, text->ancestors);
	foreach(lc, planwalk_children(plan))
		append_plan(text, (Plan *) lfirst(lc), indent + (indent > 0 ? 3 : 1));
	text->ancestors = list_delete_first(text->ancestors);
}

static char *
plan_text(PlannedStmt *stmt, List *indexes, int limit)
{
	PlanText	text = {.stmt = stmt,.indexes = indexes,.limit = limit};
	List	   *names;
	ListCell   *lc;

	initStringInfo(&text.buf);
	names = select_rtable_names_for_explain(stmt->rtable, NULL);
	text.context = deparse_context_for_plan_tree(stmt, names);
	append_plan(&text, stmt->planTree, 0);
	foreach(lc, stmt->subplans)
	{
		if (lfirst(lc) == NULL || text.buf.len > limit)
			continue;
		appendStringInfo(&text.buf, "\n  SubPlan %d",
						 foreach_current_index(lc) + 1);
		append_plan(&text, (Plan *) lfirst(lc), 2);
	}
	return text.buf.data;
}

/*
 * A plan's text, at most "size" bytes of it; NULL where it cannot be written.
 * The server's deparsing throws at what it does not know, such as the nodes
 * of another extension; a hint without its plan is still a hint.
 */
char *
plantext_make(PlannedStmt *stmt, List *indexes, int size)
{
	MemoryContext context = CurrentMemoryContext;
	ResourceOwner owner = CurrentResourceOwner;
	char	   *volatile text = NULL;
	ErrorData  *volatile error = NULL;

	if (stmt == NULL)
		return NULL;
	BeginInternalSubTransaction(NULL);
	MemoryContextSwitchTo(context);
	PG_TRY();
	{
		text = plan_text(stmt, indexes, size);
		text[pg_mbcliplen(text, strlen(text), size - 1)] = '\0';
		ReleaseCurrentSubTransaction();
	}
	PG_CATCH();
	{
		MemoryContextSwitchTo(context);
		error = CopyErrorData();
		FlushErrorState();
		RollbackAndReleaseCurrentSubTransaction();
		text = NULL;
	}
	PG_END_TRY();
	MemoryContextSwitchTo(context);
	CurrentResourceOwner = owner;
	if (error != NULL && !verify_may_swallow(error->sqlerrcode))
		ReThrowError(error);
	return text;
}
