/* reader.c: Reader of a topic: a client with one stream; see reader.h. */
#include "kafka/consume/reader.h"

#include <assert.h>

#include "base/clock.h"
#include "base/memory.h"
#include "kafka/consume/stream_parts.h"
#include "net/loop.h"

#define LOOK_MS 100
#define SILENCE_LOOKS 300 /* if the end of a topic is not reached for 30 s, an open transaction delays it */

struct reader {
	struct stream_reader *client;
	struct stream *stream;
	uint64_t answers; /* of the client, that were asked for */
	int bell;	  /* -1: none */
};

struct reader *reader_open(const struct reader_config *config, struct error *error)
{
	struct reader *reader = memory_take(1, sizeof *reader);
	if (!reader) {
		error_memory(error, ERROR_SYSTEM, "opening a consumer");
		return NULL;
	}
	reader->bell = -1;
	reader->client = stream_reader_open(config, error);
	reader->stream = reader->client ? stream_open(reader->client, config, error) : NULL;
	if (reader->stream)
		return reader;
	reader_close(reader);
	return NULL;
}

void reader_close(struct reader *reader)
{
	if (!reader)
		return;
	stream_close(reader->stream);
	stream_reader_close(reader->client);
	memory_give(reader);
}

void reader_ring(struct reader *reader, int bell)
{
	assert(reader->stream->queue && bell >= 0);
	reader->bell = bell;
	client_queue_ring(reader->stream->queue, bell);
}

int32_t reader_partition(const struct reader *reader)
{
	return reader->stream->first;
}

int64_t reader_end_of(const struct reader *reader, int32_t partition)
{
	const struct stream *stream = reader->stream;
	return partition >= stream->first && partition < stream->partitions ? stream->ends[partition] : 0;
}

int64_t reader_end(const struct reader *reader)
{
	return reader->stream->ends[reader->stream->first];
}

uint64_t reader_deleted(struct reader *reader)
{
	struct stream *stream = reader->stream;
	uint64_t deleted = 0;
	for (int32_t i = stream->first; i < stream->partitions; i++) {
		int64_t begin = 0;
		if (stream_find_offset(stream, i, RD_KAFKA_OFFSET_BEGINNING, &begin) == RD_KAFKA_RESP_ERR_NO_ERROR && begin > 0)
			deleted += (uint64_t)begin;
	}
	return deleted;
}

bool reader_is_at_end(const struct reader *reader)
{
	return stream_is_at_end(reader->stream);
}

static bool next_by_time(struct reader *reader, int wait_ms, struct record *record, struct error *error)
{
	if (!stream_next(reader->stream, record, error))
		return false;
	return record->held || wait_ms <= 0 || !stream_reader_wait(reader->client, wait_ms) ||
	       stream_next(reader->stream, record, error);
}

/* A caller that does not wait must read all records: the bell rings only when the queue was empty, and such a message
 * may precede a record. */
bool reader_next(struct reader *reader, int wait_ms, struct record *record, struct error *error)
{
	rd_kafka_message_t *message, *found = NULL;
	if (reader->stream->lanes)
		return next_by_time(reader, wait_ms, record, error);
	*record = (struct record){0};
	(void)rd_kafka_poll(reader->client->client, 0);
	while (!found && (message = rd_kafka_consume_queue(reader->stream->queue, wait_ms))) {
		if (!stream_take(reader->stream, message, &found, error))
			return false;
		if (wait_ms > 0)
			break;
	}
	if (found)
		stream_give(reader->stream, record, found);
	return true;
}

bool reader_was_answered(struct reader *reader)
{
	assert(reader->client->config->is_watched);
	(void)rd_kafka_poll(reader->client->client, 0);
	const bool was_answered = reader->client->answers != reader->answers;
	reader->answers = reader->client->answers;
	return was_answered;
}

int64_t reader_silent_ms(const struct reader *reader)
{
	return stream_reader_silent_ms(reader->client);
}

struct client_counts reader_client_counts(const struct reader *reader)
{
	assert(reader->client->config->is_watched);
	return reader->client->counts;
}

/* Then all records of the time when it was opened were returned. */
bool reader_has_caught_up(const struct reader *reader)
{
	return reader->stream->ended_count == reader->stream->partitions - reader->stream->first;
}

bool reader_give_arrived(struct reader *reader, size_t most, int wait_ms,
			 bool (*take)(void *context, const struct record *record, struct error *error), void *context,
			 struct error *error)
{
	assert(take && most > 0);
	bool good = true;
	for (size_t i = 0; good && i < most; i++) {
		struct record record;
		if (!reader_next(reader, i == 0 ? wait_ms : 0, &record, error))
			return false;
		if (!record.held)
			return true;
		good = take(context, &record, error);
		record_release(&record);
	}
	if (good && reader->bell >= 0)
		bell_ring(reader->bell);
	return good;
}

/* The first whose end was not reached. */
static int32_t partition_unended(const struct stream *stream)
{
	int32_t partition = stream->first;
	while (partition + 1 < stream->partitions && stream->ended[partition])
		partition++;
	return partition;
}

bool reader_give_all(struct reader *reader, bool (*take)(void *context, const struct record *record, struct error *error),
		     void *context, struct error *error)
{
	assert(take);
	struct stream *stream = reader->stream;
	bool good = true;
	for (unsigned silent = 0; good && !reader_has_caught_up(reader); silent++) {
		struct record record;
		if (stream_is_stopping(stream))
			return false;
		if (silent > SILENCE_LOOKS)
			return stream_explain_silence(
				stream, partition_unended(stream), "Kafka does not return the rest of",
				"check that the broker runs; if it does, is a transaction of a writer still open?", error);
		if (!reader_next(reader, LOOK_MS, &record, error))
			return false;
		if (!record.held)
			continue;
		silent = 0;
		/* A reader that replays dead letters may cause new ones; they are not part of this run. */
		int64_t end = stream->ends[record.partition];
		if (record.offset + 1 >= end)
			stream_note_end(stream, record.partition);
		good = (record.offset >= end && !stream->config->continues) || take(context, &record, error);
		record_release(&record);
	}
	return good;
}

bool topic_give_all(const struct reader_config *config,
		    bool (*take)(void *context, const struct record *record, struct error *error), void *context,
		    struct error *error)
{
	assert(take);
	struct reader *reader = reader_open(config, error);
	const bool good = reader && reader_give_all(reader, take, context, error);
	reader_close(reader);
	return good;
}
