/* json_form.c: see json_form.h. */
#include "message/json/json_form.h"

#include "message/json/tensor_infer.h"

static bool is_value(enum json_type type)
{
	return type == JSON_STRING || type == JSON_NUMBER || type == JSON_TRUE || type == JSON_FALSE;
}

/* A tensor of OIP is an object. So of V1's elements, only bytes in base64 are. */
static enum json_form form_of_list(struct json_scan inside)
{
	struct text bytes;
	json_enter(&inside);
	if (!json_item(&inside))
		return JSON_FORM_NONE;
	const enum json_type type = json_peek(&inside);
	if (type == JSON_OBJECT)
		return json_is_base64(&inside, &bytes) ? JSON_FORM_V1 : JSON_FORM_OIP;
	return type == JSON_ARRAY || is_value(type) ? JSON_FORM_V1 : JSON_FORM_NONE;
}

/* One tensor that should stand in a list is OIP's, and reading it says so. */
static enum json_form form_of_object(struct json_scan inside)
{
	struct text key;
	size_t count = 0;
	json_enter(&inside);
	for (; json_key(&inside, &key); count++) {
		if (text_is(key, "datatype") || text_is(key, "shape"))
			return JSON_FORM_OIP;
		(void)json_skip(&inside);
	}
	return count ? JSON_FORM_V1 : JSON_FORM_OIP;
}

enum json_form json_form_of_tensors(struct json_scan scan)
{
	const enum json_type type = json_peek(&scan);
	if (type == JSON_ARRAY)
		return form_of_list(scan);
	if (type == JSON_OBJECT)
		return form_of_object(scan);
	return is_value(type) ? JSON_FORM_V1 : JSON_FORM_NONE;
}

static enum json_form form_of_key(struct json_scan *scan, struct text key)
{
	static const struct {
		const char *key;
		enum json_form form;
	} rows[] = {
		{"raw_input_contents", JSON_FORM_OIP}, {"instances", JSON_FORM_V1},
		{"signature_name", JSON_FORM_V1},      {"data", JSON_FORM_SELDON},
		{"strData", JSON_FORM_SELDON},	       {"binData", JSON_FORM_SELDON},
		{"jsonData", JSON_FORM_SELDON},
	};
	if (text_is(key, "inputs"))
		return json_form_of_tensors(*scan);
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		if (key.length > 0 && *key.bytes == *rows[i].key && text_is(key, rows[i].key))
			return rows[i].form;
	return JSON_FORM_NONE;
}

#define BEGIN_AHEAD 32 /* bytes that are looked at, up to the first tensor or from an id's end on */

/* Whether it begins as nearly all do: the inputs stand first, or behind an id without escapes.
 * What says no may still be one. */
static bool begins_as_oip(struct text body)
{
	const char *at = body.bytes;
	const char *end = at + body.length;
	if (body.length < BEGIN_AHEAD || *at++ != '{')
		return false;
	at += *at == ' ';
	if (memcmp(at, "\"id\":", 5) == 0) {
		at += 5 + (at[5] == ' ');
		if (*at != '"')
			return false;
		at = json_skip_plain(at + 1, end);
		if (end - at < BEGIN_AHEAD || *at++ != '"' || *at++ != ',')
			return false;
		at += *at == ' ';
	}
	if (memcmp(at, "\"inputs\":", 9) != 0)
		return false;
	at += 9 + (at[9] == ' ');
	if (*at++ != '[')
		return false;
	return memcmp(at + (*at == ' '), "{\"n", 3) == 0; /* of `name`: {"b64": ...} is a value of V1 */
}

static __attribute__((noinline)) enum json_form form_of_keys(struct text body, struct arena *arena)
{
	struct error unheard;
	struct json_scan scan;
	struct text key;
	unheard.kind = ERROR_NONE;
	json_begin(&scan, body, "", arena, &unheard);
	if (json_peek(&scan) != JSON_OBJECT)
		return JSON_FORM_NONE;
	json_enter(&scan);
	while (json_key(&scan, &key)) {
		enum json_form form = form_of_key(&scan, key);
		if (form != JSON_FORM_NONE)
			return form;
		(void)json_skip(&scan);
	}
	return JSON_FORM_OIP;
}

enum json_form json_form_of(struct text body, struct arena *arena)
{
	return begins_as_oip(body) ? JSON_FORM_OIP : form_of_keys(body, arena);
}
