/*-------------------------------------------------------------------------
 *
 * memo.c
 *	  Answers of the catalog, kept for as long as they hold.
 *
 * Every loop is classified anew, since what it is depends on the keys that it
 * was found with.  The questions to the catalog are the same for the next
 * loop, though, and one of them can cost more than a hundred statements do.
 * So a backend remembers a few dozen answers.
 *
 * All are forgotten when any relation changes: columns, foreign keys, indexes
 * and partitions come with an invalidation of their relation.  That a table
 * was added to an extension does not, so no answer is older than a minute.
 * An answer is kept under the generation in which it was asked for: if the
 * look-up itself let an invalidation in, it is stale at once, and asked again.
 *
 * Private, of fixed size, no lock.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "utils/timestamp.h"

#include "inval.h"
#include "memo.h"

#define MEMO_SIZE 64			/* a power of two */
#define MEMO_LIFE USECS_PER_MINUTE

typedef struct Memo
{
	MemoKey		key;
	MemoAnswer	answer;
	uint32		generation;
} Memo;

static Memo memos[MEMO_SIZE];

static uint32 asked_in = 0;
static TimestampTz expires = 0;

static Memo *
place_of(const MemoKey *key)
{
	uint32		hash = (key->relid * 0x9e3779b1 + key->question * 0x85ebca6b +
						key->attnum * 0xc2b2ae35 + key->target * 0x27d4eb2f + key->target_attnum * 0x165667b1);

	return &memos[(hash ^ hash >> 16) % MEMO_SIZE];
}

static bool
same_key(const MemoKey *a, const MemoKey *b)
{
	return a->question == b->question && a->relid == b->relid &&
		a->target == b->target && a->attnum == b->attnum &&
		a->target_attnum == b->target_attnum;
}

/* The answer, if it is known.  If not, it is now asked for. */
bool
memo_recall(const MemoKey *key, MemoAnswer *answer)
{
	const Memo *memo = place_of(key);

	if (GetCurrentStatementStartTimestamp() >= expires)
	{
		inval_start();
		memset(memos, 0, sizeof(memos));
		expires = GetCurrentStatementStartTimestamp() + MEMO_LIFE;
	}
	asked_in = inval_generation;
	if (memo->generation != inval_generation || !same_key(&memo->key, key))
		return false;
	*answer = memo->answer;
	return true;
}

/* Remember the answer to the question that was asked last. */
void
memo_keep(const MemoKey *key, MemoAnswer answer)
{
	Memo	   *memo = place_of(key);

	memo->key = *key;
	memo->answer = answer;
	memo->generation = asked_in;
}
