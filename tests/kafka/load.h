/* load.h: requests of which the number decides all, and the numbers of what comes back: for
 * requests.c, keyed.c, pressure.c and tests/bench/latency.c.
 *
 * The request of number S has the id "S", a key that S decides, and a tensor x, FP32 of
 * shape [1,ELEMENTS], all of it S % 1000; in JSON S % 1000 and a half. Of benchmarks, whose
 * numbers must have as many digits as those of a user, each element is a random one.
 */
#pragma once

#include "base/number/number.h"
#include "base/number/random.h"
#include "message/avro/avro.h"
#include "message/formats/oip_json.h"
#include "tests/kafka/program.h"

#define LOAD_KEYS 997
#define LOAD_ELEMENTS 16 /* usually */

struct load_key {
	char text[32];
	size_t length;
};

static inline struct load_key load_key(long number)
{
	struct load_key key;
	key.length = (size_t)snprintf(key.text, sizeof key.text, "key-%ld", number);
	return key;
}

/* How many keys there may be: with few, two requests of one key are in flight together. */
static inline void load_keys_check(long keys)
{
	if (keys < 1 || keys > LOAD_KEYS)
		die("%ld keys: from 1 to %d", keys, LOAD_KEYS);
}

/* An element of the request of this number: from 0 to 1, of 24 random bits that both decide. */
static inline float load_random(long number, long element)
{
	struct random chance = {(uint64_t)number << 20 | (uint64_t)element};
	return (float)(random_next(&chance) >> 40) * 0x1p-24F;
}

/* Writes the request of these tensors into `out`, which is emptied first. */
static inline void load_encode(struct arena *arena, long number, struct tensors tensors, int64_t deadline_ms, struct buffer *out)
{
	struct error error = {0};
	char *id = arena_print(arena, "%ld", number);
	const struct payload payload = {.tensors = tensors};
	const struct message message = {
		.arena = arena, .id = text_of(id ? id : ""), .payload_id = text_of(id ? id : ""), .deadline_ms = deadline_ms};
	buffer_clear(out);
	if (!id || !avro_request_encode(&message, &payload, out, &error) || buffer_failed(out))
		die("no request of %ld: %s", number, error.text);
}

/* The request of this number. The arena is reset first. */
static inline void load_encode_x(struct arena *arena, long number, long elements, bool random, int64_t deadline_ms,
				 struct buffer *out)
{
	const int64_t shape[] = {1, elements};
	struct error error = {0};
	float *values;
	arena_reset(arena);
	struct tensor *tensor = tensor_make(arena, TEXT("x"), DATATYPE_FP32, shape, 2, (void **)&values, &error);
	if (!tensor)
		die("no request of %ld: %s", number, error.text);
	for (long i = 0; i < elements; i++)
		values[i] = random ? load_random(number, i) : (float)(number % 1000);
	const struct tensor *tensors[] = {tensor};
	load_encode(arena, number, (struct tensors){1, tensors}, deadline_ms, out);
}

/* The same in Open Inference Protocol JSON, and a half more in each element that is not random. */
static inline void load_encode_json(long number, long elements, bool random, struct buffer *out)
{
	char digits[NUMBER_TEXT_MAX];
	buffer_clear(out);
	buffer_print(out, "{\"id\":\"%ld\",\"inputs\":[{\"name\":\"x\",\"shape\":[1,%ld],\"datatype\":\"FP32\",\"data\":[", number,
		     elements);
	for (long i = 0; i < elements; i++) {
		buffer_string(out, i > 0 ? "," : "");
		if (random)
			buffer_append(out, digits, number_write_float(digits, load_random(number, i)));
		else
			buffer_print(out, "%ld.5", number % 1000);
	}
	buffer_string(out, "]}]}");
	if (buffer_failed(out))
		die("out of memory");
}

/* Produces a record, without a key where that is empty, waiting where the client's queue is full. */
static inline void load_produce(rd_kafka_t *producer, rd_kafka_topic_t *topic, struct load_key key, const struct buffer *bytes,
				int64_t time_ms)
{
	rd_kafka_resp_err_t refused;
	const char *text = key.length > 0 ? key.text : NULL;
	while ((refused = rd_kafka_producev(producer, RD_KAFKA_V_RKT(topic), RD_KAFKA_V_KEY(text, key.length),
					    RD_KAFKA_V_VALUE(bytes->bytes, bytes->length), RD_KAFKA_V_TIMESTAMP(time_ms),
					    RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_END))) {
		if (refused != RD_KAFKA_RESP_ERR__QUEUE_FULL)
			die("produce: %s", rd_kafka_err2str(refused));
		rd_kafka_poll(producer, 5);
	}
	rd_kafka_poll(producer, 0);
}

/* An answer in Avro or in JSON, in the arena, which is reset first. */
static inline struct avro_answer load_answer(struct arena *arena, const rd_kafka_message_t *record)
{
	const struct text bytes = {record->payload, record->len};
	struct avro_answer answer = {0};
	struct oip_reply reply = {0};
	struct error error = {0};
	bool json = bytes.length > 0 && bytes.bytes[0] == '{';
	arena_reset(arena);
	if (!(json ? oip_json_decode_reply(arena, bytes, 0, &reply, &error)
		   : avro_answer_decode(bytes, NULL, arena, &answer, &error)))
		die("an answer cannot be read: %s", error.text);
	if (json)
		answer = (struct avro_answer){.id = reply.id, .payload = reply.payload};
	return answer;
}

/* The number that an id is, one below `count`; with several parts a request, "S/P" is that of
 * its part P. */
static inline long load_number(struct arena *arena, struct text id, long parts, long count)
{
	char *copy = arena_copy(arena, id.bytes, id.length), *end = copy;
	long number = copy ? strtol(copy, &end, 10) : -1;
	if (copy && parts > 1 && *end == '/')
		number = number * parts + strtol(end + 1, &end, 10);
	if (!copy || end == copy || *end || number < 0 || number >= count)
		die("an answer has the id \"%s\", which is of no request", copy ? copy : "");
	return number;
}
