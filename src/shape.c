/*-------------------------------------------------------------------------
 *
 * shape.c
 *	  Reads a plan: what kind of statement it is, and where its keys lie.
 *
 * A key is the value that an equality compares a column with.  It is looked
 * for in the plan and not in the parameters, because most ORMs send literals
 * in the simple protocol.  Finding the places walks the plan and may ask the
 * catalog what an operator means; that is done once per fingerprint.  Reading
 * the values at known places follows a few pointers, and every step checks
 * what it finds, since the same statement may come with another plan.
 *
 * Trees are read only.  Nothing here keeps a pointer into a plan.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/transam.h"
#include "catalog/pg_class.h"
#include "catalog/pg_operator.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "nodes/nodeFuncs.h"
#include "nodes/params.h"
#include "parser/parsetree.h"
#include "utils/datum.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

#include "catalog.h"
#include "compat.h"
#include "shape.h"
#include "value.h"

/* KeyPlace.list */
enum
{
	LIST_QUAL,
	LIST_INDEX,
	LIST_INDEX_ONLY,
	LIST_BITMAP,
	LIST_JOIN,
	LIST_TARGET,
	LIST_OFFSET
};

/* a step down: 0 outer, 1 inner, from 2 on the children of an Append */
#define STEP_OUTER 0
#define STEP_INNER 1
#define STEP_MEMBER 2

/* bounds of the walk: beyond them a statement is too odd to have a loop's key */
#define MAX_MEMBERS 4
#define MAX_NODES 200

StaticAssertDecl(STEP_MEMBER + MAX_MEMBERS <= 1 << SHAPE_STEP_BITS,
				 "a step has its bits");

typedef struct ShapeWalk
{
	const PlannedStmt *pstmt;
	Shape	   *shape;
	int			plan;
	int			nsteps;
	int			nodes;
	uint8		steps[SHAPE_STEPS];
} ShapeWalk;

/* -------------------------------------------------------------------------
 * Plan nodes
 * -------------------------------------------------------------------------
 */

static Plan *
plan_child(const Plan *plan, int step)
{
	List	   *members = NIL;

	switch (nodeTag(plan))
	{
		case T_SubqueryScan:
			return step == STEP_OUTER ? ((const SubqueryScan *) plan)->subplan : NULL;
		case T_Append:
			members = ((const Append *) plan)->appendplans;
			break;
		case T_MergeAppend:
			members = ((const MergeAppend *) plan)->mergeplans;
			break;
		default:
			return step == STEP_OUTER ? plan->lefttree :
				step == STEP_INNER ? plan->righttree : NULL;
	}
	step -= STEP_MEMBER;
	return step >= 0 && step < list_length(members) ?
		(Plan *) list_nth(members, step) : NULL;
}

static List *
plan_list(const Plan *plan, int list)
{
	switch (list)
	{
		case LIST_QUAL:
			return plan->qual;
		case LIST_INDEX:
			return IsA(plan, IndexScan) ? ((const IndexScan *) plan)->indexqualorig : NIL;
		case LIST_INDEX_ONLY:
			return IsA(plan, IndexOnlyScan) ? ((const IndexOnlyScan *) plan)->indexqual : NIL;
		case LIST_BITMAP:
			return IsA(plan, BitmapHeapScan) ? ((const BitmapHeapScan *) plan)->bitmapqualorig : NIL;
		case LIST_JOIN:
			return IsA(plan, NestLoop) || IsA(plan, HashJoin) || IsA(plan, MergeJoin) ?
				((const Join *) plan)->joinqual : NIL;
		case LIST_TARGET:
			return plan->targetlist;
		default:
			return NIL;
	}
}

static Plan *
plan_tree(const PlannedStmt *pstmt, int plan)
{
	if (plan == 0)
		return pstmt->planTree;
	return plan <= list_length(pstmt->subplans) ?
		(Plan *) list_nth(pstmt->subplans, plan - 1) : NULL;
}

/* The expression below casts that leave the value what it is to the client. */
static Node *
strip_casts(Node *node)
{
	while (node != NULL)
	{
		if (IsA(node, RelabelType))
			node = (Node *) ((RelabelType *) node)->arg;
		else if (IsA(node, CoerceViaIO))
			node = (Node *) ((CoerceViaIO *) node)->arg;
		else if (IsA(node, CollateExpr))
			node = (Node *) ((CollateExpr *) node)->arg;
		else if (IsA(node, CoerceToDomain))
			node = (Node *) ((CoerceToDomain *) node)->arg;
		else if (IsA(node, ArrayCoerceExpr))
			node = (Node *) ((ArrayCoerceExpr *) node)->arg;
		else if (IsA(node, FuncExpr) &&
				 ((FuncExpr *) node)->funcformat != COERCE_EXPLICIT_CALL &&
				 ((FuncExpr *) node)->args != NIL)
			node = (Node *) linitial(((FuncExpr *) node)->args);
		else
			break;
	}
	return node;
}

/*
 * The table column behind a Var of a plan node.  Vars of joins and of scans
 * of subqueries name a target of a node further down.
 */
static bool
resolve_var(const PlannedStmt *pstmt, const Plan *plan, const Var *var,
			Oid *relid, AttrNumber *attnum)
{
	check_stack_depth();
	for (int depth = 0; depth < MAX_NODES; depth++)
	{
		List	   *targets = NIL;
		TargetEntry *tle;
		Node	   *expr;

		if (var->varattno <= 0)
			return false;
		if (var->varno == OUTER_VAR && plan->lefttree)
		{
			plan = plan->lefttree;
			targets = plan->targetlist;
		}
		else if (var->varno == INNER_VAR && plan->righttree)
		{
			plan = plan->righttree;
			targets = plan->targetlist;
		}
		else if (var->varno == INDEX_VAR && IsA(plan, IndexOnlyScan))
			targets = ((const IndexOnlyScan *) plan)->indextlist;
		else if (IsA(plan, SubqueryScan) && !IS_SPECIAL_VARNO(var->varno))
		{
			plan = ((const SubqueryScan *) plan)->subplan;
			targets = plan->targetlist;
		}
		else if (IsA(plan, CteScan) && !IS_SPECIAL_VARNO(var->varno))
		{
			plan = plan_tree(pstmt, ((const CteScan *) plan)->ctePlanId);
			if (plan == NULL)
				return false;
			targets = plan->targetlist;
		}
		else if (!IS_SPECIAL_VARNO(var->varno) &&
				 (int) var->varno <= list_length(pstmt->rtable))
		{
			RangeTblEntry *rte = rt_fetch(var->varno, pstmt->rtable);

			*relid = rte->rtekind == RTE_RELATION ? rte->relid : InvalidOid;
			*attnum = var->varattno;
			return OidIsValid(*relid);
		}
		else
			return false;
		if (var->varattno > list_length(targets))
			return false;
		tle = list_nth_node(TargetEntry, targets, var->varattno - 1);
		expr = strip_casts((Node *) tle->expr);
		if (expr == NULL || !IsA(expr, Var))
			return false;
		var = (const Var *) expr;
	}
	return false;
}

/* -------------------------------------------------------------------------
 * Finding the places
 * -------------------------------------------------------------------------
 */

static bool
is_value(const Node *node)
{
	return node != NULL &&
		(IsA(node, Const) ||
		 (IsA(node, Param) && ((const Param *) node)->paramkind == PARAM_EXTERN));
}

static bool
has_value_walker(Node *node, void *context)
{
	if (node == NULL)
		return false;
	if (is_value(node))
		return true;
	return expression_tree_walker(node, has_value_walker, context);
}

/* KEY_EQUAL, KEY_RANGE, or -1 for an operator that is neither */
static int
operator_role(Oid opno)
{
	HeapTuple	tuple;
	Form_pg_operator form;
	int			role = -1;

	tuple = SearchSysCache1(OPEROID, ObjectIdGetDatum(opno));
	if (!HeapTupleIsValid(tuple))
		return -1;
	form = (Form_pg_operator) GETSTRUCT(tuple);
	if (form->oprcanmerge || form->oprcanhash)
		role = KEY_EQUAL;
	else if (form->oprrest == F_SCALARLTSEL || form->oprrest == F_SCALARLESEL ||
			 form->oprrest == F_SCALARGTSEL || form->oprrest == F_SCALARGESEL)
		role = KEY_RANGE;
	ReleaseSysCache(tuple);
	return role;
}

/* Keys proper push out what only tells executions apart. */
static void
add_place(ShapeWalk *walk, int role, Oid relid, AttrNumber attnum,
		  int list, int element)
{
	Shape	   *shape = walk->shape;
	KeyPlace   *place;

	if (element > PG_UINT8_MAX || walk->plan > PG_UINT8_MAX)
	{
		shape->flags |= SHAPE_OPAQUE;
		return;
	}
	if (shape->nkeys < SHAPE_KEYS)
		place = &shape->keys[shape->nkeys++];
	else
	{
		shape->flags |= SHAPE_OPAQUE;
		place = &shape->keys[SHAPE_KEYS - 1];
		if (!ROLE_IS_KEY(role) || ROLE_IS_KEY(place->role))
			return;
	}
	place->relid = relid;
	place->attnum = attnum;
	place->role = role;
	place->list = list;
	place->element = element;
	place->plan = walk->plan;
	place->nsteps = walk->nsteps;
	place->steps = 0;
	for (int i = 0; i < walk->nsteps; i++)
		place->steps |= (uint32) walk->steps[i] << SHAPE_STEP_BITS * i;
}

/* the two sides of a comparison of a column with a value, either way round */
static bool
split_comparison(List *args, Node **column, Node **value)
{
	Node	   *left,
			   *right;

	if (list_length(args) != 2)
		return false;
	left = strip_casts(linitial(args));
	right = strip_casts(lsecond(args));
	if (left && IsA(left, Var) && is_value(right))
	{
		*column = left;
		*value = right;
		return true;
	}
	if (right && IsA(right, Var) && is_value(left))
	{
		*column = right;
		*value = left;
		return true;
	}
	return false;
}

/* column = ANY (array): the array as one value, or ARRAY[...] of values */
static bool
split_list(const ScalarArrayOpExpr *saop, Node **column, Node **value)
{
	*column = strip_casts(linitial(saop->args));
	*value = strip_casts(lsecond(saop->args));
	return saop->useOr && *column && IsA(*column, Var) && *value &&
		(is_value(*value) || IsA(*value, ArrayExpr));
}

static void
read_clause(ShapeWalk *walk, const Plan *plan, Node *clause, int list, int element)
{
	Node	   *column = NULL,
			   *value = NULL;
	Oid			relid = InvalidOid;
	AttrNumber	attnum = 0;
	int			role = -1;

	if (IsA(clause, OpExpr) &&
		split_comparison(((OpExpr *) clause)->args, &column, &value))
		role = operator_role(((OpExpr *) clause)->opno);
	else if (IsA(clause, ScalarArrayOpExpr) &&
			 split_list((ScalarArrayOpExpr *) clause, &column, &value) &&
			 operator_role(((ScalarArrayOpExpr *) clause)->opno) == KEY_EQUAL)
		role = KEY_LIST;
	else if (IsA(clause, RowCompareExpr))
	{
		value = strip_casts(linitial(((RowCompareExpr *) clause)->rargs));
		role = is_value(value) ? KEY_RANGE : -1;
	}

	if (role < 0)
	{
		if (has_value_walker(clause, NULL))
			walk->shape->flags |= SHAPE_OPAQUE;
		return;
	}
	if (column && !resolve_var(walk->pstmt, plan, (Var *) column, &relid, &attnum))
		relid = InvalidOid;
	add_place(walk, role, relid, attnum, list, element);
}

static void
read_clauses(ShapeWalk *walk, const Plan *plan, int list)
{
	int			element = 0;
	ListCell   *lc;

	foreach(lc, plan_list(plan, list))
		read_clause(walk, plan, lfirst(lc), list, element++);
}

/* functions that turn one parameter into many rows: the cure of a loop */
static bool
unpacks_a_list(const FunctionScan *scan)
{
	ListCell   *lc;

	foreach(lc, scan->functions)
	{
		Node	   *expr = ((RangeTblFunction *) lfirst(lc))->funcexpr;

		if (expr && IsA(expr, FuncExpr))
			switch (((FuncExpr *) expr)->funcid)
			{
				case F_UNNEST_ANYARRAY:
				case F_JSON_TO_RECORDSET:
				case F_JSONB_TO_RECORDSET:
				case F_JSON_POPULATE_RECORDSET:
				case F_JSONB_POPULATE_RECORDSET:
				case F_JSON_ARRAY_ELEMENTS:
				case F_JSONB_ARRAY_ELEMENTS:
				case F_JSON_ARRAY_ELEMENTS_TEXT:
				case F_JSONB_ARRAY_ELEMENTS_TEXT:
					return true;
				default:
					break;
			}
	}
	return false;
}

/* Does the node compute with values that are in none of its clauses? */
static bool
hides_values(const Plan *plan)
{
	switch (nodeTag(plan))
	{
		case T_TidScan:
		case T_TidRangeScan:
		case T_ForeignScan:
		case T_CustomScan:
		case T_SampleScan:
		case T_TableFuncScan:
			return true;
		case T_FunctionScan:
			return has_value_walker((Node *) ((const FunctionScan *) plan)->functions, NULL);
		case T_IndexScan:
			return has_value_walker((Node *) ((const IndexScan *) plan)->indexorderby, NULL);
		case T_IndexOnlyScan:
			return has_value_walker((Node *) ((const IndexOnlyScan *) plan)->indexorderby, NULL);
		default:
			return false;
	}
}

/* what takes work from a queue may do so in a subquery of its UPDATE */
static bool
skips_locked(const LockRows *lock)
{
	ListCell   *lc;

	foreach(lc, lock->rowMarks)
	{
		if (lfirst_node(PlanRowMark, lc)->waitPolicy == LockWaitSkip)
			return true;
	}
	return false;
}

static void
read_node(ShapeWalk *walk, const Plan *plan)
{
	if (hides_values(plan))
		walk->shape->flags |= SHAPE_OPAQUE;
	switch (nodeTag(plan))
	{
		case T_LockRows:
			if (skips_locked((const LockRows *) plan))
				walk->shape->flags |= SHAPE_SKIP_LOCKED;
			break;
		case T_IndexScan:
			read_clauses(walk, plan, LIST_INDEX);
			break;
		case T_IndexOnlyScan:
			read_clauses(walk, plan, LIST_INDEX_ONLY);
			break;
		case T_BitmapHeapScan:
			read_clauses(walk, plan, LIST_BITMAP);
			break;
		case T_NestLoop:
		case T_HashJoin:
		case T_MergeJoin:
			read_clauses(walk, plan, LIST_JOIN);
			break;
		case T_ValuesScan:
			if (list_length(((const ValuesScan *) plan)->values_lists) > 1)
				walk->shape->flags |= SHAPE_BATCH;
			break;
		case T_FunctionScan:
			if (unpacks_a_list((const FunctionScan *) plan))
				walk->shape->flags |= SHAPE_BATCH;
			break;
		case T_Limit:
			if (((const Limit *) plan)->limitOffset != NULL)
				walk->shape->flags |= SHAPE_OFFSET;
			if (is_value(strip_casts(((const Limit *) plan)->limitOffset)))
				add_place(walk, KEY_OFFSET, InvalidOid, 0, LIST_OFFSET, 0);
			break;
		default:
			break;
	}

	/* a recheck repeats what the index condition had */
	if (!IsA(plan, BitmapHeapScan) ||
		((const BitmapHeapScan *) plan)->bitmapqualorig == NIL ||
		plan->qual != NIL)
		read_clauses(walk, plan, LIST_QUAL);
}

static void
walk_plan(ShapeWalk *walk, const Plan *plan)
{
	if (plan == NULL || ++walk->nodes > MAX_NODES)
		return;
	check_stack_depth();
	read_node(walk, plan);
	if (walk->nsteps == SHAPE_STEPS)
		return;
	for (int step = STEP_OUTER; step < STEP_MEMBER + MAX_MEMBERS; step++)
	{
		const Plan *child = plan_child(plan, step);

		if (child == NULL)
			continue;
		walk->steps[walk->nsteps++] = step;
		walk_plan(walk, child);
		walk->nsteps--;
		/* the members of a partitioned table repeat each other */
		if (step >= STEP_MEMBER)
			break;
	}
}

/* -------------------------------------------------------------------------
 * The kind of statement
 * -------------------------------------------------------------------------
 */

/* The values of the one row that an INSERT stores: keys come first. */
static void
read_stored_values(ShapeWalk *walk, const ModifyTable *mt, const Plan *source,
				   bool likely)
{
	Index		rti = linitial_int(mt->resultRelations);
	Oid			relid = rt_fetch(rti, walk->pstmt->rtable)->relid;
	int			element = 0;
	ListCell   *lc;

	walk->nsteps = 1;
	walk->steps[0] = STEP_OUTER;
	foreach(lc, source->targetlist)
	{
		TargetEntry *tle = lfirst_node(TargetEntry, lc);
		Node	   *value = strip_casts((Node *) tle->expr);
		ValueClass	class;

		element++;
		if (tle->resjunk || !is_value(value) ||
			(IsA(value, Const) && ((Const *) value)->constisnull))
			continue;
		class = value_class_of_type(exprType(value));
		if (class == VALUE_NONE || VALUE_IS_LIKELY_KEY(class) != likely)
			continue;
		if (walk->shape->nkeys < SHAPE_KEYS)
			add_place(walk, KEY_STORED, relid, tle->resno, LIST_TARGET, element - 1);
		else
			walk->shape->flags |= SHAPE_OPAQUE;
	}
	walk->nsteps = 0;
}

static void
read_insert(ShapeWalk *walk, const ModifyTable *mt)
{
	const Plan *source = mt->plan.lefttree;
	Shape	   *shape = walk->shape;

	shape->kind = mt->onConflictAction == ONCONFLICT_NONE ? KIND_INSERT : KIND_UPSERT;
	if (source == NULL || !IsA(source, Result) || source->lefttree != NULL)
	{
		/* many rows at once, or rows that another table gave */
		shape->flags |= SHAPE_BATCH;
		walk->nsteps = 0;
		walk_plan(walk, &mt->plan);
		return;
	}
	read_stored_values(walk, mt, source, true);
	read_stored_values(walk, mt, source, false);
	/* what is left unread still tells two rows apart */
	shape->flags |= SHAPE_OPAQUE;
}

/* the node below which the kind of a SELECT shows */
static const Plan *
peel_select(const Plan *plan, Shape *shape)
{
	while (plan)
	{
		if (IsA(plan, Limit))
		{
			const Node *count = strip_casts(((const Limit *) plan)->limitCount);

			if (count)
				shape->flags |= SHAPE_LIMIT;
			if (count && IsA(count, Const) && !((const Const *) count)->constisnull &&
				DatumGetInt64(((const Const *) count)->constvalue) == 1)
				shape->flags |= SHAPE_LIMIT_ONE;
		}
		else if (IsA(plan, LockRows))
			shape->kind = KIND_FOR_UPDATE;
		else if (IsA(plan, Sort) || IsA(plan, IncrementalSort))
			shape->flags |= SHAPE_ORDERED;
		else if (!(IsA(plan, Gather) || IsA(plan, GatherMerge) ||
				   (IsA(plan, Result) && plan->lefttree != NULL)))
			break;
		plan = plan->lefttree;
	}
	return plan;
}

static bool
not_count_walker(Node *node, void *context)
{
	if (node == NULL)
		return false;
	if (IsA(node, Aggref))
	{
		Oid			fn = ((Aggref *) node)->aggfnoid;

		return fn != F_COUNT_ && fn != F_COUNT_ANY;
	}
	return expression_tree_walker(node, not_count_walker, context);
}

/* SELECT 1 ... : every target is a constant */
static bool
targets_are_constant(const Plan *plan)
{
	bool		any = false;
	ListCell   *lc;

	foreach(lc, plan->targetlist)
	{
		TargetEntry *tle = lfirst_node(TargetEntry, lc);

		if (tle->resjunk)
			continue;
		if (!is_value(strip_casts((Node *) tle->expr)))
			return false;
		any = true;
	}
	return any;
}

/* SELECT f(x, 7) ... : values that only the result depends on */
static bool
targets_hide_values(const Plan *plan)
{
	ListCell   *lc;

	foreach(lc, plan->targetlist)
	{
		Node	   *expr = (Node *) lfirst_node(TargetEntry, lc)->expr;

		if (!is_value(strip_casts(expr)) && has_value_walker(expr, NULL))
			return true;
	}
	return false;
}

/* SELECT EXISTS (...), or max() answered from an index */
static void
read_initplans(const Plan *plan, Shape *shape)
{
	ListCell   *lc;

	foreach(lc, plan->initPlan)
	{
		SubPlan    *sub = lfirst_node(SubPlan, lc);

		if (sub->subLinkType == EXISTS_SUBLINK)
			shape->kind = KIND_EXISTS;
		else if (sub->subLinkType == EXPR_SUBLINK && shape->kind == KIND_SELECT)
			shape->kind = KIND_AGGREGATE;
	}
}

static void
read_select(const PlannedStmt *pstmt, Shape *shape)
{
	const Plan *top = pstmt->planTree;
	const Plan *plan;
	ListCell   *lc;

	shape->kind = KIND_SELECT;
	if (targets_hide_values(top))
		shape->flags |= SHAPE_OPAQUE;
	plan = peel_select(top, shape);
	foreach(lc, top->targetlist)
	{
		if (lfirst_node(TargetEntry, lc)->ressortgroupref != 0)
			shape->flags |= SHAPE_ORDERED;
	}
	if (plan == NULL || shape->kind != KIND_SELECT)
		return;
	if (IsA(plan, Agg) && ((const Agg *) plan)->numCols == 0 &&
		((const Agg *) plan)->groupingSets == NIL)
		shape->kind = not_count_walker((Node *) plan->targetlist, NULL) ?
			KIND_AGGREGATE : KIND_COUNT;
	else if (targets_are_constant(top))
		shape->kind = KIND_EXISTS;
	else if (IsA(plan, Result))
		read_initplans(plan, shape);
}

static void
read_kind(ShapeWalk *walk)
{
	const PlannedStmt *pstmt = walk->pstmt;
	const Plan *top = pstmt->planTree;
	Shape	   *shape = walk->shape;

	shape->kind = KIND_OTHER;
	switch (pstmt->commandType)
	{
		case CMD_SELECT:
			if (!pstmt->hasModifyingCTE)
				read_select(pstmt, shape);
			break;
		case CMD_UPDATE:
			shape->kind = KIND_UPDATE;
			break;
		case CMD_DELETE:
			shape->kind = KIND_DELETE;
			break;
		case CMD_MERGE:
			shape->kind = KIND_UPSERT;
			break;
		case CMD_INSERT:
			if (top && IsA(top, ModifyTable))
			{
				read_insert(walk, (const ModifyTable *) top);
				return;
			}
			break;
		default:
			break;
	}
	walk->nsteps = 0;
	walk_plan(walk, top);
}

/* InvalidOid where a statement touches the system's own relations only */
static Oid
first_user_relation(const PlannedStmt *pstmt)
{
	ListCell   *lc;

	foreach(lc, pstmt->rtable)
	{
		RangeTblEntry *rte = lfirst_node(RangeTblEntry, lc);

		/* a sequence is read for a new key, not for data */
		if (rte->rtekind == RTE_RELATION && rte->relid >= FirstNormalObjectId &&
			rte->relkind != RELKIND_SEQUENCE)
			return rte->relid;
	}
	return InvalidOid;
}

bool
shape_touches_user_relation(const PlannedStmt *pstmt)
{
	return OidIsValid(first_user_relation(pstmt));
}

/* What ri_triggers.c sends through SPI; every one of them is spelled so. */
static bool
is_referential_check(const QueryDesc *queryDesc)
{
	const char *text = queryDesc->sourceText;

	return text != NULL && strstr(text, "OPERATOR(pg_catalog.") != NULL &&
		(strncmp(text, "SELECT 1 FROM ", 14) == 0 ||
		 strncmp(text, "DELETE FROM ", 12) == 0 ||
		 strncmp(text, "UPDATE ", 7) == 0);
}

void
shape_read(const QueryDesc *queryDesc, Shape *shape)
{
	const PlannedStmt *pstmt = queryDesc->plannedstmt;
	ShapeWalk	walk = {.pstmt = pstmt,.shape = shape};

	memset(shape, 0, sizeof(*shape));
	shape->flags = SHAPE_KNOWN;
	shape->relid = first_user_relation(pstmt);
	if (!OidIsValid(shape->relid))
	{
		shape->flags |= SHAPE_NOISE;
		return;
	}
	if (pstmt->planTree == NULL)
		return;
	read_kind(&walk);
	for (walk.plan = 1; walk.plan <= list_length(pstmt->subplans); walk.plan++)
	{
		walk.nsteps = 0;
		walk_plan(&walk, plan_tree(pstmt, walk.plan));
	}
	if (queryDesc->dest->mydest == DestSPI && is_referential_check(queryDesc))
		shape->flags |= SHAPE_RI;
	if (shape->nkeys == 1 && (shape->flags & SHAPE_OPAQUE) == 0 &&
		shape->kind != KIND_INSERT && shape->kind != KIND_UPSERT)
		shape->flags |= SHAPE_KEY_TELLS;
}

/* -------------------------------------------------------------------------
 * Reading the values
 * -------------------------------------------------------------------------
 */

static bool
param_value(ParamListInfo params, const Param *param, Datum *value, Oid *type)
{
	ParamExternData *prm;
	ParamExternData workspace;

	if (params == NULL || param->paramid <= 0 || param->paramid > params->numParams)
		return false;
	/* PL/pgSQL hands its variables out on request */
	if (params->paramFetch != NULL)
		prm = params->paramFetch(params, param->paramid, false, &workspace);
	else
		prm = &params->params[param->paramid - 1];
	if (prm == NULL || prm->isnull || !OidIsValid(prm->ptype))
		return false;
	*value = prm->value;
	*type = prm->ptype;
	return true;
}

/* the Datum of a Const or a parameter; false for NULL and unknown */
static bool
node_value(ParamListInfo params, const Node *node, Datum *value, Oid *type)
{
	if (IsA(node, Param))
		return ((const Param *) node)->paramkind == PARAM_EXTERN &&
			param_value(params, (const Param *) node, value, type);
	if (!IsA(node, Const) || ((const Const *) node)->constisnull)
		return false;
	*value = ((const Const *) node)->constvalue;
	*type = ((const Const *) node)->consttype;
	return true;
}

static uint32
scalar_hash(ParamListInfo params, const Node *node)
{
	Datum		value;
	Oid			type;

	if (node == NULL || !node_value(params, node, &value, &type))
		return VALUE_UNKNOWN;
	return value_hash(value, value_class_of_type(type));
}

static uint32
list_hash(ParamListInfo params, const Node *node, int *nelems)
{
	Datum		value;
	Oid			type;
	uint32		hash = VALUE_UNKNOWN;
	ListCell   *lc;

	*nelems = 0;
	if (IsA(node, ArrayExpr))
	{
		foreach(lc, ((const ArrayExpr *) node)->elements)
		{
			uint32		element = scalar_hash(params, strip_casts(lfirst(lc)));

			hash = (*nelems)++ == 0 ? element : value_combine(hash, element);
		}
		return hash;
	}
	if (!node_value(params, node, &value, &type))
		return VALUE_UNKNOWN;
	return value_hash_array(value, nelems);
}

/* the value side of the clause that a place names, if it is still there */
static Node *
place_value(const PlannedStmt *pstmt, const KeyPlace *place)
{
	const Plan *plan = plan_tree(pstmt, place->plan);
	List	   *list;
	Node	   *clause;
	Node	   *column,
			   *value;

	for (int i = 0; plan && i < place->nsteps; i++)
		plan = plan_child(plan, SHAPE_STEP(place, i));
	if (plan == NULL)
		return NULL;
	if (place->list == LIST_OFFSET)
		return IsA(plan, Limit) ? strip_casts(((const Limit *) plan)->limitOffset) : NULL;
	list = plan_list(plan, place->list);
	if (place->element >= list_length(list))
		return NULL;
	clause = list_nth(list, place->element);
	if (IsA(clause, TargetEntry))
		return strip_casts((Node *) ((TargetEntry *) clause)->expr);
	if (IsA(clause, OpExpr) && place->role != KEY_LIST &&
		split_comparison(((OpExpr *) clause)->args, &column, &value) &&
		(place->relid == InvalidOid || ((Var *) column)->varattno == place->attnum ||
		 IS_SPECIAL_VARNO(((Var *) column)->varno)))
		return value;
	if (IsA(clause, ScalarArrayOpExpr) && place->role == KEY_LIST &&
		split_list((ScalarArrayOpExpr *) clause, &column, &value))
		return value;
	if (IsA(clause, RowCompareExpr) && place->role == KEY_RANGE)
		return strip_casts(linitial(((RowCompareExpr *) clause)->rargs));
	return NULL;
}

/* the number of the only parameter that has this value, 0: none or several */
static int
param_with_value(ParamListInfo params, const Const *value)
{
	int			found = 0;

	for (int i = 0; i < Min(params->numParams, PG_UINT8_MAX); i++)
	{
		const ParamExternData *prm = &params->params[i];

		if (prm->isnull || prm->ptype != value->consttype ||
			!datumIsEqual(prm->value, value->constvalue,
						  value->constbyval, value->constlen))
			continue;
		if (found != 0)
			return 0;
		found = i + 1;
	}
	return found;
}

/*
 * Which parameter of the statement is this key?  A plan for all values says
 * so.  In a plan for these values the parameter has become a constant: it is
 * the one that has had the key's value in two executions with two values.
 * The number of a parameter is a part of the fingerprint, so what is found
 * out once holds for every plan of the statement.
 */
static void
note_param(ParamListInfo params, KeyPlace *place, const Node *value, uint32 hash)
{
	static const KeyPlace *guessed_place = NULL;
	static int	guessed = 0;
	static uint32 guessed_hash = 0;
	int			guess;

	if (params == NULL)
		return;
	if (IsA(value, Param))
	{
		if (((const Param *) value)->paramid <= PG_UINT8_MAX)
			place->param = ((const Param *) value)->paramid;
		return;
	}
	if (params->paramFetch != NULL || !IsA(value, Const) || ((const Const *) value)->constisnull)
		return;
	guess = param_with_value(params, (const Const *) value);
	if (guess != 0 && guessed_place == place && guessed == guess && guessed_hash != hash)
		place->param = guess;
	guessed_place = place;
	guessed = guess;
	guessed_hash = hash;
}

/* the hash of one key where it lies in the plan; false if it is not there */
static bool
read_place(const QueryDesc *queryDesc, KeyPlace *place, uint32 *hash, bool *batch)
{
	const Node *value = place_value(queryDesc->plannedstmt, place);
	int			nelems;

	if (value == NULL)
		return false;
	if (place->role == KEY_LIST)
	{
		*hash = list_hash(queryDesc->params, value, &nelems);
		*batch |= nelems > 1;
		return true;
	}
	*hash = scalar_hash(queryDesc->params, value);
	note_param(queryDesc->params, place, value, *hash);
	return true;
}

/* shape_param_hash() for what is no integer */
uint32
shape_hash_param(const ParamExternData *prm)
{
	return value_hash(prm->value, value_class_of_type(prm->ptype));
}

/* shape_number_hash() where PL/pgSQL hands its variables out on request */
uint32
shape_fetched_hash(ParamListInfo params, int number)
{
	ParamExternData workspace;
	const ParamExternData *prm = params->paramFetch(params, number, false, &workspace);

	return prm != NULL && OidIsValid(prm->ptype) ? shape_param_hash(prm) : VALUE_UNKNOWN;
}

static bool
read_places(const QueryDesc *queryDesc, Shape *shape, KeyValues *values)
{
	ParamListInfo params = queryDesc->params;

	/* a parameter that is known need not be looked for in the plan */
	int			nparams = params != NULL ? params->numParams : 0;

	memset(values, 0, sizeof(*values));
	for (int i = 0; i < shape->nkeys; i++)
	{
		KeyPlace   *place = &shape->keys[i];

		if (place->param != 0 && place->param <= nparams)
			values->hash[i] = shape_number_hash(params, place->param);
		else if (!read_place(queryDesc, place, &values->hash[i], &values->batch))
			return false;
	}
	return true;
}

/* the place in "fresh" that shows what "known" showed, or NULL */
static const KeyPlace *
same_place(const Shape *fresh, const KeyPlace *known, uint32 *taken)
{
	for (int i = 0; i < fresh->nkeys; i++)
	{
		const KeyPlace *place = &fresh->keys[i];

		if ((*taken & (1 << i)) == 0 &&
			place->relid == known->relid &&
			place->attnum == known->attnum &&
			place->role == known->role)
		{
			*taken |= 1 << i;
			return place;
		}
	}
	return NULL;
}

/*
 * Find the known keys in another plan.  They keep their order, since the
 * values seen so far are in it.
 */
static bool
reread_places(const QueryDesc *queryDesc, Shape *shape)
{
	Shape		fresh;
	KeyPlace	moved[SHAPE_KEYS];
	uint32		taken = 0;

	shape_read(queryDesc, &fresh);
	for (int i = 0; i < shape->nkeys; i++)
	{
		const KeyPlace *place = same_place(&fresh, &shape->keys[i], &taken);

		if (place == NULL)
			return false;
		moved[i] = *place;
	}
	memcpy(shape->keys, moved, sizeof(KeyPlace) * shape->nkeys);
	return true;
}

/*
 * The commonest of places at once: column = integer, in the index scan that
 * is all of the plan.  Where there are parameters they are to be told apart.
 */
static inline bool
read_only_key(const QueryDesc *queryDesc, const Shape *shape, uint32 *hash)
{
	const Plan *plan = queryDesc->plannedstmt->planTree;
	const KeyPlace *place = &shape->keys[0];
	const OpExpr *clause;
	const Var  *column;
	const Const *value;

	if (shape->nkeys != 1 || queryDesc->params != NULL || place->role != KEY_EQUAL ||
		place->list != LIST_INDEX || (place->nsteps | place->plan) != 0 ||
		!IsA(plan, IndexScan) ||
		place->element >= list_length(((const IndexScan *) plan)->indexqualorig))
		return false;
	clause = list_nth(((const IndexScan *) plan)->indexqualorig, place->element);
	if (!IsA(clause, OpExpr) || list_length(clause->args) != 2)
		return false;
	column = linitial(clause->args);
	value = lsecond(clause->args);
	if (!IsA(column, Var) || column->varattno != place->attnum ||
		!IsA(value, Const) || value->constisnull ||
		(value->consttype != INT4OID && value->consttype != INT8OID))
		return false;
	*hash = value_hash_integer(value->consttype == INT4OID ?
							   DatumGetInt32(value->constvalue) :
							   DatumGetInt64(value->constvalue));
	return true;
}

/*
 * The values at the key places of this execution.  Another plan of the
 * statement (generic instead of custom, say) may have moved the places; the
 * order in which its walk meets the same columns is then looked up afresh.
 */
void
shape_find_keys(const QueryDesc *queryDesc, Shape *shape, KeyValues *values)
{
	if (read_only_key(queryDesc, shape, &values->hash[0]) ||
		read_places(queryDesc, shape, values))
		return;
	if (reread_places(queryDesc, shape) &&
		read_places(queryDesc, shape, values))
		return;
	memset(values, 0, sizeof(*values));
}

/*
 * Find out whether the statement can return more than one row, so that a
 * look-up by key need not be watched for a second one.  Asks the catalog.
 */
void
shape_note_rows(const PlannedStmt *pstmt, Shape *shape)
{
	int			relations = 0;
	ListCell   *lc;

	shape->flags |= SHAPE_ROWS_KNOWN;
	if ((shape->kind >= KIND_COUNT && shape->kind <= KIND_AGGREGATE) ||
		(shape->flags & SHAPE_LIMIT_ONE) != 0)
	{
		shape->flags |= SHAPE_SINGLE_ROW;
		return;
	}
	foreach(lc, pstmt->rtable)
		relations += lfirst_node(RangeTblEntry, lc)->rtekind != RTE_RESULT;
	for (int i = 0; i < shape->nkeys && relations == 1; i++)
		if (shape->keys[i].role == KEY_EQUAL &&
			catalog_is_unique(shape->keys[i].relid, shape->keys[i].attnum))
			shape->flags |= SHAPE_SINGLE_ROW;
}

/* Does this execution ask for one row?  The LIMIT may be a parameter. */
bool
shape_limit_is_one(const QueryDesc *queryDesc)
{
	const Plan *plan = queryDesc->plannedstmt->planTree;
	Datum		value;
	Oid			type;
	Node	   *count;

	if (plan == NULL || !IsA(plan, Limit))
		return false;
	count = strip_casts(((const Limit *) plan)->limitCount);
	if (count == NULL || !node_value(queryDesc->params, count, &value, &type))
		return false;
	return (type == INT8OID && DatumGetInt64(value) == 1) ||
		(type == INT4OID && DatumGetInt32(value) == 1);
}
