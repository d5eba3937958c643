/* status.c: see status.h. One table of members contains how each is written and read. */
#include "observe/status.h"

#include "base/number/moment.h"
#include "message/json/json_scan.h"
#include "message/json/json_write.h"

enum member_type { MEMBER_TEXT, MEMBER_COUNT, MEMBER_TIME, MEMBER_FLAG, MEMBER_NUMBER };

static const struct status_member {
	const char *name;
	enum member_type type;
	size_t offset;
} members[] = {
	{"instance", MEMBER_TEXT, offsetof(struct status, instance)},
	{"pipeline", MEMBER_TEXT, offsetof(struct status, pipeline)},
	{"namespace", MEMBER_TEXT, offsetof(struct status, namespace)},
	{"at_ms", MEMBER_TIME, offsetof(struct status, at_ms)},
	{"started_ms", MEMBER_TIME, offsetof(struct status, started_ms)},
	{"ready", MEMBER_FLAG, offsetof(struct status, ready)},
	{"state", MEMBER_TEXT, offsetof(struct status, state)},
	{"why", MEMBER_TEXT, offsetof(struct status, why)},
	{"taken", MEMBER_COUNT, offsetof(struct status, sums.taken)},
	{"ended", MEMBER_COUNT, offsetof(struct status, sums.ended)},
	{"answered", MEMBER_COUNT, offsetof(struct status, sums.answered)},
	{"failed", MEMBER_COUNT, offsetof(struct status, sums.failed)},
	{"dropped", MEMBER_COUNT, offsetof(struct status, sums.dropped)},
	{"dead_letters", MEMBER_COUNT, offsetof(struct status, sums.dead_letters)},
	{"resets", MEMBER_COUNT, offsetof(struct status, sums.resets)},
	{"skipped", MEMBER_COUNT, offsetof(struct status, sums.skipped)},
	{"in_flight", MEMBER_COUNT, offsetof(struct status, sums.in_flight)},
	{"version", MEMBER_TEXT, offsetof(struct status, version)},
	{"group", MEMBER_TEXT, offsetof(struct status, group)},
	{"reads", MEMBER_TEXT, offsetof(struct status, reads)},
	{"lag", MEMBER_TIME, offsetof(struct status, lag)},
	{"rate", MEMBER_NUMBER, offsetof(struct status, rate)},
	{"p50_ms", MEMBER_NUMBER, offsetof(struct status, p50_ms)},
	{"p95_ms", MEMBER_NUMBER, offsetof(struct status, p95_ms)},
	{"p99_ms", MEMBER_NUMBER, offsetof(struct status, p99_ms)},
	{"stopped", MEMBER_FLAG, offsetof(struct status, stopped)},
	{"pipelines", MEMBER_COUNT, offsetof(struct status, pipelines)},
	{"unwell", MEMBER_COUNT, offsetof(struct status, unwell)},
	{"receivers", MEMBER_TEXT, offsetof(struct status, receivers)},
	{"firing", MEMBER_TEXT, offsetof(struct status, firing)},
	{"drift", MEMBER_TEXT, offsetof(struct status, drift)},
	{"failure", MEMBER_TEXT, offsetof(struct status, failure)},
};

#define MEMBERS (sizeof members / sizeof *members)

static void write_member(const struct status_member *member, const void *at, struct buffer *out)
{
	switch (member->type) {
	case MEMBER_TEXT:
		json_write_string(out, *(const struct text *)at);
		break;
	case MEMBER_COUNT:
		json_write_uint64(out, *(const uint64_t *)at);
		break;
	case MEMBER_TIME:
		json_write_int64(out, *(const int64_t *)at);
		break;
	case MEMBER_FLAG:
		json_write_bool(out, *(const bool *)at);
		break;
	case MEMBER_NUMBER:
		json_write_double(out, *(const double *)at);
		break;
	}
}

bool status_is_well(bool ready, struct text state)
{
	return ready && (text_is(state, "running") || text_is(state, "paused"));
}

void status_write(const struct status *status, struct buffer *out)
{
	for (size_t i = 0; i < MEMBERS; i++) {
		buffer_print(out, "%s\"%s\": ", i == 0 ? "{" : ", ", members[i].name);
		write_member(&members[i], (const char *)status + members[i].offset, out);
	}
	buffer_byte(out, '}');
}

static bool read_member(const struct status_member *member, struct json_scan *scan, void *at)
{
	enum json_type type = json_peek(scan);
	struct decimal decimal;
	if (member->type == MEMBER_TEXT)
		return type == JSON_STRING && json_text(scan, at);
	if (member->type == MEMBER_FLAG) {
		*(bool *)at = type == JSON_TRUE;
		return (type == JSON_TRUE || type == JSON_FALSE) && json_word(scan);
	}
	if (type != JSON_NUMBER || !json_number(scan, &decimal))
		return false;
	switch (member->type) {
	case MEMBER_COUNT:
		return decimal_to_uint64(&decimal, at);
	case MEMBER_TIME: /* -1: the lag is not known */
		return decimal_to_int64(&decimal, at) && (*(const int64_t *)at == -1 || moment_is_known(*(const int64_t *)at));
	default:
		*(double *)at = decimal_to_double(&decimal);
		return true;
	}
}

static const struct status_member *status_find(struct text name)
{
	for (size_t i = 0; i < MEMBERS; i++)
		if (text_is(name, members[i].name))
			return &members[i];
	return NULL;
}

bool status_read(struct text json, struct arena *arena, struct status *status, struct error *error)
{
	struct json_scan scan;
	struct text name;
	*status = (struct status){.lag = -1};
	json_begin(&scan, json, "the status", arena, error);
	if (json_peek(&scan) != JSON_OBJECT)
		return error_set(error, ERROR_INPUT, PLACE_NONE, "the record is no status");
	json_enter(&scan);
	while (json_key(&scan, &name)) {
		const struct status_member *member = status_find(name);
		if (!member)
			json_skip(&scan);
		else if (!read_member(member, &scan, (char *)status + member->offset))
			return error_set(error, ERROR_INPUT, PLACE_NONE, "the status has a wrong `%s`", member->name);
	}
	return json_end(&scan) &&
	       (status->pipeline.length > 0 || error_set(error, ERROR_INPUT, PLACE_NONE, "the record is no status"));
}
