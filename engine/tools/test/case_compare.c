/* case_compare.c: Comparison of two responses: tensors by name, datatype, shape and element; other bodies as JSON. */
#include <math.h>

#include "tools/test/case_compare_json.h"
#include "tools/test/case_judge.h"
#include "message/json/json_form.h"
#include "message/formats/oip_json.h"
#include "message/json/tensor_json.h"

#define SHOWN_MOST 6 /* elements of a tensor that a difference shows */

/* ---- tensors ---- */

static bool elements_agree(const struct tensor *got, const struct tensor *wanted, size_t index)
{
	size_t stride = datatype_stride(wanted->datatype);
	if (wanted->datatype == DATATYPE_BYTES)
		return text_equal(((const struct text *)got->data)[index], ((const struct text *)wanted->data)[index]);
	if (wanted->datatype == DATATYPE_FP64)
		return numbers_near(((const double *)got->data)[index], ((const double *)wanted->data)[index]);
	if (datatype_rows[wanted->datatype].class == CLASS_FLOAT) {
		double a = tensor_number(got, index), b = tensor_number(wanted, index);
		return a == b || (isnan(a) && isnan(b));
	}
	return memcmp((const char *)got->data + index * stride, (const char *)wanted->data + index * stride, stride) == 0;
}

static bool types_agree(const struct tensor *got, const struct tensor *wanted)
{
	return got->datatype == wanted->datatype && got->rank == wanted->rank &&
	       memcmp(got->shape, wanted->shape, wanted->rank * sizeof *wanted->shape) == 0;
}

static bool parameter_agrees(const struct parameter *got, const struct parameter *wanted)
{
	if (!got || (got->type == PARAMETER_TEXT) != (wanted->type == PARAMETER_TEXT) ||
	    (got->type == PARAMETER_FLAG) != (wanted->type == PARAMETER_FLAG))
		return false;
	if (wanted->type == PARAMETER_TEXT)
		return text_equal(got->value.text, wanted->value.text);
	if (wanted->type == PARAMETER_FLAG)
		return got->value.flag == wanted->value.flag;
	if (got->type == wanted->type && wanted->type != PARAMETER_NUMBER)
		return got->value.integer == wanted->value.integer;
	double numbers[2];
	const struct parameter *both[2] = {got, wanted};
	for (size_t i = 0; i < 2; i++)
		numbers[i] = both[i]->type == PARAMETER_NUMBER	  ? both[i]->value.number
			     : both[i]->type == PARAMETER_INTEGER ? (double)both[i]->value.integer
								  : (double)both[i]->value.natural;
	return numbers_near(numbers[0], numbers[1]);
}

static const struct parameter *parameters_lack(struct parameters got, struct parameters wanted)
{
	for (size_t i = 0; i < wanted.count; i++)
		if (!parameter_agrees(parameters_find(got, wanted.items[i].name), &wanted.items[i]))
			return &wanted.items[i];
	return NULL;
}

static void elements_show(struct buffer *out, const char *whose, struct arena *arena, const struct tensor *tensor, size_t first)
{
	buffer_print(out, "      %-8s %s ", whose, tensor_type_text(arena, tensor));
	if (first)
		buffer_print(out, "[%zu]: ", first);
	for (size_t i = first; i < tensor->count && i < first + SHOWN_MOST; i++) {
		buffer_string(out, i > first ? ", " : "");
		tensor_json_write_element(out, tensor, i, BYTES_AS_EITHER);
	}
	buffer_string(out, first + SHOWN_MOST < tensor->count ? ", ...\n" : "\n");
}

static bool tensor_agrees(struct arena *arena, const struct tensor *got, const struct tensor *wanted, struct buffer *out)
{
	size_t at = 0;
	bool same = types_agree(got, wanted);
	while (same && at < wanted->count && elements_agree(got, wanted, at))
		at++;
	const struct parameter *lacking = parameters_lack(got->parameters, wanted->parameters);
	if (same && at == wanted->count && !lacking)
		return true;
	if (!out)
		return false;
	if (same && at == wanted->count) {
		buffer_print(out, "    tensor `" TEXT_FORMAT "`: its parameter `" TEXT_FORMAT "` differs\n",
			     TEXT_ARGUMENTS(wanted->name), TEXT_ARGUMENTS(lacking->name));
		return false;
	}
	buffer_print(out, "    tensor `" TEXT_FORMAT "` differs\n", TEXT_ARGUMENTS(wanted->name));
	size_t first = same && at >= SHOWN_MOST ? at : 0;
	elements_show(out, "expected", arena, wanted, first);
	elements_show(out, "got", arena, got, first);
	return false;
}

/* Each wanted tensor takes the first of its name that is not taken. */
static bool tensors_agree(struct arena *arena, struct tensors got, struct tensors wanted, struct buffer *out)
{
	bool *taken = ARENA_ARRAY(arena, bool, got.count);
	bool agree = taken != NULL;
	for (size_t w = 0; taken && w < wanted.count; w++) {
		size_t g = 0;
		while (g < got.count && (taken[g] || !text_equal(got.items[g]->name, wanted.items[w]->name)))
			g++;
		if (g < got.count) {
			taken[g] = true;
			agree &= tensor_agrees(arena, got.items[g], wanted.items[w], out);
			continue;
		}
		agree = false;
		if (out)
			buffer_print(out, "    tensor `" TEXT_FORMAT "` is missing\n", TEXT_ARGUMENTS(wanted.items[w]->name));
	}
	for (size_t g = 0; taken && g < got.count; g++) {
		if (taken[g])
			continue;
		agree = false;
		if (out)
			buffer_print(out, "    tensor `" TEXT_FORMAT "` came too, %s\n", TEXT_ARGUMENTS(got.items[g]->name),
				     tensor_type_text(arena, got.items[g]));
	}
	return agree;
}

static bool case_compare_explain(struct buffer *out, const char *what)
{
	if (out)
		buffer_print(out, "    %s\n", what);
	return false;
}

static bool oip_agree(struct arena *arena, struct text got, struct text wanted, struct buffer *out)
{
	struct oip_reply came = {0}, due = {0};
	struct error error = {0};
	if (!oip_json_decode_reply(arena, wanted, 0, &due, &error)) {
		if (out)
			buffer_print(out, "    the expected response cannot be read: %s\n", error.text);
		return false;
	}
	if (!oip_json_decode_reply(arena, got, 0, &came, &error))
		return case_compare_explain(out, error.text);
	if (!tensors_agree(arena, came.payload.tensors, due.payload.tensors, out))
		return false;
	if (due.id.bytes && !text_equal(came.id, due.id))
		return case_compare_explain(out, "the id differs");
	const struct parameters theirs = due.payload.parameters;
	if (theirs.count && (parameters_lack(came.payload.parameters, theirs) || came.payload.parameters.count != theirs.count))
		return case_compare_explain(out, "the parameters differ");
	return true;
}

/* ---- all ---- */

/* OIP's outputs: those of V1 are columns, which are compared as JSON. */
static bool has_tensors(struct arena *arena, struct text json)
{
	struct error error = {0};
	struct json_scan scan;
	struct text key;
	bool found = false;
	json_begin(&scan, json, "the response", arena, &error);
	if (json_peek(&scan) != JSON_OBJECT)
		return false;
	json_enter(&scan);
	while (json_key(&scan, &key)) {
		found |= text_is(key, "outputs") && json_form_of_tensors(scan) != JSON_FORM_V1;
		json_skip(&scan);
	}
	return found;
}

bool response_judge(struct arena *arena, struct text got, struct text wanted, struct buffer *out)
{
	if (!got.bytes)
		return case_compare_explain(out, "the answer cannot be written as JSON");
	if (has_tensors(arena, wanted))
		return oip_agree(arena, got, wanted, out);
	if (json_near(got, wanted))
		return true;
	if (out)
		buffer_print(out, "    expected " TEXT_FORMAT "\n    got      " TEXT_FORMAT "\n", TEXT_ARGUMENTS(wanted),
			     TEXT_ARGUMENTS(got));
	return false;
}
