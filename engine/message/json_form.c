/* json_form.c: see json_form.h. */
#include "message/json_form.h"

#include "message/json_scan.h"

/* `inputs` is OIP's list of tensors, or V1's columns: an object of them by name. One
 * tensor that should stand in a list is OIP's, and reading it says so. */
static enum json_form form_of_inputs(struct json_scan *scan)
{
	struct text key;
	enum json_type type = json_peek(scan);
	if (type == JSON_ARRAY) {
		struct json_scan inside = *scan;
		json_enter(&inside);
		if (json_item(&inside) && json_peek(&inside) == JSON_OBJECT)
			return JSON_FORM_OIP;
	}
	if (type != JSON_OBJECT)
		return JSON_FORM_NONE;
	struct json_scan inside = *scan;
	size_t count = 0;
	json_enter(&inside);
	for (; json_key(&inside, &key); count++) {
		if (text_is(key, "datatype") || text_is(key, "shape"))
			return JSON_FORM_OIP;
		(void)json_skip(&inside);
	}
	return count ? JSON_FORM_V1 : JSON_FORM_OIP;
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
		return form_of_inputs(scan);
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		if (text_is(key, rows[i].key))
			return rows[i].form;
	return JSON_FORM_NONE;
}

enum json_form json_form_of(struct text body, struct arena *arena)
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
