/* memory_shares.c: see memory_shares.h. */
#include "engine/setup/memory_shares.h"

#include <assert.h>
#include <string.h>

#include "base/number/number.h"

#define MEMORY_OF_ENGINE ((size_t)24 << 20) /* the program, its files, the main thread */
#define MEMORY_OF_WORKER ((size_t)6 << 20)  /* the threads of a worker's clients, before there is a record */
#define MEMORY_LEAST ((size_t)4 << 20)	    /* of a worker's records: with less it would work, but slowly */
#define WATCHING_SHARE 4 /* the records of a worker that answers have so many times the memory of one's that watches */
/* One of the parts waits to be taken, one is being fetched, three are in flight, two are being produced, one is of taps and of
 * replies that are kept. */
#define MEMORY_PARTS 8
#define IN_FLIGHT_BYTES 8192 /* of a small message; limits how many are in flight */
#define WAITING_BYTES 256    /* that librdkafka keeps for each record, without counting it */
#define FETCH_LEAST 1000000  /* librdkafka's default of message.max.bytes */
#define RECEIVE_BESIDE 512   /* bytes by which receive.message.max.bytes must exceed a fetch */
/* Maxima that librdkafka accepts. */
#define FETCH_MOST ((size_t)2147483135)
#define QUEUED_KBYTES_MOST ((size_t)2097151)
#define REPLY_BYTES_MOST ((size_t)1 << 30) /* it is one piece of memory */
/* What waits beyond these has left the processor's caches before it is taken: librdkafka has some 450 bytes of a record beside its
 * own, and makes those of a fetch at once. With 110,000 and 7 MB an engine had 70 MiB more with a backlog, and was not faster. */
#define WAITING_MOST ((size_t)10000)
#define FETCH_MOST_AHEAD ((size_t)1 << 20)
#define FETCHES_AHEAD 4 /* in a part: a fetch stays in memory until its last record is taken */

static struct properties properties_before(const struct property *own, size_t count, struct properties users, struct arena *arena)
{
	struct property *items = ARENA_ARRAY(arena, struct property, count + users.count);
	if (!items)
		return (struct properties){0};
	memcpy(items, own, count * sizeof *own);
	if (users.count > 0)
		memcpy(&items[count], users.items, users.count * sizeof *items);
	return (struct properties){count + users.count, items};
}

/* The value in the user's settings; `otherwise` if there is none. */
static size_t size_set(struct properties consumer, const char *name, size_t otherwise)
{
	uint64_t found = otherwise, set;
	for (size_t i = 0; i < consumer.count; i++)
		if (consumer.items[i].value && strcmp(consumer.items[i].name, name) == 0 &&
		    number_read_uint64(text_of(consumer.items[i].value), &set))
			found = set;
	return (size_t)found;
}

static size_t at_most(size_t size, size_t most)
{
	return size < most ? size : most;
}

/* Size of a fetch. librdkafka rejects a fetch that is smaller than the largest record (message.max.bytes), or larger
 * than receive.message.max.bytes allows. */
static size_t fetch_size(struct properties consumer, size_t wanted)
{
	const size_t least = size_set(consumer, "message.max.bytes", FETCH_LEAST);
	const size_t receive = size_set(consumer, "receive.message.max.bytes", FETCH_MOST + RECEIVE_BESIDE);
	const size_t fits = at_most(wanted, receive > RECEIVE_BESIDE ? receive - RECEIVE_BESIDE : 0);
	return at_most(fits < least ? least : fits, FETCH_MOST);
}

static size_t share_of_least(size_t bytes)
{
	return bytes < MEMORY_LEAST ? MEMORY_LEAST : bytes;
}

/* Memory for the records of a worker. */
static size_t worker_memory(const struct engine_config *config, const struct group_workers *workers, bool watches)
{
	const size_t count = workers->answering + workers->watching, fixed = MEMORY_OF_ENGINE + count * MEMORY_OF_WORKER;
	const size_t records = config->memory_bytes > fixed ? config->memory_bytes - fixed : 0;
	const size_t watching = share_of_least(records / (WATCHING_SHARE * workers->answering + workers->watching));
	if (watches)
		return watching;
	if (records < count * MEMORY_LEAST)
		log_say(config->log, LOG_LEVEL_WARN, NULL,
			"--memory is %.1f MiB, and %zu worker%s use about %zu MiB at least; this minimum is used",
			(double)config->memory_bytes / (1 << 20), count, count == 1 ? "" : "s",
			(fixed + count * MEMORY_LEAST) >> 20);
	const size_t all_watching = watching * workers->watching;
	return share_of_least(records > all_watching ? (records - all_watching) / workers->answering : 0);
}

bool memory_shares_make(const struct engine_config *config, const struct group_workers *workers, bool watches, struct arena *arena,
			struct memory_shares *shares, struct error *error)
{
	assert(watches ? workers->watching > 0 : workers->answering > 0);
	const size_t part = worker_memory(config, workers, watches) / MEMORY_PARTS;
	const char *fetched = arena_print(arena, "%zu", at_most(part / 1024, QUEUED_KBYTES_MOST));
	const char *waiting = arena_print(arena, "%zu", at_most(part / WAITING_BYTES, WAITING_MOST));
	size_t fetch = fetch_size(config->consumer, at_most(part / FETCHES_AHEAD, FETCH_MOST_AHEAD));
	const char *a_fetch = arena_print(arena, "%zu", fetch);
	const char *produced = arena_print(arena, "%zu", at_most(2 * part / 1024, QUEUED_KBYTES_MOST));
	const struct property consumer[] = {
		{"queued.min.messages", waiting},
		{"queued.max.messages.kbytes", fetched},
		{"fetch.max.bytes", a_fetch},
	};
	const struct property producer[] = {{"queue.buffering.max.kbytes", produced}};
	shares->limits = worker_limits_usual;
	shares->limits.held_bytes = 3 * part;
	shares->limits.in_flight = 3 * part / IN_FLIGHT_BYTES;
	shares->limits.tap_bytes = part / 4;
	shares->limits.reply_bytes = at_most(part - part / 4, REPLY_BYTES_MOST);
	shares->limits.commit_ms = config->commit_ms;
	shares->limits.drain_ms = config->drain_ms;
	shares->consumer = properties_before(consumer, sizeof consumer / sizeof *consumer, config->consumer, arena);
	shares->producer = properties_before(producer, sizeof producer / sizeof *producer, config->producer, arena);
	return !arena_failed(arena) || error_memory(error, ERROR_SYSTEM, "preparing workers");
}
