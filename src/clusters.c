/*-------------------------------------------------------------------------
 *
 * clusters.c
 *	  The clusters of all backends, in shared memory.
 *
 * Owns a fixed array of clusters, a hash table over it and a free list.  A
 * cluster's place in the array is its handle; "serial" tells its lives apart
 * and is odd while the place is in use.
 *
 * Locking.  The bucket of a cluster belongs to one of CLUSTER_PARTITIONS
 * lightweight locks.  To read a cluster, hold its partition's lock; to change
 * one, hold it exclusively.  One more lock, taken after a partition's, guards
 * the free list.  Whoever evicts holds the eviction right (an atomic flag)
 * and locks one partition at a time.  Nothing is allocated, looked up or
 * reported under any of them.
 *
 * A loop that is published counts in its backend's slot.  "running" says how
 * many such loops a cluster has; while there is one it is not evicted.  Its
 * counts move into the totals when it ends, under the partition's lock, and
 * a reader adds the slots up under the same lock: so every execution shows
 * exactly once, at any moment.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "common/hashfn.h"
#include "miscadmin.h"
#include "port/atomics.h"
#include "storage/proc.h"
#include "storage/shmem.h"
#include "utils/guc.h"
#include "utils/timestamp.h"

#include "clusters.h"
#include "compat.h"
#include "locks.h"
#include "pool.h"
#include "tally.h"

/* a cluster is not evicted this soon after it was last seen, if others can be */
#define GRACE_PERIOD (INT64CONST(10) * USECS_PER_SEC)

/* how much of a full table is freed at once: one in so many, and at most */
#define EVICT_SHARE 20
#define EVICT_MAX 64

/* room for advice and rewrite beside the two statements */
#define TEXT_ROOM_EXTRA 880

typedef struct ClusterTable
{
	pg_atomic_uint32 resets;	/* read by every running loop, written rarely */
	pg_atomic_flag evicting;
	pg_atomic_uint64 dealloc;
	LWLockPadded *locks;
	int			capacity;
	int			nbuckets;		/* a power of two times the partitions */
	int			used;			/* under the free list's lock */
	int32		free;			/* likewise */
	TimestampTz stats_reset;	/* likewise */
} ClusterTable;

static ClusterTable *table = NULL;
static int32 *buckets = NULL;
static char *places = NULL;

static const char *const pattern_names[] = {
	[PATTERN_FORWARD_FK] = "forward_fk",
	[PATTERN_REVERSE_FK] = "reverse_fk",
	[PATTERN_MANY_TO_MANY] = "many_to_many",
	[PATTERN_POLYMORPHIC] = "polymorphic",
	[PATTERN_DEFERRED_COLUMN] = "deferred_column",
	[PATTERN_COUNT] = "count",
	[PATTERN_EXISTS] = "exists",
	[PATTERN_AGGREGATE] = "aggregate",
	[PATTERN_FIRST_PER_PARENT] = "first_per_parent",
	[PATTERN_LOOKUP] = "lookup",
	[PATTERN_DUPLICATE] = "duplicate",
	[PATTERN_SELECT_FOR_UPDATE] = "select_for_update",
	[PATTERN_INSERT] = "insert",
	[PATTERN_UPDATE] = "update",
	[PATTERN_DELETE] = "delete",
	[PATTERN_UPSERT] = "upsert",
	[PATTERN_OTHER] = "other",
};

const char *
pattern_name(Pattern pattern)
{
	return pattern_names[pattern];
}

const char *
confidence_name(Confidence confidence)
{
	switch (confidence)
	{
		case CONFIDENCE_PROVEN:
			return "proven";
		case CONFIDENCE_LIKELY:
			return "likely";
		default:
			return "suspected";
	}
}

/* -------------------------------------------------------------------------
 * Memory
 * -------------------------------------------------------------------------
 */

/* bytes for the texts of one cluster */
static Size
text_room(void)
{
	return 2 * (Size) npo_query_size + TEXT_ROOM_EXTRA;
}

Size
clusters_copy_size(void)
{
	return MAXALIGN(offsetof(Cluster, texts) + text_room());
}

static int
bucket_count(void)
{
	int			n = CLUSTER_PARTITIONS;

	while (n < npo_max)
		n *= 2;
	return n;
}

Size
clusters_shmem_size(void)
{
	Size		size = MAXALIGN(sizeof(ClusterTable));

	size = add_size(size, MAXALIGN(mul_size(bucket_count(), sizeof(int32))));
	return add_size(size, mul_size(npo_max, clusters_copy_size()));
}

static inline Cluster *
place(int number)
{
	return (Cluster *) (places + number * clusters_copy_size());
}

void
clusters_shmem_init(void)
{
	bool		found;
	char	   *memory = ShmemInitStruct("pg_nplusone clusters",
										 clusters_shmem_size(), &found);

	table = (ClusterTable *) memory;
	buckets = (int32 *) (memory + MAXALIGN(sizeof(ClusterTable)));
	places = (char *) buckets + MAXALIGN(bucket_count() * sizeof(int32));
	if (found)
		return;
	memset(memory, 0, clusters_shmem_size());
	pg_atomic_init_u32(&table->resets, 0);
	pg_atomic_init_flag(&table->evicting);
	pg_atomic_init_u64(&table->dealloc, 0);
	table->locks = GetNamedLWLockTranche(CLUSTER_LOCK_TRANCHE);
	table->capacity = npo_max;
	table->nbuckets = bucket_count();
	table->stats_reset = GetCurrentTimestamp();
	for (int i = 0; i < table->nbuckets; i++)
		buckets[i] = -1;
	for (int i = 0; i < table->capacity; i++)
		place(i)->next = i + 1 < table->capacity ? i + 1 : -1;
}

int
clusters_capacity(void)
{
	return table->capacity;
}

/* -------------------------------------------------------------------------
 * The hash table
 * -------------------------------------------------------------------------
 */

/* a stable number for the key, its hash; positive so that it reads well */
int64
clusters_id(const ClusterKey *key)
{
	return (int64) (hash_bytes_extended((const unsigned char *) key,
										sizeof(*key), 0) & PG_INT64_MAX);
}

static inline int
bucket_of(int64 clusterid)
{
	return clusterid & (table->nbuckets - 1);
}

static inline LWLock *
partition_lock(int bucket)
{
	return &table->locks[bucket % CLUSTER_PARTITIONS].lock;
}

static inline void
lock_partition(int bucket, LWLockMode mode)
{
	npo_lock(partition_lock(bucket), mode);
}

static inline void
unlock_partition(int bucket)
{
	npo_unlock(partition_lock(bucket));
}

static inline LWLock *
free_list_lock(void)
{
	return &table->locks[CLUSTER_PARTITIONS].lock;
}

static inline bool
in_use(const Cluster *cluster)
{
	return cluster->serial % 2 == 1;
}

static int32
find(const ClusterKey *key, int bucket)
{
	for (int32 i = buckets[bucket]; i >= 0; i = place(i)->next)
		if (memcmp(&place(i)->key, key, sizeof(*key)) == 0)
			return i;
	return -1;
}

static int32
pop_free(void)
{
	int32		number;

	npo_lock(free_list_lock(), LW_EXCLUSIVE);
	number = table->free;
	if (number >= 0)
	{
		table->free = place(number)->next;
		table->used++;
	}
	npo_unlock(free_list_lock());
	return number;
}

/* Take a cluster out; its partition is locked exclusively. */
static void
drop(int32 number, int bucket)
{
	int32	   *link = &buckets[bucket];
	Cluster    *cluster = place(number);

	while (*link != number)
		link = &place(*link)->next;
	*link = cluster->next;
	cluster->serial++;
	npo_lock(free_list_lock(), LW_EXCLUSIVE);
	cluster->next = table->free;
	table->free = number;
	table->used--;
	npo_unlock(free_list_lock());
}

/* -------------------------------------------------------------------------
 * Eviction
 * -------------------------------------------------------------------------
 */

/* what a cluster is worth: the time its loops have wasted, and its proof */
static double
cluster_value(const Cluster *cluster, TimestampTz now)
{
	double		age = Max(now - cluster->totals.last_seen, 0) + USECS_PER_SEC;
	double		wasted = cluster->totals.exec_time + cluster->totals.gap_time + 1.0;

	if (cluster->muted)
		wasted *= 1000;			/* a decision of the user's is not forgotten */
	if (now - cluster->totals.last_seen < GRACE_PERIOD)
		wasted *= 1000;
	return wasted * (cluster->confidence + 1) / age;
}

/* the cluster at a place, with its partition locked; NULL: none */
static Cluster *
lock_place(int number, LWLockMode mode, int *bucket)
{
	Cluster    *cluster = place(number);

	for (;;)
	{
		int64		clusterid = cluster->clusterid;

		if (!in_use(cluster))
			return NULL;
		*bucket = bucket_of(clusterid);
		lock_partition(*bucket, mode);
		if (in_use(cluster) && cluster->clusterid == clusterid)
			return cluster;
		unlock_partition(*bucket);
	}
}

/* a cluster that may go, as an unlocked look has found it */
typedef struct Victim
{
	double		value;
	int32		number;
	uint32		serial;
} Victim;

/* Keep a victim among the least worth of "max"; they are in order of value. */
static int
add_victim(Victim *victims, int n, int max, Victim victim)
{
	int			i = n;

	if (n > 0 && n == max)
	{
		if (victim.value >= victims[n - 1].value)
			return n;
		i--;
	}
	else
		n++;
	for (; i > 0 && victims[i - 1].value > victim.value; i--)
		victims[i] = victims[i - 1];
	victims[i] = victim;
	return n;
}

/* The clusters of least value that no loop counts for, in one pass. */
static int
choose_victims(Victim *victims, int max, TimestampTz now)
{
	int			n = 0;

	for (int i = 0; i < table->capacity; i++)
	{
		Cluster    *cluster = place(i);
		Victim		victim = {0, i, cluster->serial};

		if (!in_use(cluster) || cluster->running > 0)
			continue;
		victim.value = cluster_value(cluster, now);
		n = add_victim(victims, n, max, victim);
	}
	return n;
}

/* The choice is confirmed under the lock: it may be in use by now. */
static void
evict(const Victim *victim)
{
	int			bucket;
	Cluster    *cluster = lock_place(victim->number, LW_EXCLUSIVE, &bucket);

	if (cluster == NULL)
		return;
	if (cluster->running == 0 && cluster->serial == victim->serial)
	{
		drop(victim->number, bucket);
		pg_atomic_fetch_add_u64(&table->dealloc, 1);
	}
	unlock_partition(bucket);
}

/*
 * Make room.  One backend does it, for several to come; the others go on
 * without publishing, and try again at their next statement.
 */
static void
make_room(TimestampTz now)
{
	Victim		victims[EVICT_MAX];
	int			n;

	if (!pg_atomic_test_set_flag(&table->evicting))
		return;
	pool_sweep();
	n = choose_victims(victims, Min(table->capacity / EVICT_SHARE + 1, EVICT_MAX), now);
	for (int i = 0; i < n; i++)
		evict(&victims[i]);
	pg_atomic_clear_flag(&table->evicting);
}

/* -------------------------------------------------------------------------
 * Publishing and folding loops
 * -------------------------------------------------------------------------
 */

static void
set_texts(Cluster *cluster, const Finding *finding)
{
	Size		at = 0;
	Size		room = text_room();

	for (int i = 0; i < CLUSTER_TEXTS; i++)
	{
		Size		len;

		cluster->text_at[i] = -1;
		if (finding->texts[i] == NULL)
			continue;
		len = strlen(finding->texts[i]) + 1;
		if (at + len > room)
			continue;			/* advice that does not fit is left out whole */
		memcpy(cluster->texts + at, finding->texts[i], len);
		cluster->text_at[i] = at;
		at += len;
	}
	cluster->text_size = at;
}

static void
set_finding(Cluster *cluster, const Finding *finding)
{
	cluster->pattern = finding->pattern;
	cluster->confidence = finding->confidence;
	strlcpy(cluster->link, finding->link ? finding->link : "", CLUSTER_LINK_SIZE);
	set_texts(cluster, finding);
}

static void
set_origin(Cluster *cluster, const Finding *finding)
{
	strlcpy(cluster->application_name, application_name ? application_name : "",
			sizeof(cluster->application_name));
	strlcpy(cluster->tags, finding->tags ? finding->tags : "",
			sizeof(cluster->tags));
}

static void
init_cluster(Cluster *cluster, const Finding *finding, TimestampTz now)
{
	cluster->key = finding->key;
	cluster->queryid = finding->queryid;
	cluster->parent_queryid = finding->parent_queryid;
	cluster->clusterid = finding->clusterid;
	cluster->running = 0;
	cluster->muted = false;
	memset(&cluster->totals, 0, sizeof(cluster->totals));
	cluster->totals.first_seen = cluster->totals.last_seen = now;
	set_finding(cluster, finding);
}

/* Find or make the cluster, with its partition locked exclusively. */
static int32
find_or_add(const Finding *finding, int bucket)
{
	int32		number = find(&finding->key, bucket);
	Cluster    *cluster;

	if (number >= 0)
		return number;
	number = pop_free();
	if (number < 0)
		return -1;
	cluster = place(number);
	init_cluster(cluster, finding, GetCurrentTimestamp());
	pg_write_barrier();
	cluster->serial++;
	cluster->next = buckets[bucket];
	buckets[bucket] = number;
	return number;
}

/* The loop counts for this cluster now, whose partition is locked exclusively. */
static void
attach(int32 number, const Finding *finding, SlotLoop *loop)
{
	Cluster    *cluster = place(number);

	cluster->running++;
	set_origin(cluster, finding);
	change_begin(&loop->change);
	loop->cluster = number;
	loop->cluster_serial = cluster->serial;
	loop->pattern = finding->pattern;
	loop->confidence = finding->confidence;
	change_end(&loop->change);
}

/*
 * Was the cluster found to be the same kind of loop, or with more confidence?
 * Then it has the texts that the finding would have.
 */
static bool
tells_no_less(const Cluster *cluster, const Finding *finding)
{
	return cluster->text_at[TEXT_QUERY] >= 0 &&
		(cluster->text_at[TEXT_PARENT] >= 0 || !finding->knows_parent) &&
		(cluster->confidence > finding->confidence ||
		 (cluster->confidence == finding->confidence &&
		  cluster->pattern == finding->pattern));
}

/*
 * Publish a running loop to its cluster if all is known of it already, so
 * that its texts need not be made.
 */
bool
clusters_attach_known(const Finding *finding, SlotLoop *loop)
{
	int			bucket = bucket_of(finding->clusterid);
	int32		number;
	bool		known;

	lock_partition(bucket, LW_EXCLUSIVE);
	number = find(&finding->key, bucket);
	known = number >= 0 && tells_no_less(place(number), finding);
	if (known)
		attach(number, finding, loop);
	unlock_partition(bucket);
	return known;
}

/*
 * Publish a running loop: from here on it shows in its cluster.  False when
 * the table is full of clusters that are in use.
 */
bool
clusters_attach(const Finding *finding, SlotLoop *loop)
{
	int			bucket = bucket_of(finding->clusterid);
	int32		number = -1;

	for (int attempt = 0; attempt < 2 && number < 0; attempt++)
	{
		if (attempt > 0)
			make_room(GetCurrentTimestamp());
		lock_partition(bucket, LW_EXCLUSIVE);
		number = find_or_add(finding, bucket);
		if (number >= 0)
		{
			if (finding->confidence >= place(number)->confidence &&
				finding->texts[TEXT_QUERY] != NULL &&
				(finding->knows_parent || !tells_no_less(place(number), finding)))
				set_finding(place(number), finding);
			attach(number, finding, loop);
		}
		unlock_partition(bucket);
	}
	return number >= 0;
}

/* the cluster of a published loop, locked exclusively; NULL: it was reset */
static Cluster *
lock_cluster(const SlotLoop *loop, int *bucket)
{
	Cluster    *cluster;

	if (loop->cluster < 0)
		return NULL;
	cluster = lock_place(loop->cluster, LW_EXCLUSIVE, bucket);
	if (cluster == NULL)
		return NULL;
	if (cluster->serial == loop->cluster_serial)
		return cluster;
	unlock_partition(*bucket);
	return NULL;
}

static void
unpublish(SlotLoop *loop)
{
	change_begin(&loop->change);
	loop->cluster = -1;
	change_end(&loop->change);
}

/*
 * Take a loop out of its cluster, since it belongs to another one.  A cluster
 * that had nothing else goes with it.
 */
void
clusters_detach(SlotLoop *loop)
{
	int			bucket;
	Cluster    *cluster = lock_cluster(loop, &bucket);

	if (cluster != NULL)
	{
		cluster->running--;
		if (cluster->running == 0 && cluster->totals.loops == 0 && !cluster->muted)
			drop(loop->cluster, bucket);
		unpublish(loop);
		unlock_partition(bucket);
	}
	else
		unpublish(loop);
}

/* Add one loop to the sums, as it stands; "over" tells that it has ended. */
void
totals_add_loop(ClusterTotals *totals, const LoopCounters *counters, bool over)
{
	totals->loops++;
	totals->calls += counters->calls;
	totals->max_calls = Max(totals->max_calls, counters->calls);
	totals->duplicate_calls += counters->duplicate_calls;
	totals->parent_rows += counters->parent_rows;
	totals->rows += counters->rows;
	totals->exec_time += counters->exec_time;
	totals->max_exec_time = Max(totals->max_exec_time, counters->max_exec_time);
	totals->gap_time += counters->gap_time;
	totals->max_loop_time = Max(totals->max_loop_time,
								counters->ended - counters->started);
	totals->blks_hit += counters->blks_hit;
	totals->blks_read += counters->blks_read;
	totals->last_seen = Max(totals->last_seen, counters->ended);
}

/*
 * The loop has ended: its counts go to the cluster.  Called from exit and
 * abort callbacks, too: numbers only.  False when the cluster was reset
 * meanwhile; then the counts belong to what was thrown away.
 */
bool
clusters_fold(SlotLoop *loop)
{
	int			bucket;
	Cluster    *cluster = lock_cluster(loop, &bucket);

	if (cluster == NULL)
	{
		unpublish(loop);
		return false;
	}
	totals_add_loop(&cluster->totals, &loop->counters, true);
	tally_add(loop);
	cluster->running--;
	unpublish(loop);
	unlock_partition(bucket);
	return true;
}

/*
 * A published loop and another one, which may be published to the same
 * cluster, are one loop: "to" counts for both from now on.  False when the
 * cluster was reset, or is not the same.
 */
bool
clusters_hand_over(SlotLoop *from, SlotLoop *to)
{
	int			bucket;
	Cluster    *cluster = lock_cluster(from, &bucket);
	bool		same;

	if (cluster == NULL)
		return false;
	same = to->cluster < 0 ||
		(to->cluster == from->cluster && to->cluster_serial == from->cluster_serial);
	if (same)
	{
		if (to->cluster >= 0)
			cluster->running--;
		slots_move_counters(from, to);
		change_begin(&to->change);
		to->cluster = from->cluster;
		to->cluster_serial = from->cluster_serial;
		to->pattern = from->pattern;
		to->confidence = from->confidence;
		change_end(&to->change);
		unpublish(from);
	}
	unlock_partition(bucket);
	return same;
}

/*
 * The text of the parent of a cluster, which was published by a session that
 * did not know it.
 */
void
clusters_tell_parent(int32 number, uint32 serial, const char *text)
{
	int			bucket;
	Cluster    *cluster = lock_place(number, LW_EXCLUSIVE, &bucket);
	Size		len = strlen(text) + 1;

	if (cluster == NULL)
		return;
	if (cluster->serial == serial && cluster->text_at[TEXT_PARENT] < 0 &&
		cluster->text_size + len <= text_room())
	{
		memcpy(cluster->texts + cluster->text_size, text, len);
		cluster->text_at[TEXT_PARENT] = cluster->text_size;
		cluster->text_size += len;
	}
	unlock_partition(bucket);
}

/* Is the cluster of a published loop still the one it was published to? */
bool
clusters_is_attached(const SlotLoop *loop)
{
	return loop->cluster >= 0 &&
		place(loop->cluster)->serial == loop->cluster_serial;
}

uint32
clusters_resets(void)
{
	return pg_atomic_read_u32(&table->resets);
}

/* Have every loop that is running look around, as after a reset. */
void
clusters_rouse(void)
{
	pg_atomic_fetch_add_u32(&table->resets, 1);
}

bool
clusters_muted(const SlotLoop *loop)
{
	return clusters_is_attached(loop) && place(loop->cluster)->muted;
}

/* -------------------------------------------------------------------------
 * Reading
 * -------------------------------------------------------------------------
 */

/* Add a loop to a copy if it counts for that cluster, which is at "number". */
static bool
add_if_running(Cluster *copy, int number, const SlotLoop *running)
{
	SlotLoop	loop;

	if (running->cluster != number || !slots_read_loop(running, &loop) ||
		loop.cluster != number || loop.cluster_serial != copy->serial)
		return false;
	totals_add_loop(&copy->totals, &loop.counters, false);
	copy->confidence = Max(copy->confidence, loop.confidence);
	return true;
}

/* Add what is being counted for this cluster; its partition is locked. */
static void
add_running(Cluster *copy, int number)
{
	int			left = copy->running;

	for (int i = 0; i < POOL_LOOPS && left > 0; i++)
		left -= add_if_running(copy, number, pool_get(i));
	for (int i = 0; i < slots_count() && left > 0; i++)
	{
		const BackendSlot *slot = slots_get(i);

		if (slot->pid == 0)
			continue;
		for (int j = 0; j < SLOT_LOOPS && left > 0; j++)
			left -= add_if_running(copy, number, &slot->loops[j]);
	}
}

/* Copy what a cluster has in its place, which is less than there is room for. */
static void
copy_cluster(Cluster *copy, const Cluster *cluster)
{
	memcpy(copy, cluster, offsetof(Cluster, texts) + cluster->text_size);
}

/*
 * Copy a cluster, with what is running added.  "copy" has clusters_copy_size()
 * bytes.  False where the place is empty.
 */
bool
clusters_copy(int number, Cluster *copy)
{
	int			bucket;
	Cluster    *cluster = lock_place(number, LW_SHARED, &bucket);

	if (cluster == NULL)
		return false;
	copy_cluster(copy, cluster);
	add_running(copy, number);
	unlock_partition(bucket);
	return true;
}

/* The same without what is running, for its texts. */
bool
clusters_copy_bare(int number, Cluster *copy)
{
	int			bucket;
	Cluster    *cluster = lock_place(number, LW_SHARED, &bucket);

	if (cluster == NULL)
		return false;
	copy_cluster(copy, cluster);
	unlock_partition(bucket);
	return true;
}

/* Likewise, by key. */
bool
clusters_copy_key(const ClusterKey *key, Cluster *copy)
{
	int			bucket = bucket_of(clusters_id(key));
	int32		number;

	lock_partition(bucket, LW_SHARED);
	number = find(key, bucket);
	if (number >= 0)
		copy_cluster(copy, place(number));
	unlock_partition(bucket);
	return number >= 0;
}

void
clusters_info(int64 *used, int64 *dealloc, TimestampTz *stats_reset)
{
	npo_lock(free_list_lock(), LW_SHARED);
	*used = table->used;
	*stats_reset = table->stats_reset;
	npo_unlock(free_list_lock());
	*dealloc = (int64) pg_atomic_read_u64(&table->dealloc);
}

/* -------------------------------------------------------------------------
 * Saving and restoring
 * -------------------------------------------------------------------------
 */

/* a place, and what the cluster there is worth */
typedef struct Valued
{
	double		value;
	int32		number;
} Valued;

static int
by_value(const void *a, const void *b)
{
	double		left = ((const Valued *) a)->value;
	double		right = ((const Valued *) b)->value;

	return (left < right) - (left > right);
}

/* The places in use, the most valuable first; palloc'd, NULL: no memory */
static Valued *
places_by_value(int *n)
{
	Valued	   *list = palloc_extended(table->capacity * sizeof(Valued),
									   MCXT_ALLOC_NO_OOM | MCXT_ALLOC_HUGE);
	TimestampTz now = GetCurrentTimestamp();

	*n = 0;
	for (int i = 0; list != NULL && i < table->capacity; i++)
	{
		/* an unlocked look, as when something is evicted */
		if (!in_use(place(i)))
			continue;
		list[*n].value = cluster_value(place(i), now);
		list[(*n)++].number = i;
	}
	if (list != NULL)
		qsort(list, *n, sizeof(Valued), by_value);
	return list;
}

/*
 * Write all clusters, the most valuable first: a server that keeps fewer takes
 * those.
 */
bool
clusters_save(SaveFile *file)
{
	Cluster    *copy = palloc_extended(clusters_copy_size(), MCXT_ALLOC_NO_OOM);
	int			n = 0;
	Valued	   *list = copy ? places_by_value(&n) : NULL;
	bool		ok = list != NULL;

	for (int i = 0; ok && i < n; i++)
		if (clusters_copy(list[i].number, copy))
			ok = savefile_put(file, copy, offsetof(Cluster, texts),
							  copy->texts, copy->text_size);
	if (list != NULL)
		pfree(list);
	if (copy != NULL)
		pfree(copy);
	return ok;
}

/*
 * The texts of a saved cluster.  This server may keep less of them: what does
 * not fit is left out whole, and written anew when the loop runs again.
 */
static void
restore_texts(Cluster *cluster, const char *texts, Size size)
{
	Size		at = 0;

	for (int i = 0; i < CLUSTER_TEXTS; i++)
	{
		int32		from = cluster->text_at[i];
		Size		len;

		cluster->text_at[i] = -1;
		if (from < 0 || from >= size)
			continue;
		len = strnlen(texts + from, size - from) + 1;
		if (from + len > size || at + len > text_room())
			continue;
		memcpy(cluster->texts + at, texts + from, len);
		cluster->text_at[i] = at;
		at += len;
	}
	cluster->text_size = at;
}

/*
 * Take a saved cluster in again.  At start-up: there is nobody else, and no
 * lock could be taken.
 */
void
clusters_restore(const char *record, uint32 size)
{
	const Size	fixed = offsetof(Cluster, texts);
	int32		number = table->free;
	ClusterKey	key;
	Cluster    *cluster;
	uint32		serial;
	int			bucket;

	if (number < 0 || size < fixed)
		return;
	/* one that was evicted and came again while it was saved is there twice */
	memcpy(&key, record + offsetof(Cluster, key), sizeof(key));
	bucket = bucket_of(clusters_id(&key));
	if (find(&key, bucket) >= 0)
		return;
	cluster = place(number);
	serial = cluster->serial;
	table->free = cluster->next;
	table->used++;
	memcpy(cluster, record, fixed);
	cluster->clusterid = clusters_id(&key);
	restore_texts(cluster, record + fixed, size - fixed);
	cluster->serial = serial + 1;
	cluster->running = 0;
	cluster->next = buckets[bucket];
	buckets[bucket] = number;
}

/* the time of the last reset belongs to the numbers that are kept */
bool
clusters_save_reset(SaveFile *file)
{
	int64		used,
				dealloc;
	TimestampTz stats_reset;

	clusters_info(&used, &dealloc, &stats_reset);
	return savefile_put(file, &stats_reset, sizeof(stats_reset), NULL, 0);
}

void
clusters_restore_reset(const char *record, uint32 size)
{
	if (size == sizeof(TimestampTz))
		memcpy(&table->stats_reset, record, size);
}

/* -------------------------------------------------------------------------
 * Administration
 * -------------------------------------------------------------------------
 */

/*
 * Remove clusters; 0 stands for any.  A loop that is running goes on counting
 * and is published anew, from zero, at its next statement.
 */
int64
clusters_remove(Oid userid, Oid dbid, int64 clusterid)
{
	int64		removed = 0;

	for (int i = 0; i < table->capacity; i++)
	{
		int			bucket;
		Cluster    *cluster = lock_place(i, LW_EXCLUSIVE, &bucket);

		if (cluster == NULL)
			continue;
		if ((!OidIsValid(userid) || cluster->key.userid == userid) &&
			(!OidIsValid(dbid) || cluster->key.dbid == dbid) &&
			(clusterid == 0 || cluster->clusterid == clusterid))
		{
			drop(i, bucket);
			removed++;
		}
		unlock_partition(bucket);
	}
	if (!OidIsValid(userid) && !OidIsValid(dbid) && clusterid == 0)
	{
		npo_lock(free_list_lock(), LW_EXCLUSIVE);
		table->stats_reset = GetCurrentTimestamp();
		npo_unlock(free_list_lock());
	}
	pg_atomic_fetch_add_u32(&table->resets, 1);
	return removed;
}

/* Mute or unmute; false when there is no such cluster. */
bool
clusters_mute(int64 clusterid, bool mute)
{
	bool		found = false;

	for (int i = 0; i < table->capacity; i++)
	{
		int			bucket;
		Cluster    *cluster = lock_place(i, LW_EXCLUSIVE, &bucket);

		if (cluster == NULL)
			continue;
		if (cluster->clusterid == clusterid)
		{
			cluster->muted = mute;
			found = true;
		}
		unlock_partition(bucket);
	}
	return found;
}
