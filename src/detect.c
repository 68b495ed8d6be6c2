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
#include "catalog/namespace.h"
#include "miscadmin.h"
#include "utils/guc.h"
#include "utils/memutils.h"

#include "action.h"
#include "advice.h"
#include "catalog.h"
#include "classify.h"
#include "clusters.h"
#include "cycle.h"
#include "compat.h"
#include "detect.h"
#include "guard.h"
#include "heavy.h"
#include "hints.h"
#include "normalize.h"
#include "reread.h"
#include "requests.h"
#include "rewrite.h"
#include "settings.h"
#include "tags.h"
#include "texts.h"
#include "value.h"

/* the loop spread over sessions that is being published, NULL: none */
static const PooledLoop *pooled = NULL;

/* this extension's own views, say */
static bool
reads_extensions_only(const PlannedStmt *pstmt)
{
	ListCell   *lc;

	foreach(lc, pstmt->relationOids)
	{
		if (lfirst_oid(lc) >= FirstNormalObjectId &&
			!catalog_is_of_extension(lfirst_oid(lc)))
			return false;
	}
	return true;
}

/* the sample that a loop's parent left, NULL when it is gone or never was */
static const Sample *
parent_sample(const Loop *loop)
{
	int			number;

	if (loop->parent == 0)
		return NULL;
	if (pooled != NULL)
		return pooled->parent;
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

/* the loops around a loop, outermost first */
static void
gather_outer_loops(const Loop *loop, AdviceFacts *facts)
{
	uint64		queryid = loop->parent;

	while (queryid != 0 && facts->nouter < ADVICE_STEPS)
	{
		const UnitEntry *entry = unit_find_entry(queryid);
		const Loop *outer = entry && entry->loop >= 0 ? loops_get(entry->loop) : NULL;
		const Sample *sample;
		LinkStep   *step;

		if (outer == NULL || outer->follow.sample < 0 || outer->parent == queryid)
			break;
		sample = &my_slot->samples[outer->follow.sample];
		if (sample->queryid != outer->follow.queryid)
			break;
		memmove(&facts->outer[1], &facts->outer[0], facts->nouter * sizeof(LinkStep));
		facts->nouter++;
		step = &facts->outer[0];
		step->parent.relid = sample->columns[outer->follow.column].relid;
		step->parent.attnum = sample->columns[outer->follow.column].attnum;
		step->child.relid = catalog_root(entry->shape.keys[outer->follow.key].relid);
		step->child.attnum = entry->shape.keys[outer->follow.key].attnum;
		queryid = outer->parent;
	}
}

/*
 * The ORM by the text, and where that leaves it open, by the tables in which
 * ORMs note what they have done to a database.
 */
static Orm
text_orm(const char *text, int len)
{
	RequestTags tags;
	bool		tagged;
	Orm			orm;
	bool		rails,
				django;

	/* the statement's own tags: those in force may be of another program */
	tagged = tags_read_statement(text, len, &tags) ||
		(npo_tags != NULL && tags_parse_list(npo_tags, &tags));
	orm = orm_recognise(text, len, tagged ? &tags : NULL, application_name);
	if (orm != ORM_SQL)
		return orm;
	rails = OidIsValid(RelnameGetRelid("ar_internal_metadata"));
	django = OidIsValid(RelnameGetRelid("django_migrations"));
	if (rails && !django && orm_like_rails(text, len))
		return ORM_RAILS;
	if (!rails && orm_like_django(text, len, django))
		return ORM_DJANGO;
	return ORM_SQL;
}

/* The ORM that wrote a statement. */
Orm
detect_statement_orm(const QueryDesc *queryDesc)
{
	const PlannedStmt *pstmt = queryDesc->plannedstmt;
	const char *text = queryDesc->sourceText;

	if (npo_orm != ORM_AUTO)
		return npo_orm;
	if (text == NULL)
		return ORM_SQL;
	text += Max(pstmt->stmt_location, 0);
	return text_orm(text, pstmt->stmt_len > 0 ? pstmt->stmt_len : strlen(text));
}

/* The ORM that wrote the loop: its statement tells, or else its parent's. */
static Orm
loop_orm(const LoopFacts *facts)
{
	Orm			orm = detect_statement_orm(facts->queryDesc);
	const char *text;
	int			len;

	if (npo_orm == ORM_AUTO && orm == ORM_SQL && facts->sample != NULL &&
		(text = texts_get(facts->sample->text, &len)) != NULL)
		orm = text_orm(text, len);
	return orm;
}

/* what the statement's parse tree is used for */
typedef struct TextWork
{
	AdviceFacts advice;
	RewriteFacts rewrite;
	Finding    *finding;
} TextWork;

static void
write_texts(Query *query, void *arg)
{
	TextWork   *work = arg;

	/* the rewrite uses the tree up, and fails more often */
	work->advice.query = query;
	work->finding->texts[TEXT_ADVICE] = advice_write(&work->advice);
	work->finding->texts[TEXT_REWRITE] = rewrite_statement(query, &work->rewrite);
}

static void
make_advice(const Loop *loop, const LoopFacts *facts, const Classification *found,
			Finding *finding)
{
	TextWork	work;

	memset(&work, 0, sizeof(work));
	work.finding = finding;
	work.advice.orm = loop_orm(facts);
	work.advice.found = found;
	work.advice.loop = facts;
	gather_outer_loops(loop, &work.advice);
	work.rewrite.pattern = found->pattern;
	work.rewrite.shape = facts->shape;
	work.rewrite.key = facts->key;
	work.rewrite.varied = loop->varied;
	work.rewrite.params = facts->queryDesc->params;
	reread_statement(facts->queryDesc, write_texts, &work);
	if (finding->texts[TEXT_ADVICE] == NULL)
	{
		work.advice.query = NULL;
		finding->texts[TEXT_ADVICE] = advice_write(&work.advice);
	}
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

/* The parent is a sample's statement; that of one which has gone is not known. */
static uint64
server_queryid_of(uint64 queryid)
{
	int			sample = queryid != 0 ? evidence_find_sample(queryid) : -1;

	if (pooled != NULL && queryid != 0)
		return pooled->parent->server_queryid;
	return sample >= 0 ? my_slot->samples[sample].server_queryid :
		NPO_KNOWN_QUERYID(queryid);
}

/*
 * What the loop is.  "facts" and "classification" are what its texts are made
 * of, if they are.
 */
static void
make_finding(const UnitEntry *entry, const Loop *loop, const QueryDesc *queryDesc,
			 LoopFacts *facts, Classification *classification, Finding *finding)
{
	int			len;

	memset(finding, 0, sizeof(*finding));
	finding->key.queryid = entry->queryid;
	finding->key.parent_queryid = loop->parent;
	finding->queryid = NPO_SERVER_QUERYID(entry->queryid, queryDesc->plannedstmt);
	finding->parent_queryid = server_queryid_of(loop->parent);
	finding->key.userid = entry->userid;
	finding->key.dbid = MyDatabaseId;
	finding->clusterid = clusters_id(&finding->key);
	finding->confidence = loops_confidence(loop);
	gather_facts(entry, loop, queryDesc, facts);
	classify_loop(facts, classification);
	finding->pattern = classification->pattern;
	finding->knows_parent = facts->sample != NULL &&
		texts_get(facts->sample->text, &len) != NULL;
	finding->tags = requests_tags();
}

/*
 * The texts are made once per cluster, not once per loop, unless a report
 * needs them or there is news of a loop that has been published before.
 */
static bool
wants_texts(const Finding *finding, const Loop *loop, const SlotLoop *counts)
{
	return counts->cluster >= 0 ||
		(!loop->acted && action_is_due(finding->confidence, counts));
}

/* what the slot shows beside the counters */
static void
identify(SlotLoop *counts, const Finding *finding)
{
	counts->queryid = finding->key.queryid;
	counts->parent_queryid = finding->key.parent_queryid;
	counts->userid = finding->key.userid;
}

/* what describes a loop: done once per cluster, and may fail */
typedef struct Description
{
	const Loop *loop;
	const QueryDesc *queryDesc;
	const LoopFacts *facts;
	const Classification *classification;
	Finding    *finding;
} Description;

static void
describe(void *arg)
{
	Description *work = arg;

	work->finding->link = classify_link(work->classification);
	make_texts(work->queryDesc, work->facts, work->finding);
	make_advice(work->loop, work->facts, work->classification, work->finding);
}

/* A loop that cannot be described is counted all the same. */
static void
describe_safely(const Loop *loop, const QueryDesc *queryDesc, const LoopFacts *facts,
				const Classification *classification, Finding *finding)
{
	Description work = {loop, queryDesc, facts, classification, finding};

	if (guard_run(describe, &work))
		return;
	finding->link = NULL;
	memset(finding->texts, 0, sizeof(finding->texts));
}

/*
 * Publish a loop, or move it, which may be into the cluster that it is in: so
 * into the one before out of the other.
 */
static bool
publish(const UnitEntry *entry, Loop *loop, SlotLoop *counts,
		const QueryDesc *queryDesc, Finding *finding)
{
	SlotLoop	before = *counts;
	LoopFacts	facts;
	Classification classification;

	make_finding(entry, loop, queryDesc, &facts, &classification, finding);
	if (classification.pattern == PATTERN_DEFERRED_COLUMN)
		heavy_withdraw(classification.child.relid);
	loop->resets = clusters_resets();
	if (!wants_texts(finding, loop, counts))
	{
		identify(counts, finding);
		if (clusters_attach_known(finding, counts))
			return true;
	}
	describe_safely(loop, queryDesc, &facts, &classification, finding);
	identify(counts, finding);
	if (!clusters_attach(finding, counts))
		return false;
	if (before.cluster >= 0)
		clusters_detach(&before);
	return true;
}

/* What follows from a loop that shows now. */
static void
tell(const UnitEntry *entry, Loop *loop, const SlotLoop *counts, const Finding *finding)
{
	if (finding->confidence >= CONFIDENCE_LIKELY)
		requests_note_loop();
	if (hints_enabled)
		hints_request(finding->queryid, finding->clusterid,
					  counts->counters.calls - 1, counts->counters.exec_time / 1000.0);
	if (!loop->acted && action_is_due(finding->confidence, counts))
	{
		/* before the report, which may not return */
		loop->acted = true;
		action_report(finding, &counts->counters);
	}
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

	if (loops_confidence(loop) < npo_min_confidence)
	{
		/* it may have seemed to be more */
		if (counts->cluster >= 0)
			clusters_detach(counts);
		loop->published = false;
		return;
	}
	if (reads_extensions_only(queryDesc->plannedstmt))
	{
		entry->shape.flags |= SHAPE_NOISE;
		return;
	}
	context = AllocSetContextCreate(CurrentMemoryContext, "pg_nplusone detection",
									ALLOCSET_SMALL_SIZES);
	caller = MemoryContextSwitchTo(context);
	if (publish(entry, loop, counts, queryDesc, &finding))
		loop->published = true;
	MemoryContextSwitchTo(caller);
	if (pooled != NULL)
		pool_end_proof(pooled->ticket, counts);
	if (loop->published)
		tell(entry, loop, counts, &finding);
	MemoryContextDelete(context);
}

/* What stands for a loop of this session when one of several is published. */
static void
make_loop(Loop *loop, const PooledLoop *spread, const UnitEntry *entry)
{
	memset(loop, 0, sizeof(*loop));
	loop->entry = entry->number;
	loop->tie = TIE_VALUES;
	loop->parent = spread->parent->queryid;
	loop->varied = 1 << spread->key;
	loop->identity_varied = true;
	loop->follow.key = spread->key;
	loop->follow.queryid = spread->parent->queryid;
	evidence_note_keys(&loop->history, my_unit->seq, spread->values);
}

/* The same for a loop that is spread over sessions, see pool.c. */
void
detect_publish_pooled(UnitEntry *entry, const PooledLoop *spread, QueryDesc *queryDesc)
{
	Loop		loop;
	SlotLoop	counts;

	make_loop(&loop, spread, entry);
	memset(&counts, 0, sizeof(counts));
	counts.cluster = -1;
	counts.counters = *spread->counters;
	pooled = spread;
	PG_TRY();
	{
		detect_publish(entry, &loop, &counts, queryDesc);
	}
	PG_FINALLY();
	{
		pooled = NULL;
	}
	PG_END_TRY();
}
