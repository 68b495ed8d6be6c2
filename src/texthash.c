/*-------------------------------------------------------------------------
 *
 * texthash.c
 *	  One number for all texts that differ in their literals only.
 *
 * Two texts with the same number have the same parse tree but for the values
 * of constants, as long as the catalog stays what it is.  So a literal is left
 * out only where its value cannot show in the tree: in a WHERE, in what UPDATE
 * and INSERT store, behind LIMIT and OFFSET.  Elsewhere it can: ORDER BY 1
 * names a column, varchar(10) a type, and SELECT a + 1 ... GROUP BY a + 1 has
 * one expression where a + 2 would make two.  There, and wherever it is not
 * certain where we are, the literal counts as it stands, which costs a hit and
 * never an answer.  Of a literal that is left out its type stays: an integer
 * of nine digits is an int4, one of eleven an int8.
 *
 * Comments are left out.  The rest is taken as it stands, white space and the
 * case of words included, since a program sends what it sends.
 *
 * Runs for every statement that is parsed, so a character costs a few
 * instructions.  In the encodings of servers no byte of a longer character
 * passes for ASCII.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "port/pg_bswap.h"

#include "texthash.h"
#include "value.h"

/* where in a statement we are, as far as it matters to literals */
typedef enum Section
{
	IN_NOTHING,					/* literals count */
	IN_FROM,					/* they do, but not in a subselect's WHERE */
	IN_VALUES					/* WHERE, SET, VALUES, LIMIT: they do not */
} Section;

/* what stands before a literal */
typedef enum Before
{
	BEFORE_OTHER,				/* a name, a literal, a closing parenthesis */
	BEFORE_WORD,				/* a reserved word that a value follows */
	BEFORE_DISTINCT,
	BEFORE_OPERATOR,
	BEFORE_LIST					/* "(" or "," */
} Before;

typedef struct TextScan
{
	const char *text;
	const char *end;			/* a character that ends words */
	const char *from;			/* what is not in the hash yet begins here */
	uint64		hash;
	uint64		lists;			/* a bit per depth: "(" that no name stood
								 * before */
	uint64		unsafe;			/* a bit per depth: "(" where literals count */
	int			depth;			/* of parentheses */
	int			section_depth;
	Section		section;
	Before		before;
	bool		begun;			/* there has been a word */
	bool		noted;			/* the beginning is kept */
	bool		writes;			/* the statement is INSERT or UPDATE */
	bool		standard_strings;
} TextScan;

#define MAX_DEPTH 63

/*
 * A text up to the first literal that is left out.  A loop sends the same
 * again and again, so the scan can begin behind it.
 */
#define BEGINNINGS 4
#define MIN_BEGINNING 16
#define MAX_BEGINNING 240

typedef struct Beginning
{
	int			len;			/* 0: unused */
	uint64		tail;			/* its last eight bytes, which differ most
								 * often */
	TextScan	scan;			/* when that literal was reached */
	char		text[MAX_BEGINNING];
} Beginning;

static Beginning beginnings[BEGINNINGS];
static int	next_beginning = 0;

/* Classes of characters.  Those of names come last. */
enum
{
	C_OTHER,
	C_SPACE,
	C_OPERATOR,
	C_OPEN,
	C_CLOSE,
	C_COMMA,
	C_MINUS,
	C_SLASH,
	C_QUOTE,
	C_DOUBLE_QUOTE,
	C_DOLLAR,
	C_DIGIT,
	C_LETTER
};

static const uint8 class_of[256] = {
	['\t'...'\r'] = C_SPACE,[' '] = C_SPACE,
	['('] = C_OPEN,[')'] = C_CLOSE,[','] = C_COMMA,
	['-'] = C_MINUS,['/'] = C_SLASH,
	['\''] = C_QUOTE,['"'] = C_DOUBLE_QUOTE,['$'] = C_DOLLAR,
	['!'] = C_OPERATOR,['#'] = C_OPERATOR,['%'] = C_OPERATOR,['&'] = C_OPERATOR,
	['*'] = C_OPERATOR,['+'] = C_OPERATOR,['<'...'@'] = C_OPERATOR,
	['^'] = C_OPERATOR,['`'] = C_OPERATOR,['|'] = C_OPERATOR,['~'] = C_OPERATOR,
	['0'...'9'] = C_DIGIT,
	['A'...'Z'] = C_LETTER,['a'...'z'] = C_LETTER,['_'] = C_LETTER,[HIGHBIT...UCHAR_MAX] = C_LETTER
};

/* Is this a character of names and numbers?  The end of the text is none. */
static inline bool
is_part(char c)
{
	return class_of[(uint8) c] >= C_DOLLAR;
}

static inline bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* -------------------------------------------------------------------------
 * The hash
 * -------------------------------------------------------------------------
 */

/* Everything up to here counts. */
static inline void
take(TextScan *scan, const char *to)
{
	if (to != scan->from)
		scan->hash = value_mix_bytes(scan->hash, scan->from, to - scan->from);
}

/* What lies between here and there does not, but that it is of this kind. */
static inline void
leave_out(TextScan *scan, const char *from, const char *to, uint64 kind)
{
	take(scan, from);
	scan->hash = value_mix(scan->hash, kind);
	scan->from = to;
}

/* Can nothing that follows these characters make one token with them? */
static inline bool
ends_token(char c)
{
	return c == ' ' || c == '(' || c == ',' || c == '=' || c == '<' || c == '>';
}

static void
note_beginning(TextScan *scan, const char *to)
{
	const int	len = to - scan->text;
	Beginning  *beginning;

	scan->noted = true;
	if (len < MIN_BEGINNING || len > MAX_BEGINNING || !ends_token(to[-1]))
		return;
	beginning = &beginnings[next_beginning];
	next_beginning = (next_beginning + 1) % BEGINNINGS;
	beginning->len = len;
	beginning->tail = value_load(to - sizeof(uint64));
	beginning->scan = *scan;
	memcpy(beginning->text, scan->text, len);
}

/* The same for a literal; "scan" is as it was before it. */
static inline void
leave_out_literal(TextScan *scan, const char *from, const char *to, uint64 type)
{
	take(scan, from);
	if (!scan->noted)
		note_beginning(scan, from);
	scan->from = from;
	leave_out(scan, from, to, type);
}

/* Go on behind a beginning that is known; returns what comes there. */
static inline const char *
skip_beginning(TextScan *scan, const char *text, int len)
{
	for (int i = 0; i < BEGINNINGS; i++)
	{
		const Beginning *b = &beginnings[i];

		if (b->len == 0 || b->len >= len ||
			value_load(text + b->len - sizeof(uint64)) != b->tail ||
			b->scan.standard_strings != scan->standard_strings ||
			memcmp(text, b->text, b->len) != 0)
			continue;
		*scan = b->scan;
		return text + b->len;
	}
	return text;
}

/* -------------------------------------------------------------------------
 * Words
 * -------------------------------------------------------------------------
 */

/* a word of up to eight letters as a number, the first letter highest */
#define W2(a, b) ((uint64) (a) << 8 | (b))
#define W3(a, b, c) (W2(a, b) << 8 | (c))
#define W4(a, b, c, d) (W3(a, b, c) << 8 | (d))
#define W5(a, b, c, d, e) (W4(a, b, c, d) << 8 | (e))
#define W6(a, b, c, d, e, f) (W5(a, b, c, d, e) << 8 | (f))
#define W7(a, b, c, d, e, f, g) (W6(a, b, c, d, e, f) << 8 | (g))
#define W8(a, b, c, d, e, f, g, h) (W7(a, b, c, d, e, f, g) << 8 | (h))

#define LONGEST_WORD 9

/* how long words are that matter, by the letter that they begin with */
#define LONG(n) (1 << (n))
#define BEGIN(letter, lengths) \
	[letter] = (lengths), [letter - 'a' + 'A'] = (lengths)
static const uint16 word_lengths[256] = {
	BEGIN('a', LONG(3)),		/* and any */
	BEGIN('b', LONG(2) | LONG(7)),	/* by between */
	BEGIN('d', LONG(8)),		/* distinct */
	BEGIN('e', LONG(4) | LONG(6)),	/* else except */
	BEGIN('f', LONG(3) | LONG(4) | LONG(5)),	/* for from fetch */
	BEGIN('g', LONG(5)),		/* group */
	BEGIN('h', LONG(6)),		/* having */
	BEGIN('i', LONG(2) | LONG(5) | LONG(6) | LONG(9)),	/* in ilike insert
														 * intersect */
	BEGIN('l', LONG(4) | LONG(5)),	/* like limit */
	BEGIN('n', LONG(3)),		/* not */
	BEGIN('o', LONG(2) | LONG(5) | LONG(6)),	/* on or order offset */
	BEGIN('r', LONG(9)),		/* returning */
	BEGIN('s', LONG(3) | LONG(6)),	/* set select */
	BEGIN('t', LONG(4)),		/* then */
	BEGIN('u', LONG(5) | LONG(6)),	/* union update */
	BEGIN('v', LONG(6)),		/* values */
	BEGIN('w', LONG(4) | LONG(5) | LONG(6)),	/* when where window */
};

static inline uint64
word_at(const char *s, int len)
{
	uint64		word = 0;

	for (int i = 0; i < Min(len, (int) sizeof(uint64)); i++)
		word = word << 8 | ((uint8) s[i] | 0x20);
	return word;
}

/* The same at once, where there are as many bytes. */
static inline uint64
word_in(const TextScan *scan, const char *s, int len)
{
	if (scan->end - s < (int) sizeof(uint64) || len > (int) sizeof(uint64))
		return word_at(s, len);
	return (pg_ntoh64(value_load(s)) | UINT64CONST(0x2020202020202020)) >>
		(sizeof(uint64) - len) * BITS_PER_BYTE;
}

/* what a word does */
typedef enum Meaning
{
	MEANS_NOTHING,				/* a name */
	MEANS_VALUE,				/* a value may follow */
	MEANS_CLAUSE,				/* WHERE and its like: values follow */
	MEANS_STORING,				/* likewise, in INSERT and UPDATE; a name
								 * elsewhere */
	MEANS_WRITE,				/* INSERT or UPDATE */
	MEANS_DISTINCT,
	MEANS_FROM,
	MEANS_OTHER_CLAUSE
} Meaning;

static Meaning
meaning_of(uint64 word)
{
	switch (word)
	{
		case W5('w', 'h', 'e', 'r', 'e'):
		case W5('l', 'i', 'm', 'i', 't'):
		case W6('o', 'f', 'f', 's', 'e', 't'):
			return MEANS_CLAUSE;
		case W3('s', 'e', 't'):
		case W6('v', 'a', 'l', 'u', 'e', 's'):
			return MEANS_STORING;
		case W2('i', 'n'):
		case W2('o', 'r'):
		case W3('a', 'n', 'd'):
		case W3('a', 'n', 'y'):
		case W3('n', 'o', 't'):
		case W4('l', 'i', 'k', 'e'):
		case W4('t', 'h', 'e', 'n'):
		case W4('e', 'l', 's', 'e'):
		case W4('w', 'h', 'e', 'n'):
		case W5('i', 'l', 'i', 'k', 'e'):
		case W7('b', 'e', 't', 'w', 'e', 'e', 'n'):
			return MEANS_VALUE;
		case W6('i', 'n', 's', 'e', 'r', 't'):
		case W6('u', 'p', 'd', 'a', 't', 'e'):
			return MEANS_WRITE;
		case W8('d', 'i', 's', 't', 'i', 'n', 'c', 't'):
			return MEANS_DISTINCT;
		case W4('f', 'r', 'o', 'm'):
			return MEANS_FROM;
		case W2('o', 'n'):
		case W2('b', 'y'):
		case W3('f', 'o', 'r'):
		case W5('o', 'r', 'd', 'e', 'r'):
		case W5('g', 'r', 'o', 'u', 'p'):
		case W5('u', 'n', 'i', 'o', 'n'):
		case W5('f', 'e', 't', 'c', 'h'):
		case W6('s', 'e', 'l', 'e', 'c', 't'):
		case W6('h', 'a', 'v', 'i', 'n', 'g'):
		case W6('w', 'i', 'n', 'd', 'o', 'w'):
		case W6('e', 'x', 'c', 'e', 'p', 't'):
		case W8('r', 'e', 't', 'u', 'r', 'n', 'i', 'n'):
		case W8('i', 'n', 't', 'e', 'r', 's', 'e', 'c'):
			return MEANS_OTHER_CLAUSE;
		default:
			return MEANS_NOTHING;
	}
}

/*
 * What stands in the list of a SELECT, or in ORDER BY, is compared with what
 * stands in the other: also when it is a subselect, with its WHERE.
 */
static inline void
enter_section(TextScan *scan, Section section)
{
	scan->section = (scan->unsafe >> scan->depth & 1) != 0 ? IN_NOTHING : section;
	scan->section_depth = scan->depth;
}

/* A word that may mean something has been read. */
static void
note_word(TextScan *scan, const char *s, uint32 len)
{
	const bool	distinct = (scan->before == BEFORE_DISTINCT);
	const Meaning meaning = meaning_of(word_in(scan, s, len));

	scan->before = BEFORE_WORD;
	switch (meaning)
	{
		case MEANS_VALUE:
			break;
		case MEANS_CLAUSE:
			enter_section(scan, IN_VALUES);
			break;
		case MEANS_OTHER_CLAUSE:
			scan->section = IN_NOTHING;
			break;
		case MEANS_FROM:
			/* IS DISTINCT FROM is an operator */
			enter_section(scan, distinct ? IN_NOTHING : IN_FROM);
			break;
		case MEANS_DISTINCT:
			scan->before = BEFORE_DISTINCT;
			break;
		case MEANS_STORING:
			if (scan->writes)
				enter_section(scan, IN_VALUES);
			else
				scan->before = BEFORE_OTHER;
			break;
		case MEANS_WRITE:
			scan->writes |= !scan->begun;
			scan->before = BEFORE_OTHER;
			break;
		case MEANS_NOTHING:
			scan->before = BEFORE_OTHER;
			break;
	}
}

static inline const char *
scan_word(TextScan *scan, const char *s)
{
	const char *at = s + 1;
	uint32		len;

	while (is_part(*at))
		at++;
	len = at - s;
	if ((word_lengths[(uint8) *s] >> Min(len, LONGEST_WORD + 1) & 1) != 0)
		note_word(scan, s, len);
	else
		scan->before = BEFORE_OTHER;
	scan->begun = true;
	return at;
}

/* -------------------------------------------------------------------------
 * Literals
 * -------------------------------------------------------------------------
 */

/* May a literal that begins here be left out? */
static inline bool
is_idle(const TextScan *scan)
{
	if (scan->section != IN_VALUES)
		return false;
	return scan->before == BEFORE_WORD || scan->before == BEFORE_OPERATOR ||
		(scan->before == BEFORE_LIST && (scan->lists >> scan->depth & 1) != 0);
}

/*
 * What type an integer of so many digits has for sure, 0: it depends.  The
 * parser takes ten digits for an int4 or an int8, nineteen for an int8 or a
 * numeric.
 */
static inline uint64
type_of_digits(int digits)
{
	if (digits <= 9)
		return 'i';
	return digits >= 11 && digits <= 18 ? 'l' : 0;
}

static const char *
scan_number(TextScan *scan, const char *start)
{
	const char *at = start + 1;
	uint64		type;

	while (is_digit(*at))
		at++;
	type = type_of_digits(at - start);
	if (*at == '.')
	{
		type = 'n';
		while (is_digit(*++at))
			;
	}
	/* 1e5, 0x1F and 1_000 are numbers, too */
	if (is_part(*at))
		type = 0;
	while (is_part(*at))
		at++;
	if (type != 0 && is_idle(scan))
		leave_out_literal(scan, start, at, type);
	scan->before = BEFORE_OTHER;
	return at;
}

static const char *
scan_string(TextScan *scan, const char *start)
{
	const char *at = start + 1;

	/* E'', B'', U&'' and their like, or backslashes that escape: to the end */
	if (!scan->standard_strings ||
		(start > scan->from && (is_part(start[-1]) || start[-1] == '&')))
		return scan->end;
	for (; at < scan->end; at++)
	{
		if (*at != '\'')
			continue;
		if (at[1] != '\'' || at + 1 == scan->end)
			break;
		at++;
	}
	at = Min(at + 1, scan->end);
	if (is_idle(scan))
		leave_out_literal(scan, start, at, 's');
	scan->before = BEFORE_OTHER;
	return at;
}

/* -------------------------------------------------------------------------
 * The rest
 * -------------------------------------------------------------------------
 */

static const char *
scan_quoted_name(TextScan *scan, const char *at)
{
	const char *quote = memchr(at + 1, '"', scan->end - at - 1);

	scan->before = BEFORE_OTHER;
	return quote != NULL ? quote + 1 : scan->end;
}

static const char *
end_of_line(const TextScan *scan, const char *at)
{
	while (at < scan->end && *at != '\n' && *at != '\r')
		at++;
	return at;
}

/* Comments of this kind are nested. */
static const char *
end_of_comment(const TextScan *scan, const char *at)
{
	int			depth = 0;

	for (; at + 1 < scan->end; at++)
	{
		if (at[0] == '/' && at[1] == '*')
		{
			depth++;
			at++;
		}
		else if (at[0] == '*' && at[1] == '/')
		{
			at++;
			if (--depth == 0)
				return at + 1;
		}
	}
	return scan->end;
}

/* "-" or "/": an operator, or a comment */
static const char *
scan_minus_or_slash(TextScan *scan, const char *at)
{
	const char	second = *at == '-' ? '-' : '*';
	const char *start = at++;

	if (*at == second && at < scan->end)
	{
		at = second == '-' ? end_of_line(scan, start) : end_of_comment(scan, start);
		leave_out(scan, start, at, ' ');
	}
	else
		scan->before = BEFORE_OPERATOR;
	return at;
}

static const char *
scan_dollar(TextScan *scan, const char *at)
{
	/* $1 is a parameter; the quotes are for whole programs */
	if (!is_digit(*++at))
		return scan->end;
	while (is_digit(*at))
		at++;
	scan->before = BEFORE_OTHER;
	return at;
}

static const char *
open_parenthesis(TextScan *scan, const char *at)
{
	uint64		here;

	if (++scan->depth > MAX_DEPTH)
		return scan->end;
	here = UINT64CONST(1) << scan->depth;
	scan->lists &= ~here;
	if (scan->before != BEFORE_OTHER)
		scan->lists |= here;
	/* what is unsafe further out is so in here */
	scan->unsafe &= ~here;
	if (scan->section == IN_NOTHING || (scan->unsafe & here >> 1) != 0)
		scan->unsafe |= here;
	scan->before = BEFORE_LIST;
	return at + 1;
}

static const char *
close_parenthesis(TextScan *scan, const char *at)
{
	if (--scan->depth < 0)
		return scan->end;
	if (scan->depth < scan->section_depth)
		scan->section = IN_NOTHING;
	scan->before = BEFORE_OTHER;
	return at + 1;
}

/* What begins here; returns what comes behind it. */
static inline const char *
scan_one(TextScan *scan, const char *at)
{
	switch (class_of[(uint8) *at])
	{
		case C_SPACE:
			return at + 1;
		case C_LETTER:
			return scan_word(scan, at);
		case C_OPERATOR:
			scan->before = BEFORE_OPERATOR;
			return at + 1;
		case C_OPEN:
			return open_parenthesis(scan, at);
		case C_CLOSE:
			return close_parenthesis(scan, at);
		case C_COMMA:
			scan->before = BEFORE_LIST;
			return at + 1;
		case C_MINUS:
		case C_SLASH:
			return scan_minus_or_slash(scan, at);
		case C_QUOTE:
			return scan_string(scan, at);
		case C_DOUBLE_QUOTE:
			return scan_quoted_name(scan, at);
		case C_DOLLAR:
			return scan_dollar(scan, at);
		case C_DIGIT:
			return scan_number(scan, at);
		default:
			scan->before = BEFORE_OTHER;
			return at + 1;
	}
}

/*
 * The text is one that the server's own parser has read.  Behind its length
 * stands what ends a statement.  "standard_strings" says that a backslash
 * within '' is one.
 */
uint64
texthash(const char *text, int len, bool standard_strings)
{
	TextScan	scan = {0};
	const char *at;

	scan.standard_strings = standard_strings;
	at = skip_beginning(&scan, text, len);
	scan.from = at;
	scan.text = text;
	scan.end = text + len;
	Assert(!is_part(*scan.end));
	while (at < scan.end)
	{
		at = scan_one(&scan, at);
		if (*at == ' ')
			at++;
	}
	take(&scan, scan.end);
	return scan.hash;
}
