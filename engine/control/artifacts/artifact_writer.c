/* artifact_writer.c: see artifact_writer.h. */
#include "control/artifacts/artifact_writer.h"

#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/memory.h"
#include "control/artifacts/artifact_topic.h"
#include "kafka/produce/request_producer.h"
#include "net/loop.h"

#define SEND_MS 30000	/* for Kafka to take a chunk */
#define IN_FLIGHT_MAX 8 /* chunks: each is sent well within its time also by a slow line */
#define PAUSE_NS (2 * NS_PER_MS)

struct artifact_writer {
	const struct artifact_topic *topic;
	struct request_producer_config config;
	struct request_producer *producer;
	int bell;
	uint64_t sent, acknowledged;
	struct buffer key, value;
	char refused[ERROR_TEXT_MAX / 2]; /* "": Kafka refused no record */
};

static void writer_reported(void *context, const struct request_report *report)
{
	struct artifact_writer *writer = context;
	writer->acknowledged++;
	if (report->refused && !writer->refused[0])
		(void)snprintf(writer->refused, sizeof writer->refused, "%s", report->refused);
}

static bool writer_set_up(struct artifact_writer *writer, struct error *error)
{
	const struct artifact_topic *topic = writer->topic;
	writer->bell = bell_open(error);
	writer->config = (struct request_producer_config){.brokers = topic->brokers,
							  .timeout_ms = SEND_MS,
							  .message_bytes = ARTIFACT_RECORD_BYTES_MAX,
							  .queue_bytes = 2 * IN_FLIGHT_MAX * ARTIFACT_RECORD_BYTES_MAX,
							  .properties = topic->producer,
							  .bell = writer->bell,
							  .reported = writer_reported,
							  .context = writer};
	buffer_open(&writer->key, ARTIFACT_RECORD_BYTES_MAX);
	buffer_open(&writer->value, ARTIFACT_RECORD_BYTES_MAX);
	writer->producer = writer->bell >= 0 ? request_producer_open(&writer->config, error) : NULL;
	return writer->producer && request_producer_topics(writer->producer, &topic->name, 1, error);
}

struct artifact_writer *artifact_writer_open(const struct artifact_topic *topic, struct error *error)
{
	struct artifact_writer *writer = memory_take(1, sizeof *writer);
	if (!writer) {
		error_memory(error, ERROR_SYSTEM, "writing files of documents");
		return NULL;
	}
	writer->topic = topic;
	if (writer_set_up(writer, error))
		return writer;
	artifact_writer_close(writer);
	return NULL;
}

void artifact_writer_close(struct artifact_writer *writer)
{
	if (!writer)
		return;
	request_producer_close(writer->producer);
	if (writer->bell >= 0)
		close(writer->bell);
	buffer_close(&writer->key);
	buffer_close(&writer->value);
	memory_give(writer);
}

/* Waits until at most so many records are on their way. */
static bool writer_wait(struct artifact_writer *writer, uint64_t most, struct error *error)
{
	const int64_t until_ms = clock_ms() + 2 * SEND_MS;
	const struct timespec pause = {.tv_nsec = PAUSE_NS};
	while (writer->sent - writer->acknowledged > most && !writer->refused[0] && clock_ms() < until_ms) {
		request_producer_tell(writer->producer);
		if (writer->sent - writer->acknowledged > most)
			nanosleep(&pause, NULL);
	}
	if (writer->sent - writer->acknowledged <= most && !writer->refused[0])
		return true;
	return error_set(error, ERROR_SYSTEM, PLACE_NONE, "Kafka does not take a chunk of a file into %s: %s", writer->topic->name,
			 writer->refused[0] ? writer->refused : "it does not answer");
}

/* Sends the value under the key of a chunk. */
static bool writer_send(struct artifact_writer *writer, const char *digest, size_t chunk, struct text value, struct error *error)
{
	buffer_clear(&writer->key);
	artifact_key(digest, chunk, &writer->key);
	const struct outgoing record = {.key = buffer_view(&writer->key), .value = value};
	if (!writer_wait(writer, IN_FLIGHT_MAX - 1, error))
		return false;
	enum produce_verdict verdict = request_producer_send(writer->producer, &record, ++writer->sent, error);
	return verdict == PRODUCED ||
	       error_set(error, ERROR_SYSTEM, PLACE_NONE, "Kafka's producer takes no more records for %s", writer->topic->name);
}

static bool chunk_send(struct artifact_writer *writer, const struct artifact *artifact, struct text content, size_t number,
		       struct error *error)
{
	const struct artifact_chunk chunk = {.digest = text_of(artifact->digest),
					     .chunk = (int64_t)number,
					     .size_bytes = (int64_t)artifact->size_bytes,
					     .bytes = artifact_slice(content, number)};
	buffer_clear(&writer->value);
	return record_encode(&artifact_form, &chunk, &writer->value, error) &&
	       writer_send(writer, artifact->digest, number, buffer_view(&writer->value), error);
}

bool artifact_writer_put(struct artifact_writer *writer, struct text content, struct error *error)
{
	const struct artifact artifact = artifact_of(content);
	bool good = true;
	for (size_t i = 0; good && i < artifact_chunk_count(&artifact); i++)
		good = chunk_send(writer, &artifact, content, i, error);
	return good;
}

bool artifact_writer_remove(struct artifact_writer *writer, const char *digest, size_t chunk, struct error *error)
{
	return writer_send(writer, digest, chunk, (struct text){0}, error);
}

bool artifact_writer_settle(struct artifact_writer *writer, struct error *error)
{
	return writer_wait(writer, 0, error);
}
