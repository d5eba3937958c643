/* case_judge.c: Comparison of each line of out.jsonl with the results; see case_judge.h. */
#include "tools/test/case_judge.h"

static bool belongs(const struct arrival *record, const struct case_expected *expected)
{
	struct text at = text_of(record->at ? record->at : "");
	return text_equal(record->id, expected->id) && text_equal(at, expected->at);
}

static const struct arrival *next_of(const struct arrival *record, const struct case_expected *expected)
{
	while (record && !belongs(record, expected))
		record = record->next;
	return record;
}

static int64_t count_of(const struct case_results *results, const struct case_expected *expected)
{
	int64_t count = 0;
	for (const struct arrival *record = next_of(results->records, expected); record; record = next_of(record->next, expected))
		count++;
	return count;
}

bool kind_fits(struct text kinds, const char *kind)
{
	while (kinds.length)
		if (text_is(text_take_until(&kinds, '|'), kind))
			return true;
	return false;
}

static bool contains_caseless(struct text text, struct text part)
{
	for (size_t i = 0; i + part.length <= text.length; i++)
		if (text_equal_caseless((struct text){text.bytes + i, part.length}, part))
			return true;
	return false;
}

static void got_error(const struct arrival *record, struct buffer *out)
{
	if (out)
		buffer_print(out, "    got      %s: %s\n", error_kind_name(record->error->kind), record->error->text);
}

static bool result_judge(const struct case_results *results, const struct arrival *record, const struct case_result *result,
			 struct buffer *out)
{
	if (result->response.bytes) {
		if (record->payload)
			return response_judge(results->arena, record_response(record, results->arena), result->response, out);
		if (out)
			buffer_string(out, "    expected a response\n");
		got_error(record, out);
		return false;
	}
	if (record->error && kind_fits(result->kinds, error_kind_name(record->error->kind)) &&
	    contains_caseless(text_of(record->error->text), result->contains))
		return true;
	if (out)
		buffer_print(out, "    expected " TEXT_FORMAT ": ..." TEXT_FORMAT "...\n", TEXT_ARGUMENTS(result->kinds),
			     TEXT_ARGUMENTS(result->contains));
	if (record->error) {
		got_error(record, out);
	} else if (out) {
		struct text response = record_response(record, results->arena);
		buffer_print(out, "    got      " TEXT_FORMAT "\n", TEXT_ARGUMENTS(response));
	}
	return false;
}

static void name_expected(const struct case_expected *expected, struct buffer *out)
{
	buffer_print(out, "  " TEXT_FORMAT, TEXT_ARGUMENTS(expected->id));
	if (expected->at.length)
		buffer_print(out, " at " TEXT_FORMAT, TEXT_ARGUMENTS(expected->at));
}

static bool is_alike(const struct case_expected *a, const struct case_expected *b)
{
	return b->demand == DEMAND_RESULT && text_equal(a->id, b->id) && text_equal(a->at, b->at);
}

/* The answers to one request at one point are compared in the order in which they are expected. */
static bool one_judge(const struct case_results *results, const struct case_expected *expected, struct buffer *out)
{
	int64_t count = count_of(results, expected), wanted = 0;
	const struct arrival *record = next_of(results->records, expected);
	for (size_t i = 0; i < results->files->expected_count; i++) {
		const struct case_expected *other = &results->files->expected[i];
		wanted += is_alike(expected, other);
		if (other < expected && is_alike(expected, other) && record)
			record = next_of(record->next, expected);
	}
	if (count != wanted) {
		name_expected(expected, out);
		if (count)
			buffer_print(out, ": came %lld times, expected %lld\n", (long long)count, (long long)wanted);
		else
			buffer_string(out, ": nothing came\n");
		return false;
	}
	size_t begun = out->length;
	if (result_judge(results, record, expected->results, NULL))
		return true;
	out->length = begun;
	name_expected(expected, out);
	buffer_string(out, ":\n");
	return result_judge(results, record, expected->results, out);
}

static bool absent_judge(const struct case_results *results, const struct case_expected *expected, struct buffer *out)
{
	const struct arrival *record = next_of(results->records, expected);
	if (!record)
		return true;
	name_expected(expected, out);
	buffer_string(out, ": came, and none was expected\n    ");
	record_print(record, results->arena, out);
	return false;
}

static bool total_judge(const struct case_results *results, const struct case_expected *expected, struct buffer *out)
{
	int64_t count = count_of(results, expected);
	if (count == expected->repeat)
		return true;
	name_expected(expected, out);
	buffer_print(out, ": %lld answers, expected %lld\n", (long long)count, (long long)expected->repeat);
	return false;
}

static bool split_judge(const struct case_results *results, const struct case_expected *expected, struct buffer *out)
{
	bool holds = total_judge(results, expected, out);
	for (size_t i = 0; i < expected->count; i++) {
		const struct case_result *result = &expected->results[i];
		int64_t count = 0;
		for (const struct arrival *record = next_of(results->records, expected); record;
		     record = next_of(record->next, expected))
			count += result_judge(results, record, result, NULL);
		if (count >= result->least && count <= result->most)
			continue;
		holds = false;
		name_expected(expected, out);
		buffer_print(out, ": result %zu came %lld times, expected %lld to %lld\n", i + 1, (long long)count,
			     (long long)result->least, (long long)result->most);
	}
	return holds;
}

static bool same_judge(const struct case_results *results, const struct case_expected *expected, struct buffer *out)
{
	if (!total_judge(results, expected, out))
		return false;
	for (size_t i = 0; i < expected->count; i++) {
		const struct arrival *record = next_of(results->records, expected);
		while (record && result_judge(results, record, &expected->results[i], NULL))
			record = next_of(record->next, expected);
		if (!record)
			return true;
	}
	name_expected(expected, out);
	buffer_string(out, ": not all the same, or not one of these\n");
	return false;
}

static bool calls_judge(const struct case_results *results, const struct case_expected *expected, struct buffer *out)
{
	bool holds = true;
	for (size_t i = 0; i < expected->call_count; i++) {
		const struct case_calls *calls = &expected->calls[i];
		int64_t count = calls_of(results, calls->model);
		if (count >= calls->least && count <= calls->most)
			continue;
		holds = false;
		buffer_print(out, "  " TEXT_FORMAT " was called %lld times, expected %lld to %lld\n", TEXT_ARGUMENTS(calls->model),
			     (long long)count, (long long)calls->least, (long long)calls->most);
	}
	return holds;
}

bool expected_judge(const struct case_results *results, const struct case_expected *expected, struct buffer *out)
{
	switch (expected->demand) {
	case DEMAND_ABSENT:
		return absent_judge(results, expected, out);
	case DEMAND_SPLIT:
		return split_judge(results, expected, out);
	case DEMAND_SAME:
		return same_judge(results, expected, out);
	case DEMAND_CALLS:
		return calls_judge(results, expected, out);
	case DEMAND_RESULT:
		if (expected->results)
			return one_judge(results, expected, out);
		break;
	case DEMAND_ALERT:
		return alert_result_judge(results, expected, out);
	}
	buffer_print(out, "  line %u of out.jsonl expects no answer, error, absence, alert or calls\n", expected->place.line);
	return false;
}

bool case_results_judge(const struct case_results *results, struct buffer *why)
{
	const struct case_files *files = results->files;
	bool holds = true;
	if (!files->has_expected) {
		buffer_string(why, "  it has no out.jsonl; `sluice test --update` writes the actual answers\n");
		return false;
	}
	for (size_t i = 0; i < files->expected_count; i++)
		holds &= expected_judge(results, &files->expected[i], why);
	return holds;
}
