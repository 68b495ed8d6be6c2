/*-------------------------------------------------------------------------
 *
 * normalize.c
 *	  The text of one statement without its values.
 *
 * In flows the source text that a statement was parsed from, out flows one
 * line in which every constant has become a $n.  The result is shown to
 * people who may not see the values, so one rule stands above all others:
 * no literal, string or number, survives, whatever the text looks like.
 * What cannot be read to the end is therefore cut, never passed through.
 *
 * What the result looks like:
 *
 * - A constant becomes $n, counted on from the highest parameter that the
 *	 statement has itself.  There are no exceptions: type modifiers, ORDER BY
 *	 positions and the string of DO or CREATE FUNCTION are replaced as well.
 *	 TRUE, FALSE, NULL and identifiers are structure and stay.
 * - A sign goes with its number: "a = -5" is "a = $1", "a - 5" is "a - $1".
 * - A list of at least two values after IN or ARRAY keeps the first one,
 *	 "IN ($1, ...)", and VALUES keeps its first row, "VALUES ($1, $2), ...",
 *	 so that a batch reads the same whatever its length.  Later rows are
 *	 dropped whatever they hold.  What is dropped takes no number.
 * - White space and comments become one space, a trailing semicolon goes.
 *	 A comma in front of a $n is followed by one space.  Everything else
 *	 keeps its spelling.
 *
 * The words come from the server's own scanner; survey_statement() sees to
 * it that nothing is shown that may have been the inside of a literal.  Everything here is private to the
 * call; no state outlives it.  It allocates and may use the error machinery
 * (see scan_tokens), so it must not be called under a lock, in a critical
 * section or while another error is being handled: once per cluster, at
 * detection, is its place.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "common/keywords.h"
#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"
#include "parser/parser.h"
#include "parser/scanner.h"
#include "utils/guc.h"
#include "utils/memutils.h"

#include "compat.h"
#include "normalize.h"

/*
 * More source than this is not read.  Such a statement carries a large value
 * or a huge batch; what stands behind that is not worth the time and memory
 * of a copy.
 */
#define MAX_SOURCE_BYTES (4 * 1024 * 1024)

/* VALUES lists nested in more brackets than this keep all their rows */
#define MAX_LEVELS 64

/* a $n above this is no parameter that could be bound */
#define MAX_PARAMETER 1000000

/*
 * The scanner's token codes, in the order that parser/scanner.h promises.
 * Single characters stand for themselves; keywords get a range of our own,
 * as the caller of the scanner chooses those.
 */
typedef enum TokenCode
{
	TOKEN_END = 0,
	TOKEN_IDENT = 258,
	TOKEN_UIDENT,
	TOKEN_FCONST,
	TOKEN_SCONST,
	TOKEN_USCONST,
	TOKEN_BCONST,
	TOKEN_XCONST,
	TOKEN_OP,
	TOKEN_ICONST,
	TOKEN_PARAM,
	TOKEN_TYPECAST,
	TOKEN_KEYWORD = 10000
} TokenCode;

typedef struct Token
{
	int			code;
	int			loc;			/* offset and length in the source */
	int			len;
	const char *word;			/* canonical spelling of a keyword, or NULL */
	int			category;		/* of a keyword, as in common/keywords.h */
} Token;

/* Takes the tokens of a statement one by one; false ends the scan. */
typedef bool (*TokenTaker) (void *arg, const char *src, const Token *token);

typedef enum ScanOutcome
{
	SCAN_REACHED_END,
	SCAN_STOPPED,				/* by the taker */
	SCAN_FAILED					/* the text is not SQL from some point on */
} ScanOutcome;

/* the one statement, cut out of its source text */
typedef struct Source
{
	char	   *text;
	int			len;
	bool		capped;			/* there was more than MAX_SOURCE_BYTES */
} Source;

/* what must be known of a statement before its first constant is written */
typedef struct Survey
{
	ScanOutcome outcome;
	int			max_param;		/* highest $n */
	int			ambiguous;		/* offset of the first literal whose end hangs
								 * on the reading of backslashes, or -1 */
} Survey;

/* a list after IN or ARRAY, as long as it holds nothing but values */
typedef struct ValueList
{
	bool		open;
	int			depth;			/* brackets opened inside it */
	int			commas;			/* of the list itself */
	bool		has_value;		/* the present element has got its value */
	bool		has_type;		/* ... or the type name of a literal */
	bool		in_cast;		/* ... or is past a :: */
	int			cast_depth;		/* brackets opened in that type name */
	int			mark;			/* output length behind the first element */
	int			mark_number;	/* last $n given out there */
} ValueList;

typedef enum RowsState
{
	ROWS_NONE,
	ROWS_KEYWORD,				/* VALUES was the last token */
	ROWS_OPEN,					/* inside the first row */
	ROWS_CLOSED,				/* behind a row */
	ROWS_COMMA					/* behind the comma that follows a row */
} RowsState;

/* the rows of a VALUES, one per level of brackets */
typedef struct Rows
{
	RowsState	state;
	bool		squashed;		/* the dots have been written */
} Rows;

typedef struct Writer
{
	const Source *src;
	int			maxbytes;
	int			ambiguous;		/* nothing is read behind this literal */
	bool		cut;			/* the end of the statement was not reached */
	StringInfoData out;
	int			number;			/* last $n given out */
	Token		prev;
	bool		prev_replaced;	/* the output ends with a $n or dots */
	int			sign_mark;		/* output length before a sign, or -1 */
	bool		sign_gap;		/* there was space before it */
	int			semicolon_mark; /* likewise before semicolons, or -1 */
	bool		in_uescape;		/* the UESCAPE of a literal is being dropped */
	ValueList	list;
	Rows		rows[MAX_LEVELS];
	int			level;
	int			skip_depth;		/* brackets open in a row that is dropped */
	int			rows_mark;		/* output length before a ROWS_COMMA */
} Writer;

/* ------------------------------------------------------------------------
 * Reading
 * ------------------------------------------------------------------------
 */

/* Copy the statement, and no more than is worth reading of it. */
static Source
cut_source(const char *text, int location, int len)
{
	Source		src;
	int			limit = MAX_SOURCE_BYTES + 1;

	if (location < 0)
	{
		location = 0;
		len = 0;
	}
	text += strnlen(text, location);
	if (len > 0)
		limit = Min(limit, len);

	src.len = (int) strnlen(text, limit);
	src.capped = src.len > MAX_SOURCE_BYTES;
	if (src.capped)
		src.len = pg_mbcliplen(text, src.len, MAX_SOURCE_BYTES);
	src.text = pnstrdup(text, src.len);
	return src;
}

static inline bool
is_constant(const Token *token)
{
	switch (token->code)
	{
		case TOKEN_FCONST:
		case TOKEN_SCONST:
		case TOKEN_USCONST:
		case TOKEN_BCONST:
		case TOKEN_XCONST:
		case TOKEN_ICONST:
			return true;
		default:
			return false;
	}
}

static inline bool
is_keyword(const Token *token, const char *word)
{
	return token->word != NULL && strcmp(token->word, word) == 0;
}

/* Keywords by number, so that the scanner's answer leads to their category. */
static uint16 *
number_keywords(void)
{
	uint16	   *codes = palloc(sizeof(uint16) * ScanKeywords.num_keywords);

	for (int i = 0; i < ScanKeywords.num_keywords; i++)
		codes[i] = (uint16) (TOKEN_KEYWORD + i);
	return codes;
}

/* Complete a token, and free the copy of its value that the scanner made. */
static void
finish_token(Token *token, const core_YYSTYPE *value, const char *scanbuf)
{
	/* the scanner keeps a zero byte behind the token it has just returned */
	token->len = (int) strlen(scanbuf + token->loc);
	token->word = NULL;
	token->category = UNRESERVED_KEYWORD;
	if (token->code >= TOKEN_KEYWORD)
	{
		int			number = token->code - TOKEN_KEYWORD;

		token->word = GetScanKeyword(number, &ScanKeywords);
		token->category = ScanKeywordCategories[number];
	}
	else if (token->code >= TOKEN_IDENT && token->code <= TOKEN_OP)
		pfree(value->str);
}

/* The loop over the scanner, which may throw. */
static ScanOutcome
lex_tokens(const char *text, bool standard, TokenTaker take, void *arg)
{
	core_yy_extra_type extra;
	core_yyscan_t scanner;
	core_YYSTYPE value;
	ScanOutcome outcome;

	scanner = scanner_init(text, &extra, &ScanKeywords, number_keywords());
	NPO_SCANNER_READ_AS(&extra, standard);

	/* the parser has let the text pass, so this is no place to refuse \' */
	extra.backslash_quote = BACKSLASH_QUOTE_ON;

	for (;;)
	{
		Token		token;

		token.code = core_yylex(&value, &token.loc, scanner);
		if (token.code == TOKEN_END)
		{
			outcome = SCAN_REACHED_END;
			break;
		}
		finish_token(&token, &value, extra.scanbuf);

		/* no SQL has a backslash here: a literal was taken to end too early */
		if (token.code == '\\')
		{
			outcome = SCAN_FAILED;
			break;
		}
		if (!take(arg, text, &token))
		{
			outcome = SCAN_STOPPED;
			break;
		}
	}
	scanner_finish(scanner);
	return outcome;
}

/*
 * Does an error say something about the text, and not about the server?
 * Lack of memory, a cancelled query, a shutdown and internal errors are none
 * of our business and travel on.
 */
static bool
is_text_error(int sqlerrcode)
{
	switch (ERRCODE_TO_CATEGORY(sqlerrcode))
	{
		case ERRCODE_INSUFFICIENT_RESOURCES:
		case ERRCODE_OPERATOR_INTERVENTION:
		case ERRCODE_SYSTEM_ERROR:
		case ERRCODE_INTERNAL_ERROR:
			return false;
		default:
			return true;
	}
}

/*
 * Feed the tokens of a statement to a taker, until the end or the first word
 * that the scanner chokes on.
 *
 * Catching its error without a subtransaction is safe, because the scanner
 * takes nothing that an abort would have to give back: no lock, no buffer, no
 * catalog access, only memory of the context that is deleted here.  A taker
 * must keep to that as well; what it allocates is gone when the scan ends,
 * but for what it enlarges of its own.
 *
 * The scanner also sends a notice for each identifier it truncates.  The
 * parser has sent that once already, so the client must not get another one.
 */
static ScanOutcome
scan_tokens(const char *text, bool standard, TokenTaker take, void *arg)
{
	MemoryContext caller = CurrentMemoryContext;
	MemoryContext scratch;
	int			save_messages = client_min_messages;
	volatile ScanOutcome outcome = SCAN_FAILED;

	scratch = AllocSetContextCreate(caller, "pg_nplusone scanner",
									ALLOCSET_DEFAULT_SIZES);
	PG_TRY();
	{
		MemoryContextSwitchTo(scratch);
		client_min_messages = ERROR;
		outcome = lex_tokens(text, standard, take, arg);
	}
	PG_CATCH();
	{
		client_min_messages = save_messages;
		if (!is_text_error(geterrcode()))
			PG_RE_THROW();
		FlushErrorState();
	}
	PG_END_TRY();

	client_min_messages = save_messages;
	MemoryContextSwitchTo(caller);
	MemoryContextDelete(scratch);
	return outcome;
}

/*
 * Does the end of this literal hang on standard_conforming_strings?  So it is
 * if a quote in it stands behind an odd number of backslashes.  Literals
 * with a prefix (E, U&, B, X) and dollar quotes have one reading only.
 */
static bool
is_ambiguous(const char *src, const Token *token)
{
	const char *literal = src + token->loc;
	bool		odd = false;

	if (token->code != TOKEN_SCONST || literal[0] != '\'')
		return false;
	for (int i = 1; i < token->len; i++)
	{
		if (literal[i] == '\'' && odd)
			return true;
		odd = literal[i] == '\\' && !odd;
	}
	return false;
}

static int
parameter_number(const char *src, const Token *token)
{
	int			number = 0;

	for (int i = 1; i < token->len; i++)
	{
		char		c = src[token->loc + i];

		if (c < '0' || c > '9' || number > MAX_PARAMETER)
			return 0;
		number = number * 10 + (c - '0');
	}
	return number <= MAX_PARAMETER ? number : 0;
}

static bool
survey_token(void *arg, const char *src, const Token *token)
{
	Survey	   *survey = arg;

	if (token->code == TOKEN_PARAM)
		survey->max_param = Max(survey->max_param,
								parameter_number(src, token));
	else if (survey->ambiguous < 0 && is_ambiguous(src, token))
		survey->ambiguous = token->loc;
	return true;
}

static Survey
survey_source(const Source *src, bool standard)
{
	Survey		survey = {.max_param = 0,.ambiguous = -1};

	survey.outcome = scan_tokens(src->text, standard, survey_token, &survey);
	return survey;
}

/*
 * Learn the highest parameter, and how far the text can be read.
 *
 * It is read under the present standard_conforming_strings, but that may not
 * be the setting it was parsed under: think of SET between PREPARE and
 * EXECUTE.  Read the wrong way, the inside of a literal looks like identifiers
 * and would be shown.  Now the parser has accepted the text, so its own
 * reading comes to an end without an error.  If ours does and the other does
 * not, ours was the parser's.  Otherwise nothing is read behind the first
 * literal that they disagree on; up to there, they are the same.
 */
static Survey
survey_statement(const Source *src)
{
	bool		quoted = strstr(src->text, "\\'") != NULL;
	Survey		survey = {.max_param = 0,.ambiguous = -1};
	Survey		other;

	if (!quoted && strchr(src->text, '$') == NULL)
		return survey;			/* neither parameters nor ambiguities */

	survey = survey_source(src, NPO_STANDARD_STRINGS);
	if (!quoted || !NPO_TWO_STRING_READINGS)
	{
		survey.ambiguous = -1;
		return survey;
	}

	other = survey_source(src, !NPO_STANDARD_STRINGS);
	if (survey.ambiguous < 0)
		survey.ambiguous = other.ambiguous;
	if (survey.outcome == SCAN_REACHED_END &&
		other.outcome == SCAN_FAILED && !src->capped)
		survey.ambiguous = -1;
	return survey;
}

/* ------------------------------------------------------------------------
 * Writing
 * ------------------------------------------------------------------------
 */

/* What is longer than the limit by more than a token need not be kept. */
static void
write_bytes(Writer *w, const char *bytes, int len)
{
	if (w->out.len <= w->maxbytes)
		appendBinaryStringInfo(&w->out, bytes, Min(len, w->maxbytes + 1));
}

static void
write_back_to(Writer *w, int mark)
{
	if (mark < w->out.len)
	{
		w->out.len = mark;
		w->out.data[mark] = '\0';
	}
}

static inline bool
is_word_byte(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
		(c >= '0' && c <= '9') || c == '_' || c == '$' || IS_HIGHBIT_SET(c);
}

static inline bool
opens_bracket(const Token *token)
{
	return token->code == '(' || token->code == '[';
}

static inline bool
closes_bracket(const Token *token)
{
	return token->code == ')' || token->code == ']';
}

/* the keywords behind which a minus is an operator, as behind a column */
static bool
keyword_ends_value(const Token *token)
{
	static const char *const values[] = {
		"current_catalog", "current_date", "current_role", "current_schema",
		"current_time", "current_timestamp", "current_user", "default", "end",
		"false", "isnull", "localtime", "localtimestamp", "notnull", "null",
		"session_user", "system_user", "true", "user"
	};

	if (is_keyword(token, "between") || is_keyword(token, "by"))
		return false;
	for (int i = 0; i < lengthof(values); i++)
	{
		if (is_keyword(token, values[i]))
			return true;
	}
	/* the others can be the name of a column, or cannot */
	return token->category == UNRESERVED_KEYWORD ||
		token->category == COL_NAME_KEYWORD;
}

/* Can a value end with this token? */
static bool
ends_value(const Token *token)
{
	if (token->code >= TOKEN_KEYWORD)
		return keyword_ends_value(token);
	return is_constant(token) || closes_bracket(token) ||
		token->code == TOKEN_PARAM || token->code == TOKEN_IDENT ||
		token->code == TOKEN_UIDENT;
}

static inline bool
is_sign(const Writer *w, const Token *token)
{
	return (token->code == '-' || token->code == '+') &&
		!ends_value(&w->prev);
}

/* Write a token, or the $n in its place, with the space in front of it. */
static void
write_token(Writer *w, const Token *token)
{
	const char *bytes = w->src->text + token->loc;
	bool		constant = is_constant(token);
	bool		gap = token->loc > w->prev.loc + w->prev.len;
	char		last;

	if (constant && w->sign_mark >= 0)
	{
		write_back_to(w, w->sign_mark);
		gap = w->sign_gap;
	}

	/* words that touched a literal must not grow together with its $n */
	last = w->out.len > 0 ? w->out.data[w->out.len - 1] : '\0';
	if (constant)
		gap = gap || last == ',' || is_word_byte(last);
	else if (w->prev_replaced)
		gap = gap || is_word_byte(bytes[0]);

	if (gap && w->out.len > 0)
		write_bytes(w, " ", 1);
	if (constant)
	{
		char		number[16];
		int			len = snprintf(number, sizeof(number), "$%d", ++w->number);

		write_bytes(w, number, len);
	}
	else
		write_bytes(w, bytes, token->len);
	w->prev_replaced = constant;
}

/* ------------------------------------------------------------------------
 * Lists after IN and ARRAY.  They are written as they come; at the closing
 * bracket, all behind the first element is taken back if it was values only.
 * ------------------------------------------------------------------------
 */

/* A token of the type name behind a ::, which ends at a comma or bracket. */
static bool
list_accepts_cast(ValueList *list, const Token *token)
{
	if (opens_bracket(token))
		list->cast_depth++;
	else if (closes_bracket(token))
		list->cast_depth--;
	else if (is_constant(token) || token->code == ',')
		return list->cast_depth > 0;
	else if (token->code >= TOKEN_KEYWORD)
		return token->category != RESERVED_KEYWORD ||
			is_keyword(token, "with");	/* time zone */
	else
		return token->code == '.' || token->code == TOKEN_TYPECAST ||
			token->code == TOKEN_IDENT || token->code == TOKEN_UIDENT;
	return true;
}

/* A token where a value is expected, or the part of one that follows. */
static bool
list_accepts_value(ValueList *list, const Token *token, bool sign)
{
	bool		fresh = !list->has_value && !list->has_type;

	if (token->code == TOKEN_TYPECAST)
	{
		list->in_cast = list->has_value;
		list->cast_depth = 0;
		return list->has_value;
	}
	if (list->has_value)
		return false;
	if (sign)
		return fresh;
	if (is_constant(token) ||
		(fresh && (token->code == TOKEN_PARAM || is_keyword(token, "null") ||
				   is_keyword(token, "true") || is_keyword(token, "false"))))
		return list->has_value = true;
	if (fresh && opens_bracket(token))
	{
		list->depth++;
		return true;
	}
	/* one word can be the type of the literal that comes next */
	return fresh && (list->has_type = token->code == TOKEN_IDENT ||
					 token->code >= TOKEN_KEYWORD);
}

/* Keep the first element and say that there were more. */
static void
list_squash(Writer *w)
{
	if (w->list.open && w->list.commas > 0)
	{
		write_back_to(w, w->list.mark);
		write_bytes(w, ", ...", 5);
		w->number = w->list.mark_number;
		w->prev_replaced = true;
	}
	w->list.open = false;
}

/* A comma or a closing bracket, which ends an element. */
static void
list_end_element(Writer *w, const Token *token)
{
	ValueList  *list = &w->list;

	if (!list->has_value)
		list->open = false;
	else if (token->code == ',')
	{
		if (list->depth == 0 && list->commas++ == 0)
		{
			list->mark = w->out.len;
			list->mark_number = w->number;
		}
		list->has_value = false;
	}
	else if (list->depth-- == 0)
		list_squash(w);
	list->has_type = list->in_cast = false;
}

/* Follow the list, if there is one, before the token is written. */
static void
list_take_token(Writer *w, const Token *token)
{
	ValueList  *list = &w->list;
	bool		ends = token->code == ',' || closes_bracket(token);

	if ((token->code == '(' && is_keyword(&w->prev, "in")) ||
		(token->code == '[' && is_keyword(&w->prev, "array")))
	{
		memset(list, 0, sizeof(ValueList));
		list->open = true;
	}
	else if (!list->open)
		return;
	else if (list->in_cast && !(ends && list->cast_depth == 0))
		list->open = list_accepts_cast(list, token);
	else if (ends)
		list_end_element(w, token);
	else
		list->open = list_accepts_value(list, token, is_sign(w, token));
}

/* ------------------------------------------------------------------------
 * Rows of VALUES
 * ------------------------------------------------------------------------
 */

/* Inside a row that is dropped? */
static bool
rows_skip_token(Writer *w, const Token *token)
{
	if (w->skip_depth == 0)
		return false;
	if (opens_bracket(token))
		w->skip_depth++;
	else if (closes_bracket(token) && --w->skip_depth == 0)
		w->rows[w->level].state = ROWS_CLOSED;
	return true;
}

/* The second or a later row begins: take the comma back and drop the row. */
static void
rows_begin_skip(Writer *w, Rows *rows)
{
	write_back_to(w, w->rows_mark);
	if (!rows->squashed)
		write_bytes(w, ", ...", 5);
	rows->squashed = true;
	w->skip_depth = 1;
	w->prev_replaced = true;
}

static void
rows_open_bracket(Writer *w, bool first_row)
{
	if (w->level < MAX_LEVELS)
		w->rows[w->level].state = first_row ? ROWS_OPEN : ROWS_NONE;
	w->level++;
	if (w->level < MAX_LEVELS)
		w->rows[w->level].state = ROWS_NONE;
}

static void
rows_close_bracket(Writer *w)
{
	Rows	   *rows;

	if (w->level == 0 || --w->level >= MAX_LEVELS)
		return;
	rows = &w->rows[w->level];
	rows->state = rows->state == ROWS_OPEN ? ROWS_CLOSED : ROWS_NONE;
}

/* Follow VALUES before a token is written; false if it is to be dropped. */
static bool
rows_take_token(Writer *w, const Token *token)
{
	Rows		none = {ROWS_NONE, false};
	Rows	   *rows = w->level < MAX_LEVELS ? &w->rows[w->level] : &none;

	if (rows_skip_token(w, token))
		return false;
	if (token->code == '(' && rows->state == ROWS_COMMA)
	{
		rows_begin_skip(w, rows);
		return false;
	}
	if (opens_bracket(token))
		rows_open_bracket(w, token->code == '(' && rows->state == ROWS_KEYWORD);
	else if (closes_bracket(token))
		rows_close_bracket(w);
	else if (token->code == ',' && rows->state == ROWS_CLOSED)
	{
		rows->state = ROWS_COMMA;
		w->rows_mark = w->out.len;
	}
	else
	{
		rows->state = is_keyword(token, "values") ? ROWS_KEYWORD : ROWS_NONE;
		rows->squashed = false;
	}
	return true;
}

/* ------------------------------------------------------------------------
 * The statement
 * ------------------------------------------------------------------------
 */

/*
 * U&'...' UESCAPE '!' reaches us as three tokens but is one constant, whose
 * $n has been written.
 */
static bool
is_rest_of_literal(Writer *w, const Token *token)
{
	if (w->in_uescape)
	{
		w->in_uescape = false;
		return token->code == TOKEN_SCONST;
	}
	w->in_uescape = w->prev.code == TOKEN_USCONST &&
		is_keyword(token, "uescape");
	return w->in_uescape;
}

/* Remember what the next token may have to take back. */
static void
note_marks(Writer *w, const Token *token)
{
	if (!is_sign(w, token))
		w->sign_mark = -1;
	else if (w->sign_mark < 0)
	{
		w->sign_mark = w->out.len;
		w->sign_gap = token->loc > w->prev.loc + w->prev.len;
	}
	if (token->code != ';')
		w->semicolon_mark = -1;
	else if (w->semicolon_mark < 0)
		w->semicolon_mark = w->out.len;
}

/* Is there more output than fits, none of which can be taken back? */
static bool
is_complete(const Writer *w)
{
	if (w->out.len <= w->maxbytes)
		return false;
	if (w->list.open && w->list.commas > 0 && w->list.mark <= w->maxbytes)
		return false;
	if (w->level < MAX_LEVELS && w->rows[w->level].state == ROWS_COMMA)
		return false;
	return w->semicolon_mark < 0 && w->sign_mark < 0;
}

static bool
take_token(void *arg, const char *src, const Token *token)
{
	Writer	   *w = arg;

	/* the last word of a text that goes on may be half a word */
	if (w->src->capped && token->loc + token->len >= w->src->len)
	{
		w->cut = true;
		return false;
	}
	if (!is_rest_of_literal(w, token) && rows_take_token(w, token))
	{
		bool		constant = is_constant(token);

		list_take_token(w, token);
		if (!constant)
			note_marks(w, token);
		write_token(w, token);
		if (constant)
			w->sign_mark = w->semicolon_mark = -1;
	}
	w->prev = *token;

	if (token->loc == w->ambiguous)
		w->cut = true;
	return !w->cut && !is_complete(w);
}

/* Bring the output down to its size and mark what is missing. */
static void
finish_output(Writer *w)
{
	bool		utf8 = GetDatabaseEncoding() == PG_UTF8;
	const char *ellipsis = utf8 ? "\xE2\x80\xA6" : "...";
	int			ellipsis_len = 3;

	if (w->cut)
		list_squash(w);
	if (w->semicolon_mark >= 0)
		write_back_to(w, w->semicolon_mark);
	if (!w->cut && w->out.len <= w->maxbytes)
		return;

	if (w->maxbytes < ellipsis_len)
		ellipsis_len = 0;
	if (w->out.len + ellipsis_len > w->maxbytes)
		write_back_to(w, pg_mbcliplen(w->out.data, w->out.len,
									  w->maxbytes - ellipsis_len));
	appendBinaryStringInfo(&w->out, ellipsis, ellipsis_len);
}

/*
 * normalize_statement
 *
 * location and len are those of PlannedStmt: -1 and 0 stand for the whole
 * text and for its end.  The result is palloc'd in the current context and
 * has at most maxbytes bytes before its terminating zero.  Time and memory
 * are linear in the statement and bounded by MAX_SOURCE_BYTES.
 */
char *
normalize_statement(const char *text, int location, int len, int maxbytes)
{
	MemoryContext caller = CurrentMemoryContext;
	MemoryContext scratch;
	Source		src;
	Survey		survey;
	Writer	   *w;
	char	   *result;

	scratch = AllocSetContextCreate(caller, "pg_nplusone normalize",
									ALLOCSET_DEFAULT_SIZES);
	MemoryContextSwitchTo(scratch);

	src = cut_source(text, location, len);
	survey = survey_statement(&src);

	w = palloc0(sizeof(Writer));
	w->src = &src;
	w->maxbytes = Max(maxbytes, 0);
	w->number = survey.max_param;
	w->ambiguous = survey.ambiguous;
	w->sign_mark = w->semicolon_mark = -1;
	initStringInfo(&w->out);

	if (scan_tokens(src.text, NPO_STANDARD_STRINGS, take_token,
					w) == SCAN_FAILED)
		w->cut = true;
	finish_output(w);

	MemoryContextSwitchTo(caller);
	result = pstrdup(w->out.data);
	MemoryContextDelete(scratch);
	return result;
}
