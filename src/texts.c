/*-------------------------------------------------------------------------
 *
 * texts.c
 *	  The texts of the statements that may turn out to be a loop's parent.
 *
 * A parent's text is wanted when its loop is detected, which is after the
 * parent is done and its text gone.  So every statement that returned several
 * rows leaves its text here: a private ring of bytes, in which the latest
 * texts push out the oldest.  Texts are raw, with the literals of the user,
 * and never leave the backend; what goes to shared memory is normalised.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "texts.h"

/* a text longer than this keeps its beginning only */
#define TEXT_MAX 2048

typedef struct TextRing
{
	uint32		written;		/* bytes ever written */
	char		bytes[TEXTS_SIZE];
} TextRing;

static TextRing *ring = NULL;

Size
texts_private_size(void)
{
	return MAXALIGN(sizeof(TextRing));
}

void
texts_init(char *memory)
{
	ring = (TextRing *) memory;
	ring->written = 0;
}

/*
 * Keep one statement of a string, as PlannedStmt gives its place.  Returns a
 * handle.  A text lies in one piece: what does not fit before the end of the
 * ring starts over at its beginning.
 */
int32
texts_keep(const char *text, int location, int len)
{
	uint32		at;
	uint32		size;

	if (text == NULL)
		return TEXT_NONE;
	if (location > 0)
		text += location;
	if (len <= 0)
		len = strlen(text);
	len = Min(len, TEXT_MAX);
	size = MAXALIGN(len + sizeof(uint32));

	at = ring->written % TEXTS_SIZE;
	if (at + size > TEXTS_SIZE)
		ring->written += TEXTS_SIZE - at;
	/* handles are offsets since the backend began; start over in time */
	if (ring->written > PG_INT32_MAX - 2 * TEXTS_SIZE)
		ring->written = 2 * TEXTS_SIZE;
	at = ring->written % TEXTS_SIZE;
	memcpy(ring->bytes + at, &len, sizeof(uint32));
	memcpy(ring->bytes + at + sizeof(uint32), text, len);
	ring->written += size;
	return (int32) (ring->written - size);
}

/* The text behind a handle, not terminated; NULL when it has been pushed out. */
const char *
texts_get(int32 handle, int *len)
{
	uint32		size;

	if (handle < 0 || (uint32) handle >= ring->written ||
		ring->written - (uint32) handle > TEXTS_SIZE)
		return NULL;
	memcpy(&size, ring->bytes + handle % TEXTS_SIZE, sizeof(uint32));
	*len = (int) size;
	return ring->bytes + handle % TEXTS_SIZE + sizeof(uint32);
}
