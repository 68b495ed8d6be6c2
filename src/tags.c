/*-------------------------------------------------------------------------
 *
 * tags.c
 *	  Request tags that programs put into the comments of their statements.
 *
 * In flows the text of a statement (or the setting pg_nplusone.tags), out
 * flows a RequestTags of fixed size.  Three notations are known:
 *
 *	 sqlcommenter	action='index',route='%2Fposts'
 *	 marginalia		application:Blog,controller:posts,action:index
 *	 the setting	route=/posts,controller='posts'
 *
 * Comments are looked for at either end of the text only, where the libraries
 * put them, so a statement without one costs a few comparisons.  A comment
 * that does not fit its notation from beginning to end carries no tags; a pair
 * that does not fit into RequestTags, or is not valid in the server's
 * encoding, is dropped alone.  Control characters are dropped from values.
 *
 * The text comes from outside and is not to be trusted.  Everything here is
 * plain C over a pointer and a length: no allocation, no error, no state.
 * What it needs of the server is behind text_is_valid() and text_clip(),
 * which NPO_TAGS_STANDALONE replaces for a build outside of it.
 *
 *-------------------------------------------------------------------------
 */
#ifdef NPO_TAGS_STANDALONE
#include <string.h>
#else
#include "postgres.h"

#include "mb/pg_wchar.h"
#endif

#include "tags.h"

/* A comment longer than this is not looked through, nor are more than these. */
#define MAX_COMMENT_BYTES 4096
#define MAX_COMMENTS 4

typedef enum Notation
{
	NOTATION_NONE,
	NOTATION_SQLCOMMENTER,
	NOTATION_MARGINALIA,
	NOTATION_SETTING
} Notation;

/* what is still to be read */
typedef struct Reader
{
	const char *at;
	const char *end;
	Notation	notation;
	RequestTags *tags;
	bool		overflow;		/* the present pair has not found room */
	bool		spaced;			/* an unquoted value had space inside */
	bool		known;			/* one of the usual keys has been seen */
	int			pairs;			/* read, not all of them kept */
} Reader;

/* ------------------------------------------------------------------------
 * What depends on the encoding
 * ------------------------------------------------------------------------
 */

/* Is this text in the server's encoding? */
static bool
text_is_valid(const char *text, int len)
{
#ifdef NPO_TAGS_STANDALONE
	return memchr(text, '\0', len) == NULL;
#else
	return pg_verifymbstr(text, len, true);
#endif
}

/* How many bytes of a valid text fit into limit, without half a character? */
static int
text_clip(const char *text, int len, int limit)
{
	if (len <= limit)
		return len;
#ifdef NPO_TAGS_STANDALONE
	return limit;
#else
	return pg_mbcliplen(text, len, limit);
#endif
}

/* ------------------------------------------------------------------------
 * Characters, without the locale
 * ------------------------------------------------------------------------
 */

static inline bool
is_space(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

static inline bool
is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static inline char
to_lower(char c)
{
	return c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c;
}

static inline int
hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = to_lower(c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* a character of a key as it is written, before it is decoded */
static inline bool
is_key_char(char c)
{
	return is_letter(c) || (c >= '0' && c <= '9') ||
		c == '.' || c == '-' || c == '~' || c == '%';
}

/* ------------------------------------------------------------------------
 * Finding comments
 * ------------------------------------------------------------------------
 */

/*
 * Is there a comment at the end of the text, behind which only space and
 * semicolons stand?  If so, *len is set to where it begins, and its inside
 * is returned in *start and *stop.  A comment inside a comment is not what
 * any library writes, and makes both none.
 */
static bool
find_trailing(const char *text, int *len, int *start, int *stop)
{
	int			end = *len;
	int			lowest;

	while (end > 0 && (is_space(text[end - 1]) || text[end - 1] == ';'))
		end--;
	if (end < 4 || text[end - 1] != '/' || text[end - 2] != '*')
		return false;

	lowest = end > MAX_COMMENT_BYTES ? end - MAX_COMMENT_BYTES : 0;
	for (int i = end - 4; i >= lowest; i--)
	{
		if (text[i] == '/' && text[i + 1] == '*')
		{
			*start = i + 2;
			*stop = end - 2;
			*len = i;
			return true;
		}
		if (text[i] == '*' && text[i + 1] == '/')
			return false;
	}
	return false;
}

/* Likewise at the beginning; *from is set behind the comment. */
static bool
find_leading(const char *text, int len, int *from, int *start, int *stop)
{
	int			begin = *from;
	int			highest;

	while (begin < len && is_space(text[begin]))
		begin++;
	if (len - begin < 4 || text[begin] != '/' || text[begin + 1] != '*')
		return false;

	highest = len - begin > MAX_COMMENT_BYTES ? begin + MAX_COMMENT_BYTES : len;
	for (int i = begin + 2; i + 1 < highest; i++)
	{
		if (text[i] == '*' && text[i + 1] == '/')
		{
			*start = begin + 2;
			*stop = i;
			*from = i + 2;
			return true;
		}
		if (text[i] == '/' && text[i + 1] == '*')
			return false;
	}
	return false;
}

/*
 * tags_find_comment
 *
 * Is there a comment at the end of the text or, failing that, at its
 * beginning?  Its inside goes from *start to before *stop.
 */
bool
tags_find_comment(const char *text, int len, int *start, int *stop)
{
	int			from = 0;
	int			end = len;

	return find_trailing(text, &end, start, stop) ||
		find_leading(text, len, &from, start, stop);
}

/* What to do with the inside of a comment; true ends the search. */
typedef bool (*CommentTaker) (const char *comment, int len, void *arg);

/* Show the comments at the end of the text, the last one first, then those
 * at its beginning. */
static bool
visit_comments(const char *text, int len, CommentTaker take, void *arg)
{
	int			from = 0;
	int			end = len;
	int			start,
				stop;

	for (int i = 0; i < MAX_COMMENTS; i++)
	{
		if (!find_trailing(text, &end, &start, &stop))
			break;
		if (take(text + start, stop - start, arg))
			return true;
	}
	for (int i = 0; i < MAX_COMMENTS; i++)
	{
		if (!find_leading(text, end, &from, &start, &stop))
			break;
		if (take(text + start, stop - start, arg))
			return true;
	}
	return false;
}

/* Step over space, then over a word in any case, then over space. */
static bool
skip_word(const char **at, const char *end, const char *word)
{
	const char *p = *at;

	while (p < end && is_space(*p))
		p++;
	for (; *word != '\0'; p++, word++)
	{
		if (p >= end || to_lower(*p) != *word)
			return false;
	}
	while (p < end && is_space(*p))
		p++;
	*at = p;
	return true;
}

static bool
take_ignore(const char *comment, int len, void *arg)
{
	const char *at = comment;
	const char *end = comment + len;

	return skip_word(&at, end, "nplusone") && skip_word(&at, end, ":") &&
		skip_word(&at, end, "ignore") && at == end;
}

/*
 * tags_ignore
 *
 * Does the text ask not to be tracked, by the comment nplusone:ignore at
 * either end?  Other comments may stand beside it.
 */
bool
tags_ignore(const char *text, int len)
{
	return visit_comments(text, len, take_ignore, NULL);
}

/* ------------------------------------------------------------------------
 * Decoding
 * ------------------------------------------------------------------------
 */

static void
reset_tags(RequestTags *tags)
{
	tags->n = 0;
	tags->used = 0;
}

static void
skip_space(Reader *r)
{
	while (r->at < r->end && is_space(*r->at))
		r->at++;
}

/* Keep a decoded byte, unless it is a control character. */
static void
keep_byte(Reader *r, char c)
{
	if ((unsigned char) c < 0x20 || c == 0x7F)
		return;
	if (r->tags->used >= TAGS_MAX_BYTES)
		r->overflow = true;
	else
		r->tags->bytes[r->tags->used++] = c;
}

/* Read one byte, which may be written as %41; false if that is malformed. */
static bool
read_byte(Reader *r)
{
	char		c = *r->at++;

	if (c == '%' && r->notation != NOTATION_MARGINALIA)
	{
		int			high,
					low;

		if (r->end - r->at < 2)
			return false;
		high = hex_digit(r->at[0]);
		low = hex_digit(r->at[1]);
		if (high < 0 || low < 0)
			return false;
		c = (char) (high << 4 | low);
		r->at += 2;
	}
	keep_byte(r, c);
	return true;
}

static bool
read_key(Reader *r)
{
	if (r->notation == NOTATION_MARGINALIA &&
		(r->at >= r->end || !is_letter(*r->at)))
		return false;
	while (r->at < r->end && is_key_char(*r->at))
	{
		if (!read_byte(r))
			return false;
	}
	return true;
}

/* 'value', in which a quote is written \' or %27 */
static bool
read_quoted_value(Reader *r)
{
	for (r->at++; r->at < r->end;)
	{
		if (*r->at == '\'')
		{
			r->at++;
			return true;
		}
		if (*r->at == '\\' && r->at + 1 < r->end && r->at[1] == '\'')
		{
			r->at += 2;
			keep_byte(r, '\'');
		}
		else if (!read_byte(r))
			return false;
	}
	return false;
}

/* A value up to the next comma; the space around it does not belong to it. */
static bool
read_bare_value(Reader *r)
{
	const char *end = r->at;
	const char *next;

	while (end < r->end && *end != ',')
		end++;
	next = end;
	while (end > r->at && is_space(end[-1]))
		end--;
	while (r->at < end)
	{
		r->spaced = r->spaced || is_space(*r->at);
		if (!read_byte(r))
			return false;
	}
	r->at = next;
	return true;
}

static bool
read_value(Reader *r)
{
	bool		quoted = r->at < r->end && *r->at == '\'';

	switch (r->notation)
	{
		case NOTATION_SQLCOMMENTER:
			return quoted && read_quoted_value(r);
		case NOTATION_SETTING:
			return quoted ? read_quoted_value(r) : read_bare_value(r);
		default:
			return read_bare_value(r);
	}
}

/* the keys that tell marginalia's notation from prose with a colon in it */
static bool
is_known_key(const char *key, int len)
{
	static const char *const known[] = {
		"action", "application", "controller", "framework", "job",
		"namespaced_controller", "request_id", "route", "source_location",
		"traceparent"
	};

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
	{
		if (strlen(known[i]) == (size_t) len &&
			memcmp(known[i], key, len) == 0)
			return true;
	}
	return false;
}

static const TagPair *
find_pair(const RequestTags *tags, const char *key, int len)
{
	for (int i = 0; i < tags->n; i++)
	{
		const TagPair *pair = &tags->pairs[i];

		if (pair->key_len == len &&
			memcmp(tags->bytes + pair->key, key, len) == 0)
			return pair;
	}
	return NULL;
}

/* Enter the pair whose bytes have just been kept, or give them back. */
static void
keep_pair(Reader *r, int key, int value)
{
	RequestTags *tags = r->tags;
	TagPair		pair;

	pair.key = (uint16_t) key;
	pair.key_len = (uint16_t) (value - key);
	pair.value = (uint16_t) value;
	pair.value_len = (uint16_t) (tags->used - value);

	r->pairs++;
	r->known = r->known || is_known_key(tags->bytes + key, pair.key_len);
	if (r->overflow || tags->n >= TAGS_MAX_PAIRS || pair.key_len == 0 ||
		find_pair(tags, tags->bytes + key, pair.key_len) != NULL ||
		!text_is_valid(tags->bytes + key, pair.key_len) ||
		!text_is_valid(tags->bytes + value, pair.value_len))
		tags->used = key;
	else
		tags->pairs[tags->n++] = pair;
}

/* Read key, sign and value; false if that is not what stands there. */
static bool
read_pair(Reader *r)
{
	char		sign = r->notation == NOTATION_MARGINALIA ? ':' : '=';
	int			key = r->tags->used;
	int			value;
	const char *written;

	r->overflow = false;
	skip_space(r);
	written = r->at;
	if (!read_key(r) || r->at == written)
		return false;
	skip_space(r);
	if (r->at >= r->end || *r->at != sign)
		return false;
	r->at++;
	skip_space(r);
	value = r->tags->used;
	if (!read_value(r))
		return false;
	keep_pair(r, key, value);
	skip_space(r);
	return true;
}

/* Read pairs up to the end; anything else that stands there spoils them. */
static bool
read_pairs(Reader *r)
{
	for (;;)
	{
		if (!read_pair(r))
			return false;
		if (r->at >= r->end)
			return true;
		if (*r->at++ != ',')
			return false;
	}
}

/* The sign behind the first key tells the notation. */
static Notation
comment_notation(const char *at, const char *end)
{
	while (at < end && is_space(*at))
		at++;
	while (at < end && is_key_char(*at))
		at++;
	while (at < end && is_space(*at))
		at++;
	if (at >= end)
		return NOTATION_NONE;
	return *at == '=' ? NOTATION_SQLCOMMENTER :
		*at == ':' ? NOTATION_MARGINALIA : NOTATION_NONE;
}

/*
 * tags_parse_comment
 *
 * Read the inside of a comment.  Returns whether it carried tags; if not,
 * *tags is empty.
 *
 * Marginalia's notation has no quotes, so prose like "note: runs at night"
 * could pass for it.  It counts if one of the usual keys is there and if no
 * sole value is made of several words.
 */
bool
tags_parse_comment(const char *comment, int len, RequestTags *tags)
{
	Reader		r = {.at = comment,.end = comment + len,.tags = tags};

	reset_tags(tags);
	r.notation = comment_notation(comment, comment + len);
	if (r.notation == NOTATION_NONE || !read_pairs(&r) ||
		(r.notation == NOTATION_MARGINALIA &&
		 (!r.known || (r.spaced && r.pairs == 1))))
		reset_tags(tags);
	return tags->n > 0;
}

static bool
take_tags(const char *comment, int len, void *arg)
{
	return tags_parse_comment(comment, len, arg);
}

/*
 * tags_read_statement
 *
 * Read the tags of a statement from the comments at either end of its text,
 * the last one that carries any.  Returns whether there are tags; if not,
 * *tags is empty.
 */
bool
tags_read_statement(const char *text, int len, RequestTags *tags)
{
	reset_tags(tags);
	return visit_comments(text, len, take_tags, tags);
}

/*
 * tags_parse_list
 *
 * Read the value of the setting pg_nplusone.tags.  False if it is malformed;
 * an empty one is not.
 */
bool
tags_parse_list(const char *list, RequestTags *tags)
{
	Reader		r = {.at = list,.end = list + strlen(list),.tags = tags};

	reset_tags(tags);
	r.notation = NOTATION_SETTING;
	skip_space(&r);
	if (r.at >= r.end || read_pairs(&r))
		return true;
	reset_tags(tags);
	return false;
}

/* ------------------------------------------------------------------------
 * Using them
 * ------------------------------------------------------------------------
 */

/*
 * tags_get
 *
 * The value of a key, not zero-terminated, or NULL where there is none or it
 * is empty.
 */
const char *
tags_get(const RequestTags *tags, const char *key, int *len)
{
	const TagPair *pair = find_pair(tags, key, (int) strlen(key));

	if (pair == NULL || pair->value_len == 0)
		return NULL;
	*len = pair->value_len;
	return tags->bytes + pair->value;
}

/* FNV-1a; hexadecimal digits are the same in either case. */
static uint32_t
hash_text(const char *text, int len, bool hexadecimal)
{
	uint32_t	hash = UINT32_C(2166136261);

	for (int i = 0; i < len; i++)
	{
		unsigned char c = hexadecimal ? to_lower(text[i]) : text[i];

		hash = (hash ^ c) * UINT32_C(16777619);
	}
	return hash != 0 ? hash : 1;
}

/* The trace-id in version-traceid-parentid-flags, or NULL. */
static const char *
trace_id(const char *traceparent, int len)
{
	bool		zero = true;

	if (len < 36 || traceparent[2] != '-' || traceparent[35] != '-')
		return NULL;
	for (int i = 3; i < 35; i++)
	{
		if (hex_digit(traceparent[i]) < 0)
			return NULL;
		zero = zero && traceparent[i] == '0';
	}
	return zero ? NULL : traceparent + 3;
}

/*
 * tags_trace_hash
 *
 * Which request asks: equal for statements of one, whatever sessions they run
 * in.  "named" is a tag that says so in the program's own way, NULL or empty:
 * none.  0 if the tags name no request.
 */
uint32_t
tags_trace_hash(const RequestTags *tags, const char *named)
{
	const char *value;
	int			len = 0;

	if (named != NULL && named[0] != '\0' &&
		(value = tags_get(tags, named, &len)) != NULL)
		return hash_text(value, len, false);
	if ((value = tags_get(tags, "traceparent", &len)) != NULL &&
		(value = trace_id(value, len)) != NULL)
		return hash_text(value, 32, true);
	if ((value = tags_get(tags, "request_id", &len)) != NULL)
		return hash_text(value, len, false);
	return 0;
}

/*
 * tags_request_hash
 *
 * Who asks: where the tags name no request, the route stands in for it; 0 if
 * they name no route either.
 */
uint32_t
tags_request_hash(const RequestTags *tags)
{
	char		route[TAGS_MAX_BYTES + 1];
	uint32_t	trace = tags_trace_hash(tags, NULL);
	int			len;

	if (trace != 0)
		return trace;
	len = tags_route(tags, route, sizeof(route));
	return len > 0 ? hash_text(route, len, false) : 0;
}

/* Append what fits, without half a character; returns whether all of it did. */
static bool
append_clipped(char *buf, int *at, size_t size, const char *text, int len)
{
	int			fits = text_clip(text, len, (int) size - 1 - *at);

	memcpy(buf + *at, text, fits);
	*at += fits;
	return fits == len;
}

/*
 * tags_route
 *
 * What was asked for: the route, else controller/action, or the one of both
 * that there is.  Writes at most size bytes with the terminating zero, and
 * returns the length without it; 0 if there is none.
 */
int
tags_route(const RequestTags *tags, char *buf, size_t size)
{
	int			at = 0;
	int			len = 0;
	int			action_len = 0;
	bool		room = true;
	const char *route = tags_get(tags, "route", &len);
	const char *action = NULL;

	if (size == 0)
		return 0;
	if (route == NULL)
	{
		route = tags_get(tags, "controller", &len);
		action = tags_get(tags, "action", &action_len);
	}
	if (route != NULL)
		room = append_clipped(buf, &at, size, route, len);
	if (route != NULL && action != NULL && room)
		room = append_clipped(buf, &at, size, "/", 1);
	if (action != NULL && room)
		append_clipped(buf, &at, size, action, action_len);
	buf[at] = '\0';
	return at;
}

/* Append a JSON string; returns the new length, or -1 if it does not fit. */
static int
append_json(char *buf, int at, int size, const char *text, int len)
{
	if (at < 0 || at + 1 > size)
		return -1;
	buf[at++] = '"';
	for (int i = 0; i < len; i++)
	{
		if (at + 2 > size)
			return -1;
		if (text[i] == '"' || text[i] == '\\')
			buf[at++] = '\\';
		buf[at++] = text[i];
	}
	if (at + 1 > size)
		return -1;
	buf[at++] = '"';
	return at;
}

/*
 * tags_to_json
 *
 * The tags as a JSON object in the server's encoding.  Writes at most size
 * bytes with the terminating zero, leaving out pairs that do not fit
 * (TAGS_JSON_BYTES is always enough), and returns the length without it.
 * Control characters have not been kept, so quotes and backslashes are all
 * there is to escape.
 */
int
tags_to_json(const RequestTags *tags, char *buf, size_t size)
{
	int			room = (int) size - 2;	/* the closing brace and the zero */
	int			at = 0;

	if (room < 1)
	{
		if (size > 0)
			buf[0] = '\0';
		return 0;
	}
	buf[at++] = '{';
	for (int i = 0; i < tags->n; i++)
	{
		const TagPair *pair = &tags->pairs[i];
		int			next = at;

		if (at > 1 && next < room)
			buf[next++] = ',';
		next = append_json(buf, next, room - 1, tags->bytes + pair->key,
						   pair->key_len);
		if (next < 0)
			continue;
		buf[next++] = ':';
		next = append_json(buf, next, room, tags->bytes + pair->value,
						   pair->value_len);
		if (next >= 0)
			at = next;
	}
	buf[at++] = '}';
	buf[at] = '\0';
	return at;
}
