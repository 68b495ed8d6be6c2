/*-------------------------------------------------------------------------
 *
 * report.c
 *	  What pg_nplusone_report() cannot say in SQL: how wide a text is on a
 *	  terminal, how it is written in HTML, and what is wrong with an argument.
 *
 * The report itself is a handful of SQL functions in the extension's script;
 * the functions here turn one value into another and look at nothing else.
 *
 * The values come from anybody who may run a statement: names and texts of
 * statements, application names, tags.  Whoever reads the report may have
 * more rights than they.  So a value reaches neither a terminal nor a browser
 * with characters that would command it: control characters, and those that
 * are invisible or turn the direction of the text, are written as [U+202E].
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "fmgr.h"
#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/builtins.h"

PG_FUNCTION_INFO_V1(pg_nplusone_report_check_1_0);
PG_FUNCTION_INFO_V1(pg_nplusone_report_fit_1_0);
PG_FUNCTION_INFO_V1(pg_nplusone_report_escape_1_0);
PG_FUNCTION_INFO_V1(pg_nplusone_report_time_1_0);

/* a table of the text format has no sense below this */
#define MIN_WIDTH 60

#define ELLIPSIS "..."
#define ELLIPSIS_WIDTH 3

/* -------------------------------------------------------------------------
 * Arguments
 * -------------------------------------------------------------------------
 */

/* the format in lower case, or an error */
Datum
pg_nplusone_report_check_1_0(PG_FUNCTION_ARGS)
{
	static const char *const formats[] = {"text", "json", "html"};
	char	   *format;

	if (PG_ARGISNULL(0) || PG_ARGISNULL(1))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("format and width of the report must not be null")));
	if (PG_GETARG_INT32(1) < MIN_WIDTH)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("width of the report must be at least %d", MIN_WIDTH)));

	format = text_to_cstring(PG_GETARG_TEXT_PP(0));
	for (int i = 0; i < lengthof(formats); i++)
		if (pg_strcasecmp(format, formats[i]) == 0)
			PG_RETURN_TEXT_P(cstring_to_text(formats[i]));
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("unrecognized report format \"%s\"", format),
			 errhint("Available formats are \"text\", \"json\", and \"html\".")));
}

/* -------------------------------------------------------------------------
 * Characters
 * -------------------------------------------------------------------------
 */

/* Would this character command the reader's terminal, or hide from the reader? */
static bool
is_treacherous(pg_wchar c)
{
	return c < 0x20 || (c >= 0x7F && c <= 0x9F) || c == 0xAD || c == 0x61C ||
		(c >= 0x200B && c <= 0x200F) || (c >= 0x2028 && c <= 0x202E) ||
		(c >= 0x2060 && c <= 0x206F) || c == 0xFEFF ||
		(c >= 0xFFF9 && c <= 0xFFFB) || (c >= 0xE0000 && c <= 0xE007F);
}

static bool
is_space(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

/*
 * Length of the character at s; what is not valid counts as one byte, since a
 * text may have been cut, or come from a database in another encoding.
 */
static int
char_length(const char *s, const char *end, int encoding)
{
	int			len = pg_encoding_mblen(encoding, s);

	if (len < 1 || len > end - s)
		return 1;
	if (encoding == PG_UTF8 && !pg_utf8_islegal((const unsigned char *) s, len))
		return 1;
	return len;
}

/* The code point of a character; 0xFFFD where there is none to be known. */
static pg_wchar
code_point(const char *s, int len, int encoding)
{
	if (!IS_HIGHBIT_SET(*s))
		return (unsigned char) *s;
	if (encoding == PG_UTF8 && len > 1)
		return utf8_to_unicode((const unsigned char *) s);
	return 0xFFFD;
}

/* -------------------------------------------------------------------------
 * Lines for a terminal
 * -------------------------------------------------------------------------
 */

/* lines that are being filled; places are offsets into text */
typedef struct Lines
{
	StringInfoData text;
	int			width;			/* columns in a line */
	int			indent;			/* column at which each of them begins */
	int			max;			/* lines that may be filled, 0: any number */
	int			count;			/* lines begun */
	int			column;			/* columns of the last line that are taken */
	int			space_at;		/* its last space, or -1 */
	int			space_column;	/* column behind that space */
	int			cut_at;			/* place behind which an ellipsis fits */
	bool		full;
} Lines;

static void
note_cut(Lines *lines)
{
	if (lines->column <= lines->width - ELLIPSIS_WIDTH)
		lines->cut_at = lines->text.len;
}

/* Cut the text to a length, and off the spaces before it. */
static void
cut(Lines *lines, int len)
{
	while (len > 0 && lines->text.data[len - 1] == ' ')
		len--;
	lines->text.len = len;
	lines->text.data[len] = '\0';
}

/* Begin a new line, or end the text with an ellipsis if none may be begun. */
static void
break_line(Lines *lines)
{
	if (lines->max > 0 && lines->count >= lines->max)
	{
		cut(lines, lines->cut_at);
		appendStringInfoString(&lines->text, ELLIPSIS);
		lines->full = true;
		return;
	}
	cut(lines, lines->text.len);
	appendStringInfoChar(&lines->text, '\n');
	appendStringInfoSpaces(&lines->text, lines->indent);
	lines->count++;
	lines->column = lines->indent;
	lines->space_at = -1;
	note_cut(lines);
}

/* The word at the end of the line does not fit: move it to the next one. */
static void
wrap_line(Lines *lines)
{
	char	   *word;
	int			columns;

	if (lines->space_at < 0 || (lines->max > 0 && lines->count >= lines->max))
	{
		break_line(lines);
		return;
	}
	word = pstrdup(lines->text.data + lines->space_at + 1);
	columns = lines->column - lines->space_column;
	cut(lines, lines->space_at);
	break_line(lines);
	appendStringInfoString(&lines->text, word);
	lines->column += columns;
	note_cut(lines);
}

static void
add_char(Lines *lines, const char *s, int len, int columns)
{
	if (lines->column + columns > lines->width)
		wrap_line(lines);
	if (lines->full)
		return;
	appendBinaryStringInfo(&lines->text, s, len);
	lines->column += columns;
	note_cut(lines);
}

/* A run of white space is one space, and none at either end of a line. */
static void
add_space(Lines *lines)
{
	if (lines->column <= lines->indent ||
		lines->space_at == lines->text.len - 1)
		return;
	if (lines->column >= lines->width)
	{
		break_line(lines);
		return;
	}
	lines->space_at = lines->text.len;
	appendStringInfoChar(&lines->text, ' ');
	lines->space_column = ++lines->column;
}

static void
add_visible(Lines *lines, const char *s, int len, int encoding)
{
	pg_wchar	c = code_point(s, len, encoding);

	if (is_treacherous(c))
	{
		char		name[16];

		snprintf(name, sizeof(name), "[U+%04X]", c);
		for (int i = 0; name[i] != '\0'; i++)
			add_char(lines, &name[i], 1, 1);
	}
	else if (len == 1 && IS_HIGHBIT_SET(*s) && pg_encoding_max_length(encoding) > 1)
		add_char(lines, "?", 1, 1);
	else
		add_char(lines, s, len, Max(pg_encoding_dsplen(encoding, s), 0));
}

/*
 * A text in lines that fit.  What stands before the first line is the
 * caller's; the others are indented to the same column.
 */
Datum
pg_nplusone_report_fit_1_0(PG_FUNCTION_ARGS)
{
	const char *s = text_to_cstring(PG_GETARG_TEXT_PP(0));
	const char *end = s + strlen(s);
	int			encoding = GetDatabaseEncoding();
	Lines		lines = {.count = 1,.space_at = -1};

	lines.width = PG_GETARG_INT32(1);
	lines.indent = lines.column = PG_GETARG_INT32(2);
	lines.max = PG_GETARG_INT32(3);
	if (lines.indent < 0 || lines.width - lines.indent <= ELLIPSIS_WIDTH)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("width leaves no room for text")));
	initStringInfo(&lines.text);

	while (s < end && !lines.full)
	{
		int			len = char_length(s, end, encoding);

		CHECK_FOR_INTERRUPTS();
		if (*s == '\n' && lines.max != 1 && lines.column > lines.indent)
			break_line(&lines);
		else if (is_space(*s))
			add_space(&lines);
		else
			add_visible(&lines, s, len, encoding);
		s += len;
	}
	while (lines.text.len > 0 && is_space(lines.text.data[lines.text.len - 1]))
		cut(&lines, lines.text.len - 1);
	PG_RETURN_TEXT_P(cstring_to_text_with_len(lines.text.data, lines.text.len));
}

/* -------------------------------------------------------------------------
 * HTML
 * -------------------------------------------------------------------------
 */

static void
add_escaped(StringInfo html, pg_wchar c)
{
	switch (c)
	{
		case '&':
			appendStringInfoString(html, "&amp;");
			break;
		case '<':
			appendStringInfoString(html, "&lt;");
			break;
		case '>':
			appendStringInfoString(html, "&gt;");
			break;
		case '"':
			appendStringInfoString(html, "&quot;");
			break;
		case '\'':
			appendStringInfoString(html, "&#39;");
			break;
		case '\n':
		case '\t':
			appendStringInfoChar(html, (char) c);
			break;
		default:
			if (is_treacherous(c))
				appendStringInfo(html, "[U+%04X]", c);
			else if (c < 0x80)
				appendStringInfoChar(html, (char) c);
			else
				appendStringInfo(html, "&#x%X;", c);
			break;
	}
}

/*
 * A value as text of an HTML page, fit for attributes too.  All of it is
 * ASCII, so that the page is right in whatever encoding it is saved.
 */
Datum
pg_nplusone_report_escape_1_0(PG_FUNCTION_ARGS)
{
	char	   *s = text_to_cstring(PG_GETARG_TEXT_PP(0));
	char	   *end = s + strlen(s);
	int			encoding = GetDatabaseEncoding();
	StringInfoData html;

	/* what bytes of an unknown encoding mean cannot be known */
	if (encoding != PG_UTF8 && encoding != PG_SQL_ASCII)
	{
		s = pg_server_to_any(s, end - s, PG_UTF8);
		end = s + strlen(s);
		encoding = PG_UTF8;
	}

	initStringInfo(&html);
	while (s < end)
	{
		int			len = char_length(s, end, encoding);

		CHECK_FOR_INTERRUPTS();
		if (*s != '\r')
			add_escaped(&html, code_point(s, len, encoding));
		s += len;
	}
	PG_RETURN_TEXT_P(cstring_to_text_with_len(html.data, html.len));
}

/* -------------------------------------------------------------------------
 * Times
 * -------------------------------------------------------------------------
 */

/* milliseconds in the unit in which a human says them */
Datum
pg_nplusone_report_time_1_0(PG_FUNCTION_ARGS)
{
	double		ms = PG_GETARG_FLOAT8(0);

	if (ms < 10)
		PG_RETURN_TEXT_P(cstring_to_text(psprintf("%.2f ms", ms)));
	if (ms < 1000)
		PG_RETURN_TEXT_P(cstring_to_text(psprintf("%.1f ms", ms)));
	if (ms < 60 * 1000)
		PG_RETURN_TEXT_P(cstring_to_text(psprintf("%.2f s", ms / 1000)));
	if (ms < 60 * 60 * 1000)
		PG_RETURN_TEXT_P(cstring_to_text(psprintf("%.1f min", ms / (60 * 1000))));
	PG_RETURN_TEXT_P(cstring_to_text(psprintf("%.1f h", ms / (60 * 60 * 1000))));
}
