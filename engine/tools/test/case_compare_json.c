/* case_compare_json.c: see case_compare_json.h. */
#include "tools/test/case_compare_json.h"

#include <math.h>

#include <jansson.h>

#define NEAR 1e-9

bool numbers_near(double a, double b)
{
	return a == b || (isnan(a) && isnan(b)) || fabs(a - b) <= NEAR * fabs(b);
}

static bool json_close(const json_t *got, const json_t *wanted)
{
	if (json_is_number(got) && json_is_number(wanted)) {
		if (json_is_integer(got) && json_is_integer(wanted))
			return json_integer_value(got) == json_integer_value(wanted);
		return numbers_near(json_number_value(got), json_number_value(wanted));
	}
	if (json_is_object(got) && json_is_object(wanted)) {
		if (json_object_size(got) != json_object_size(wanted))
			return false;
		for (void *at = json_object_iter((json_t *)(uintptr_t)wanted); at;
		     at = json_object_iter_next((json_t *)(uintptr_t)wanted, at)) {
			const json_t *other = json_object_get(got, json_object_iter_key(at));
			if (!other || !json_close(other, json_object_iter_value(at)))
				return false;
		}
		return true;
	}
	if (json_is_array(got) && json_is_array(wanted)) {
		if (json_array_size(got) != json_array_size(wanted))
			return false;
		for (size_t i = 0; i < json_array_size(wanted); i++)
			if (!json_close(json_array_get(got, i), json_array_get(wanted, i)))
				return false;
		return true;
	}
	return json_equal(got, wanted);
}

bool json_near(struct text got, struct text wanted)
{
	json_t *came = json_loadb(got.bytes, got.length, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
	json_t *due = json_loadb(wanted.bytes, wanted.length, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
	bool near = came && due && json_close(came, due);
	json_decref(came);
	json_decref(due);
	return near;
}
