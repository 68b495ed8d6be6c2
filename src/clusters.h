/*-------------------------------------------------------------------------
 *
 * clusters.h
 *	  The clusters of all backends, in shared memory.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PG_NPLUSONE_CLUSTERS_H
#define PG_NPLUSONE_CLUSTERS_H

#include "datatype/timestamp.h"
#include "storage/lwlock.h"

#include "savefile.h"
#include "settings.h"
#include "slots.h"

#define CLUSTER_LOCK_TRANCHE "pg_nplusone"
#define CLUSTER_PARTITIONS 16	/* a power of two */
#define CLUSTER_LOCKS (CLUSTER_PARTITIONS + 1)
#define CLUSTER_LINK_SIZE 288
#define CLUSTER_TAGS_SIZE 256

/* what shapes a loop can have; names in clusters.c */
typedef enum Pattern
{
	PATTERN_FORWARD_FK,
	PATTERN_REVERSE_FK,
	PATTERN_MANY_TO_MANY,
	PATTERN_POLYMORPHIC,
	PATTERN_DEFERRED_COLUMN,
	PATTERN_COUNT,
	PATTERN_EXISTS,
	PATTERN_AGGREGATE,
	PATTERN_FIRST_PER_PARENT,
	PATTERN_LOOKUP,
	PATTERN_DUPLICATE,
	PATTERN_SELECT_FOR_UPDATE,
	PATTERN_INSERT,
	PATTERN_UPDATE,
	PATTERN_DELETE,
	PATTERN_UPSERT,
	PATTERN_OTHER
} Pattern;

typedef struct ClusterKey
{
	uint64		queryid;
	uint64		parent_queryid; /* 0: no parent known */
	Oid			userid;
	Oid			dbid;
} ClusterKey;

/* Sums over the loops of a cluster.  Times are in microseconds. */
typedef struct ClusterTotals
{
	int64		loops;
	int64		calls;
	int64		max_calls;
	int64		duplicate_calls;
	int64		parent_rows;
	int64		rows;
	int64		exec_time;
	int64		max_exec_time;
	int64		gap_time;
	int64		max_loop_time;
	int64		blks_hit;
	int64		blks_read;
	TimestampTz first_seen;
	TimestampTz last_seen;
} ClusterTotals;

/*
 * A cluster.  The texts lie one behind the other in "texts", each with its
 * final zero; see ClusterText.
 */
typedef enum ClusterText
{
	TEXT_QUERY,
	TEXT_PARENT,
	TEXT_ADVICE,
	TEXT_REWRITE,
	CLUSTER_TEXTS
} ClusterText;

typedef struct Cluster
{
	ClusterKey	key;
	uint64		queryid;		/* those of the key as the server has them */
	uint64		parent_queryid;
	int64		clusterid;
	uint32		serial;			/* which life of this place; odd: in use */
	int32		next;			/* in its chain or the free list; -1: none */
	int32		running;		/* loops of it that backends are counting now */
	bool		muted;
	uint8		pattern;
	uint8		confidence;
	ClusterTotals totals;
	char		link[CLUSTER_LINK_SIZE];
	char		application_name[NAMEDATALEN];
	char		tags[CLUSTER_TAGS_SIZE];
	int32		text_at[CLUSTER_TEXTS]; /* offset into texts, -1: none */
	uint32		text_size;		/* bytes of texts in use */
	char		texts[FLEXIBLE_ARRAY_MEMBER];
} Cluster;

/* what a detection says of a loop; strings may be NULL */
typedef struct Finding
{
	ClusterKey	key;
	uint64		queryid;		/* those of the key as the server has them */
	uint64		parent_queryid;
	int64		clusterid;		/* clusters_id() of the key */
	Pattern		pattern;
	Confidence	confidence;
	bool		knows_parent;	/* its text can be had here */
	const char *link;
	const char *tags;
	const char *texts[CLUSTER_TEXTS];
} Finding;

extern Size clusters_shmem_size(void);
extern void clusters_shmem_init(void);
extern const char *pattern_name(Pattern pattern);
extern const char *confidence_name(Confidence confidence);
extern int64 clusters_id(const ClusterKey *key);
extern bool clusters_attach_known(const Finding *finding, SlotLoop *loop);
extern bool clusters_attach(const Finding *finding, SlotLoop *loop);
extern void clusters_detach(SlotLoop *loop);
extern bool clusters_hand_over(SlotLoop *from, SlotLoop *to);
extern bool clusters_fold(SlotLoop *loop);
extern void clusters_tell_parent(int32 number, uint32 serial, const char *text);
extern bool clusters_is_attached(const SlotLoop *loop);
extern uint32 clusters_resets(void);
extern void clusters_rouse(void);
extern Size clusters_copy_size(void);
extern int	clusters_capacity(void);
extern bool clusters_copy(int number, Cluster *copy);
extern bool clusters_copy_bare(int number, Cluster *copy);
extern bool clusters_copy_key(const ClusterKey *key, Cluster *copy);
extern bool clusters_save(SaveFile *file);
extern void clusters_restore(const char *record, uint32 size);
extern bool clusters_save_reset(SaveFile *file);
extern void clusters_restore_reset(const char *record, uint32 size);
extern int64 clusters_remove(Oid userid, Oid dbid, int64 clusterid);
extern bool clusters_mute(int64 clusterid, bool mute);
extern bool clusters_muted(const SlotLoop *loop);
extern void clusters_info(int64 *used, int64 *dealloc, TimestampTz *stats_reset);
extern void totals_add_loop(ClusterTotals *totals, const LoopCounters *counters,
							bool over);

#endif							/* PG_NPLUSONE_CLUSTERS_H */
