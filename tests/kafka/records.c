/* records.c: the records of a topic as JSON lines, and lines written back as records.
 *
 *   records dump BROKERS TOPIC [KEYPART]     prints all committed records of all partitions;
 *                                            with KEYPART only those whose key contains it
 *   records load BROKERS TOPIC < LINES       writes them, each into its own partition
 *   records count BROKERS TOPIC              prints how many there are
 *
 * A line is {"partition", "offset", "key", "value", "headers": [[name, value], ...]}; keys,
 * values and header values are base64, or null.
 */
#include <jansson.h>
#include <string.h>

#include "base/base64.h"
#include "tests/kafka/program.h"

#define LINE_BYTES_MAX ((size_t)16 << 20)

static json_t *base64_of(const void *bytes, size_t length)
{
	if (!bytes)
		return json_null();
	char *text = malloc(base64_write_room(length) + 1);
	if (!text)
		die("memory ran out");
	json_t *value = json_stringn(text, base64_write((struct text){bytes, length}, text));
	free(text);
	return value;
}

static json_t *headers_of(const rd_kafka_message_t *message)
{
	json_t *list = json_array();
	rd_kafka_headers_t *headers;
	const char *name;
	const void *value;
	size_t length;
	if (rd_kafka_message_headers(message, &headers))
		return list;
	for (size_t i = 0; !rd_kafka_header_get_all(headers, i, &name, &value, &length); i++)
		json_array_append_new(list, json_pack("[s, o]", name, base64_of(value, length)));
	return list;
}

static void message_print(const rd_kafka_message_t *message)
{
	json_t *line = json_pack("{s:i, s:I, s:o, s:o, s:o}", "partition", (int)message->partition, "offset",
				 (json_int_t)message->offset, "key", base64_of(message->key, message->key_len), "headers",
				 headers_of(message), "value", base64_of(message->payload, message->len));
	if (!line || json_dumpf(line, stdout, JSON_COMPACT))
		die("a record could not be printed");
	putchar('\n');
	json_decref(line);
}

static bool key_has(const rd_kafka_message_t *message, const char *part)
{
	return !part || (message->key && memmem(message->key, message->key_len, part, strlen(part)));
}

/* All that is committed; prints it, or only counts. */
static long read_all(const char *brokers, const char *name, const char *part, bool print)
{
	rd_kafka_t *reader = kafka_client(RD_KAFKA_CONSUMER, brokers,
					  (kafka_settings){{"group.id", "records"},
							   {"enable.auto.commit", "false"},
							   {"enable.partition.eof", "true"},
							   {NULL, NULL}});
	rd_kafka_poll_set_consumer(reader);
	int partitions = kafka_partitions(reader, name);
	long count = 0;
	kafka_read_all(reader, name, partitions);
	for (int ended = 0; ended < partitions;) {
		rd_kafka_message_t *message = rd_kafka_consumer_poll(reader, KAFKA_PATIENCE_MS);
		if (!message || (message->err && message->err != RD_KAFKA_RESP_ERR__PARTITION_EOF))
			die("%s: %s", name, message ? rd_kafka_message_errstr(message) : "nothing came");
		ended += message->err != 0;
		if (!message->err && key_has(message, part)) {
			count++;
			if (print)
				message_print(message);
		}
		rd_kafka_message_destroy(message);
	}
	kafka_reader_close(reader);
	return count;
}

/* ---- writing ---- */

/* NULL: null. The caller frees it. */
static char *bytes_of(const json_t *value, size_t *length)
{
	*length = 0;
	if (!json_is_string(value))
		return NULL;
	struct text text = {json_string_value(value), json_string_length(value)};
	char *bytes = malloc(base64_read_room(text.length) + 1);
	if (!bytes || !base64_read(text, bytes, length))
		die("a line is no record");
	return bytes;
}

static rd_kafka_headers_t *headers_read(const json_t *list)
{
	rd_kafka_headers_t *headers = rd_kafka_headers_new(json_array_size(list));
	size_t index, length;
	json_t *pair;
	json_array_foreach(list, index, pair) {
		char *value = bytes_of(json_array_get(pair, 1), &length);
		rd_kafka_header_add(headers, json_string_value(json_array_get(pair, 0)), -1, value, (ssize_t)length);
		free(value);
	}
	return headers;
}

static void line_write(rd_kafka_t *producer, const char *name, const char *line)
{
	json_t *record = json_loads(line, 0, NULL);
	if (!record)
		die("a line is no JSON");
	size_t key_length, value_length;
	char *key = bytes_of(json_object_get(record, "key"), &key_length);
	char *value = bytes_of(json_object_get(record, "value"), &value_length);
	rd_kafka_resp_err_t code = rd_kafka_producev(
		producer, RD_KAFKA_V_TOPIC(name), RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY),
		RD_KAFKA_V_PARTITION((int32_t)json_integer_value(json_object_get(record, "partition"))),
		RD_KAFKA_V_KEY(key, key_length), RD_KAFKA_V_VALUE(value, value_length),
		RD_KAFKA_V_HEADERS(headers_read(json_object_get(record, "headers"))), RD_KAFKA_V_END);
	if (code)
		die("%s: %s", name, rd_kafka_err2str(code));
	free(key);
	free(value);
	json_decref(record);
}

static void load(const char *brokers, const char *name)
{
	rd_kafka_t *producer = kafka_client(RD_KAFKA_PRODUCER, brokers, (kafka_settings){{"acks", "all"}, {NULL, NULL}});
	char *line = NULL;
	size_t room = 0;
	while (getline(&line, &room, stdin) > 0)
		line_write(producer, name, line);
	free(line);
	if (rd_kafka_flush(producer, KAFKA_PATIENCE_MS))
		die("%s: not all records were written", name);
	rd_kafka_destroy(producer);
}

int main(int count, char **arguments)
{
	if (count < 4)
		die("COMMAND BROKERS TOPIC, please");
	if (strcmp(arguments[1], "dump") == 0)
		(void)read_all(arguments[2], arguments[3], count > 4 ? arguments[4] : NULL, true);
	else if (strcmp(arguments[1], "count") == 0)
		printf("%ld\n", read_all(arguments[2], arguments[3], NULL, false));
	else if (strcmp(arguments[1], "load") == 0)
		load(arguments[2], arguments[3]);
	else
		die("dump, load or count, please");
	return 0;
}
