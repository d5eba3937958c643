/* chaos_read.c: Parser of fault injection rules; see chaos.h. */
#include "models/calls/chaos.h"

#include "base/number/duration.h"
#include "base/number/number.h"

struct chaos_reading {
	struct chaos *chaos;
	struct arena *arena;
	struct error *error;
};

/* Takes the part of `rest` before the next `mark`, and drops the mark; false: nothing is left. */
static bool next_part(struct text *rest, char mark, struct text *part)
{
	if (!rest->bytes)
		return false;
	const char *end = memchr(rest->bytes, mark, rest->length);
	size_t length = end ? (size_t)(end - rest->bytes) : rest->length;
	*part = text_trimmed((struct text){rest->bytes, length}, " ");
	*rest = end ? (struct text){end + 1, rest->length - length - 1} : (struct text){0};
	return true;
}

static bool chaos_read_refuse(const struct chaos_reading *reading, struct text word, const char *why)
{
	return error_set(reading->error, ERROR_CONFIG, PLACE_NONE,
			 "`" TEXT_FORMAT "` is not a failure to inject: %s; write as in \"model scorer: 5%% 503, +200ms\"",
			 TEXT_ARGUMENTS(word), why);
}

static bool read_share(const struct chaos_reading *reading, struct text *word, double *share)
{
	const char *sign = memchr(word->bytes, '%', word->length);
	*share = 1;
	if (!sign)
		return true;
	struct text number = {word->bytes, (size_t)(sign - word->bytes)};
	if (!number_read_double(number, share) || !(*share > 0 && *share <= 100))
		return chaos_read_refuse(reading, *word, "a share is above 0% and at most 100%");
	*share /= 100;
	*word = text_trimmed((struct text){sign + 1, word->length - number.length - 1}, " ");
	return true;
}

static bool read_status(struct text word, int *status)
{
	uint64_t number;
	bool good = word.length == 3 && digits_read(word, 10, &number) && number >= 300 && number <= 599;
	*status = good ? (int)number : 0;
	return good;
}

static bool read_mishap(const struct chaos_reading *reading, const char *model, struct text word)
{
	static const struct {
		const char *word;
		enum mishap_kind kind;
	} ends[] = {{"lost", MISHAP_LOST}, {"refused", MISHAP_REFUSED}, {"silent", MISHAP_SILENT}};
	struct mishap mishap = {.model = model};
	struct text whole = word;
	int64_t late_ns;
	if (!read_share(reading, &word, &mishap.share))
		return false;
	if (word.length > 1 && word.bytes[0] == '+') {
		const char *wrong = duration_read(text_from(word, 1), &late_ns);
		if (wrong)
			return chaos_read_refuse(reading, whole, wrong);
		mishap.kind = MISHAP_LATE;
		mishap.late_ms = (late_ns + NS_PER_MS - 1) / NS_PER_MS;
	} else if (read_status(word, &mishap.status)) {
		mishap.kind = MISHAP_STATUS;
	} else {
		size_t i = 0;
		while (i < sizeof ends / sizeof *ends && !text_is(word, ends[i].word))
			i++;
		if (i == sizeof ends / sizeof *ends)
			return chaos_read_refuse(reading, whole, "it is +TIME, a status from 300 to 599, lost, refused or silent");
		mishap.kind = ends[i].kind;
	}
	if (reading->chaos->count == CHAOS_MISHAPS_MAX)
		return chaos_read_refuse(reading, whole, "there are more than 64");
	reading->chaos->mishaps[reading->chaos->count++] = mishap;
	return true;
}

static bool read_rule(const struct chaos_reading *reading, struct text rule)
{
	struct text rest = rule, whom, word;
	const char *model = NULL;
	if (!next_part(&rest, ':', &whom) || !rest.bytes)
		return chaos_read_refuse(reading, rule, "the model is missing; begin with `model NAME:` or `models:`");
	if (whom.length > 6 && memcmp(whom.bytes, "model ", 6) == 0) {
		struct text name = text_trimmed(text_from(whom, 6), " ");
		model = arena_copy(reading->arena, name.bytes, name.length);
		if (!model)
			return error_memory(reading->error, ERROR_SYSTEM, "reading --chaos");
	} else if (!text_is(whom, "models")) {
		return chaos_read_refuse(reading, whom, "a rule begins with `model NAME:` or `models:`");
	}
	while (next_part(&rest, ',', &word))
		if (!read_mishap(reading, model, word))
			return false;
	return true;
}

struct chaos *chaos_read(const char *rules, struct arena *arena, struct error *error)
{
	struct chaos_reading reading = {.chaos = ARENA_NEW(arena, struct chaos), .arena = arena, .error = error};
	struct text rest = text_of(rules), rule;
	if (!reading.chaos)
		return error_null(error_memory(error, ERROR_SYSTEM, "reading --chaos"));
	while (next_part(&rest, ';', &rule))
		if (!read_rule(&reading, rule))
			return NULL;
	return reading.chaos;
}
