/*-------------------------------------------------------------------------
 *
 * slots.c
 *	  One slot of shared memory per backend: what it is counting right now.
 *
 * Owns the array of slots.  A backend attaches to the slot of its number when
 * it first counts something and detaches when it exits; the number is its
 * own in between, so no lock protects either.  Races that are accepted:
 *
 * - A reader may see a loop of a backend that has just exited.  The exit
 *	 folds the loop under the lock of its cluster, and readers that add up a
 *	 cluster hold that lock, so nothing is counted twice or lost.
 * - pid and dbid may be of two moments.  They are shown only in
 *	 pg_nplusone_activity, and say which slots are worth a look.
 * - A sample may be written over while another session looks for the rows that
 *	 it holds.  Then it is not there.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "miscadmin.h"
#include "storage/proc.h"
#include "storage/shmem.h"
#include "utils/guc.h"

#include "compat.h"
#include "slots.h"

/* how often a reader tries to catch a loop between two writes */
#define READ_ATTEMPTS 200

typedef struct SlotArray
{
	int			nslots;
	BackendSlot slots[FLEXIBLE_ARRAY_MEMBER];
} SlotArray;

BackendSlot *my_slot = NULL;

static SlotArray *slot_array = NULL;

Size
slots_shmem_size(void)
{
	return add_size(offsetof(SlotArray, slots),
					mul_size(MaxConnections, sizeof(BackendSlot)));
}

void
slots_shmem_init(void)
{
	bool		found;

	slot_array = ShmemInitStruct("pg_nplusone slots", slots_shmem_size(), &found);
	if (found)
		return;
	memset(slot_array, 0, slots_shmem_size());
	slot_array->nslots = MaxConnections;
}

/* Take the slot of this backend; false where there is none. */
bool
slots_attach(void)
{
	int			number = NPO_MY_SLOT();

	if (my_slot != NULL)
		return true;
	if (slot_array == NULL || number < 0 || number >= slot_array->nslots)
		return false;
	my_slot = &slot_array->slots[number];
	/* what others have lost stays: its sum must not go down when they exit */
	memset((char *) my_slot + offsetof(BackendSlot, pid), 0, sizeof(*my_slot) - offsetof(BackendSlot, pid));
	for (int i = 0; i < SLOT_LOOPS; i++)
		my_slot->loops[i].cluster = -1;
	my_slot->dbid = MyDatabaseId;
	pg_write_barrier();
	my_slot->pid = MyProcPid;
	return true;
}

void
slots_detach(void)
{
	if (my_slot == NULL)
		return;
	my_slot->pid = 0;
	my_slot = NULL;
}

int
slots_count(void)
{
	return slot_array->nslots;
}

BackendSlot *
slots_get(int number)
{
	return &slot_array->slots[number];
}

/*
 * Copy a loop of another backend as it was at one moment.  An owner that has
 * lost its processor in the middle of a write would be waited for in vain:
 * then its counters are of two moments, one execution apart.  False when the
 * loop is not published.
 */
bool
slots_read_loop(const SlotLoop *loop, SlotLoop *copy)
{
	const volatile uint32 *change = &loop->change;

	for (int i = 0; i < READ_ATTEMPTS; i++)
	{
		uint32		before = *change;

		pg_read_barrier();
		memcpy(copy, loop, sizeof(*copy));
		pg_read_barrier();
		if (before % 2 == 0 && before == *change)
			break;
	}
	return copy->cluster >= 0;
}

/*
 * Add what one loop has counted to another, and begin anew.  Nobody else
 * writes to either.
 */
void
slots_move_counters(SlotLoop *from, SlotLoop *to)
{
	LoopCounters *c = &to->counters;
	const LoopCounters more = from->counters;

	change_begin(&to->change);
	c->calls += more.calls;
	c->duplicate_calls += more.duplicate_calls;
	c->parent_rows = Max(c->parent_rows, more.parent_rows);
	c->rows += more.rows;
	c->exec_time += more.exec_time;
	c->max_exec_time = Max(c->max_exec_time, more.max_exec_time);
	c->gap_time += more.gap_time;
	c->blks_hit += more.blks_hit;
	c->blks_read += more.blks_read;
	c->started = c->started == 0 ? more.started : Min(c->started, more.started);
	c->ended = Max(c->ended, more.ended);
	change_end(&to->change);
	change_begin(&from->change);
	memset(&from->counters, 0, sizeof(from->counters));
	change_end(&from->change);
}

/* Copy a result of another backend.  False when it is being written to. */
bool
slots_read_sample(const Sample *sample, Sample *copy)
{
	const volatile uint32 *change = &sample->change;
	uint32		before = *change;

	pg_read_barrier();
	memcpy(copy, sample, sizeof(*copy));
	pg_read_barrier();
	return before % 2 == 0 && before == *change;
}

/* Statements that did not fit into a private table, in all backends so far. */
uint64
slots_dropped(void)
{
	uint64		dropped = 0;

	for (int i = 0; i < slot_array->nslots; i++)
		dropped += slot_array->slots[i].dropped;
	return dropped;
}
