/*-------------------------------------------------------------------------
 *
 * advice.c
 *	  What to change, in the words of the ORM that wrote the statements.
 *
 * In flow the classification of a loop, the loops around it and the parse
 * tree of its statement, where that could be had; out flow two sentences of
 * at most ADVICE_BYTES: what happens, and what to do.  The sentences are in
 * advice_table.c, the names in them follow names.c, and this room knows which
 * kind of sentence fits and what goes into its braces.
 *
 * Runs once per cluster, in the memory context of the detection.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "lib/stringinfo.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "parser/parsetree.h"
#include "utils/builtins.h"
#include "utils/formatting.h"
#include "utils/lsyscache.h"

#include "advice.h"
#include "advice_table.h"
#include "catalog.h"
#include "names.h"
#include "rewrite_values.h"

/* one relation on the way from the rows of the root to those of the child */
typedef struct PathStep
{
	char	   *name;			/* as the ORM calls it */
	char	   *model;			/* that it leads to */
	char	   *owner;			/* that it belongs to */
	bool		many;			/* to several rows */
} PathStep;

#define PATH_STEPS (2 * (ADVICE_STEPS + 1))

typedef struct Advice
{
	const AdviceFacts *facts;
	AdviceKind	kind;
	TableColumn parent;			/* invalid: none */
	TableColumn child;
	Oid			target;			/* whose rows are read */
	int			npath;
	PathStep	path[PATH_STEPS];
} Advice;

static Orm
orm_of(const Advice *advice)
{
	return advice->facts->orm;
}

/* -------------------------------------------------------------------------
 * Names
 * -------------------------------------------------------------------------
 */

static const char *
table_name(Oid relid)
{
	const char *name = OidIsValid(relid) ? get_rel_name(relid) : NULL;

	return name ? name : "table";
}

static const char *
column_name(TableColumn column)
{
	const char *name = (OidIsValid(column.relid) ?
						get_attname(column.relid, column.attnum, true) : NULL);

	return name ? name : "id";
}

static char *
stem_beside(const Advice *advice, Oid relid, Oid neighbour)
{
	return names_stem(orm_of(advice), table_name(relid),
					  OidIsValid(neighbour) && neighbour != relid ? table_name(neighbour) : NULL);
}

static char *
stem_of(const Advice *advice, Oid relid)
{
	Oid			neighbour = relid == advice->target ? advice->parent.relid : advice->target;

	return stem_beside(advice, relid, neighbour);
}

static char *
model_of(const Advice *advice, Oid relid)
{
	return names_model(orm_of(advice), stem_of(advice, relid));
}

/* -------------------------------------------------------------------------
 * The path of relations
 * -------------------------------------------------------------------------
 */

static void
add_step(Advice *advice, char *name, Oid owner, Oid to, bool many)
{
	PathStep   *step = &advice->path[advice->npath++];

	step->name = name;
	step->many = many;
	step->model = names_model(orm_of(advice), stem_beside(advice, to, owner));
	step->owner = names_model(orm_of(advice), stem_beside(advice, owner, to));
}

/* from a row that has the reference to the row that it references */
static void
add_forward(Advice *advice, TableColumn from, Oid to)
{
	add_step(advice, names_reference(orm_of(advice), column_name(from)), from.relid, to, false);
}

/* from a row to the rows that reference it by this column */
static void
add_reverse(Advice *advice, Oid from, TableColumn to)
{
	char	   *stem = stem_beside(advice, to.relid, from);

	if (catalog_is_unique(to.relid, to.attnum))
		add_step(advice, names_reference(orm_of(advice), names_singular(stem)), from, to.relid, false);
	else
		add_step(advice, names_collection(orm_of(advice), stem), from, to.relid, true);
}

/*
 * The relations that lead from one column to another.  False where the
 * catalog knows of none.
 */
static bool
add_link(Advice *advice, TableColumn parent, TableColumn child, Oid target)
{
	AttrNumber	attnum;
	Oid			middle;

	if (!OidIsValid(parent.relid) || !OidIsValid(child.relid))
		return false;
	if (parent.relid == child.relid && parent.attnum == child.attnum)
	{
		/* by the parent's own key, joined to what is read */
		TableColumn from = {parent.relid, catalog_column_to(parent.relid, target)};
		TableColumn to = {target, catalog_column_to(target, parent.relid)};

		if (from.attnum != 0)
			add_forward(advice, from, target);
		else if (to.attnum != 0)
			add_reverse(advice, parent.relid, to);
		else
			return false;
		return true;
	}
	if (catalog_references(parent.relid, parent.attnum, child.relid, child.attnum))
		add_forward(advice, parent, child.relid);
	else if (!OidIsValid(middle = catalog_target(child.relid, child.attnum, &attnum)))
		return false;
	else
	{
		if (middle != parent.relid)
			add_forward(advice, parent, middle);
		if (target != child.relid && catalog_column_to(child.relid, target) != 0)
			add_step(advice, names_collection(orm_of(advice), stem_beside(advice, target, middle)),
					 middle, target, true);
		else
			add_reverse(advice, middle, child);
	}
	return true;
}

/* The loops around this one lead to its parent; a gap begins the path anew. */
static void
find_path(Advice *advice)
{
	const AdviceFacts *facts = advice->facts;

	for (int i = 0; i < facts->nouter; i++)
	{
		const LinkStep *outer = &facts->outer[i];
		Oid			next = (i + 1 < facts->nouter ? facts->outer[i + 1].parent.relid :
							advice->parent.relid);

		if (outer->child.relid != next && catalog_column_to(outer->child.relid, next) == 0)
			advice->npath = 0;
		else if (!add_link(advice, outer->parent, outer->child, next))
			advice->npath = 0;
	}
	if (!add_link(advice, advice->parent, advice->child, advice->target))
		advice->npath = 0;
}

static bool
leads_to_many(const Advice *advice)
{
	for (int i = 0; i < advice->npath; i++)
		if (advice->path[i].many)
			return true;
	return false;
}

/* the names of the path, with something between them */
static char *
joined_path(const Advice *advice, const char *between)
{
	StringInfoData buf;

	initStringInfo(&buf);
	for (int i = 0; i < advice->npath; i++)
		appendStringInfo(&buf, "%s%s", i > 0 ? between : "", advice->path[i].name);
	return buf.data;
}

/* -------------------------------------------------------------------------
 * What the statement itself says
 * -------------------------------------------------------------------------
 */

static const char *
query_column(const Query *query, const Node *node)
{
	const RangeTblEntry *rte;

	if (node == NULL || !IsA(node, Var) || ((const Var *) node)->varlevelsup > 0 ||
		((const Var *) node)->varattno <= 0)
		return NULL;
	rte = rt_fetch(((const Var *) node)->varno, query->rtable);
	return rte->rtekind == RTE_RELATION ?
		get_attname(rte->relid, ((const Var *) node)->varattno, true) : NULL;
}

/* '-created_at', 'id' for Django, else created_at DESC, id; NULL when unknown */
static char *
order_names(const Query *query, Orm orm)
{
	StringInfoData buf;
	ListCell   *lc;

	if (query == NULL || query->sortClause == NIL)
		return NULL;
	initStringInfo(&buf);
	foreach(lc, query->sortClause)
	{
		SortGroupClause *clause = lfirst_node(SortGroupClause, lc);
		TargetEntry *tle = get_sortgroupref_tle(clause->tleSortGroupRef, query->targetList);
		const char *name = query_column(query, (Node *) tle->expr);
		char	   *op = get_opname(clause->sortop);
		const char *comma = buf.len > 0 ? ", " : "";
		bool		down;

		if (name == NULL || op == NULL)
			return NULL;
		down = op[0] == '>';
		if (orm == ORM_DJANGO)
			appendStringInfo(&buf, "%s'%s%s'", comma, down ? "-" : "", name);
		else
			appendStringInfo(&buf, "%s%s%s", comma, name, down ? " DESC" : "");
	}
	return buf.data;
}

/* published=True: a condition as Django writes it; NULL for what is none */
static char *
filter_term(const Query *query, const Node *clause, const char **name)
{
	const Node *node = clause;
	const char *term = "=True";

	if (IsA(clause, OpExpr) && list_length(((const OpExpr *) clause)->args) == 2)
	{
		node = values_strip_casts(linitial(((const OpExpr *) clause)->args));
		if (node && !IsA(node, Var))
			node = values_strip_casts(lsecond(((const OpExpr *) clause)->args));
		term = "=...";
	}
	else if (is_notclause(clause))
	{
		node = linitial(((const BoolExpr *) clause)->args);
		term = "=False";
	}
	else if (IsA(clause, NullTest))
	{
		node = (Node *) ((const NullTest *) clause)->arg;
		term = ((const NullTest *) clause)->nulltesttype == IS_NULL ?
			"__isnull=True" : "__isnull=False";
	}
	*name = query_column(query, node);
	return *name ? psprintf("%s%s", *name, term) : NULL;
}

/* what else than the key the rows are chosen by; NULL when nothing is */
static char *
filter_names(const Advice *advice)
{
	const Query *query = advice->facts->query;
	const char *key = column_name(advice->child);
	Node	   *quals = query ? query->jointree->quals : NULL;
	StringInfoData buf;
	ListCell   *lc;

	if (quals == NULL || !is_andclause(quals))
		return NULL;
	initStringInfo(&buf);
	foreach(lc, ((BoolExpr *) quals)->args)
	{
		const char *name;
		char	   *term = filter_term(query, lfirst(lc), &name);

		if (term == NULL)
			return pstrdup("...");
		if (strcmp(name, key) != 0)
			appendStringInfo(&buf, "%s%s", buf.len > 0 ? ", " : "", term);
	}
	return buf.len > 0 ? buf.data : NULL;
}

/* the columns read besides the key, or those changed; NULL when unknown */
static List *
listed_columns(const Advice *advice)
{
	const Query *query = advice->facts->query;
	List	   *names = NIL;
	ListCell   *lc;

	if (query == NULL)
		return NIL;
	foreach(lc, query->targetList)
	{
		TargetEntry *tle = lfirst_node(TargetEntry, lc);
		const char *name = (query->commandType == CMD_SELECT ?
							query_column(query, (Node *) tle->expr) : tle->resname);

		if (!tle->resjunk && name != NULL && strcmp(name, column_name(advice->child)) != 0)
			names = lappend(names, pstrdup(name));
	}
	return names;
}

/* At most three names; more would hide what is to be said. */
static char *
comma_separated(const List *names, const char *quote)
{
	StringInfoData buf;
	ListCell   *lc;

	initStringInfo(&buf);
	foreach(lc, names)
	{
		if (foreach_current_index(lc) == 3 && list_length(names) > 4)
		{
			appendStringInfoString(&buf, ", ...");
			break;
		}
		appendStringInfo(&buf, "%s%s%s%s", buf.len > 0 ? ", " : "", quote,
						 (char *) lfirst(lc), quote);
	}
	return buf.len > 0 ? buf.data : psprintf("%s...%s", quote, quote);
}

/* the first aggregate of the statement, and the column that it is of */
static const char *
aggregate_of(const Query *query, const char **column)
{
	ListCell   *lc;

	*column = NULL;
	if (query == NULL)
		return NULL;
	foreach(lc, query->targetList)
	{
		Node	   *expr = (Node *) lfirst_node(TargetEntry, lc)->expr;
		Aggref	   *agg = (Aggref *) expr;

		/* coalesce(sum(x), 0) */
		if (IsA(expr, CoalesceExpr))
			agg = linitial(((CoalesceExpr *) expr)->args);
		if (!IsA(agg, Aggref) || agg->args == NIL)
			continue;
		*column = query_column(query, values_strip_casts((Node *)
														 linitial_node(TargetEntry, agg->args)->expr));
		return get_func_name(agg->aggfnoid);
	}
	return NULL;
}

static bool
has_var_walker(Node *node, void *context)
{
	if (node == NULL)
		return false;
	if (IsA(node, Var))
		return true;
	return expression_tree_walker(node, has_var_walker, context);
}

/* SET a = a + 1 */
static bool
updates_in_place(const Query *query)
{
	ListCell   *lc;
	bool		any = false;

	if (query == NULL)
		return false;
	foreach(lc, query->targetList)
	{
		TargetEntry *tle = lfirst_node(TargetEntry, lc);
		Node	   *expr = values_strip_casts((Node *) tle->expr);

		if (tle->resjunk)
			continue;
		if (!IsA(expr, OpExpr) || !has_var_walker(expr, NULL))
			return false;
		any = true;
	}
	return any;
}

/* -------------------------------------------------------------------------
 * The kind
 * -------------------------------------------------------------------------
 */

/* the table whose rows the statement gives: its first column's, else the key's */
static Oid
target_table(const Advice *advice)
{
	const Query *query = advice->facts->query;
	const QueryDesc *queryDesc = advice->facts->loop->queryDesc;
	ListCell   *lc;

	if (query != NULL && query->commandType != CMD_SELECT && query->resultRelation > 0)
		return rt_fetch(query->resultRelation, query->rtable)->relid;
	foreach(lc, queryDesc->plannedstmt->planTree->targetlist)
	{
		TargetEntry *tle = lfirst_node(TargetEntry, lc);

		if (!tle->resjunk && OidIsValid(tle->resorigtbl))
			return catalog_root(tle->resorigtbl);
	}
	return OidIsValid(advice->child.relid) ? advice->child.relid :
		catalog_root(advice->facts->loop->shape->relid);
}

static AdviceKind
summing_kind(const Advice *advice, AdviceKind kind)
{
	const char *column;

	if (advice->npath == 0 || !leads_to_many(advice))
		return ADVICE_GROUPED;
	if (kind == ADVICE_AGGREGATE &&
		(aggregate_of(advice->facts->query, &column) == NULL || column == NULL))
		return ADVICE_GROUPED;
	return kind;
}

static AdviceKind
kind_of(const Advice *advice)
{
	bool		linked = advice->npath > 0;

	switch (advice->facts->found->pattern)
	{
		case PATTERN_FORWARD_FK:
			return linked ? ADVICE_FORWARD : ADVICE_LOOKUP;
		case PATTERN_REVERSE_FK:
			return !linked ? ADVICE_LOOKUP :
				leads_to_many(advice) ? ADVICE_REVERSE : ADVICE_FORWARD;
		case PATTERN_MANY_TO_MANY:
			return linked ? ADVICE_MANY : ADVICE_LOOKUP;
		case PATTERN_POLYMORPHIC:
			return OidIsValid(advice->parent.relid) ? ADVICE_POLYMORPHIC : ADVICE_LOOKUP;
		case PATTERN_DEFERRED_COLUMN:
			return ADVICE_DEFERRED;
		case PATTERN_COUNT:
			return summing_kind(advice, ADVICE_COUNT);
		case PATTERN_EXISTS:
			return summing_kind(advice, ADVICE_EXISTS);
		case PATTERN_AGGREGATE:
			return summing_kind(advice, ADVICE_AGGREGATE);
		case PATTERN_FIRST_PER_PARENT:
			return linked ? ADVICE_FIRST : ADVICE_LOOKUP;
		case PATTERN_LOOKUP:
			return ADVICE_LOOKUP;
		case PATTERN_DUPLICATE:
			return ADVICE_DUPLICATE;
		case PATTERN_SELECT_FOR_UPDATE:
			return ADVICE_FOR_UPDATE;
		case PATTERN_INSERT:
			return ADVICE_INSERT;
		case PATTERN_UPDATE:
			return updates_in_place(advice->facts->query) ? ADVICE_UPDATE_IN_PLACE : ADVICE_UPDATE;
		case PATTERN_DELETE:
			return ADVICE_DELETE;
		case PATTERN_UPSERT:
			return ADVICE_UPSERT;
		case PATTERN_OTHER:
			break;
	}
	return ADVICE_OTHER;
}

/* -------------------------------------------------------------------------
 * The words in braces
 * -------------------------------------------------------------------------
 */

/* Prefetch('comments', queryset=...) where a plain name would lose something */
static char *
django_prefetch(const Advice *advice)
{
	char	   *path = joined_path(advice, "__");
	char	   *order = order_names(advice->facts->query, orm_of(advice));
	char	   *filter = filter_names(advice);
	StringInfoData buf;

	if (advice->kind != ADVICE_REVERSE && advice->kind != ADVICE_MANY)
		return psprintf("prefetch_related('%s')", path);
	if (advice->kind == ADVICE_MANY)
		filter = NULL;			/* what joins the linking table is no filter */
	if (order == NULL && filter == NULL)
		return psprintf("prefetch_related('%s')", path);
	initStringInfo(&buf);
	appendStringInfo(&buf, "prefetch_related(Prefetch('%s', queryset=%s.objects", path,
					 advice->path[advice->npath - 1].model);
	if (filter != NULL)
		appendStringInfo(&buf, ".filter(%s)", filter);
	if (order != NULL)
		appendStringInfo(&buf, ".order_by(%s)", order);
	appendStringInfoString(&buf, "))");
	return buf.data;
}

/* author, or comments: :author */
static char *
rails_path(const Advice *advice)
{
	StringInfoData buf;

	initStringInfo(&buf);
	for (int i = 0; i < advice->npath; i++)
	{
		bool		last = i == advice->npath - 1;

		appendStringInfo(&buf, last ? ":%s" : i > 0 ? "{ %s: " : "%s: ", advice->path[i].name);
	}
	for (int i = 1; i < advice->npath - 1; i++)
		appendStringInfoString(&buf, " }");
	return buf.data;
}

/* one call a step: joinedload(Post.author), .ThenInclude(c => c.Author) */
static char *
chained_path(const Advice *advice)
{
	StringInfoData buf;

	initStringInfo(&buf);
	for (int i = 0; i < advice->npath; i++)
	{
		const PathStep *step = &advice->path[i];

		if (orm_of(advice) == ORM_EF)
			appendStringInfo(&buf, "%s(x => x.%s)", i > 0 ? ".ThenInclude" : "Include", step->name);
		else
			appendStringInfo(&buf, "%s%s(%s.%s)", i > 0 ? "." : "",
							 step->many ? "selectinload" : "joinedload", step->owner, step->name);
	}
	return buf.data;
}

/* comments: { include: { author: true } } */
static char *
braced_path(const Advice *advice)
{
	const char *word = (orm_of(advice) == ORM_PRISMA ? "include: { " :
						orm_of(advice) == ORM_DRIZZLE ? "with: { " : "");
	StringInfoData buf;

	initStringInfo(&buf);
	for (int i = 0; i < advice->npath; i++)
		if (i < advice->npath - 1)
			appendStringInfo(&buf, "%s: { %s", advice->path[i].name, word);
		else
			appendStringInfo(&buf, "%s: true", advice->path[i].name);
	for (int i = 1; i < advice->npath; i++)
		appendStringInfoString(&buf, word[0] ? " } }" : " }");
	return buf.data;
}

/* 'author', or { association: 'comments', include: ['author'] } */
static char *
sequelize_path(const Advice *advice)
{
	char	   *path = psprintf("'%s'", advice->path[advice->npath - 1].name);

	for (int i = advice->npath - 2; i >= 0; i--)
		path = psprintf("{ association: '%s', include: [%s] }", advice->path[i].name, path);
	return path;
}

static char *
load_path(const Advice *advice)
{
	switch (orm_of(advice))
	{
		case ORM_DJANGO:
			if (leads_to_many(advice))
				return django_prefetch(advice);
			return psprintf("select_related('%s')", joined_path(advice, "__"));
		case ORM_RAILS:
			return rails_path(advice);
		case ORM_SQLALCHEMY:
		case ORM_EF:
			return chained_path(advice);
		case ORM_PRISMA:
		case ORM_TYPEORM:
		case ORM_DRIZZLE:
			return braced_path(advice);
		case ORM_SEQUELIZE:
			return sequelize_path(advice);
		default:
			return joined_path(advice, ".");
	}
}

/* What Django calls the relation if the model does not name it. */
static char *
default_note(const Advice *advice)
{
	const PathStep *last = advice->npath > 0 ? &advice->path[advice->npath - 1] : NULL;
	char	   *model;

	if (last == NULL || !last->many || advice->target != advice->child.relid)
		return "";
	model = names_camel(last->model, false);
	for (char *p = model; *p; p++)
		*p = pg_tolower((unsigned char) *p);
	return psprintf(" ('%s%s' where the ForeignKey has no related_name)", model,
					advice->kind == ADVICE_REVERSE ? "_set" : "");
}

/* in_bulk() needs a unique field */
static char *
django_bulk(const Advice *advice)
{
	const char *key = column_name(advice->child);
	char	   *model = model_of(advice, advice->target);

	if (!OidIsValid(advice->child.relid) || advice->child.relid != advice->target)
		return psprintf("%s.objects.filter(...__in=values)", model);
	if (!catalog_is_unique(advice->child.relid, advice->child.attnum))
		return psprintf("%s.objects.filter(%s__in=values)", model, key);
	if (catalog_is_primary(advice->child.relid, advice->child.attnum))
		return psprintf("%s.objects.in_bulk(values)", model);
	return psprintf("%s.objects.in_bulk(values, field_name='%s')", model, key);
}

/* views=F('views') + ... for the columns that are changed */
static char *
django_set(const Advice *advice)
{
	StringInfoData buf;
	ListCell   *lc;

	initStringInfo(&buf);
	foreach(lc, listed_columns(advice))
	{
		if (foreach_current_index(lc) < 3)
			appendStringInfo(&buf, "%s%s=F('%s') + ...", buf.len > 0 ? ", " : "",
							 (char *) lfirst(lc), (char *) lfirst(lc));
	}
	return buf.data;
}

static char *
capital(const char *word)
{
	return names_camel(word, true);
}

/* the aggregate as Rails and Entity Framework call it */
static char *
long_aggregate(const char *agg, const char *column, bool rails)
{
	const char *name = (strcmp(agg, "avg") == 0 ? "average" :
						strcmp(agg, "min") == 0 ? (rails ? "minimum" : "min") :
						strcmp(agg, "max") == 0 ? (rails ? "maximum" : "max") : agg);

	return rails ? psprintf("%s(:%s)", name, column) : capital(name);
}

static char *
aggregate_word(const Advice *advice, const char *word)
{
	const char *column;
	const char *agg = aggregate_of(advice->facts->query, &column);

	if (agg == NULL)
		agg = "sum";
	if (column == NULL)
		column = "id";
	if (strcmp(word, "agg") == 0)
		return pstrdup(agg);
	if (strcmp(word, "Agg") == 0)
		return capital(agg);
	if (strcmp(word, "AGG") == 0)
		return asc_toupper(agg, strlen(agg));
	if (strcmp(word, "AggEf") == 0)
		return long_aggregate(agg, column, false);
	if (strcmp(word, "calculate") == 0)
		return long_aggregate(agg, column, true);
	return strcmp(word, "column") == 0 ? pstrdup(column) : NULL;
}

/* words about the relation between parent and child */
static char *
relation_word(const Advice *advice, const char *word)
{
	const PathStep *last = advice->npath > 0 ? &advice->path[advice->npath - 1] : NULL;
	bool		own = last != NULL && !last->many;

	if (strcmp(word, "load") == 0)
		return last ? load_path(advice) : pstrdup("...");
	if (strcmp(word, "path") == 0)
		return joined_path(advice, "__");
	if (strcmp(word, "rel") == 0)
		return last ? pstrdup(last->name) :
			names_reference(orm_of(advice), column_name(advice->parent));
	if (strcmp(word, "Rel") == 0)
		return last ? capital(last->name) : pstrdup("...");
	if (strcmp(word, "Root") == 0)
		return last ? pstrdup(advice->path[0].owner) : model_of(advice, advice->parent.relid);
	if (strcmp(word, "root") == 0)
		return names_camel(last ? advice->path[0].owner : model_of(advice, advice->parent.relid), false);
	if (strcmp(word, "default") == 0)
		return default_note(advice);
	if (strcmp(word, "field") == 0)
		return names_reference(orm_of(advice),
							   column_name(own && advice->kind == ADVICE_FORWARD ? advice->parent : advice->child));
	if (strcmp(word, "outer") == 0)
		return catalog_is_unique(advice->parent.relid, advice->parent.attnum) ?
			pstrdup("pk") : pstrdup(column_name(advice->parent));
	return NULL;
}

/* words about the statement */
static char *
statement_word(const Advice *advice, const char *word)
{
	if (strcmp(word, "columns") == 0)
		return comma_separated(listed_columns(advice), "");
	if (strcmp(word, "Column") == 0)
	{
		const char *column;

		if (aggregate_of(advice->facts->query, &column) != NULL && column != NULL)
			return capital(column);
		return capital(comma_separated(listed_columns(advice), ""));
	}
	if (strcmp(word, "quoted") == 0)
		return comma_separated(listed_columns(advice), "'");
	if (strcmp(word, "bulk") == 0)
		return django_bulk(advice);
	if (strcmp(word, "setf") == 0)
		return django_set(advice);
	if (strcmp(word, "and") == 0 || strcmp(word, "q") == 0)
	{
		char	   *filter = filter_names(advice);

		return filter == NULL ? pstrdup("") :
			psprintf(word[0] == 'a' ? ", %s" : ", filter=Q(%s)", filter);
	}
	if (strcmp(word, "order") == 0)
	{
		char	   *order = order_names(advice->facts->query, orm_of(advice));

		return order ? order : pstrdup("...");
	}
	return aggregate_word(advice, word);
}

/* words about the two tables */
static char *
table_word(const Advice *advice, const char *word)
{
	if (strcmp(word, "parent") == 0)
		return pstrdup(table_name(advice->parent.relid));
	if (strcmp(word, "child") == 0)
		return pstrdup(table_name(advice->target));
	if (strcmp(word, "through") == 0)
		return pstrdup(table_name(advice->child.relid));
	if (strcmp(word, "pcol") == 0)
		return pstrdup(column_name(advice->parent));
	if (strcmp(word, "key") == 0 || strcmp(word, "keypath") == 0)
		return pstrdup(column_name(advice->child));
	if (strcmp(word, "Key") == 0)
		return capital(column_name(advice->child));
	if (strcmp(word, "Parent") == 0)
		return model_of(advice, advice->parent.relid);
	if (strcmp(word, "parent1") == 0)
		return names_camel(model_of(advice, advice->parent.relid), false);
	if (strcmp(word, "Child") == 0)
		return model_of(advice, advice->target);
	if (strcmp(word, "one1") == 0)
		return names_camel(model_of(advice, advice->target), false);
	if (strcmp(word, "one") == 0)
		return names_snake(names_singular(stem_of(advice, advice->target)));
	return NULL;
}

static char *
word_for(const Advice *advice, const char *word)
{
	char	   *text = table_word(advice, word);

	if (text == NULL)
		text = relation_word(advice, word);
	if (text == NULL)
		text = statement_word(advice, word);
	return text;
}

/* Fill in the words in braces; braces around anything else stay. */
static char *
fill(const Advice *advice, const char *template)
{
	StringInfoData buf;

	initStringInfo(&buf);
	for (const char *p = template; *p != '\0';)
	{
		int			len = *p == '{' ? strspn(p + 1, "abcdefghijklmnopqrstuvwxyz"
											 "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789") : 0;
		char	   *text = NULL;

		if (len > 0 && p[len + 1] == '}')
			text = word_for(advice, pnstrdup(p + 1, len));
		if (text != NULL)
		{
			appendStringInfoString(&buf, text);
			p += len + 2;
		}
		else
			appendStringInfoChar(&buf, *p++);
	}
	return buf.data;
}

/* -------------------------------------------------------------------------
 * All together
 * -------------------------------------------------------------------------
 */

/*
 * What there is to say of a loop, palloc'd.  Sentences are left out whole
 * rather than cut: NULL when not even what to do has room.
 */
char *
advice_write(const AdviceFacts *facts)
{
	Advice	   *advice = palloc0(sizeof(Advice));
	char	   *lead,
			   *fix;

	advice->facts = facts;
	advice->parent = facts->found->parent;
	advice->child = facts->found->child;
	advice->target = target_table(advice);
	find_path(advice);
	advice->kind = kind_of(advice);
	lead = fill(advice, advice_lead(advice->kind));
	fix = fill(advice, advice_template(advice->kind, facts->orm));
	if (strlen(lead) + 1 + strlen(fix) <= ADVICE_BYTES)
		return psprintf("%s %s", lead, fix);
	if (strlen(fix) <= ADVICE_BYTES)
		return fix;
	return strlen(lead) <= ADVICE_BYTES ? lead : NULL;
}
