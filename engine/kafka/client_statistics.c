/* client_statistics.c: see client_statistics.h. STATISTICS.md of librdkafka describes the JSON. */
#include "kafka/client_statistics.h"

#include "message/json/json_scan.h"

#define SCAN_BYTES ((size_t)64 << 10) /* of keys with escapes: names of brokers */

/* Where the value of a key is added, or kept if it is larger. */
struct statistic {
	const char *key;
	size_t offset;
	bool is_largest;
};

#define COUNT(key, field) {key, offsetof(struct client_counts, field), false}

static const struct statistic client_rows[] = {
	COUNT("msg_cnt", records_waiting), COUNT("tx", requests), COUNT("tx_bytes", sent_bytes), COUNT("rx_bytes", received_bytes),
	COUNT("txmsgs", records_sent), COUNT("rxmsgs", records_received), {0},
};

static const struct statistic group_rows[] = {COUNT("rebalance_cnt", rebalances), {0}};

/* Also of brokers that are only known as a coordinator: their requests count. */
static const struct statistic broker_rows[] = {
	COUNT("outbuf_cnt", requests_waiting), COUNT("waitresp_cnt", requests_in_flight), COUNT("txerrs", errors),
	COUNT("rxerrs", errors), COUNT("req_timeouts", timeouts), COUNT("disconnects", disconnects), {0},
};

static const struct statistic round_trip_rows[] = {
	{"avg", offsetof(struct client_counts, round_trip_us), true}, {0},
};

/* ---- values ---- */

static void value_take(struct json_scan *scan, const struct statistic *row, struct client_counts *counts)
{
	struct text digits;
	int64_t number;
	uint64_t *count = (uint64_t *)(void *)((char *)counts + row->offset);
	if (json_peek(scan) != JSON_NUMBER) {
		json_skip(scan);
		return;
	}
	if (!json_span(scan, &digits) || !number_read_int64(digits, &number) || number < 0)
		return;
	if (row->is_largest)
		*count = (uint64_t)number > *count ? (uint64_t)number : *count;
	else
		*count += (uint64_t)number;
}

static const struct statistic *row_find(const struct statistic *rows, struct text key)
{
	while (rows->key && !text_is(key, rows->key))
		rows++;
	return rows->key ? rows : NULL;
}

/* Takes or skips the value of a key. */
static void member_take(struct json_scan *scan, struct text key, const struct statistic *rows, struct client_counts *counts)
{
	const struct statistic *row = row_find(rows, key);
	if (row)
		value_take(scan, row, counts);
	else
		json_skip(scan);
}

/* Enters an object. False: the value is none, and is skipped. */
static bool object_enter(struct json_scan *scan)
{
	if (json_peek(scan) == JSON_OBJECT)
		return json_enter(scan);
	json_skip(scan);
	return false;
}

static void object_take(struct json_scan *scan, const struct statistic *rows, struct client_counts *counts)
{
	struct text key;
	if (object_enter(scan))
		while (json_key(scan, &key))
			member_take(scan, key, rows, counts);
}

/* ---- brokers ---- */

/* A broker without a number is an address that was given, or a coordinator that is one of the others. */
static void broker_take(struct json_scan *scan, struct client_counts *counts)
{
	struct text key, state = {0}, number = {0};
	if (!object_enter(scan))
		return;
	while (json_key(scan, &key))
		if (text_is(key, "state") && json_peek(scan) == JSON_STRING)
			json_text(scan, &state);
		else if (text_is(key, "nodeid") && json_peek(scan) == JSON_NUMBER)
			json_span(scan, &number);
		else if (text_is(key, "rtt"))
			object_take(scan, round_trip_rows, counts);
		else
			member_take(scan, key, broker_rows, counts);
	if (number.length == 0 || number.bytes[0] == '-')
		return;
	counts->brokers++;
	counts->brokers_up += text_is(state, "UP") || text_is(state, "UPDATE");
}

static void brokers_take(struct json_scan *scan, struct client_counts *counts)
{
	struct text key;
	if (object_enter(scan))
		while (json_key(scan, &key))
			broker_take(scan, counts);
}

/* ---- partitions ---- */

/* A partition that is not `desired` is known, and not read. */
static bool partition_has_leader(struct json_scan *scan)
{
	struct text key, desired = {0}, leader = {0};
	if (!object_enter(scan))
		return true;
	while (json_key(scan, &key))
		if (text_is(key, "desired"))
			json_span(scan, &desired);
		else if (text_is(key, "leader") && json_peek(scan) == JSON_NUMBER)
			json_span(scan, &leader);
		else
			json_skip(scan);
	return !text_is(desired, "true") || leader.length == 0 || leader.bytes[0] != '-';
}

static bool topic_has_leaders(struct json_scan *scan)
{
	struct text key;
	bool has = true;
	if (!object_enter(scan))
		return true;
	while (json_key(scan, &key))
		if (!text_is(key, "partitions")) {
			json_skip(scan);
		} else if (object_enter(scan)) {
			while (json_key(scan, &key))
				has = partition_has_leader(scan) && has;
		}
	return has;
}

bool client_statistics_leaders(struct text json, void (*leaderless)(void *context, struct text topic), void *context)
{
	struct json_scan scan;
	struct error error = {0};
	struct text key;
	struct arena *arena = arena_open(SCAN_BYTES);
	if (!arena)
		return false;
	json_begin(&scan, json, "a client's statistics", arena, &error);
	const bool is_object = object_enter(&scan);
	while (is_object && json_key(&scan, &key))
		if (!text_is(key, "topics")) {
			json_skip(&scan);
		} else if (object_enter(&scan)) {
			while (json_key(&scan, &key))
				if (!topic_has_leaders(&scan))
					leaderless(context, key);
		}
	const bool good = json_end(&scan);
	arena_close(arena);
	return good;
}

/* ---- all of it ---- */

static void statistics_take(struct json_scan *scan, struct client_counts *counts)
{
	struct text key;
	if (!object_enter(scan))
		return;
	while (json_key(scan, &key))
		if (text_is(key, "brokers"))
			brokers_take(scan, counts);
		else if (text_is(key, "cgrp"))
			object_take(scan, group_rows, counts);
		else
			member_take(scan, key, client_rows, counts);
}

bool client_statistics_read(struct text json, struct client_counts *counts, struct error *error)
{
	struct client_counts read = {0};
	struct json_scan scan;
	struct arena *arena = arena_open(SCAN_BYTES);
	if (!arena)
		return error_memory(error, ERROR_SYSTEM, "reading statistics");
	json_begin(&scan, json, "a client's statistics", arena, error);
	statistics_take(&scan, &read);
	bool good = json_end(&scan);
	arena_close(arena);
	const uint64_t *from = (const uint64_t *)(const void *)&read;
	for (size_t i = 0; good && i < COUNT_WORDS(struct client_counts); i++)
		count_set((uint64_t *)counts + i, from[i]);
	return good;
}
