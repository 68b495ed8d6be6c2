/*-------------------------------------------------------------------------
 *
 * fuzz_texthash.c
 *	  texthash.c under libFuzzer, outside of the server.
 *
 * A text lies in a block of exactly its size, so that the address sanitizer
 * sees one byte too far.  Beside that, a text must have the same number when
 * the scan goes on behind a beginning that is known and when it does not, and
 * what stands in another block must have it as well.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "texthash.h"
#include "value.h"

/* as in value.c, which needs a server */
uint64
value_load_rest(const char *bytes, int len)
{
	uint64		word = 0;

	memcpy(&word, bytes, len);
	return word;
}

static char *
exact_copy(const uint8_t *data, size_t size)
{
	char	   *text = malloc(size + 1);

	memcpy(text, data, size);
	text[size] = '\0';
	return text;
}

/* Other texts take the places of all beginnings. */
static void
forget_beginnings(bool standard_strings)
{
	static int	n = 0;
	char		text[80];

	for (int i = 0; i < 8; i++)
	{
		snprintf(text, sizeof(text), "SELECT a%d FROM t WHERE id = 5", n++);
		(void) texthash(text, strlen(text), standard_strings);
	}
}

extern int	LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	bool		standard_strings = size == 0 || (data[0] & 1) == 0;
	size_t		len = strnlen((const char *) data, size);
	char	   *text = exact_copy(data, len);
	char	   *other = exact_copy(data, len);
	uint64		afresh,
				again;

	forget_beginnings(standard_strings);
	afresh = texthash(text, len, standard_strings);
	again = texthash(other, len, standard_strings);
	if (afresh != again)
	{
		fprintf(stderr, "two numbers for: %s\n", text);
		abort();
	}
	free(text);
	free(other);
	return 0;
}
