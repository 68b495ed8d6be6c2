/*-------------------------------------------------------------------------
 *
 * fuzz_tags.c
 *	  tags.c under libFuzzer, outside of the server.
 *
 * Every input lies in a block of exactly its size, every output buffer too, so
 * that the address sanitizer sees one byte too far.
 *
 *-------------------------------------------------------------------------
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tags.h"

static void
must(bool holds, const char *what, const char *text, int len)
{
	if (holds)
		return;
	fprintf(stderr, "%s: %.*s\n", what, len, text);
	abort();
}

/* Is it one object of strings, well-formed? */
static bool
is_json(const char *json, int len)
{
	bool		quoted = false;

	if (len < 2 || json[0] != '{' || json[len - 1] != '}')
		return false;
	for (int i = 1; i < len - 1; i++)
	{
		if (quoted && json[i] == '\\')
			i++;
		else if (json[i] == '"')
			quoted = !quoted;
		else if (!quoted && json[i] != ':' && json[i] != ',')
			return false;
	}
	return !quoted;
}

static void
check_outputs(const RequestTags *tags, size_t size, const char *text, int len)
{
	char	   *buf = malloc(size > 0 ? size : 1);
	int			written = tags_to_json(tags, buf, size);

	must(size == 0 || strlen(buf) == (size_t) written, "json's length", text, len);
	must(size < 3 || is_json(buf, written), "json", text, len);
	written = tags_route(tags, buf, size);
	must(size == 0 || strlen(buf) == (size_t) written, "route", text, len);
	free(buf);
	(void) tags_request_hash(tags);
	(void) tags_trace_hash(tags, "");
	(void) tags_trace_hash(tags, tags->n > 0 ? "route" : NULL);
}

static void
check_tags(const RequestTags *tags, size_t size, const char *text, int len)
{
	must(tags->n >= 0 && tags->n <= TAGS_MAX_PAIRS, "pairs", text, len);
	must(tags->used >= 0 && tags->used <= TAGS_MAX_BYTES, "bytes", text, len);
	for (int i = 0; i < tags->n; i++)
	{
		const TagPair *pair = &tags->pairs[i];

		must(pair->key_len > 0, "empty key", text, len);
		must(pair->key + pair->key_len <= tags->used &&
			 pair->value + pair->value_len <= tags->used, "pair outside", text, len);
	}
	for (int i = 0; i < tags->used; i++)
		must((unsigned char) tags->bytes[i] >= 0x20 && tags->bytes[i] != 0x7F, "control character", text, len);
	check_outputs(tags, size, text, len);
	check_outputs(tags, TAGS_JSON_BYTES, text, len);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	RequestTags *tags = malloc(sizeof(RequestTags));
	int			len = (int) size - 1;
	char	   *text;
	char	   *list;
	int			start,
				stop;

	if (len < 0)
	{
		free(tags);
		return 0;
	}
	text = malloc(len > 0 ? len : 1);
	list = malloc(len + 1);
	memcpy(text, data + 1, len);
	memcpy(list, data + 1, len);
	list[len] = '\0';

	if (tags_find_comment(text, len, &start, &stop))
		must(start >= 2 && start <= stop && stop + 2 <= len &&
			 memcmp(text + start - 2, "/*", 2) == 0 && memcmp(text + stop, "*/", 2) == 0, "comment", text, len);
	tags_read_statement(text, len, tags);
	check_tags(tags, data[0], text, len);
	tags_parse_comment(text, len, tags);
	check_tags(tags, data[0], text, len);
	tags_parse_list(list, tags);
	check_tags(tags, data[0], text, len);
	(void) tags_ignore(text, len);
	free(text);
	free(list);
	free(tags);
	return 0;
}
