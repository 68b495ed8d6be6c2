/*-------------------------------------------------------------------------
 *
 * fuzz_tags.c
 *	  Random comments for tags.c, outside the server.
 *
 * Built with the address and undefined behaviour sanitisers by "make fuzz".
 * Every input lies in a block of exactly its size, every output buffer too,
 * so one byte too far ends the program.  The sequence is the same each time.
 *
 *-------------------------------------------------------------------------
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tags.h"

static uint64_t state = 88172645463325252;

static uint32_t
draw(uint32_t below)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (uint32_t) (state >> 32) % below;
}

static void
must(bool holds, const char *what, const char *text, int len)
{
	if (holds)
		return;
	fprintf(stderr, "%s: %.*s\n", what, len, text);
	exit(1);
}

/* Pieces of comments, now and then a byte of any kind. */
static int
make_text(char *text, int size)
{
	static const char *const pieces[] = {
		"/*", "*/", "/*", "*/", "a", "controller", "action", "route", "=", ":",
		"='", "',", "'", ",", "\\", "\\'", "%41", "%", "%0", "%C3%A9", "%00",
		" ", "x y", "nplusone:ignore", "request_id", "traceparent",
		"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
		";", "\n", "/", "*", "SELECT 1 ",
		"0123456789012345678901234567890123456789012345678901234567890123"
	};
	int			len = 0;
	int			count = draw(24) * (draw(8) == 0 ? 8 : 1);

	for (int i = 0; i < count; i++)
	{
		const char *piece = pieces[draw(sizeof(pieces) / sizeof(pieces[0]))];
		int			piece_len = (int) strlen(piece);

		if (draw(10) == 0)
		{
			if (len < size)
				text[len++] = (char) draw(256);
		}
		else if (len + piece_len <= size)
		{
			memcpy(text + len, piece, piece_len);
			len += piece_len;
		}
	}
	return len;
}

/* A comment as a library writes it, at either end, with 0 to 2 bytes damaged. */
static int
make_tagged_text(char *text, int size)
{
	static const char *const values[] = {
		"posts", "%2Fposts%2F%3Aid", "it\\'s", "caf%C3%A9", "", "%00%1F", "a b",
		"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
		"0123456789012345678901234567890123456789012345678901234567890123"
	};
	static const char *const keys[] = {
		"action", "controller", "route", "traceparent", "request_id", "x", "y%5F"
	};
	bool		quoted = draw(3) > 0;
	bool		leading = draw(2) == 0;
	int			len = snprintf(text, size, leading ? "/*" : "SELECT 1 /*");

	for (int i = 0, pairs = 1 + draw(draw(8) == 0 ? 40 : 4); i < pairs; i++)
		len += snprintf(text + len, size - len,
						quoted ? "%s%s%s='%s'" : "%s%s%s:%s",
						i > 0 ? "," : "", draw(9) == 0 ? " " : "",
						keys[draw(sizeof(keys) / sizeof(keys[0]))],
						values[draw(sizeof(values) / sizeof(values[0]))]);
	len += snprintf(text + len, size - len, leading ? "*/ SELECT 1" : "*/");
	for (int i = draw(3); i > 0; i--)
		text[draw(len)] = draw(2) ? (char) draw(256) : "%',:=*/\\ "[draw(9)];
	return len;
}

static void
check_tags(const RequestTags *tags, const char *text, int len)
{
	size_t		size = draw(8) == 0 ? draw(64) : TAGS_JSON_BYTES;
	char	   *buf = malloc(size > 0 ? size : 1);
	int			written;

	must(buf != NULL, "memory", text, len);
	must(tags->n >= 0 && tags->n <= TAGS_MAX_PAIRS, "pairs", text, len);
	must(tags->used >= 0 && tags->used <= TAGS_MAX_BYTES, "bytes", text, len);
	for (int i = 0; i < tags->n; i++)
	{
		const TagPair *pair = &tags->pairs[i];

		must(pair->key_len > 0, "empty key", text, len);
		must(pair->key + pair->key_len <= tags->used &&
			 pair->value + pair->value_len <= tags->used,
			 "pair outside", text, len);
	}
	for (int i = 0; i < tags->used; i++)
		must((unsigned char) tags->bytes[i] >= 0x20 && tags->bytes[i] != 0x7F,
			 "control character", text, len);

	written = tags_to_json(tags, buf, size);
	must(size == 0 || strlen(buf) == (size_t) written, "json", text, len);
	must(size < 3 || (buf[0] == '{' && buf[written - 1] == '}'),
		 "json braces", text, len);
	written = tags_route(tags, buf, size);
	must(size == 0 || strlen(buf) == (size_t) written, "route", text, len);
	(void) tags_request_hash(tags);
	free(buf);
}

int
main(int argc, char **argv)
{
	long		rounds = argc > 1 ? atol(argv[1]) : 100000;
	long		tagged = 0,
				ignored = 0,
				comments = 0;

	for (long i = 0; i < rounds; i++)
	{
		char		draft[6000];
		int			len = i % 2 ? make_text(draft, sizeof(draft)) :
			make_tagged_text(draft, sizeof(draft));
		char	   *text = malloc(len > 0 ? len : 1);
		char	   *list = malloc(len + 1);
		RequestTags *tags = malloc(sizeof(RequestTags));
		int			start,
					stop;

		memcpy(text, draft, len);
		memcpy(list, draft, len);
		list[len] = '\0';
		if (tags_find_comment(text, len, &start, &stop))
		{
			must(start >= 2 && start <= stop && stop + 2 <= len &&
				 memcmp(text + start - 2, "/*", 2) == 0 &&
				 memcmp(text + stop, "*/", 2) == 0, "comment", text, len);
			comments++;
		}
		tagged += tags_read_statement(text, len, tags);
		check_tags(tags, text, len);
		ignored += tags_ignore(text, len);
		tags_parse_comment(text, len, tags);
		check_tags(tags, text, len);
		tags_parse_list(list, tags);
		check_tags(tags, text, len);
		free(text);
		free(list);
		free(tags);
	}
	printf("%ld texts, %ld with a comment, %ld tagged, %ld ignored\n",
		   rounds, comments, tagged, ignored);
	return 0;
}
