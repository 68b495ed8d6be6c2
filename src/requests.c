/*-------------------------------------------------------------------------
 *
 * requests.c
 *	  Where the statements of a unit of work come from, and how many it has.
 *
 * Owns the request tags of the current unit of work and the table of sums by
 * route.  A statement adds to counters in its backend's own slot; a unit that
 * has ended is summed up there, too; and only when the slot has no room for
 * another route, or every second, do these sums move to the shared table,
 * under its lock.  A reader adds the slots up under the same lock, so that it
 * sees every statement once.
 *
 * A reset raises the generation of the table.  Sums in a slot that are of an
 * older generation do not count any more; their owner drops them in time.
 *
 * A request that names itself (a trace) is one unit of work wherever it runs:
 * the first session that serves it counts the unit, and the longest of its
 * parts is what they all add up to; see traces.c.  The origin of a unit, a hash
 * of the role and of the request, or else of application_name, tells other
 * sessions whether their statements may belong together (poolwatch.c).
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "common/hashfn.h"
#include "miscadmin.h"
#include "storage/lwlock.h"
#include "storage/shmem.h"
#include "utils/guc.h"
#include "utils/timestamp.h"

#include "locks.h"
#include "requests.h"
#include "settings.h"
#include "tags.h"
#include "traces.h"

#define FLUSH_INTERVAL USECS_PER_SEC

/* a comment longer than this is read anew every time */
#define COMMENT_KEPT 512

typedef struct RequestTable
{
	LWLock	   *lock;
	uint32		generation;		/* of resets; written under the lock */
	int			used;
	RequestSums sums[REQUESTS_MAX];
} RequestTable;

static RequestTable *table = NULL;

/* tags set by the program, and those that a statement carried */
static RequestTags set_tags;
static RequestTags comment_tags;
static uint32 set_hash = 0;
static uint32 comment_hash = 0;
static bool set_traced = false; /* it is that of a trace */
static bool comment_traced = false;
uint32		requests_tag_hash = 0;	/* the second of them, else the first */
uint32		requests_unit_hash = 0;
bool		requests_unit_traced = false;
static int	last_comment_len = 0;
static char last_comment[COMMENT_KEPT];

const char *requests_parsed = NULL;
bool		requests_route_changed = true;	/* since it was put into the slot */
static TimestampTz last_flush = 0;

/* the role and the program, where no request tells more */
static uint32 program_origin = 0;

/* the line of this slot where the unit will be summed up, NULL: not known */
static RequestSums *unit_line = NULL;

Size
requests_shmem_size(void)
{
	return MAXALIGN(sizeof(RequestTable));
}

void
requests_shmem_init(void)
{
	bool		found;

	table = ShmemInitStruct("pg_nplusone requests", requests_shmem_size(), &found);
	if (found)
		return;
	memset(table, 0, requests_shmem_size());
	table->lock = &GetNamedLWLockTranche(REQUESTS_TRANCHE)->lock;
}

/* -------------------------------------------------------------------------
 * Tags
 * -------------------------------------------------------------------------
 */

static void
note_tag_hash(void)
{
	requests_tag_hash = comment_hash != 0 ? comment_hash : set_hash;
}

static uint32
hash_tags(const RequestTags *tags, bool *traced)
{
	uint32		trace = tags_trace_hash(tags, npo_trace_tag);

	*traced = trace != 0;
	return trace != 0 ? trace : tags_request_hash(tags);
}

static bool
tags_are_traced(void)
{
	return comment_hash != 0 ? comment_traced : set_hash != 0 && set_traced;
}

/* for the setting pg_nplusone.tags */
bool
requests_check_tags(const char *list)
{
	RequestTags tags;

	return tags_parse_list(list, &tags);
}

void
requests_assign_tags(const char *list)
{
	if (!tags_parse_list(list, &set_tags))
		memset(&set_tags, 0, sizeof(set_tags));
	set_hash = hash_tags(&set_tags, &set_traced);
	note_tag_hash();
	requests_route_changed = true;
}

/* the tags that are in force; a statement's own come first */
static const RequestTags *
current_tags(void)
{
	return comment_tags.n > 0 ? &comment_tags : &set_tags;
}

/* Read the comment of a statement unless it is the one that was read last. */
static void
read_comment(const char *text, int len, int start, int stop)
{
	int			comment_len = stop - start;

	if (comment_len == last_comment_len &&
		memcmp(text + start, last_comment, comment_len) == 0)
		return;
	if (comment_len <= COMMENT_KEPT)
	{
		memcpy(last_comment, text + start, comment_len);
		last_comment_len = comment_len;
	}
	else
		last_comment_len = 0;
	if (!tags_read_statement(text, len, &comment_tags))
		memset(&comment_tags, 0, sizeof(comment_tags));
	comment_hash = hash_tags(&comment_tags, &comment_traced);
	note_tag_hash();
	requests_route_changed = true;
}

/* Can a comment be at either end?  Most statements say no at a glance. */
static inline bool
has_open_end(const char *text, int len)
{
	if (len > 1 && text[len - 1] == ';')
		len--;
	return len > 0 &&
		(text[0] <= ' ' || text[0] == '/' ||
		 text[len - 1] <= ' ' || text[len - 1] == '/');
}

/*
 * Has the statement no comment at either end?  Most have none, and cost the
 * finding of their end.
 */
bool
requests_is_plain(const char *text)
{
	return text == NULL || text == requests_parsed || !has_open_end(text, strlen(text));
}

/* A text of this length, and nothing behind it, has been parsed. */
void
requests_note_parsed(const char *text, int len)
{
	requests_parsed = has_open_end(text, len) ? NULL : text;
}

/* Look at both ends of a statement for a comment. */
RequestNews
requests_note_statement(const char *text)
{
	int			len = text ? strlen(text) : 0;
	int			start,
				stop;

	if (has_open_end(text, len) && tags_find_comment(text, len, &start, &stop))
	{
		if (tags_ignore(text, len))
			return REQUEST_IGNORED;
		read_comment(text, len, start, stop);
	}
	if (requests_same_tags())
		return REQUEST_SAME;
	/* what came before the first tag may belong to it, connection set-up say */
	if (requests_unit_hash == 0)
	{
		requests_unit_hash = requests_tag_hash;
		return REQUEST_SAME;
	}
	return REQUEST_NEW;
}

/* the tags in force as JSON, palloc'd; NULL: none, or no memory */
char *
requests_tags(void)
{
	char	   *json;

	if (current_tags()->n == 0)
		return NULL;
	json = palloc_extended(TAGS_JSON_BYTES, MCXT_ALLOC_NO_OOM);
	if (json != NULL)
		tags_to_json(current_tags(), json, TAGS_JSON_BYTES);
	return json;
}

/* -------------------------------------------------------------------------
 * Counting, in the slot
 * -------------------------------------------------------------------------
 */

static inline SlotRequests *
mine(void)
{
	return &my_slot->requests;
}

static uint32
combine_origin(uint32 hash)
{
	hash = hash_combine(hash, hash_bytes_uint32(GetUserId()));
	return hash != 0 ? hash : 1;
}

/* Whose the unit is shows now, or shows more clearly than before. */
static void
note_origin(RequestSums *unit)
{
	bool		traced = requests_unit_hash != 0 && tags_are_traced();

	if (requests_unit_traced && traced)
		return;
	requests_unit_traced = traced;
	my_slot->origin = traced ? combine_origin(requests_unit_hash) : program_origin;
	if (traced && !traces_begin(my_slot->origin))
		unit->units = 0;
}

/* The names stay when a unit ends, since the next one mostly has the same. */
static void
begin_unit(RequestSums *unit)
{
	const char *name = application_name ? application_name : "";

	/* What is left here from before a reset goes; this unit comes after it. */
	if (mine()->generation != table->generation)
	{
		mine()->npending = 0;
		mine()->generation = table->generation;
		unit_line = NULL;
	}
	unit->units = 1;
	if (unit->userid == GetUserId() && unit->dbid == MyDatabaseId &&
		strcmp(unit->application_name, name) == 0)
		return;
	unit->userid = GetUserId();
	unit->dbid = MyDatabaseId;
	strlcpy(unit->application_name, name, sizeof(unit->application_name));
	unit_line = NULL;
	program_origin =
		combine_origin(hash_bytes((const unsigned char *) unit->application_name,
								  strlen(unit->application_name)));
}

/* Write into the slot where the statements come from. */
void
requests_name_unit(void)
{
	RequestSums *unit = &mine()->current;

	change_begin(&mine()->change);
	if (unit->statements == 0)
		begin_unit(unit);
	if (requests_route_changed)
	{
		tags_route(current_tags(), unit->route, sizeof(unit->route));
		unit_line = NULL;
	}
	requests_route_changed = false;
	note_origin(unit);
	change_end(&mine()->change);
}

/* The unit has a loop, and now also a name: that of its route. */
void
requests_note_loop(void)
{
	if (requests_unit_traced && mine()->current.units_with_loops == 0 &&
		!traces_note_loop(my_slot->origin))
		return;
	change_begin(&mine()->change);
	mine()->current.units_with_loops = 1;
	change_end(&mine()->change);
}

/* A unit under way has counted its statements and its time; it is one unit. */
static void
complete_unit(RequestSums *unit)
{
	unit->max_statements = unit->statements;
	unit->max_time = unit->exec_time;
}

static bool
same_origin(const RequestSums *a, const RequestSums *b)
{
	return a->userid == b->userid && a->dbid == b->dbid &&
		strcmp(a->route, b->route) == 0 &&
		strcmp(a->application_name, b->application_name) == 0;
}

static void
add_sums(RequestSums *sums, const RequestSums *more)
{
	sums->units += more->units;
	sums->statements += more->statements;
	sums->max_statements = Max(sums->max_statements, more->max_statements);
	sums->units_with_loops += more->units_with_loops;
	sums->exec_time += more->exec_time;
	sums->max_time = Max(sums->max_time, more->max_time);
}

/*
 * The sums of this origin in a list, or its next free line; when there is
 * none, the line with the fewest units gives way.
 */
static RequestSums *
line_for(RequestSums *list, int *used, int max, const RequestSums *origin)
{
	RequestSums *least = &list[0];

	for (int i = 0; i < *used; i++)
	{
		if (same_origin(&list[i], origin))
			return &list[i];
		if (list[i].units < least->units)
			least = &list[i];
	}
	if (*used < max)
		least = &list[(*used)++];
	*least = *origin;
	least->units = least->statements = least->max_statements = 0;
	least->units_with_loops = least->exec_time = least->max_time = 0;
	return least;
}

static bool
has_line(const SlotRequests *slot, const RequestSums *origin)
{
	for (int i = 0; i < slot->npending; i++)
		if (same_origin(&slot->pending[i], origin))
			return true;
	return slot->npending < SLOT_ROUTES;
}

/* Move the sums of this backend to the shared table. */
void
requests_flush(void)
{
	SlotRequests *slot = mine();

	if (slot->npending == 0)
		return;
	LWLockAcquire(table->lock, LW_EXCLUSIVE);
	if (slot->generation == table->generation)
		for (int i = 0; i < slot->npending; i++)
			add_sums(line_for(table->sums, &table->used, REQUESTS_MAX, &slot->pending[i]),
					 &slot->pending[i]);
	change_begin(&slot->change);
	slot->npending = 0;
	slot->generation = table->generation;
	change_end(&slot->change);
	unit_line = NULL;
	LWLockRelease(table->lock);
}

/* The sums of the unit that has ended join those of its origin in the slot. */
static void
sum_up(SlotRequests *slot)
{
	RequestSums *unit = &slot->current;

	if (slot->generation != table->generation ||
		(unit_line == NULL && !has_line(slot, unit)))
		requests_flush();
	complete_unit(unit);
	if (requests_unit_traced)
		traces_add(my_slot->origin, &unit->max_statements, &unit->max_time);
	change_begin(&slot->change);
	if (slot->generation == table->generation)
	{
		if (unit_line == NULL)
			unit_line = line_for(slot->pending, &slot->npending, SLOT_ROUTES, unit);
		add_sums(unit_line, unit);
	}
	else
		unit_line = NULL;
	slot->generation = table->generation;
	unit->units = unit->statements = unit->max_statements = 0;
	unit->units_with_loops = unit->exec_time = unit->max_time = 0;
	change_end(&slot->change);
}

/* The unit of work has ended: sum it up and forget whose it was. */
void
requests_close_unit(void)
{
	TimestampTz now;

	if (mine()->current.statements > 0)
	{
		sum_up(mine());
		now = GetCurrentStatementStartTimestamp();
		if (now - last_flush > FLUSH_INTERVAL)
		{
			last_flush = now;
			requests_flush();
		}
	}
	if (comment_tags.n > 0)
		requests_route_changed = true;
	comment_hash = 0;
	note_tag_hash();
	requests_unit_hash = 0;
	requests_unit_traced = false;
	comment_tags.n = 0;
	last_comment_len = 0;
}

/* -------------------------------------------------------------------------
 * Reading and resetting
 * -------------------------------------------------------------------------
 */

/* Copy the requests of another backend; see slots_read_loop() for how. */
static void
read_slot(const SlotRequests *slot, SlotRequests *copy)
{
	const volatile uint32 *change = &slot->change;

	for (int i = 0; i < 1000; i++)
	{
		uint32		before = *change;

		pg_read_barrier();
		memcpy(copy, slot, sizeof(*copy));
		pg_read_barrier();
		if (before % 2 == 0 && before == *change)
			break;
	}
}

static void
add_slot(RequestSums *list, int *used, int max, SlotRequests *slot)
{
	for (int i = 0; i < slot->npending; i++)
		add_sums(line_for(list, used, max, &slot->pending[i]), &slot->pending[i]);
	if (slot->current.statements > 0)
	{
		complete_unit(&slot->current);
		add_sums(line_for(list, used, max, &slot->current), &slot->current);
	}
}

/*
 * Copy the shared sums and the slots that count for them, at one moment: a
 * writer waits for no more than the copying.  Returns how many slots.
 */
static int
copy_all(RequestSums *list, int *n, SlotRequests *slots)
{
	int			nslots = 0;

	npo_lock(table->lock, LW_SHARED);
	*n = table->used;
	memcpy(list, table->sums, table->used * sizeof(RequestSums));
	for (int i = 0; i < slots_count(); i++)
	{
		if (slots_get(i)->pid == 0)
			continue;
		read_slot(&slots_get(i)->requests, &slots[nslots]);
		if (slots[nslots].generation == table->generation)
			nslots++;
	}
	npo_unlock(table->lock);
	return nslots;
}

/* All sums, with those of units that are under way; palloc'd, NULL: no memory */
static RequestSums *
collect(int *n, int flags)
{
	int			max = REQUESTS_MAX + slots_count() * (SLOT_ROUTES + 1);
	RequestSums *list = palloc_extended(max * sizeof(RequestSums), flags);
	SlotRequests *slots = palloc_extended(slots_count() * sizeof(SlotRequests), flags);

	if (list != NULL && slots != NULL)
	{
		int			nslots = copy_all(list, n, slots);

		for (int i = 0; i < nslots; i++)
			add_slot(list, n, max, &slots[i]);
	}
	else if (list != NULL)
	{
		pfree(list);
		list = NULL;
	}
	if (slots != NULL)
		pfree(slots);
	return list;
}

RequestSums *
requests_collect(int *n)
{
	return collect(n, 0);
}

bool
requests_save(SaveFile *file)
{
	int			n;
	RequestSums *list = collect(&n, MCXT_ALLOC_NO_OOM);
	bool		ok = list != NULL;

	for (int i = 0; ok && i < n; i++)
		ok = savefile_put(file, &list[i], sizeof(RequestSums), NULL, 0);
	if (list != NULL)
		pfree(list);
	return ok;
}

/* Take saved sums in again; at start-up, when there is nobody else. */
void
requests_restore(const char *record, uint32 size)
{
	RequestSums sums;

	if (size != sizeof(sums))
		return;
	memcpy(&sums, record, sizeof(sums));
	sums.application_name[sizeof(sums.application_name) - 1] = '\0';
	sums.route[sizeof(sums.route) - 1] = '\0';
	add_sums(line_for(table->sums, &table->used, REQUESTS_MAX, &sums), &sums);
}

void
requests_reset(void)
{
	LWLockAcquire(table->lock, LW_EXCLUSIVE);
	table->generation++;
	table->used = 0;
	LWLockRelease(table->lock);
}
