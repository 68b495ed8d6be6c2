/*-------------------------------------------------------------------------
 *
 * server.c
 *	  The little of a server that normalize.c needs, for a fuzzer.
 *
 * Memory contexts in which every chunk is a block of malloc's own, so that the
 * address sanitizer sees one byte too many; errors that jump and say nothing;
 * the encoding of a database.  The scanner, the keywords, the character tables
 * and StringInfo are PostgreSQL's own sources.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "mb/pg_wchar.h"
#include "nodes/memnodes.h"
#include "parser/parser.h"
#include "parser/scansup.h"
#include "utils/guc.h"
#include "utils/memutils.h"

#include "server.h"

/* what the server has as globals; the scanner brings its own settings */
int			client_min_messages = NOTICE;
sigjmp_buf *PG_exception_stack = NULL;
ErrorContextCallback *error_context_stack = NULL;
MemoryContext CurrentMemoryContext = NULL;
MemoryContext TopMemoryContext = NULL;

static int	encoding = PG_UTF8;
static int	error_code;

/* -------------------------------------------------------------------------
 * Memory
 * -------------------------------------------------------------------------
 */

typedef struct Chunk
{
	struct Chunk *next;
	struct Chunk *previous;
	struct Context *owner;
} Chunk;

typedef struct Context
{
	MemoryContextData header;
	Chunk		chunks;			/* the ring's beginning */
} Context;

static Context *
make_context(void)
{
	Context    *context = calloc(1, sizeof(Context));

	context->chunks.next = context->chunks.previous = &context->chunks;
	return context;
}

MemoryContext
AllocSetContextCreateInternal(MemoryContext parent, const char *name, Size minContextSize,
							  Size initBlockSize, Size maxBlockSize)
{
	return &make_context()->header;
}

void
MemoryContextDelete(MemoryContext context)
{
	Chunk	   *ring = &((Context *) context)->chunks;

	while (ring->next != ring)
		pfree(ring->next + 1);
	free(context);
}

void *
palloc(Size size)
{
	Context    *context = (Context *) CurrentMemoryContext;
	Chunk	   *chunk = malloc(sizeof(Chunk) + size);

	chunk->owner = context;
	chunk->next = context->chunks.next;
	chunk->previous = &context->chunks;
	chunk->next->previous = chunk->previous->next = chunk;
	return chunk + 1;
}

void *
palloc0(Size size)
{
	return memset(palloc(size), 0, size);
}

void
pfree(void *pointer)
{
	Chunk	   *chunk = (Chunk *) pointer - 1;

	chunk->next->previous = chunk->previous;
	chunk->previous->next = chunk->next;
	free(chunk);
}

void *
repalloc(void *pointer, Size size)
{
	Chunk	   *chunk = realloc((Chunk *) pointer - 1, sizeof(Chunk) + size);

	chunk->next->previous = chunk->previous->next = chunk;
	return chunk + 1;
}

char *
pnstrdup(const char *text, Size len)
{
	char	   *copy;

	len = strnlen(text, len);
	copy = palloc(len + 1);
	memcpy(copy, text, len);
	copy[len] = '\0';
	return copy;
}

char *
pstrdup(const char *text)
{
	return pnstrdup(text, strlen(text));
}

/* -------------------------------------------------------------------------
 * Errors
 * -------------------------------------------------------------------------
 */

bool
errstart(int elevel, const char *domain)
{
	return elevel >= ERROR;
}

bool
errstart_cold(int elevel, const char *domain)
{
	return errstart(elevel, domain);
}

void
errfinish(const char *filename, int lineno, const char *funcname)
{
	pg_re_throw();
}

void
pg_re_throw(void)
{
	if (PG_exception_stack == NULL)
		abort();
	siglongjmp(*PG_exception_stack, 1);
}

int
errcode(int sqlerrcode)
{
	error_code = sqlerrcode;
	return 0;
}

int
geterrcode(void)
{
	return error_code;
}

void
FlushErrorState(void)
{
}

int
errmsg(const char *fmt,...)
{
	return 0;
}

int
errmsg_internal(const char *fmt,...)
{
	error_code = ERRCODE_INTERNAL_ERROR;
	return 0;
}

int
errdetail(const char *fmt,...)
{
	return 0;
}

int
errhint(const char *fmt,...)
{
	return 0;
}

int
errposition(int cursorpos)
{
	return 0;
}

void
ExceptionalCondition(const char *conditionName, const char *errorType, const char *fileName, int lineNumber)
{
	abort();
}

/* -------------------------------------------------------------------------
 * Encodings
 * -------------------------------------------------------------------------
 */

int
GetDatabaseEncoding(void)
{
	return encoding;
}

int
pg_get_client_encoding(void)
{
	return encoding;
}

int
pg_database_encoding_max_length(void)
{
	return pg_encoding_max_length(encoding);
}

bool
server_text_is_valid(const char *text, int len)
{
	return pg_encoding_verifymbstr(encoding, text, len) == len;
}

bool
pg_verifymbstr(const char *text, int len, bool noError)
{
	if (server_text_is_valid(text, len))
		return true;
	if (!noError)
		ereport(ERROR, (errcode(ERRCODE_CHARACTER_NOT_IN_REPERTOIRE), errmsg("invalid")));
	return false;
}

int
pg_mbcliplen(const char *text, int len, int limit)
{
	int			clipped = 0;

	while (clipped < len && text[clipped] != '\0')
	{
		int			next = clipped + pg_encoding_mblen(encoding, text + clipped);

		if (next > limit || next > len)
			break;
		clipped = next;
	}
	return clipped;
}

int
pg_mbstrlen_with_len(const char *text, int limit)
{
	return limit;
}

void
pg_unicode_to_server(pg_wchar c, unsigned char *s)
{
	if (encoding == PG_UTF8)
	{
		unicode_to_utf8(c, s);
		s[pg_utf_mblen(s)] = '\0';
	}
	else if (c < 0x80)
	{
		s[0] = (unsigned char) c;
		s[1] = '\0';
	}
	else
		ereport(ERROR, (errcode(ERRCODE_UNTRANSLATABLE_CHARACTER), errmsg("no such character")));
}

/* -------------------------------------------------------------------------
 * One input
 * -------------------------------------------------------------------------
 */

void
server_begin(int wanted)
{
	encoding = wanted;
	client_min_messages = NOTICE;
	PG_exception_stack = NULL;
	TopMemoryContext = CurrentMemoryContext = &make_context()->header;
}

/* Everything must have been put back as it was found. */
void
server_end(void)
{
	if (CurrentMemoryContext != TopMemoryContext || PG_exception_stack != NULL ||
		client_min_messages != NOTICE)
		abort();
	MemoryContextDelete(TopMemoryContext);
}
