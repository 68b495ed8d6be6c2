/*-------------------------------------------------------------------------
 *
 * fuzz_normalize.c
 *	  normalize.c under libFuzzer, outside of the server.
 *
 * The first bytes of an input choose the encoding, the place of the statement
 * in its text, the size that is left for it, and two settings of
 * standard_conforming_strings: the one that the text was parsed under and the
 * present one.  The rest is the text, in which SECRET_BYTE stands for a secret.
 *
 * What must hold beside what the sanitizers see: the result fits, is in the
 * server's encoding if the text was, and where the secret is nowhere but in
 * literals and comments, as the parser reads them, the result does not have it.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "common/keywords.h"
#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"
#include "parser/parser.h"
#include "parser/scanner.h"
#include "utils/memutils.h"

#include "normalize.h"
#include "server.h"

#define SECRET "zq7hidden7qz"
#define SECRET_BYTE 0x01
#define MAX_TEXT 65536

/* the codes of tokens that are constants, as in normalize.c */
#define FIRST_CONSTANT 260		/* FCONST */
#define LAST_CONSTANT 264		/* XCONST */
#define INTEGER_CONSTANT 266
#define FIRST_KEYWORD 10000

static void
must(bool holds, const char *what, const char *text, const char *result)
{
	if (holds)
		return;
	fprintf(stderr, "%s\ntext:   %s\nresult: %s\n", what, text, result);
	abort();
}

/* the input's text with the secret in its place */
static char *
plant(const uint8_t *data, size_t size)
{
	StringInfoData text;

	initStringInfo(&text);
	for (size_t i = 0; i < size && data[i] != '\0' && text.len < MAX_TEXT; i++)
	{
		if (data[i] == SECRET_BYTE)
			appendStringInfoString(&text, SECRET);
		else
			appendStringInfoChar(&text, data[i]);
	}
	return text.data;
}

static bool
is_constant(int code)
{
	return (code >= FIRST_CONSTANT && code <= LAST_CONSTANT) || code == INTEGER_CONSTANT;
}

static uint16 *
keyword_codes(void)
{
	static uint16 codes[1000];

	for (int i = 0; i < ScanKeywords.num_keywords; i++)
		codes[i] = FIRST_KEYWORD + i;
	return codes;
}

/* Read all tokens; true if no token but constants has the secret in it. */
static bool
read_tokens(const char *text)
{
	core_yy_extra_type extra;
	core_YYSTYPE value;
	core_yyscan_t scanner = scanner_init(text, &extra, &ScanKeywords, keyword_codes());
	bool		hidden = true;
	int			code;
	int			location;

	extra.standard_conforming_strings = standard_conforming_strings;
	extra.backslash_quote = BACKSLASH_QUOTE_ON;
	while ((code = core_yylex(&value, &location, scanner)) != 0)
	{
		/* the scanner keeps a zero byte behind the token */
		if (code == '\\' ||
			(!is_constant(code) && strstr(extra.scanbuf + location, SECRET) != NULL))
			hidden = false;
	}
	scanner_finish(scanner);
	return hidden;
}

/* Does the parser take the text, with the secret in literals and comments only? */
static bool
hides_secret(const char *text)
{
	sigjmp_buf	jump;
	MemoryContext caller = CurrentMemoryContext;
	MemoryContext scratch = AllocSetContextCreate(caller, "scan", ALLOCSET_DEFAULT_SIZES);
	volatile bool hidden = false;

	MemoryContextSwitchTo(scratch);
	PG_exception_stack = &jump;
	if (sigsetjmp(jump, 0) == 0)
		hidden = read_tokens(text);
	PG_exception_stack = NULL;
	MemoryContextSwitchTo(caller);
	MemoryContextDelete(scratch);
	return hidden;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const int encodings[] = {PG_UTF8, PG_LATIN1, PG_EUC_JP, PG_SQL_ASCII};
	char	   *text;
	char	   *result;
	sigjmp_buf	jump;
	bool		whole;
	bool		valid;
	bool		hidden;
	int			maxbytes;

	if (size < 4)
		return 0;
	server_begin(encodings[data[0] >> 2 & 3]);
	text = plant(data + 4, size - 4);
	valid = server_text_is_valid(text, strlen(text));
	if (!valid)
	{
		/* only there does the server take such a text */
		server_end();
		server_begin(PG_SQL_ASCII);
		text = plant(data + 4, size - 4);
		valid = server_text_is_valid(text, strlen(text));
	}
	maxbytes = data[1] == 255 ? MAX_TEXT * 2 : data[1] * 4;
	whole = data[2] == 255 || data[2] >= strlen(text);

	standard_conforming_strings = data[0] & 1;
	hidden = whole && hides_secret(text);
	standard_conforming_strings = data[0] >> 1 & 1;
	PG_exception_stack = &jump;
	if (sigsetjmp(jump, 0) != 0)
		must(false, "error", text, "");
	result = normalize_statement(text, whole ? -1 : data[2], whole ? 0 : data[3], maxbytes);
	PG_exception_stack = NULL;

	must(strlen(result) <= (size_t) maxbytes, "too long", text, result);
	must(!valid || !whole || server_text_is_valid(result, strlen(result)), "not in the encoding", text, result);
	must(!hidden || strstr(result, SECRET) == NULL, "secret", text, result);
	server_end();
	return 0;
}
