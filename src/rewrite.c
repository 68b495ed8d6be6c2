/*-------------------------------------------------------------------------
 *
 * rewrite.c
 *	  The one statement that replaces a loop.
 *
 * The statement of one turn is taken as a parse tree (reread.c), its values
 * are taken out (rewrite_values.c), and what varies from turn to turn becomes
 * an array:
 *
 *	 key = value			key = ANY (array), the key among the columns
 *	 count, sum, ...		GROUP BY key, joined to the array: a key without
 *							rows has its row, as it has in the loop
 *	 SELECT 1 ... LIMIT 1	EXISTS (...) for each element of the array
 *	 any other SELECT		LATERAL, for each element of the array(s)
 *	 FOR UPDATE				key = ANY (array) ORDER BY key
 *	 INSERT					INSERT ... SELECT ... FROM unnest(arrays)
 *	 UPDATE, DELETE			key = ANY (array), or FROM / USING unnest(arrays)
 *
 * Where a form would not give the rows that the loop gives, the next one is
 * taken, or none: an error is raised then, and the caller (a RereadUser)
 * does without a rewrite.  The result has been analysed once more before it
 * is handed out: whoever reads it can PREPARE it.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/transam.h"
#include "catalog/pg_type.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "parser/parse_oper.h"
#include "parser/parsetree.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"

#include "catalog.h"
#include "compat.h"
#include "reread.h"
#include "rewrite.h"
#include "rewrite_values.h"

typedef struct Rewrite
{
	const RewriteFacts *facts;
	RewriteValues values;
	Query	   *query;			/* with our parameters */
	int			nkeys;			/* values that vary, which compare */
	int			keys[SHAPE_KEYS];	/* their numbers */
	Var		   *key_var;		/* the column of the only key, where it is a
								 * conjunct of the WHERE at the top */
	OpExpr	   *key_op;			/* that conjunct */
	char	   *rows;			/* names of relations of ours, which none */
	char	   *found;			/* of the statement's have */
} Rewrite;

pg_noreturn static void
give_up(const char *why)
{
	ereport(ERROR,
			(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
			 errmsg("no rewrite: %s", why)));
	pg_unreachable();
}

static RewriteValue *
value_of(Rewrite *rw, int number)
{
	return &rw->values.values[number - 1];
}

static Oid
array_type_of(Oid type)
{
	Oid			array;

	/* a domain over an array has an array type, but unnest() sees through */
	if (OidIsValid(get_base_element_type(type)))
		give_up("unnest() would take apart an array");
	array = get_array_type(type);
	if (!OidIsValid(array))
		give_up("a value's type has no array");
	return array;
}

/* -------------------------------------------------------------------------
 * Names of our own
 * -------------------------------------------------------------------------
 */

static bool
name_taken_walker(Node *node, void *context)
{
	if (node == NULL)
		return false;
	if (IsA(node, RangeTblEntry))
	{
		RangeTblEntry *rte = (RangeTblEntry *) node;

		return (rte->eref && strcmp(rte->eref->aliasname, context) == 0) ||
			(rte->rtekind == RTE_RELATION &&
			 strcmp(get_rel_name(rte->relid), context) == 0);
	}
	if (IsA(node, CommonTableExpr) &&
		strcmp(((CommonTableExpr *) node)->ctename, context) == 0)
		return true;
	if (IsA(node, Query))
		return query_tree_walker((Query *) node, name_taken_walker, context,
								 QTW_EXAMINE_RTES_BEFORE);
	return expression_tree_walker(node, name_taken_walker, context);
}

static char *
free_name(Query *query, const char *wanted)
{
	char	   *name = pstrdup(wanted);

	for (int i = 1; name_taken_walker((Node *) query, name); i++)
		name = psprintf("%s_%d", wanted, i);
	return name;
}

/* a name for the column of a value, which no other value has */
static void
name_value(Rewrite *rw, int number, const char *wanted)
{
	char	   *name = pstrdup(wanted);

	for (int try = 0;; try++)
	{
		bool		taken = false;

		for (int i = 1; i <= rw->values.n; i++)
			taken |= i != number && value_of(rw, i)->name != NULL &&
				strcmp(value_of(rw, i)->name, name) == 0;
		if (!taken)
			break;
		name = try == 0 ? psprintf("new_%s", wanted) : psprintf("%s_%d", wanted, try + 1);
	}
	value_of(rw, number)->name = name;
}

/* -------------------------------------------------------------------------
 * What varies
 * -------------------------------------------------------------------------
 */

/* Is this the column that a key place names?  Partitions count as their root. */
static bool
same_column(const RewriteValue *value, const KeyPlace *place)
{
	char	   *a,
			   *b;

	if (!OidIsValid(value->relid) || !OidIsValid(place->relid) ||
		catalog_root(value->relid) != catalog_root(place->relid))
		return false;
	a = get_attname(value->relid, value->attnum, true);
	b = get_attname(place->relid, place->attnum, true);
	return a != NULL && b != NULL && strcmp(a, b) == 0;
}

static void
add_key(Rewrite *rw, int number)
{
	RewriteValue *value = value_of(rw, number);
	char	   *name;

	for (int i = 0; i < rw->nkeys; i++)
		if (rw->keys[i] == number)
			return;
	if (rw->nkeys == SHAPE_KEYS)
		give_up("too many keys");
	name = OidIsValid(value->relid) ? get_attname(value->relid, value->attnum, true) : NULL;
	value->use = VALUE_PER_ROW;
	name_value(rw, number, name ? name : "key");
	rw->keys[rw->nkeys++] = number;
}

/* the value of the statement at a key place; several would be ambiguous */
static int
value_at(Rewrite *rw, const KeyPlace *place)
{
	int			found = 0;

	for (int i = 1; i <= rw->values.n; i++)
	{
		if (!same_column(value_of(rw, i), place) ||
			value_of(rw, i)->equality != (place->role == KEY_EQUAL))
			continue;
		if (found != 0)
			give_up("two values for one column");
		found = i;
	}
	return found;
}

/* where the key's column is that of a view: the statement's only equality */
static int
only_equality(Rewrite *rw)
{
	int			found = 0;

	for (int i = 1; i <= rw->values.n; i++)
		if (value_of(rw, i)->equality)
		{
			if (found != 0)
				give_up("it is not plain which value is the key");
			found = i;
		}
	if (found == 0)
		give_up("there is no key");
	return found;
}

/*
 * A literal that is the same as the key's may be the key once more, in a
 * place where its varying cannot be seen.  LIMIT and OFFSET are their own.
 */
static void
doubt_equal_values(Rewrite *rw)
{
	int			limit = values_number_of(values_strip_casts(rw->query->limitCount));
	int			offset = values_number_of(values_strip_casts(rw->query->limitOffset));

	for (int i = 1; i <= rw->values.n; i++)
	{
		RewriteValue *value = value_of(rw, i);

		if (i == limit || i == offset || value->use != VALUE_SAME || value->node == NULL)
			continue;
		for (int key = 0; key < rw->nkeys; key++)
			value->doubtful |= equal(value->node, value_of(rw, rw->keys[key])->node);
	}
}

static void
find_keys(Rewrite *rw)
{
	const Shape *shape = rw->facts->shape;
	bool		batch = false;

	for (int i = 0; i < shape->nkeys; i++)
	{
		const KeyPlace *place = &shape->keys[i];
		int			number;

		/* what repeats the same is replaced by doing it once */
		if ((rw->facts->varied & (1 << i)) == 0 &&
			(i != rw->facts->key || rw->facts->pattern == PATTERN_DUPLICATE))
			continue;
		if (place->role == KEY_LIST)
		{
			batch = true;
			continue;
		}
		if (place->role != KEY_EQUAL && place->role != KEY_RANGE)
			give_up("what varies is not a key");
		number = value_at(rw, place);
		add_key(rw, number != 0 ? number : only_equality(rw));
	}
	/* "= ANY (one element)" takes more elements as it stands */
	if (rw->nkeys == 0 && !batch && rw->facts->pattern != PATTERN_DUPLICATE)
		add_key(rw, only_equality(rw));
	doubt_equal_values(rw);
}

/* -------------------------------------------------------------------------
 * key = ANY (array)
 * -------------------------------------------------------------------------
 */

static List *
conjuncts(Query *query)
{
	Node	   *quals = query->jointree->quals;

	if (quals == NULL)
		return NIL;
	if (is_andclause(quals))
		return ((BoolExpr *) quals)->args;
	return list_make1(quals);
}

static bool
mentions_walker(Node *node, void *context)
{
	if (node == NULL)
		return false;
	if (values_number_of(node) == *(int *) context)
		return true;
	if (IsA(node, Query))
		return query_tree_walker((Query *) node, mentions_walker, context, 0);
	return expression_tree_walker(node, mentions_walker, context);
}

/* the conjunct of the WHERE that the only key stands in, and nowhere else */
static void
find_conjunct(Rewrite *rw)
{
	Query	   *query = rw->query;
	int			number;
	Node	   *quals;
	ListCell   *lc;

	if (rw->nkeys != 1 || query->setOperations != NULL)
		return;
	number = rw->keys[0];
	foreach(lc, conjuncts(query))
	{
		OpExpr	   *op = lfirst(lc);

		if (!IsA(op, OpExpr) || list_length(op->args) != 2)
			continue;
		for (int side = 0; side < 2; side++)
		{
			Node	   *column = values_strip_casts(list_nth(op->args, side));

			if (column && IsA(column, Var) && ((Var *) column)->varlevelsup == 0 &&
				values_number_of(values_strip_casts(list_nth(op->args, 1 - side))) == number)
			{
				rw->key_op = op;
				rw->key_var = (Var *) column;
			}
		}
	}
	if (rw->key_op == NULL || !value_of(rw, number)->equality)
		return;
	/* the same value elsewhere would still be one value */
	quals = query->jointree->quals;
	query->jointree->quals =
		(Node *) makeBoolExpr(AND_EXPR, list_difference_ptr(conjuncts(query),
															list_make1(rw->key_op)), -1);
	if (mentions_walker((Node *) query, &number))
		rw->key_op = NULL;
	query->jointree->quals = quals;
}

/* Turn the conjunct into column = ANY (array); the old value is gone. */
static void
compare_with_array(Rewrite *rw)
{
	OpExpr	   *op = rw->key_op;
	bool		column_first = values_strip_casts(linitial(op->args)) == (Node *) rw->key_var;
	Node	   *column = column_first ? linitial(op->args) : lsecond(op->args);
	Node	   *value = column_first ? lsecond(op->args) : linitial(op->args);
	ScalarArrayOpExpr *any = makeNode(ScalarArrayOpExpr);
	List	   *list = conjuncts(rw->query);
	int			array = values_add(&rw->values, NULL, array_type_of(exprType(value)), VALUE_SAME);

	any->opno = column_first ? op->opno : get_commutator(op->opno);
	if (!OidIsValid(any->opno))
		give_up("the operator has no commutator");
	any->opfuncid = get_opcode(any->opno);
	any->useOr = true;
	any->inputcollid = op->inputcollid;
	any->args = list_make2(column, values_param(&rw->values, array));
	any->location = -1;
	for (int i = 0; i < list_length(list); i++)
		if (list_nth(list, i) == op)
			lfirst(list_nth_cell(list, i)) = any;
	if (rw->query->jointree->quals == (Node *) op)
		rw->query->jointree->quals = (Node *) any;
	value_of(rw, rw->keys[0])->use = VALUE_GONE;
}

/* The target that is the key's column; NULL when it is not among them. */
static TargetEntry *
key_target(const Rewrite *rw)
{
	ListCell   *lc;

	foreach(lc, rw->query->targetList)
	{
		TargetEntry *tle = lfirst_node(TargetEntry, lc);

		if (!tle->resjunk && rw->key_var != NULL && IsA(tle->expr, Var) &&
			((Var *) tle->expr)->varno == rw->key_var->varno &&
			((Var *) tle->expr)->varattno == rw->key_var->varattno &&
			((Var *) tle->expr)->varlevelsup == 0)
			return tle;
	}
	return NULL;
}

/* Let the key's column lead the targets, unless it is among them. */
static TargetEntry *
show_key(Rewrite *rw)
{
	TargetEntry *key = key_target(rw);
	int			resno = 1;
	ListCell   *lc;

	if (key != NULL)
		return key;
	key = makeTargetEntry((Expr *) copyObject(rw->key_var), 1,
						  value_of(rw, rw->keys[0])->name, false);
	foreach(lc, rw->query->targetList)
		lfirst_node(TargetEntry, lc)->resno = ++resno;
	rw->query->targetList = lcons(key, rw->query->targetList);
	return key;
}

/* a sort or group clause for a target */
static SortGroupClause *
clause_of(Query *query, TargetEntry *target)
{
	SortGroupClause *clause = makeNode(SortGroupClause);
	Index		highest = 0;
	ListCell   *lc;

	foreach(lc, query->targetList)
		highest = Max(highest, lfirst_node(TargetEntry, lc)->ressortgroupref);
	if (target->ressortgroupref == 0)
		target->ressortgroupref = highest + 1;
	clause->tleSortGroupRef = target->ressortgroupref;
	get_sort_group_operators(exprType((Node *) target->expr), true, true, false,
							 &clause->sortop, &clause->eqop, NULL, &clause->hashable);
	return clause;
}

/* All sessions lock in the order of the key, so that none waits in a ring. */
static void
order_by_key(Rewrite *rw)
{
	Query	   *query = rw->query;
	TargetEntry *key = key_target(rw);

	if (key == NULL)
	{
		key = makeTargetEntry((Expr *) copyObject(rw->key_var),
							  list_length(query->targetList) + 1, NULL, true);
		query->targetList = lappend(query->targetList, key);
	}
	query->sortClause = list_make1(clause_of(query, key));
}

/* -------------------------------------------------------------------------
 * LIMIT
 * -------------------------------------------------------------------------
 */

/* what a LIMIT or OFFSET is in the present execution, -1: unknown */
static int64
limit_value(const Rewrite *rw, Node *limit)
{
	int			number = values_number_of(values_strip_casts(limit));
	const Node *node = number > 0 ? rw->values.values[number - 1].node : NULL;
	Datum		datum;
	Oid			type;

	if (node == NULL)
		return -1;
	if (IsA(node, Const))
	{
		if (((const Const *) node)->constisnull)
			return -1;
		datum = ((const Const *) node)->constvalue;
		type = ((const Const *) node)->consttype;
	}
	else
	{
		const ParamListInfo params = rw->facts->params;
		int			id = ((const Param *) node)->paramid;

		if (params == NULL || id > params->numParams || params->params[id - 1].isnull)
			return -1;
		datum = params->params[id - 1].value;
		type = params->params[id - 1].ptype;
	}
	return type == INT8OID ? DatumGetInt64(datum) :
		type == INT4OID ? DatumGetInt32(datum) : -1;
}

static void
forget_value(Rewrite *rw, Node *limit)
{
	int			number = values_number_of(values_strip_casts(limit));

	if (number > 0)
		value_of(rw, number)->use = VALUE_GONE;
}

/* A LIMIT of one statement has no place in one for many, except LIMIT 1. */
static void
simplify_limit(Rewrite *rw)
{
	Query	   *query = rw->query;
	RewriteValue *key = rw->nkeys == 1 ? value_of(rw, rw->keys[0]) : NULL;

	if (query->limitOffset != NULL && limit_value(rw, query->limitOffset) == 0)
	{
		forget_value(rw, query->limitOffset);
		query->limitOffset = NULL;
	}
	if (query->limitCount == NULL || query->limitOption != LIMIT_OPTION_COUNT)
		return;
	/* no more than one row can come, so that no LIMIT is reached */
	if (rw->key_op != NULL && key != NULL && query->limitOffset == NULL &&
		list_length(query->rtable) == 1 && limit_value(rw, query->limitCount) >= 1 &&
		catalog_is_unique(catalog_root(key->relid), key->attnum))
	{
		forget_value(rw, query->limitCount);
		query->limitCount = NULL;
	}
	else if (limit_value(rw, query->limitCount) == 1)
		value_of(rw, values_number_of(values_strip_casts(query->limitCount)))->use = VALUE_ONE;
}

/* -------------------------------------------------------------------------
 * The relation of the values that vary
 * -------------------------------------------------------------------------
 */

/* unnest($1::int[], $2::text[]) AS keys(a, b) */
static char *
unnested(Rewrite *rw)
{
	StringInfoData arrays,
				names;
	int			n = rw->values.n;

	initStringInfo(&arrays);
	initStringInfo(&names);
	for (int i = 1; i <= n; i++)
	{
		RewriteValue *value = value_of(rw, i);
		const char *comma = names.len > 0 ? ", " : "";
		int			array;

		if (value->use != VALUE_PER_ROW)
			continue;
		array = values_add(&rw->values, NULL, array_type_of(value->type), VALUE_SAME);
		appendStringInfo(&arrays, "%s$%d", comma, array);
		appendStringInfo(&names, "%s%s", comma, quote_identifier(value_of(rw, i)->name));
	}
	if (names.len == 0)
		give_up("nothing varies");
	return psprintf("unnest(%s) AS %s(%s)", arrays.data,
					quote_identifier(rw->rows), names.data);
}

/* -------------------------------------------------------------------------
 * SELECT
 * -------------------------------------------------------------------------
 */

/* Do the rows of many keys make one result that is plainly theirs? */
static bool
is_plain(const Query *query)
{
	return query->commandType == CMD_SELECT && query->setOperations == NULL &&
		query->groupClause == NIL && query->groupingSets == NIL &&
		query->havingQual == NULL && query->distinctClause == NIL &&
		query->limitCount == NULL && query->limitOffset == NULL &&
		!query->hasAggs && !query->hasWindowFuncs && !query->hasTargetSRFs;
}

/* Aggregates that are null without rows, and count, which is 0. */
static bool
is_count(const Aggref *agg)
{
	return agg->aggfnoid == F_COUNT_ || agg->aggfnoid == F_COUNT_ANY;
}

static bool
is_null_without_rows(const Aggref *agg)
{
	static const char *const names[] = {"sum", "avg", "min", "max", "bool_and", "bool_or",
	"every", "array_agg", "string_agg", "stddev", "variance"};
	char	   *name = get_func_name(agg->aggfnoid);

	if (agg->aggfnoid >= FirstGenbkiObjectId || name == NULL)
		return false;
	for (int i = 0; i < (int) lengthof(names); i++)
		if (strcmp(name, names[i]) == 0)
			return true;
	return false;
}

static bool
can_group(const Rewrite *rw)
{
	const Query *query = rw->query;
	ListCell   *lc;

	if (rw->key_op == NULL || !query->hasAggs || query->setOperations != NULL ||
		query->groupClause != NIL || query->groupingSets != NIL ||
		query->havingQual != NULL || query->distinctClause != NIL ||
		query->sortClause != NIL || query->hasWindowFuncs || query->hasTargetSRFs ||
		query->limitCount != NULL || query->limitOffset != NULL)
		return false;
	foreach(lc, query->targetList)
	{
		Aggref	   *agg = (Aggref *) lfirst_node(TargetEntry, lc)->expr;

		if (!IsA(agg, Aggref) || !(is_count(agg) || is_null_without_rows(agg)))
			return false;
	}
	return true;
}

/* The columns of the groups by name, and as the outer query shows them. */
static void
list_aggregates(Rewrite *rw, StringInfo names, StringInfo columns)
{
	ListCell   *lc;
	int			n = 0;

	foreach(lc, rw->query->targetList)
	{
		TargetEntry *tle = lfirst_node(TargetEntry, lc);
		char	   *name = tle->resname ? tle->resname : "result";
		ListCell   *other;

		foreach(other, rw->query->targetList)
		{
			if (other != lc && lfirst_node(TargetEntry, other)->resname &&
				strcmp(lfirst_node(TargetEntry, other)->resname, name) == 0)
				name = psprintf("%s_%d", name, n + 1);
		}
		n++;
		appendStringInfo(names, ", %s", quote_identifier(name));
		if (is_count((Aggref *) tle->expr))
			appendStringInfo(columns, ", coalesce(%s.%s, 0) AS %s", quote_identifier(rw->found),
							 quote_identifier(name), quote_identifier(name));
		else
			appendStringInfo(columns, ", %s.%s", quote_identifier(rw->found),
							 quote_identifier(name));
	}
}

static char *
grouped(Rewrite *rw)
{
	const char *key = quote_identifier(value_of(rw, rw->keys[0])->name);
	StringInfoData names,
				columns;
	char	   *keys;
	TargetEntry *target;
	int			array;

	initStringInfo(&names);
	initStringInfo(&columns);
	list_aggregates(rw, &names, &columns);
	target = show_key(rw);
	rw->query->groupClause = list_make1(clause_of(rw->query, target));
	compare_with_array(rw);
	/* the array that the key is compared with gives the keys as well */
	array = rw->values.n;
	keys = psprintf("unnest($%d) AS %s(%s)", array, quote_identifier(rw->rows), key);
	return psprintf("SELECT %s.%s%s FROM %s LEFT JOIN (%s) AS %s(%s%s) ON %s.%s = %s.%s",
					quote_identifier(rw->rows), key, columns.data, keys,
					values_deparse(rw->query), quote_identifier(rw->found), key, names.data,
					quote_identifier(rw->found), key, quote_identifier(rw->rows), key);
}

/* keys.a, keys.b: the columns that tell which turn a row belongs to */
static char *
key_columns(Rewrite *rw)
{
	StringInfoData buf;

	initStringInfo(&buf);
	for (int i = 1; i <= rw->values.n; i++)
		if (value_of(rw, i)->use == VALUE_PER_ROW)
			appendStringInfo(&buf, "%s.%s, ", quote_identifier(rw->rows),
							 quote_identifier(value_of(rw, i)->name));
	return buf.data;
}

/* for each key, whether there is a row */
static char *
existing(Rewrite *rw)
{
	char	   *columns = key_columns(rw);

	forget_value(rw, rw->query->limitCount);
	rw->query->limitCount = NULL;
	rw->query->targetList = NIL;
	rw->query->sortClause = NIL;
	return psprintf("SELECT %sEXISTS (%s) AS \"exists\" FROM %s", columns,
					values_deparse(rw->query), unnested(rw));
}

/* Does the statement give one row at most? */
static bool
gives_one_row(const Rewrite *rw)
{
	const Query *query = rw->query;
	const RewriteValue *key = &rw->values.values[rw->keys[0] - 1];

	if (query->limitCount != NULL)
		return limit_value(rw, query->limitCount) == 1;
	return rw->key_op != NULL && list_length(query->rtable) == 1 &&
		catalog_is_unique(catalog_root(key->relid), key->attnum);
}

static bool
is_probe(const Rewrite *rw)
{
	const Query *query = rw->query;

	return rw->facts->shape->kind == KIND_EXISTS && query->jointree->fromlist != NIL &&
		query->setOperations == NULL && query->groupClause == NIL &&
		query->havingQual == NULL && query->distinctClause == NIL &&
		query->limitOffset == NULL && !query->hasAggs && !query->hasTargetSRFs &&
		query->rowMarks == NIL && gives_one_row(rw);
}

/* the statement itself, for each key */
static char *
lateral(Rewrite *rw)
{
	char	   *columns = key_target(rw) != NULL ? "" : key_columns(rw);

	if (rw->query->rowMarks != NIL)
		give_up("locks are not taken in an order then");
	return psprintf("SELECT %s%s.* FROM %s CROSS JOIN LATERAL (%s) AS %s", columns,
					quote_identifier(rw->found), unnested(rw),
					values_deparse(rw->query), quote_identifier(rw->found));
}

static char *
rewrite_select(Rewrite *rw)
{
	if (rw->nkeys == 0)
		return values_deparse(rw->query);
	find_conjunct(rw);
	simplify_limit(rw);
	if (is_probe(rw))
		return existing(rw);
	if (can_group(rw))
		return grouped(rw);
	if (rw->key_op == NULL || !is_plain(rw->query))
		return lateral(rw);
	if (rw->query->rowMarks != NIL)
		order_by_key(rw);
	show_key(rw);
	compare_with_array(rw);
	return values_deparse(rw->query);
}

/* -------------------------------------------------------------------------
 * INSERT
 * -------------------------------------------------------------------------
 */

/*
 * A value that is stored as it is gets the type of its column, whatever the
 * client called it.
 */
static void
store_value(Rewrite *rw, TargetEntry *tle, Oid relid, AttrNumber attnum)
{
	int			number = values_number_of(values_strip_casts((Node *) tle->expr));
	Oid			type = getBaseType(get_atttype(relid, attnum));
	RewriteValue *value;

	if (number == 0)
		return;
	value = value_of(rw, number);
	/* what is a key as well, or stored twice, keeps the type that suits both */
	if (value->use == VALUE_PER_ROW)
		return;
	value->use = VALUE_PER_ROW;
	value->type = type;
	value->relid = relid;
	value->attnum = attnum;
	tle->expr = (Expr *) values_param(&rw->values, number);
	name_value(rw, number, get_attname(relid, attnum, false));
}

static bool
mark_walker(Node *node, void *context)
{
	Rewrite    *rw = ((void **) context)[0];
	const char *name = ((void **) context)[1];
	int			number;

	if (node == NULL)
		return false;
	if ((number = values_number_of(node)) > 0 && value_of(rw, number)->use == VALUE_SAME)
	{
		value_of(rw, number)->use = VALUE_PER_ROW;
		name_value(rw, number, name);
	}
	if (IsA(node, Query))
		return query_tree_walker((Query *) node, mark_walker, context, 0);
	return expression_tree_walker(node, mark_walker, context);
}

/* every value that is stored may be another one in each row */
static void
store_values(Rewrite *rw)
{
	Oid			relid = rt_fetch(rw->query->resultRelation, rw->query->rtable)->relid;
	ListCell   *lc;

	foreach(lc, rw->query->targetList)
	{
		TargetEntry *tle = lfirst_node(TargetEntry, lc);
		void	   *context[2];

		if (tle->resjunk)
			continue;
		store_value(rw, tle, relid, tle->resno);
		context[0] = rw;
		context[1] = get_attname(relid, tle->resno, false);
		mark_walker((Node *) tle->expr, context);
	}
}

/* DEFAULT is a word of VALUES; to leave the column out says the same */
static void
leave_out_defaults(Query *query)
{
	List	   *kept = NIL;
	ListCell   *lc;

	foreach(lc, query->targetList)
	{
		if (!IsA(lfirst_node(TargetEntry, lc)->expr, SetToDefault))
			kept = lappend(kept, lfirst(lc));
	}
	if (kept == NIL)
		give_up("the row is all defaults");
	query->targetList = kept;
}

/* ON CONFLICT DO UPDATE SET a = <the value of the row> is EXCLUDED.a */
static void
use_excluded(Query *query)
{
	ListCell   *lc,
			   *other;

	foreach(lc, query->onConflict->onConflictSet)
	{
		TargetEntry *set = lfirst_node(TargetEntry, lc);
		bool		done = false;

		if (!values_is_value(values_strip_casts((Node *) set->expr)))
			continue;
		foreach(other, query->targetList)
		{
			TargetEntry *stored = lfirst_node(TargetEntry, other);

			if (stored->resno != set->resno || !equal(stored->expr, set->expr))
				continue;
			set->expr = (Expr *) makeVar(query->onConflict->exclRelIndex, set->resno,
										 exprType((Node *) set->expr),
										 exprTypmod((Node *) set->expr),
										 exprCollation((Node *) set->expr), 0);
			done = true;
		}
		if (!done)
			give_up("a conflict stores another value");
	}
}

/* ON CONFLICT (a, b): the first unique key all of whose columns are stored */
static char *
conflict_target(const Query *query)
{
	Oid			relid = rt_fetch(query->resultRelation, query->rtable)->relid;
	List	   *stored = NIL;
	List	   *columns;
	StringInfoData buf;
	ListCell   *lc;

	foreach(lc, query->targetList)
		stored = lappend_int(stored, lfirst_node(TargetEntry, lc)->resno);
	columns = catalog_unique_key(relid, stored);
	if (columns == NIL)
		return "";
	initStringInfo(&buf);
	foreach(lc, columns)
		appendStringInfo(&buf, "%s%s", buf.len > 0 ? ", " : "",
						 quote_identifier(get_attname(relid, lfirst_int(lc), false)));
	return psprintf(" ON CONFLICT (%s) DO NOTHING", buf.data);
}

static char *
rewrite_insert(Rewrite *rw)
{
	Query	   *query = rw->query;
	char	   *text;
	char	   *conflict;
	const char *values,
			   *end;

	if (query->jointree->fromlist != NIL || query->jointree->quals != NULL)
		give_up("the INSERT has a source of its own");
	store_values(rw);
	text = values_deparse(query);
	values = values_find_word(text, "VALUES");
	if (values == NULL || strncmp(values, "VALUES (", 8) != 0)
		give_up("the INSERT has no VALUES");
	/* the bracket closes where the depth is back at none */
	end = values + 8;
	for (int depth = 1; depth > 0; end++)
	{
		if (*end == '"')
			end = values_skip_quoted(end) - 1;
		else
			depth += *end == '(' ? 1 : *end == ')' ? -1 : 0;
	}
	conflict = rw->facts->pattern == PATTERN_UPSERT && query->onConflict == NULL ?
		conflict_target(query) : "";
	return psprintf("%sSELECT %s FROM %s%s%s", pnstrdup(text, values - text),
					pnstrdup(values + 8, end - values - 9), unnested(rw), conflict, end);
}

/* -------------------------------------------------------------------------
 * UPDATE, DELETE
 * -------------------------------------------------------------------------
 */

/*
 * An entry of the range table that is in no FROM: it takes our name, and has
 * every column written with that of its table.
 */
static void
reserve_name(Rewrite *rw)
{
	RangeTblEntry *rte = makeNode(RangeTblEntry);

	rte->rtekind = RTE_RESULT;
	rte->alias = makeAlias(rw->rows, NIL);
	rte->eref = makeAlias(rw->rows, NIL);
	rw->query->rtable = lappend(rw->query->rtable, rte);
}

/* FROM (of UPDATE) or USING (of DELETE) the values that vary */
static char *
joined_to_values(Rewrite *rw, const char *word)
{
	char	   *text;
	const char *from,
			   *where;
	char	   *rows;

	reserve_name(rw);
	text = values_deparse(rw->query);
	rows = unnested(rw);
	where = values_find_word(text, "WHERE");
	if (where == NULL)
		give_up("there is no WHERE");
	from = values_find_word(text, word);
	/* DELETE FROM is not the FROM that we look for: its word is USING */
	if (from != NULL && from < where)
		return psprintf("%s %s, %s", pnstrdup(text, from - text + strlen(word)), rows,
						from + strlen(word) + 1);
	return psprintf("%s%s %s %s", pnstrdup(text, where - text), word, rows, where);
}

static char *
rewrite_update(Rewrite *rw)
{
	int			nkeys = 0;

	if (rw->nkeys == 0)
		give_up("there is no key");
	store_values(rw);
	for (int i = 1; i <= rw->values.n; i++)
		nkeys += value_of(rw, i)->use == VALUE_PER_ROW;
	find_conjunct(rw);
	if (nkeys > 1 || rw->key_op == NULL)
		return joined_to_values(rw, "FROM");
	compare_with_array(rw);
	return values_deparse(rw->query);
}

static char *
rewrite_delete(Rewrite *rw)
{
	if (rw->nkeys == 0)
		return values_deparse(rw->query);
	find_conjunct(rw);
	if (rw->key_op == NULL)
		return joined_to_values(rw, "USING");
	compare_with_array(rw);
	return values_deparse(rw->query);
}

/* -------------------------------------------------------------------------
 * All together
 * -------------------------------------------------------------------------
 */

static char *
rewrite_kind(Rewrite *rw)
{
	switch (rw->query->commandType)
	{
		case CMD_SELECT:
			if (rw->query->hasModifyingCTE)
				break;
			find_keys(rw);
			return rewrite_select(rw);
		case CMD_INSERT:
			return rewrite_insert(rw);
		case CMD_UPDATE:
			find_keys(rw);
			return rewrite_update(rw);
		case CMD_DELETE:
			find_keys(rw);
			return rewrite_delete(rw);
		default:
			break;
	}
	give_up("it is not a statement of rows");
}

/*
 * The statement that does the work of the whole loop, palloc'd.  Raises an
 * error where there is none; "query" is used up.
 */
char *
rewrite_statement(Query *query, const RewriteFacts *facts)
{
	Rewrite    *rw = palloc0(sizeof(Rewrite));
	char	   *text;

	rw->facts = facts;
	rw->values.share_equal = query->groupClause != NIL || query->distinctClause != NIL ||
		query->setOperations != NULL;
	rw->values.all = query->commandType == CMD_INSERT || query->commandType == CMD_UPDATE;
	rw->rows = free_name(query, rw->values.all ? "rows" : "keys");
	rw->found = free_name(query, "found");
	rw->values.rows = quote_identifier(rw->rows);
	if (query->commandType == CMD_INSERT)
	{
		leave_out_defaults(query);
		if (query->onConflict != NULL)
			use_excluded(query);
	}
	rw->query = values_take_out(&rw->values, query);
	text = values_put_back(&rw->values, rewrite_kind(rw));
	reread_check(text);
	return text;
}
