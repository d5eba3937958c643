/* applier.c: see applier.h. */
#include "control/engine/applier.h"

#include <stdio.h>
#include <sys/random.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/memory.h"
#include "control/keeper/keeper.h"
#include "kafka/consume/reader.h"
#include "kafka/produce/request_producer.h"
#include "net/loop.h"

#define RECORDS_A_TURN 1000 /* so that a caller looks at its own time */
#define FOLLOW_MS 100
#define SENT_BYTES_MAX ((size_t)2 << 20) /* of a record, with its framing */
#define ITEM_BYTES ((size_t)4 << 10)	 /* of an item without its document, nearly always; also of the rest of a proposal */
#define QUEUE_BYTES ((size_t)128 << 20)	 /* all parts of a proposal */

struct applier {
	const struct applier_config *config;
	struct ledger ledger;
	struct reader_config reader_config;
	struct reader *reader;
	struct request_producer_config producer_config;
	struct request_producer *producer;
	int bell;
	size_t acknowledged;
	char refused[ERROR_TEXT_MAX / 2]; /* "": Kafka refused no record */
};

static bool applier_fold(void *context, const struct record *record, struct error *error)
{
	struct applier *applier = context;
	struct error reason = {0};
	if (ledger_fold(&applier->ledger, record->key, record->value, time_of_day_ms(), &reason) || reason.kind == ERROR_INPUT)
		return true;
	*error = reason;
	return false;
}

struct applier *applier_open(const struct applier_config *config, struct error *error)
{
	assert(config->brokers && config->namespace);
	struct applier *applier = memory_take(1, sizeof *applier);
	struct error missing = {0};
	if (!applier || !ledger_open(&applier->ledger, config->namespace, error)) {
		memory_give(applier);
		error_memory(error, ERROR_SYSTEM, "reading the control topic");
		return NULL;
	}
	applier->config = config;
	applier->bell = -1;
	applier->reader_config = (struct reader_config){.brokers = config->brokers,
							.topic = config->topics.control,
							.from_beginning = true,
							.continues = true,
							.is_watched = true,
							.properties = config->consumer};
	applier->reader = reader_open(&applier->reader_config, &missing);
	if (!applier->reader && missing.kind == ERROR_CONFIG)
		error_set(error, ERROR_CONFIG, PLACE_NONE,
			  "namespace `%s` has no topic %s: no engine has run there with `sluice run --control`, or the topic's "
			  "prefix is another one (give both the same --topic-prefix), or the topic was deleted (the logs of the "
			  "engines say so), or this login has no right to read it (`sluice plan --acls` lists the rights)",
			  config->namespace, config->topics.control);
	else if (!applier->reader)
		*error = missing;
	if (applier->reader && reader_give_all(applier->reader, applier_fold, applier, error))
		return applier;
	applier_close(applier);
	return NULL;
}

void applier_close(struct applier *applier)
{
	if (!applier)
		return;
	reader_close(applier->reader);
	request_producer_close(applier->producer);
	if (applier->bell >= 0)
		close(applier->bell);
	ledger_close(&applier->ledger);
	memory_give(applier);
}

const struct ledger *applier_ledger(const struct applier *applier)
{
	return &applier->ledger;
}

/* ---- sending ---- */

static void applier_reported(void *context, const struct request_report *report)
{
	struct applier *applier = context;
	applier->acknowledged++;
	if (report->refused && !applier->refused[0])
		(void)snprintf(applier->refused, sizeof applier->refused, "%s", report->refused);
}

static bool producer_open(struct applier *applier, struct error *error)
{
	if (applier->producer)
		return true;
	applier->bell = bell_open(error);
	applier->producer_config = (struct request_producer_config){.brokers = applier->config->brokers,
								    .timeout_ms = APPLIER_SEND_MS,
								    .message_bytes = SENT_BYTES_MAX,
								    .queue_bytes = QUEUE_BYTES,
								    .properties = applier->config->producer,
								    .bell = applier->bell,
								    .reported = applier_reported,
								    .context = applier};
	applier->producer = applier->bell >= 0 ? request_producer_open(&applier->producer_config, error) : NULL;
	return applier->producer &&
	       request_producer_topics(applier->producer, &applier->config->topics.proposals, 1, error);
}

/* The number of items from `first` on that fit into one record; 0: not even that one fits. Encodes them. */
static size_t part_fill(const struct proposal *proposal, size_t first, struct buffer *bytes, struct error *error)
{
	const struct proposal_item *items = proposal->items.items;
	struct proposal part = *proposal;
	size_t size = 0, count = 0;
	for (size_t i = first; i < proposal->items.count; i++) {
		size_t item = items[i].document.length + ITEM_BYTES;
		if (count > 0 && size + item > PROPOSAL_BYTES_MAX - ITEM_BYTES)
			break;
		size += item;
		count++;
	}
	for (; count > 0; count /= 2) {
		struct error large = {0};
		part.items = (struct record_list){count, items + first};
		buffer_clear(bytes);
		if (record_encode(&proposal_form, &part, bytes, &large) && bytes->length <= PROPOSAL_BYTES_MAX)
			return count;
	}
	error_set(error, ERROR_LIMIT, PLACE_NONE,
		  "`" TEXT_FORMAT "/" TEXT_FORMAT "` has %zu bytes; a document and its fields have %zu at most. Put large values "
		  "into files that its steps name, which are sent along",
		  TEXT_ARGUMENTS(items[first].kind), TEXT_ARGUMENTS(items[first].name), items[first].document.length,
		  PROPOSAL_BYTES_MAX);
	return 0;
}

static bool part_send(struct applier *applier, const struct proposal *proposal, const struct buffer *bytes, size_t number,
		      struct error *error)
{
	const struct outgoing record = {.key = proposal->id, .value = buffer_view(bytes)};
	enum produce_verdict verdict = request_producer_send(applier->producer, &record, number, error);
	return verdict == PRODUCED ||
	       error_set(error, ERROR_SYSTEM, PLACE_NONE, "Kafka's producer takes no more records for %s",
			 applier->config->topics.proposals);
}

/* Counts the parts; with `send`, sends them. */
static bool parts_walk(struct applier *applier, struct proposal *proposal, struct buffer *bytes, bool send, size_t *parts,
		       struct error *error)
{
	*parts = 0;
	for (size_t first = 0, count; first < proposal->items.count; first += count) {
		proposal->part = (int64_t)*parts;
		count = part_fill(proposal, first, bytes, error);
		++*parts;
		if (count == 0 || (send && !part_send(applier, proposal, bytes, *parts, error)))
			return false;
	}
	return *parts <= KEEPER_PARTS_MAX ||
	       error_set(error, ERROR_LIMIT, PLACE_NONE, "the documents have more than %zu bytes together; apply them in groups",
			 KEEPER_PARTS_MAX * PROPOSAL_BYTES_MAX / 2);
}

static bool acknowledgements_wait(struct applier *applier, size_t parts, struct error *error)
{
	const int64_t until_ms = clock_ms() + 2 * APPLIER_SEND_MS;
	struct timespec pause = {.tv_nsec = 2 * NS_PER_MS};
	while (applier->acknowledged < parts && clock_ms() < until_ms) {
		request_producer_tell(applier->producer);
		if (applier->acknowledged < parts)
			nanosleep(&pause, NULL);
	}
	if (applier->acknowledged >= parts && !applier->refused[0])
		return true;
	return error_set(error, ERROR_SYSTEM, PLACE_NONE, "Kafka does not take the proposal into %s: %s",
			 applier->config->topics.proposals, applier->refused[0] ? applier->refused : "it does not answer");
}

static bool id_make(char id[APPLIER_ID_BYTES + 1], struct error *error)
{
	unsigned char bytes[APPLIER_ID_BYTES / 2];
	if (getrandom(bytes, sizeof bytes, 0) != (ssize_t)sizeof bytes)
		return error_set(error, ERROR_SYSTEM, PLACE_NONE, "the system gives no random numbers");
	for (size_t i = 0; i < sizeof bytes; i++)
		(void)snprintf(id + 2 * i, 3, "%02x", bytes[i]);
	return true;
}

bool applier_send(struct applier *applier, struct proposal *proposal, char id[APPLIER_ID_BYTES + 1], struct error *error)
{
	struct buffer bytes;
	size_t parts, sent;
	if (proposal->id.length == 0) {
		if (!id_make(id, error))
			return false;
		proposal->id = text_of(id);
	}
	proposal->namespace = text_of(applier->config->namespace);
	proposal->time_ms = time_of_day_ms();
	proposal->parts = KEEPER_PARTS_MAX; /* as long in bytes as the number will be */
	applier->acknowledged = 0;
	applier->refused[0] = '\0';
	buffer_open(&bytes, SENT_BYTES_MAX);
	bool good = producer_open(applier, error) && parts_walk(applier, proposal, &bytes, false, &parts, error);
	if (good) {
		proposal->parts = (int64_t)parts;
		good = parts_walk(applier, proposal, &bytes, true, &sent, error) && acknowledgements_wait(applier, parts, error);
	}
	buffer_close(&bytes);
	return good;
}

/* ---- reading ---- */

bool applier_follow(struct applier *applier, int wait_ms, struct error *error)
{
	return reader_give_arrived(applier->reader, RECORDS_A_TURN, wait_ms, applier_fold, applier, error);
}

int64_t applier_silent_ms(const struct applier *applier)
{
	return reader_silent_ms(applier->reader);
}

bool applier_wait(struct applier *applier, struct text id, int64_t wait_ms, const struct control_verdict **verdict,
		  struct error *error)
{
	const int64_t until_ms = clock_ms() + wait_ms;
	const struct ledger_verdict *found;
	while (!(found = ledger_verdict_find(&applier->ledger, id)) && clock_ms() < until_ms)
		if (!applier_follow(applier, FOLLOW_MS, error))
			return false;
	*verdict = found ? &found->record : NULL;
	return true;
}
