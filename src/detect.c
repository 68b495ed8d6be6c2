/*-------------------------------------------------------------------------
 *
 * detect.c
 *	  What happens once per loop, when it has become one.
 *
 * The statement that makes the loop is about to start: there is a valid
 * transaction, so the catalog may be read and memory allocated, in a context
 * of its own that goes at the end.  The loop is classified, its texts are
 * normalised (unless its cluster is known already), and it is published.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/transam.h"
#include "miscadmin.h"
#include "utils/memutils.h"

#include "action.h"
#include "classify.h"
#include "clusters.h"
#include "cycle.h"
#include "detect.h"
#include "hints.h"
#include "normalize.h"
#include "requests.h"
#include "settings.h"
#include "texts.h"
#include "value.h"

/* Relations that extensions brought along are not the users'. */
static bool
reads_extensions_only(const PlannedStmt *pstmt)
{
	ListCell   *lc;

	foreach(lc, pstmt->relationOids)
		if (lfirst_oid(lc) >= FirstNormalObjectId &&
			!classify_is_extension_relation(lfirst_oid(lc)))
			return false;
	return true;
}

/* the sample that a loop's parent left, NULL when it is gone or never was */
static const Sample *
parent_sample(const Loop *loop)
{
	int			number;

	if (loop->parent == 0)
		return NULL;
	number = evidence_find_sample(loop->parent);
	return number < 0 ? NULL : &my_slot->samples[number];
}

/* the key that the loop goes by: the one followed, else one that varies */
static int
leading_key(const Loop *loop, const Shape *shape)
{
	int			first = -1;

	if (loop->follow.sample >= 0)
		return loop->follow.key;
	for (int i = 0; i < shape->nkeys; i++)
	{
		if (shape->keys[i].role > KEY_LIST)
			continue;
		if (loop->varied & (1 << i))
			return i;
		if (first < 0)
			first = i;
	}
	return first;
}

static void
gather_facts(const UnitEntry *entry, const Loop *loop,
			 const QueryDesc *queryDesc, LoopFacts *facts)
{
	memset(facts, 0, sizeof(*facts));
	facts->queryDesc = queryDesc;
	facts->shape = &entry->shape;
	facts->sample = parent_sample(loop);
	facts->key = leading_key(loop, &entry->shape);
	facts->history = &loop->history;
	facts->same_keys = loops_is_monotonous(loop);
	facts->upsert = cycle_upserts(entry->queryid) >= 2;
	if (loop->follow.sample >= 0 && facts->sample != NULL)
	{
		const SampleColumn *column = &facts->sample->columns[loop->follow.column];

		facts->parent.relid = column->relid;
		facts->parent.attnum = column->attnum;
	}
}

static char *
parent_text(const Sample *sample)
{
	const char *text;
	int			len;

	if (sample == NULL || (text = texts_get(sample->text, &len)) == NULL)
		return NULL;
	return normalize_statement(pnstrdup(text, len), 0, 0, npo_query_size - 1);
}

static void
make_texts(const QueryDesc *queryDesc, const LoopFacts *facts, Finding *finding)
{
	const PlannedStmt *pstmt = queryDesc->plannedstmt;

	finding->texts[TEXT_QUERY] =
		normalize_statement(queryDesc->sourceText ? queryDesc->sourceText : "",
							pstmt->stmt_location, pstmt->stmt_len,
							npo_query_size - 1);
	finding->texts[TEXT_PARENT] = parent_text(facts->sample);
}

static void
make_finding(const UnitEntry *entry, const Loop *loop, const QueryDesc *queryDesc,
			 Finding *finding)
{
	LoopFacts	facts;
	Classification classification;

	memset(finding, 0, sizeof(*finding));
	finding->key.queryid = entry->queryid;
	finding->key.parent_queryid = loop->parent;
	finding->key.userid = entry->userid;
	finding->key.dbid = MyDatabaseId;
	finding->confidence = loops_confidence(loop);
	gather_facts(entry, loop, queryDesc, &facts);
	classify_loop(&facts, &classification);
	finding->pattern = classification.pattern;
	finding->link = classify_link(&classification);
	finding->tags = requests_tags();
	make_texts(queryDesc, &facts, finding);
}

/*
 * Publish a loop under the key that it has now, or move it there.  A loop of
 * relations that are not the users' is struck off for good.
 */
void
detect_publish(UnitEntry *entry, Loop *loop, SlotLoop *counts, QueryDesc *queryDesc)
{
	MemoryContext context;
	MemoryContext caller;
	Finding		finding;
	SlotLoop	before;

	if (loops_confidence(loop) < npo_min_confidence)
		return;
	if (reads_extensions_only(queryDesc->plannedstmt))
	{
		entry->shape.flags |= SHAPE_NOISE;
		return;
	}
	context = AllocSetContextCreate(CurrentMemoryContext, "pg_nplusone detection",
									ALLOCSET_SMALL_SIZES);
	caller = MemoryContextSwitchTo(context);
	make_finding(entry, loop, queryDesc, &finding);
	MemoryContextSwitchTo(caller);

	/* into the new cluster before out of the old one, which may be the same */
	before = *counts;
	counts->queryid = entry->queryid;
	counts->parent_queryid = loop->parent;
	counts->userid = entry->userid;
	loop->resets = clusters_resets();
	if (clusters_attach(&finding, counts))
	{
		loop->published = true;
		if (before.cluster >= 0)
			clusters_detach(&before);
	}
	if (loop->published && finding.confidence >= CONFIDENCE_LIKELY)
		requests_note_loop();
	if (loop->published && hints_enabled)
		hints_request(entry->queryid, clusters_id(&finding.key),
					  counts->counters.calls, counts->counters.exec_time / 1000.0);
	if (loop->published && !loop->acted &&
		action_is_due(finding.confidence, counts))
	{
		/* before the report, which may not return */
		loop->acted = true;
		action_report(&finding, &counts->counters);
	}
	MemoryContextDelete(context);
}
