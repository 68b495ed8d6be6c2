/*-------------------------------------------------------------------------
 *
 * hintstore.c
 *	  The index hints of all backends, in shared memory.
 *
 * Owns a fixed array of entries with bounded texts.  A hint comes in once per
 * statement and backend; afterwards only its numbers change, and backends add
 * those in batches.  Merging happens on the way in: the same index for the
 * same table is one entry whatever statements of one user want it, and an
 * index serves for every other one whose keys it begins with.  Hints of
 * several users are merged for the reader who may see them all; one entry for
 * all would belong to one of them, and hide the hint from the others.
 *
 * Locking: one LWLock of a tranche of its own, exclusive for every change and
 * shared for copying.  Nothing is allocated, looked up or thrown while it is
 * held; readers copy the array out first.  When the array is full, the hint
 * that was seen last the longest ago makes room; a HintRef to it goes stale,
 * which its generation shows.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "miscadmin.h"
#include "storage/lwlock.h"
#include "storage/shmem.h"
#include "utils/timestamp.h"

#include "hintstore.h"
#include "compat.h"
#include "locks.h"

typedef struct HintStore
{
	LWLock		lock;
	uint32		generation;
	HintEntry	entries[HINTSTORE_MAX];
} HintStore;

static HintStore *store = NULL;

Size
hintstore_shmem_size(void)
{
	return MAXALIGN(sizeof(HintStore));
}

void
hintstore_shmem_init(void)
{
	bool		found;

	store = ShmemInitStruct("pg_nplusone hints", sizeof(HintStore), &found);
	if (!found)
	{
		memset(store, 0, sizeof(HintStore));
		LWLockInitialize(&store->lock, npo_new_tranche("pg_nplusone_hints"));
	}
	else
		npo_register_tranche(store->lock.tranche, "pg_nplusone_hints");
}

bool
hintstore_ready(void)
{
	return store != NULL;
}

/*
 * How far do two lists of keys agree?  Returns the number of keys of "narrow"
 * when "wide" begins with them, where "wide" may put its first equalities
 * into another order for that; else 0.
 */
static int
begins_with(const HintEntry *wide, const HintEntry *narrow)
{
	int			matched = 0;

	if (narrow->nkeys == 0 || narrow->nkeys > wide->nkeys)
		return 0;
	while (matched < narrow->nkeys &&
		   wide->keysig[matched] == narrow->keysig[matched])
		matched++;
	if (matched == narrow->nkeys)
		return matched;

	/* all of the narrow one's keys among the wide one's free ones? */
	if (narrow->nkeys > wide->nequal)
		return 0;
	for (int i = 0; i < narrow->nkeys; i++)
	{
		bool		found = false;

		for (int j = 0; j < wide->nequal; j++)
			found = found || wide->keysig[j] == narrow->keysig[i];
		if (!found)
			return 0;
	}
	return narrow->nkeys;
}

static bool
same_place(const HintEntry *a, const HintEntry *b)
{
	return a->dbid == b->dbid && a->relid == b->relid && a->amoid == b->amoid &&
		a->partial == b->partial && (a->nkeys == 0) == (b->nkeys == 0) &&
		strcmp(a->predicate, b->predicate) == 0;
}

static bool
mergeable(const HintEntry *a, const HintEntry *b)
{
	return a->nkeys > 0 && same_place(a, b) &&
		(begins_with(a, b) || begins_with(b, a));
}

/* Nothing but the same finding of the same statement is the same finding */
static bool
same_finding(const HintEntry *a, const HintEntry *b)
{
	return a->nkeys == 0 && b->nkeys == 0 && a->dbid == b->dbid &&
		a->userid == b->userid && a->queryid == b->queryid;
}

/* Find the n-th key's text; returns its length */
static int
nth_key(const char *keys, int n, const char **start)
{
	const char *end;

	while (n-- > 0)
		keys = strchr(keys, HINT_KEY_SEPARATOR) + 1;
	end = strchr(keys, HINT_KEY_SEPARATOR);
	*start = keys;
	return end ? (int) (end - keys) : (int) strlen(keys);
}

/* Move the keys that "narrow" leads with to the front of "wide" */
static void
reorder_keys(HintEntry *wide, const HintEntry *narrow)
{
	char		keys[HINT_KEYS_LEN];
	uint64		sig[WHATIF_MAX_KEYS];
	AttrNumber	attnums[WHATIF_MAX_KEYS];
	int			order[WHATIF_MAX_KEYS];
	int			n = 0;
	int			len = 0;

	for (int i = 0; i < narrow->nkeys; i++)
		for (int j = 0; j < wide->nkeys; j++)
			if (wide->keysig[j] == narrow->keysig[i])
				order[n++] = j;
	for (int j = 0; j < wide->nkeys; j++)
	{
		bool		taken = false;

		for (int i = 0; i < n; i++)
			taken = taken || order[i] == j;
		if (!taken)
			order[n++] = j;
	}
	for (int i = 0; i < n; i++)
	{
		const char *start;
		int			size = nth_key(wide->keys, order[i], &start);

		if (i > 0)
			keys[len++] = HINT_KEY_SEPARATOR;
		memcpy(keys + len, start, size);
		len += size;
		sig[i] = wide->keysig[order[i]];
		attnums[i] = wide->attnums[order[i]];
	}
	keys[len] = '\0';
	memcpy(wide->keys, keys, len + 1);
	memcpy(wide->keysig, sig, sizeof(uint64) * n);
	memcpy(wide->attnums, attnums, sizeof(AttrNumber) * n);
	wide->nequal = Min(wide->nequal, wide->nkeys);
}

/* After a narrower index has fixed the first keys' order, it stays */
static void
absorb(HintEntry *wide, const HintEntry *narrow)
{
	if (memcmp(wide->keysig, narrow->keysig, sizeof(uint64) * narrow->nkeys) != 0)
		reorder_keys(wide, narrow);
	if (narrow->nkeys < wide->nkeys)
		wide->nequal = 0;
	wide->last_seen = Max(wide->last_seen, narrow->last_seen);
	wide->first_seen = Min(wide->first_seen, narrow->first_seen);
	wide->calls += narrow->calls;
	wide->total_time += narrow->total_time;
	wide->saving += narrow->saving;
}

/* The slot of a hint that is or becomes the same as this one; -1: none */
static int
find_mergeable(const HintEntry *entry)
{
	for (int i = 0; i < HINTSTORE_MAX; i++)
	{
		HintEntry  *have = &store->entries[i];

		if (have->in_use &&
			(same_finding(have, entry) ||
			 (have->userid == entry->userid && mergeable(have, entry))))
			return i;
	}
	return -1;
}

static int
slot_to_use(void)
{
	int			oldest = 0;

	for (int i = 0; i < HINTSTORE_MAX; i++)
	{
		if (!store->entries[i].in_use)
			return i;
		if (store->entries[i].last_seen < store->entries[oldest].last_seen)
			oldest = i;
	}
	return oldest;
}

/* What a statement says anew of the index that it has had before */
static void
take_verdict(HintEntry *have, const HintEntry *entry)
{
	have->cost_before = entry->cost_before;
	have->cost_after = entry->cost_after;
	have->index_bytes = entry->index_bytes;
	have->verified = entry->verified;
	have->used_sig = entry->used_sig;
	memcpy(have->used, entry->used, sizeof(have->used));
	memcpy(have->reason, entry->reason, sizeof(have->reason));
	memcpy(have->finding, entry->finding, sizeof(have->finding));
	memcpy(have->plan_before, entry->plan_before, sizeof(have->plan_before));
	memcpy(have->plan_after, entry->plan_after, sizeof(have->plan_after));
}

/* Two entries have become one: the one that says more keeps its texts */
static void
merge_into(HintEntry *have, const HintEntry *entry)
{
	if (have->nkeys == 0)
	{
		int64		calls = have->calls;
		double		time = have->total_time;
		TimestampTz first_seen = have->first_seen;

		*have = *entry;
		have->calls += calls;
		have->total_time += time;
		have->first_seen = first_seen;
	}
	else if (begins_with(have, entry))
	{
		if (have->queryid == entry->queryid && have->nkeys == entry->nkeys)
			take_verdict(have, entry);
		absorb(have, entry);
	}
	else
	{
		HintEntry	wide = *entry;	/* bounded: an entry is some 5 kB */

		absorb(&wide, have);
		*have = wide;
	}
}

/*
 * Take one copy of an entry into another, for a reader who may see both; says
 * whether they are one index.
 */
bool
hintstore_merge(HintEntry *into, const HintEntry *entry)
{
	if (!mergeable(into, entry))
		return false;
	merge_into(into, entry);
	return true;
}

/* Bring a hint in, merged with what is there; says where it lies */
HintRef
hintstore_put(const HintEntry *entry)
{
	HintRef		ref;

	npo_lock(&store->lock, LW_EXCLUSIVE);
	ref.slot = find_mergeable(entry);
	if (ref.slot >= 0)
	{
		HintEntry  *have = &store->entries[ref.slot];
		uint32		generation = have->generation;

		merge_into(have, entry);
		have->generation = generation;
		have->in_use = true;
	}
	else
	{
		ref.slot = slot_to_use();
		store->entries[ref.slot] = *entry;
		store->entries[ref.slot].generation = ++store->generation;
		store->entries[ref.slot].in_use = true;
	}
	ref.generation = store->entries[ref.slot].generation;
	npo_unlock(&store->lock);
	return ref;
}

/* Hints that another backend has verified for the same statement and user */
int
hintstore_adopt(Oid dbid, Oid userid, uint64 queryid, HintRef *refs, int max,
				double *share)
{
	int			n = 0;

	npo_lock(&store->lock, LW_SHARED);
	for (int i = 0; i < HINTSTORE_MAX && n < max; i++)
	{
		HintEntry  *have = &store->entries[i];

		if (have->in_use && have->dbid == dbid && have->userid == userid &&
			have->queryid == queryid && have->verified != HINT_NOT_VERIFIED)
		{
			refs[n].slot = i;
			refs[n++].generation = have->generation;
			*share = have->cost_before > 0 && have->nkeys > 0 ?
				1 - have->cost_after / have->cost_before : 0;
		}
	}
	npo_unlock(&store->lock);
	return n;
}

/* Add to a hint's numbers, and name its loop; false when it is gone */
bool
hintstore_add(HintRef ref, uint64 clusterid, int64 calls, double time,
			  double saving)
{
	HintEntry  *have = &store->entries[ref.slot];
	bool		valid;

	npo_lock(&store->lock, LW_EXCLUSIVE);
	valid = have->in_use && have->generation == ref.generation;
	if (valid)
	{
		if (have->clusterid == 0)
			have->clusterid = clusterid;
		have->calls += calls;
		have->total_time += time;
		have->saving += saving;
		have->last_seen = GetCurrentTimestamp();
	}
	npo_unlock(&store->lock);
	return valid;
}

/* A hint that its statement has no longer; others may still want it */
void
hintstore_drop(HintRef ref, uint64 queryid)
{
	HintEntry  *have = &store->entries[ref.slot];

	npo_lock(&store->lock, LW_EXCLUSIVE);
	if (have->generation == ref.generation && have->queryid == queryid)
		have->in_use = false;
	npo_unlock(&store->lock);
}

/* Copy out a database's hints; "into" has room for HINTSTORE_MAX */
int
hintstore_copy(Oid dbid, HintEntry *into)
{
	int			n = 0;

	npo_lock(&store->lock, LW_SHARED);
	for (int i = 0; i < HINTSTORE_MAX; i++)
		if (store->entries[i].in_use && store->entries[i].dbid == dbid)
			into[n++] = store->entries[i];
	npo_unlock(&store->lock);
	return n;
}

/* Forget hints; 0 stands for all users, databases, clusters */
int64
hintstore_reset(Oid userid, Oid dbid, uint64 clusterid)
{
	int64		n = 0;

	npo_lock(&store->lock, LW_EXCLUSIVE);
	for (int i = 0; i < HINTSTORE_MAX; i++)
	{
		HintEntry  *have = &store->entries[i];

		if (!have->in_use || (userid != 0 && have->userid != userid) ||
			(dbid != 0 && have->dbid != dbid) ||
			(clusterid != 0 && have->clusterid != clusterid))
			continue;
		have->in_use = false;
		n++;
	}
	npo_unlock(&store->lock);
	return n;
}

/* -------------------------------------------------------------------------
 * Saving and restoring
 * -------------------------------------------------------------------------
 */

/* the texts of an entry, where they are and how long they can be */
static const struct
{
	Size		at;
	Size		size;
}			hint_texts[] = {
	{offsetof(HintEntry, keys), HINT_KEYS_LEN},
	{offsetof(HintEntry, predicate), HINT_PREDICATE_LEN},
	{offsetof(HintEntry, reason), HINT_REASON_LEN},
	{offsetof(HintEntry, finding), HINT_FINDING_LEN},
	{offsetof(HintEntry, query), HINT_QUERY_LEN},
	{offsetof(HintEntry, plan_before), HINT_PLAN_LEN},
	{offsetof(HintEntry, plan_after), HINT_PLAN_LEN},
};

/* One hint: its fixed part, then its texts one behind the other */
static bool
save_entry(SaveFile *file, const HintEntry *entry)
{
	char		texts[sizeof(HintEntry) - offsetof(HintEntry, keys)];
	uint32		size = 0;

	for (int i = 0; i < lengthof(hint_texts); i++)
	{
		const char *text = (const char *) entry + hint_texts[i].at;
		Size		len = strnlen(text, hint_texts[i].size - 1);

		memcpy(texts + size, text, len);
		size += len;
		texts[size++] = '\0';
	}
	return savefile_put(file, entry, offsetof(HintEntry, keys), texts, size);
}

bool
hintstore_save(SaveFile *file)
{
	HintEntry  *copy = palloc_extended(sizeof(HintEntry), MCXT_ALLOC_NO_OOM);
	bool		ok = copy != NULL;

	for (int i = 0; ok && i < HINTSTORE_MAX; i++)
	{
		npo_lock(&store->lock, LW_SHARED);
		*copy = store->entries[i];
		npo_unlock(&store->lock);
		ok = !copy->in_use || save_entry(file, copy);
	}
	if (copy != NULL)
		pfree(copy);
	return ok;
}

/* Take a saved hint in again; at start-up, when there is nobody else */
void
hintstore_restore(const char *record, uint32 size)
{
	uint32		at = offsetof(HintEntry, keys);
	HintEntry  *entry = store->entries;

	while (entry < store->entries + HINTSTORE_MAX && entry->in_use)
		entry++;
	if (entry == store->entries + HINTSTORE_MAX || size < at)
		return;
	memset(entry, 0, sizeof(*entry));
	memcpy(entry, record, at);
	for (int i = 0; i < lengthof(hint_texts) && at < size; i++)
	{
		Size		len = strnlen(record + at, size - at);

		memcpy((char *) entry + hint_texts[i].at, record + at,
			   Min(len, hint_texts[i].size - 1));
		at += len + 1;
	}
	entry->generation = ++store->generation;
}
