/*-------------------------------------------------------------------------
 *
 * keyset.c
 *	  The statement that goes on behind the last row, in place of OFFSET.
 *
 * The columns of ORDER BY, and behind them the primary key of the table that
 * leads the FROM list unless they tell its rows apart themselves, say where a
 * page ended.  The next one begins behind that:
 *
 *	 ORDER BY a DESC LIMIT n OFFSET m
 *	 WHERE (a, id) < ($1, $2) ORDER BY a DESC, id DESC LIMIT n
 *
 * That gives the rows that OFFSET gives only where no join makes several rows
 * of one; where this cannot be seen, there is no statement.  Nor may such a
 * column be null; one that may is named.
 *
 * Works on the tree that reread.c gives, and raises an error where it gives
 * up, as rewrite.c does.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/sysattr.h"
#include "catalog/pg_constraint.h"
#include "catalog/pg_type.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "parser/parse_oper.h"
#include "parser/parsetree.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

#include "catalog.h"
#include "compat.h"
#include "keyset.h"
#include "reread.h"
#include "rewrite_values.h"

/* -------------------------------------------------------------------------
 * What the rows are ordered by
 * -------------------------------------------------------------------------
 */

static RangeTblEntry *
relation_of(const Query *query, const Var *var)
{
	RangeTblEntry *rte;

	if (var == NULL || !IsA(var, Var) || var->varlevelsup > 0 || var->varattno <= 0)
		return NULL;
	rte = rt_fetch(var->varno, query->rtable);
	return rte->rtekind == RTE_RELATION ? rte : NULL;
}

static bool
is_not_null(Oid relid, AttrNumber attnum)
{
	HeapTuple	tuple = SearchSysCache2(ATTNUM, ObjectIdGetDatum(relid), Int16GetDatum(attnum));
	bool		not_null;

	if (!HeapTupleIsValid(tuple))
		return false;
	not_null = ((Form_pg_attribute) GETSTRUCT(tuple))->attnotnull;
	ReleaseSysCache(tuple);
	return not_null;
}

/* the place in the range table of the table that leads the FROM list */
static int
leading_relation(const Query *query)
{
	Node	   *node = query->jointree->fromlist ? linitial(query->jointree->fromlist) : NULL;

	while (node && IsA(node, JoinExpr) &&
		   (((JoinExpr *) node)->jointype == JOIN_INNER || ((JoinExpr *) node)->jointype == JOIN_LEFT))
		node = ((JoinExpr *) node)->larg;
	return node && IsA(node, RangeTblRef) ? ((RangeTblRef *) node)->rtindex : 0;
}

typedef struct JoinSearch
{
	int			rti;
	Oid			relid;
	bool		found;
} JoinSearch;

/* other.unique_column = something: at most one of its rows for each row */
static bool
to_one_walker(Node *node, void *context)
{
	JoinSearch *search = context;

	if (node == NULL)
		return false;
	if (IsA(node, OpExpr) && list_length(((OpExpr *) node)->args) == 2)
		for (int side = 0; side < 2; side++)
		{
			Var		   *var = (Var *) values_strip_casts(list_nth(((OpExpr *) node)->args, side));

			if (var && IsA(var, Var) && var->varno == search->rti &&
				op_mergejoinable(((OpExpr *) node)->opno, exprType((Node *) var)) &&
				catalog_is_unique(search->relid, var->varattno))
				search->found = true;
		}
	/* under OR or NOT an equality holds for some rows only */
	if (IsA(node, BoolExpr) && ((BoolExpr *) node)->boolop != AND_EXPR)
		return false;
	return expression_tree_walker(node, to_one_walker, context);
}

/* Does the statement give each row of the leading table once at most? */
static bool
keeps_rows_apart(const Query *query, int leading)
{
	ListCell   *lc;

	if (query->hasAggs || query->hasTargetSRFs || query->groupClause != NIL ||
		query->groupingSets != NIL || query->distinctClause != NIL ||
		query->setOperations != NULL || query->hasWindowFuncs)
		return false;
	foreach(lc, query->rtable)
	{
		RangeTblEntry *rte = lfirst_node(RangeTblEntry, lc);
		int			rti = foreach_current_index(lc) + 1;
		JoinSearch	search = {.rti = rti,.relid = rte->relid};

		if (rti == leading || rte->rtekind == RTE_JOIN)
			continue;
		if (rte->rtekind != RTE_RELATION)
			return false;
		to_one_walker((Node *) query->jointree, &search);
		if (!search.found)
			return false;
	}
	return true;
}

static bool
has_column(const Keyset *keyset, int rti, AttrNumber attnum)
{
	for (int i = 0; i < keyset->n; i++)
		if (keyset->columns[i].var->varno == rti && keyset->columns[i].var->varattno == attnum)
			return true;
	return false;
}

static bool
add_column(const Query *query, Keyset *keyset, Var *var, Oid sortop, bool down)
{
	RangeTblEntry *rte = relation_of(query, var);
	KeysetColumn *column = &keyset->columns[keyset->n];

	if (rte == NULL || keyset->n == KEYSET_COLUMNS)
		return false;
	column->var = var;
	column->sortop = sortop;
	column->down = down;
	column->name = get_attname(rte->relid, var->varattno, true);
	if (column->name == NULL)
		return false;
	if (keyset->nullable == NULL && !is_not_null(rte->relid, var->varattno))
		keyset->nullable = column->name;
	keyset->mixed |= keyset->n > 0 && down != keyset->columns[0].down;
	keyset->n++;
	return true;
}

/* The columns of ORDER BY; false where one is no plain column. */
static bool
add_sort_columns(const Query *query, Keyset *keyset)
{
	ListCell   *lc;

	foreach(lc, query->sortClause)
	{
		SortGroupClause *clause = lfirst_node(SortGroupClause, lc);
		TargetEntry *tle = get_sortgroupref_tle(clause->tleSortGroupRef, query->targetList);
		bool		down;

		if (!OidIsValid(get_equality_op_for_ordering_op(clause->sortop, &down)) ||
			!add_column(query, keyset, (Var *) tle->expr, clause->sortop, down))
			return false;
	}
	return true;
}

/* Let the primary key decide between rows that are equal so far. */
static bool
add_primary_key(const Query *query, Keyset *keyset, int leading)
{
	Oid			relid = rt_fetch(leading, query->rtable)->relid;
	bool		down = keyset->n > 0 && keyset->columns[keyset->n - 1].down;
	Oid			constraint;
	Bitmapset  *key = get_primary_key_attnos(relid, false, &constraint);
	int			member = -1;

	if (key == NULL)
		return false;
	while ((member = bms_next_member(key, member)) >= 0)
	{
		AttrNumber	attnum = member + FirstLowInvalidHeapAttributeNumber;
		Oid			type,
					collation,
					lt,
					gt;
		int32		typmod;

		if (has_column(keyset, leading, attnum))
			continue;
		get_atttypetypmodcoll(relid, attnum, &type, &typmod, &collation);
		get_sort_group_operators(type, true, false, true, &lt, NULL, &gt, NULL);
		if (!add_column(query, keyset, makeVar(leading, attnum, type, typmod, collation, 0),
						down ? gt : lt, down))
			return false;
	}
	return true;
}

/* Are the columns enough to tell the leading table's rows apart? */
static bool
tells_apart(const Query *query, const Keyset *keyset, int leading)
{
	List	   *attnums = NIL;

	for (int i = 0; i < keyset->n; i++)
		if (keyset->columns[i].var->varno == leading)
			attnums = lappend_int(attnums, keyset->columns[i].var->varattno);
		else
			return false;		/* an outer join may make nulls of it */
	return attnums != NIL &&
		catalog_unique_key(rt_fetch(leading, query->rtable)->relid, attnums) != NIL;
}

/* What tells where a page of this statement's rows ended; n is 0 if nothing does. */
void
keyset_read(const Query *query, Keyset *keyset)
{
	int			leading = leading_relation(query);

	memset(keyset, 0, sizeof(*keyset));
	if (leading == 0 || rt_fetch(leading, query->rtable)->rtekind != RTE_RELATION ||
		!keeps_rows_apart(query, leading) || !add_sort_columns(query, keyset) ||
		!(tells_apart(query, keyset, leading) ||
		  (add_primary_key(query, keyset, leading) && tells_apart(query, keyset, leading))))
		keyset->n = 0;
}

/* -------------------------------------------------------------------------
 * The statement
 * -------------------------------------------------------------------------
 */

static Expr *
compare(const KeysetColumn *column, Node *value, bool equal)
{
	Oid			opno = get_commutator(column->sortop);
	Oid			lt,
				eq;

	if (equal)
	{
		get_sort_group_operators(exprType((Node *) column->var), false, true, false,
								 &lt, &eq, NULL, NULL);
		opno = eq;
	}
	if (!OidIsValid(opno))
		elog(ERROR, "no operator for a keyset");
	return make_opclause(opno, BOOLOID, false, (Expr *) copyObject(column->var),
						 (Expr *) value, InvalidOid, exprCollation((Node *) column->var));
}

/* (a, b) > ($1, $2) */
static Node *
compare_rows(const Keyset *keyset, RewriteValues *values, const int *numbers)
{
	RowCompareExpr *row = makeNode(RowCompareExpr);

	for (int i = 0; i < keyset->n; i++)
	{
		const KeysetColumn *column = &keyset->columns[i];

		row->opnos = lappend_oid(row->opnos, get_commutator(column->sortop));
		row->opfamilies = lappend_oid(row->opfamilies, InvalidOid);
		row->inputcollids = lappend_oid(row->inputcollids, exprCollation((Node *) column->var));
		row->largs = lappend(row->largs, copyObject(column->var));
		row->rargs = lappend(row->rargs, values_param(values, numbers[i]));
	}
	return (Node *) row;
}

/* a < $1 OR a = $1 AND b > $2 */
static Node *
compare_mixed(const Keyset *keyset, RewriteValues *values, const int *numbers)
{
	List	   *ors = NIL;

	for (int i = 0; i < keyset->n; i++)
	{
		List	   *ands = NIL;

		for (int j = 0; j <= i; j++)
			ands = lappend(ands, compare(&keyset->columns[j],
										 (Node *) values_param(values, numbers[j]), j < i));
		ors = lappend(ors, make_ands_explicit(ands));
	}
	return (Node *) make_orclause(ors);
}

static void
sort_by(Query *query, const Keyset *keyset, int from)
{
	Index		highest = 0;
	ListCell   *lc;

	foreach(lc, query->targetList)
		highest = Max(highest, lfirst_node(TargetEntry, lc)->ressortgroupref);
	for (int i = from; i < keyset->n; i++)
	{
		TargetEntry *tle = makeTargetEntry((Expr *) copyObject(keyset->columns[i].var),
										   list_length(query->targetList) + 1, NULL, true);
		SortGroupClause *clause = makeNode(SortGroupClause);
		Oid			lt;

		tle->ressortgroupref = clause->tleSortGroupRef = ++highest;
		query->targetList = lappend(query->targetList, tle);
		get_sort_group_operators(exprType((Node *) tle->expr), false, true, false,
								 &lt, &clause->eqop, NULL, &clause->hashable);
		clause->sortop = keyset->columns[i].sortop;

		/*
		 * behind the last one, as either direction has it unless told
		 * otherwise
		 */
		clause->nulls_first = keyset->columns[i].down;
		query->sortClause = lappend(query->sortClause, clause);
	}
}

/*
 * The statement that gives the page behind a row; its values, and those of
 * that row, are parameters.  NULL where there is none, or an error; "query"
 * is used up.
 */
char *
keyset_statement(Query *query)
{
	RewriteValues *values = palloc0(sizeof(RewriteValues));
	Keyset		keyset;
	int			numbers[KEYSET_COLUMNS];
	int			offset;
	Node	   *condition;
	char	   *text;

	keyset_read(query, &keyset);
	if (keyset.n == 0 || query->limitOffset == NULL || query->rowMarks != NIL)
		return NULL;
	query = values_take_out(values, query);
	offset = values_number_of(values_strip_casts(query->limitOffset));
	if (offset > 0)
		values->values[offset - 1].use = VALUE_GONE;
	query->limitOffset = NULL;
	for (int i = 0; i < keyset.n; i++)
		numbers[i] = values_add(values, NULL, exprType((Node *) keyset.columns[i].var), VALUE_SAME);
	if (keyset.n == 1)
		condition = (Node *) compare(&keyset.columns[0],
									 (Node *) values_param(values, numbers[0]), false);
	else if (keyset.mixed)
		condition = compare_mixed(&keyset, values, numbers);
	else
		condition = compare_rows(&keyset, values, numbers);
	query->jointree->quals = make_and_qual(query->jointree->quals, condition);
	sort_by(query, &keyset, list_length(query->sortClause));
	text = values_put_back(values, values_deparse(query));
	reread_check(text);
	return text;
}
