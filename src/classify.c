/*-------------------------------------------------------------------------
 *
 * classify.c
 *	  What kind of loop it is, and which columns link it to its parent.
 *
 * A pattern follows from what the statement does (shape.c), from the column
 * that its key is compared with, and from the column of the parent's result
 * that the values came from; foreign keys and unique keys say how the two
 * hang together.  Runs once per loop, at its detection.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "nodes/plannodes.h"
#include "parser/parsetree.h"

#include "catalog.h"
#include "classify.h"

static bool
same_column(TableColumn a, TableColumn b)
{
	return OidIsValid(a.relid) && a.relid == b.relid && a.attnum == b.attnum;
}

static TableColumn
key_column(const Shape *shape, int key)
{
	TableColumn column = {InvalidOid, 0};

	if (key >= 0)
	{
		column.relid = catalog_root(shape->keys[key].relid);
		column.attnum = shape->keys[key].attnum;
	}
	return column;
}

/* -------------------------------------------------------------------------
 * Which column the keys came from, where several fit
 * -------------------------------------------------------------------------
 */

/* how well the catalog explains that these values became this key */
typedef enum Rank
{
	RANK_CHANCE,
	RANK_POLYMORPHIC,			/* half of a reference with a type column */
	RANK_SIBLINGS,				/* both reference the same third column */
	RANK_SAME_COLUMN,
	RANK_FOREIGN_KEY
} Rank;

static Rank
rank_pair(TableColumn parent, TableColumn child)
{
	AttrNumber	a = 0,
				b = 0;
	Oid			target;

	if (!OidIsValid(parent.relid) || !OidIsValid(child.relid))
		return RANK_CHANCE;
	if (catalog_references(parent.relid, parent.attnum, child.relid, child.attnum) ||
		catalog_references(child.relid, child.attnum, parent.relid, parent.attnum))
		return RANK_FOREIGN_KEY;
	if (same_column(parent, child))
		return RANK_SAME_COLUMN;
	/* two columns that reference the same third one */
	target = catalog_target(parent.relid, parent.attnum, &a);
	if (OidIsValid(target) &&
		catalog_target(child.relid, child.attnum, &b) == target && a == b)
		return RANK_SIBLINGS;
	if (catalog_has_type_column(parent.relid, parent.attnum) &&
		catalog_is_unique(child.relid, child.attnum))
		return RANK_POLYMORPHIC;
	return RANK_CHANCE;
}

/* How well does the catalog explain that a column's values are this key? */
int
classify_rank(Oid relid, AttrNumber attnum, const Shape *shape, int key)
{
	TableColumn parent = {relid, attnum};

	return rank_pair(parent, key_column(shape, key));
}

static TableColumn
sampled_column(const Follow *follow)
{
	const Sample *sample = &my_slot->samples[follow->sample];
	const SampleColumn *column = &sample->columns[follow->column];
	TableColumn ref = {column->relid, column->attnum};

	return ref;
}

/*
 * The best of several candidates.  Small integers agree by chance: then a
 * foreign key decides, else the order that chance explains least, else the
 * result that was read last.
 */
int
classify_choose(const Candidate *candidates, int n, const Shape *shape)
{
	int			best = 0;
	int			best_rank = -1;

	if (n <= 1)
		return n - 1;
	for (int i = 0; i < n; i++)
	{
		const Follow *follow = &candidates[i].follow;
		int			rank = rank_pair(sampled_column(follow),
									 key_column(shape, follow->key));
		bool		better = rank > best_rank;

		if (rank == best_rank)
		{
			float		gain = candidates[i].weight - candidates[best].weight;
			uint64		seq = my_slot->samples[follow->sample].last_seq;
			uint64		best_seq = my_slot->samples[candidates[best].follow.sample].last_seq;

			better = gain > 0 || (gain == 0 && seq > best_seq);
		}
		if (better)
		{
			best = i;
			best_rank = rank;
		}
	}
	return best;
}

/* -------------------------------------------------------------------------
 * The pattern
 * -------------------------------------------------------------------------
 */

/* the table that the rows of a SELECT are made of: the first target's */
static Oid
target_relation(const QueryDesc *queryDesc)
{
	ListCell   *lc;

	foreach(lc, queryDesc->plannedstmt->planTree->targetlist)
	{
		TargetEntry *tle = lfirst_node(TargetEntry, lc);

		if (!tle->resjunk && OidIsValid(tle->resorigtbl))
			return tle->resorigtbl;
	}
	return InvalidOid;
}

/*
 * Does the statement read through a table that links two others?  Such a
 * table has two foreign keys, the key is one of them, and the rows come from
 * elsewhere.
 */
static bool
is_many_to_many(const LoopFacts *facts, TableColumn child)
{
	Oid			target = target_relation(facts->queryDesc);
	AttrNumber	attnum;

	return OidIsValid(target) && target != child.relid &&
		OidIsValid(catalog_target(child.relid, child.attnum, &attnum)) &&
		catalog_links_any(child.relid, child.attnum,
						  facts->queryDesc->plannedstmt->relationOids);
}

/* two equalities of which one varies and the other names a type */
static bool
is_typed_reference(const Shape *shape, TableColumn child)
{
	AttrNumber	attnum;

	return shape->nkeys >= 2 && OidIsValid(child.relid) &&
		!OidIsValid(catalog_target(child.relid, child.attnum, &attnum)) &&
		catalog_has_type_column(child.relid, child.attnum);
}

/* a look-up by the parent's own key that reads a table joined to it */
static Pattern
through_own_key(const LoopFacts *facts, TableColumn child)
{
	Oid			target = target_relation(facts->queryDesc);

	if (!OidIsValid(target) || target == child.relid)
		return PATTERN_DEFERRED_COLUMN;
	if (catalog_links(child.relid, target))
		return PATTERN_FORWARD_FK;
	if (catalog_links(target, child.relid))
		return PATTERN_REVERSE_FK;
	return PATTERN_MANY_TO_MANY;
}

static bool
wants_first_row(const LoopFacts *facts)
{
	return (facts->shape->flags & SHAPE_ORDERED) != 0 &&
		((facts->shape->flags & SHAPE_LIMIT_ONE) != 0 ||
		 shape_limit_is_one(facts->queryDesc));
}

/* a SELECT whose keys came from a known column of the parent */
static Pattern
classify_linked(const LoopFacts *facts, TableColumn child)
{
	TableColumn parent = facts->parent;
	bool		unique = catalog_is_unique(child.relid, child.attnum);

	if (same_column(parent, child) && unique)
		return through_own_key(facts, child);
	if (is_many_to_many(facts, child))
		return PATTERN_MANY_TO_MANY;
	if (!unique && wants_first_row(facts))
		return PATTERN_FIRST_PER_PARENT;
	if (catalog_references(child.relid, child.attnum, parent.relid, parent.attnum))
		return PATTERN_REVERSE_FK;
	if (catalog_references(parent.relid, parent.attnum, child.relid, child.attnum))
		return PATTERN_FORWARD_FK;
	if (rank_pair(parent, child) == RANK_SIBLINGS)
		return PATTERN_REVERSE_FK;
	if (catalog_has_type_column(parent.relid, parent.attnum) ||
		is_typed_reference(facts->shape, child))
		return PATTERN_POLYMORPHIC;
	return PATTERN_LOOKUP;
}

/* a SELECT of which only the key's column is known */
static Pattern
classify_unlinked(const LoopFacts *facts, TableColumn child)
{
	AttrNumber	attnum;

	if (!OidIsValid(child.relid))
		return facts->key >= 0 ? PATTERN_LOOKUP : PATTERN_OTHER;
	if (is_many_to_many(facts, child))
		return PATTERN_MANY_TO_MANY;
	if (catalog_is_unique(child.relid, child.attnum))
		return PATTERN_LOOKUP;
	if (OidIsValid(catalog_target(child.relid, child.attnum, &attnum)))
		return wants_first_row(facts) ? PATTERN_FIRST_PER_PARENT : PATTERN_REVERSE_FK;
	if (is_typed_reference(facts->shape, child))
		return PATTERN_POLYMORPHIC;
	return PATTERN_LOOKUP;
}

static Pattern
classify_select(const LoopFacts *facts, const Classification *found)
{
	if (facts->same_keys && !OidIsValid(found->parent.relid))
		return PATTERN_DUPLICATE;
	switch (facts->shape->kind)
	{
		case KIND_FOR_UPDATE:
			return PATTERN_SELECT_FOR_UPDATE;
		case KIND_COUNT:
			return PATTERN_COUNT;
		case KIND_EXISTS:
			return PATTERN_EXISTS;
		case KIND_AGGREGATE:
			return PATTERN_AGGREGATE;
		default:
			break;
	}
	if (OidIsValid(found->parent.relid) && OidIsValid(found->child.relid))
		return classify_linked(facts, found->child);
	return classify_unlinked(facts, found->child);
}

static Pattern
classify_kind(const LoopFacts *facts, const Classification *found)
{
	if (facts->upsert)
		return PATTERN_UPSERT;
	switch (facts->shape->kind)
	{
		case KIND_INSERT:
			return PATTERN_INSERT;
		case KIND_UPSERT:
			return PATTERN_UPSERT;
		case KIND_UPDATE:
			return PATTERN_UPDATE;
		case KIND_DELETE:
			return PATTERN_DELETE;
		case KIND_OTHER:
			return PATTERN_OTHER;
		default:
			return classify_select(facts, found);
	}
}

/* the latest value at a key place */
static uint32
latest_value(const KeyHistory *history, int key)
{
	return history->hash[(history->count - 1) % KEY_HISTORY][key];
}

/*
 * Where order cannot tell which column of the parent a key came from (the
 * keys are all alike), the catalog may: of the columns that have the value,
 * the one that it explains best.
 */
static void
link_by_catalog(const LoopFacts *facts, Classification *result)
{
	Rank		best = RANK_CHANCE;

	for (int key = 0; key < facts->shape->nkeys; key++)
	{
		TableColumn child = key_column(facts->shape, key);

		if (!ROLE_IS_KEY(facts->shape->keys[key].role))
			continue;
		for (int i = 0; i < facts->sample->ncolumns; i++)
		{
			const SampleColumn *column = &facts->sample->columns[i];
			TableColumn parent = {column->relid, column->attnum};
			Rank		rank;

			if (!evidence_has_value(facts->sample, i, latest_value(facts->history, key)))
				continue;
			rank = rank_pair(parent, child);
			if (rank <= best)
				continue;
			best = rank;
			result->parent = parent;
			result->child = child;
		}
	}
}

void
classify_loop(const LoopFacts *facts, Classification *result)
{
	LoopFacts	known = *facts;

	result->parent = facts->parent;
	result->child = key_column(facts->shape, facts->key);
	if (facts->sample != NULL && !OidIsValid(result->parent.relid))
	{
		link_by_catalog(facts, result);
		known.parent = result->parent;
	}
	result->pattern = classify_kind(&known, result);
	if (!OidIsValid(result->parent.relid) || !OidIsValid(result->child.relid))
		result->parent.relid = InvalidOid;
}

/* parent column -> child column, palloc'd; NULL where there is no parent */
char *
classify_link(const Classification *result)
{
	char	   *parent,
			   *child;

	if (!OidIsValid(result->parent.relid))
		return NULL;
	parent = catalog_column_name(result->parent.relid, result->parent.attnum);
	child = catalog_column_name(result->child.relid, result->child.attnum);
	if (parent == NULL || child == NULL)
		return NULL;
	return psprintf("%s -> %s", parent, child);
}
