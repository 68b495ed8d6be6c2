/*-------------------------------------------------------------------------
 *
 * heavystore.c
 *	  The heavy reads of all backends, in shared memory.
 *
 * Owns a small array of findings, one for each statement and kind, with
 * bounded texts, and a ring of the tables whose wide columns are known to be
 * needed.  An execution comes in with its numbers; only one that is new, or
 * shows for the first time, is asked for texts.  When the array is full, a
 * finding that does not show yet makes room, else the one that was seen last
 * the longest ago.
 *
 * Locking: one LWLock, exclusive for every change and shared for copying.
 * Whoever takes it has just read thousands of rows, or a hundred kilobytes.
 * Nothing is allocated, looked up or thrown while it is held.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "miscadmin.h"
#include "storage/lwlock.h"
#include "storage/shmem.h"
#include "utils/timestamp.h"

#include "compat.h"
#include "heavystore.h"

#define NEEDED_TABLES 32

/* a table whose columns are read one by one where a list has left them out */
typedef struct NeededTable
{
	Oid			dbid;
	Oid			relid;
} NeededTable;

typedef struct HeavyStore
{
	LWLock		lock;
	uint32		next_needed;	/* place in the ring to write to */
	NeededTable needed[NEEDED_TABLES];
	HeavyEntry	entries[HEAVY_MAX];
} HeavyStore;

static HeavyStore *store = NULL;

Size
heavystore_shmem_size(void)
{
	return MAXALIGN(sizeof(HeavyStore));
}

void
heavystore_shmem_init(void)
{
	bool		found;

	store = ShmemInitStruct("pg_nplusone reads", sizeof(HeavyStore), &found);
	if (!found)
	{
		memset(store, 0, sizeof(HeavyStore));
		LWLockInitialize(&store->lock, npo_new_tranche("pg_nplusone_heavy_reads"));
	}
	else
		npo_register_tranche(store->lock.tranche, "pg_nplusone_heavy_reads");
}

bool
heavystore_ready(void)
{
	return store != NULL;
}

/* -------------------------------------------------------------------------
 * Places
 * -------------------------------------------------------------------------
 */

static HeavyEntry *
find_entry(const HeavyKey *key)
{
	for (int i = 0; i < HEAVY_MAX; i++)
	{
		HeavyEntry *entry = &store->entries[i];

		if (entry->in_use && entry->key.queryid == key->queryid &&
			entry->key.userid == key->userid && entry->key.dbid == key->dbid &&
			entry->key.kind == key->kind)
			return entry;
	}
	return NULL;
}

/* Should "a" make room rather than "b"? */
static bool
is_worth_less(const HeavyEntry *a, const HeavyEntry *b)
{
	bool		a_shows = a->calls >= heavy_least_calls(a->key.kind);
	bool		b_shows = b->calls >= heavy_least_calls(b->key.kind);

	if (a_shows != b_shows)
		return b_shows;
	return a->last_seen < b->last_seen;
}

static HeavyEntry *
claim_entry(const HeavyKey *key)
{
	HeavyEntry *least = NULL;

	for (int i = 0; i < HEAVY_MAX; i++)
	{
		HeavyEntry *entry = &store->entries[i];

		if (!entry->in_use)
		{
			least = entry;
			break;
		}
		if (least == NULL || is_worth_less(entry, least))
			least = entry;
	}
	memset(least, 0, sizeof(*least));
	least->key = *key;
	least->in_use = true;
	return least;
}

/* -------------------------------------------------------------------------
 * Adding
 * -------------------------------------------------------------------------
 */

static void
add_columns(HeavyEntry *entry, const HeavyCall *call)
{
	for (int i = 0; i < entry->ncolumns; i++)
		for (int j = 0; j < call->ncolumns; j++)
			if (entry->resno[i] == call->resno[j])
				entry->column_bytes[i] += call->column_bytes[j];
}

static void
add_call(HeavyEntry *entry, const HeavyCall *call, TimestampTz now)
{
	if (entry->calls++ == 0)
		entry->first_seen = now;
	entry->last_seen = now;
	entry->rows += call->rows;
	if (call->bytes >= 0)
	{
		entry->measured_calls++;
		entry->bytes += call->bytes;
	}
	add_columns(entry, call);
	strlcpy(entry->application_name,
			call->application_name ? call->application_name : "",
			sizeof(entry->application_name));
	/* JSON that is cut off would be none */
	if (call->tags == NULL || strlen(call->tags) >= sizeof(entry->tags))
		entry->tags[0] = '\0';
	else
		strlcpy(entry->tags, call->tags, sizeof(entry->tags));
}

/*
 * Count an execution of a finding.  False when its texts are wanted first:
 * heavystore_describe() counts it then.
 */
bool
heavystore_add(const HeavyKey *key, const HeavyCall *call)
{
	TimestampTz now = GetCurrentTimestamp();
	HeavyEntry *entry;
	bool		done;

	LWLockAcquire(&store->lock, LW_EXCLUSIVE);
	entry = find_entry(key);
	if (entry == NULL && heavy_least_calls(key->kind) > 1)
		entry = claim_entry(key);
	done = entry != NULL &&
		(entry->described || entry->calls + 1 < heavy_least_calls(key->kind));
	if (done)
		add_call(entry, call, now);
	LWLockRelease(&store->lock);
	return done;
}

static void
copy_text(char *to, const char *from, Size size)
{
	strlcpy(to, from ? from : "", size);
}

/* Say what a finding is about, and count the execution that showed it. */
void
heavystore_describe(const HeavyKey *key, const HeavyCall *call,
					const HeavyTexts *texts)
{
	TimestampTz now = GetCurrentTimestamp();
	HeavyEntry *entry;

	LWLockAcquire(&store->lock, LW_EXCLUSIVE);
	entry = find_entry(key);
	if (entry == NULL)
		entry = claim_entry(key);
	/* another backend may have been faster */
	if (!entry->described)
	{
		entry->described = true;
		entry->relid = texts->relid;
		entry->ncolumns = call->ncolumns;
		memcpy(entry->resno, call->resno, sizeof(entry->resno));
		copy_text(entry->query, texts->query, sizeof(entry->query));
		copy_text(entry->columns, texts->columns, sizeof(entry->columns));
		copy_text(entry->advice, texts->advice, sizeof(entry->advice));
	}
	add_call(entry, call, now);
	LWLockRelease(&store->lock);
}

/* -------------------------------------------------------------------------
 * Tables whose columns are needed
 * -------------------------------------------------------------------------
 */

static bool
is_needed(Oid dbid, Oid relid)
{
	for (int i = 0; i < NEEDED_TABLES; i++)
		if (store->needed[i].dbid == dbid && store->needed[i].relid == relid)
			return true;
	return false;
}

bool
heavystore_is_withdrawn(Oid dbid, Oid relid)
{
	bool		needed;

	LWLockAcquire(&store->lock, LW_SHARED);
	needed = is_needed(dbid, relid);
	LWLockRelease(&store->lock);
	return needed;
}

/*
 * A loop reads columns of this table that its list has left out: never advise
 * to leave out more of them.
 */
void
heavystore_withdraw(Oid dbid, Oid relid)
{
	/* for the second loop there is nothing left to be done */
	if (heavystore_is_withdrawn(dbid, relid))
		return;
	LWLockAcquire(&store->lock, LW_EXCLUSIVE);
	if (!is_needed(dbid, relid))
	{
		NeededTable *place = &store->needed[store->next_needed++ % NEEDED_TABLES];

		place->dbid = dbid;
		place->relid = relid;
	}
	for (int i = 0; i < HEAVY_MAX; i++)
	{
		HeavyEntry *entry = &store->entries[i];

		if (entry->in_use && entry->key.kind == HEAVY_WIDE_COLUMNS &&
			entry->key.dbid == dbid && entry->relid == relid)
			entry->in_use = false;
	}
	LWLockRelease(&store->lock);
}

/* -------------------------------------------------------------------------
 * Reading and resetting
 * -------------------------------------------------------------------------
 */

/* Copy the findings that show; returns how many, HEAVY_MAX at most. */
int
heavystore_copy(HeavyEntry *into)
{
	int			n = 0;

	LWLockAcquire(&store->lock, LW_SHARED);
	for (int i = 0; i < HEAVY_MAX; i++)
		if (store->entries[i].in_use && store->entries[i].described)
			into[n++] = store->entries[i];
	LWLockRelease(&store->lock);
	return n;
}

/* Forget the findings of a role, a database (0: any). */
void
heavystore_reset(Oid userid, Oid dbid)
{
	LWLockAcquire(&store->lock, LW_EXCLUSIVE);
	for (int i = 0; i < HEAVY_MAX; i++)
	{
		HeavyEntry *entry = &store->entries[i];

		if ((!OidIsValid(userid) || entry->key.userid == userid) &&
			(!OidIsValid(dbid) || entry->key.dbid == dbid))
			entry->in_use = false;
	}

	/*
	 * what loops need was learnt from clusters, which go for all roles only
	 * here
	 */
	if (!OidIsValid(userid))
		for (int i = 0; i < NEEDED_TABLES; i++)
			if (!OidIsValid(dbid) || store->needed[i].dbid == dbid)
				memset(&store->needed[i], 0, sizeof(NeededTable));
	LWLockRelease(&store->lock);
}
