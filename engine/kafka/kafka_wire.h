/* kafka_wire.h: Values of Kafka's protocol as bytes: numbers are big-endian, strings and lists have their length before
 * them. For what speaks it beside librdkafka: the relay in front of the embedded broker, and the question for a broker's
 * release. Pure.
 */
#pragma once

#include "base/text.h"

/* ---- reading ---- */

struct kafka_reading {
	const unsigned char *at, *end;
	bool bad; /* it went beyond the end, or a number is too long: everything that is read then is 0 or empty */
};

static inline struct kafka_reading kafka_reading_of(struct text bytes)
{
	const unsigned char *at = (const unsigned char *)bytes.bytes;
	return (struct kafka_reading){.at = at, .end = at + bytes.length};
}

/* NULL: there are not so many bytes. */
static inline const unsigned char *kafka_take(struct kafka_reading *reading, size_t size)
{
	if (reading->bad || size > (size_t)(reading->end - reading->at)) {
		reading->bad = true;
		return NULL;
	}
	reading->at += size;
	return reading->at - size;
}

static inline uint32_t kafka_take_number(struct kafka_reading *reading, size_t size)
{
	const unsigned char *bytes = kafka_take(reading, size);
	uint32_t number = 0;
	for (size_t i = 0; bytes && i < size; i++)
		number = number << 8 | bytes[i];
	return number;
}

static inline int16_t kafka_take_int16(struct kafka_reading *reading)
{
	return (int16_t)kafka_take_number(reading, 2);
}

static inline int32_t kafka_take_int32(struct kafka_reading *reading)
{
	return (int32_t)kafka_take_number(reading, 4);
}

/* An unsigned number of 7 bits a byte, the lowest first. */
static inline uint32_t kafka_take_varint(struct kafka_reading *reading)
{
	uint32_t number = 0;
	for (unsigned shift = 0; shift < 32; shift += 7) {
		uint32_t byte = kafka_take_number(reading, 1);
		number |= (byte & 0x7f) << shift;
		if (byte < 0x80)
			return reading->bad ? 0 : number;
	}
	reading->bad = true;
	return 0;
}

/* bytes NULL: null, which is -1 long. */
static inline struct text kafka_take_string(struct kafka_reading *reading)
{
	int16_t length = kafka_take_int16(reading);
	const unsigned char *bytes = length >= 0 ? kafka_take(reading, (size_t)length) : NULL;
	return bytes ? (struct text){(const char *)bytes, (size_t)length} : (struct text){0};
}

/* A string of the flexible versions; bytes NULL: null. */
static inline struct text kafka_take_compact_string(struct kafka_reading *reading)
{
	uint32_t length = kafka_take_varint(reading);
	const unsigned char *bytes = length > 0 ? kafka_take(reading, length - 1) : NULL;
	return bytes ? (struct text){(const char *)bytes, length - 1} : (struct text){0};
}

static inline void kafka_skip_int32s(struct kafka_reading *reading)
{
	int32_t count = kafka_take_int32(reading);
	for (int32_t i = 0; i < count && !reading->bad; i++)
		(void)kafka_take_int32(reading);
}

/* The tagged fields of a flexible version. */
static inline void kafka_skip_tags(struct kafka_reading *reading)
{
	uint32_t count = kafka_take_varint(reading);
	for (uint32_t i = 0; i < count && !reading->bad; i++) {
		(void)kafka_take_varint(reading);
		(void)kafka_take(reading, kafka_take_varint(reading));
	}
}

static inline struct text kafka_rest_of(const struct kafka_reading *reading)
{
	return (struct text){(const char *)reading->at, (size_t)(reading->end - reading->at)};
}

static inline struct text kafka_since(const struct kafka_reading *reading, const unsigned char *begin)
{
	return (struct text){(const char *)begin, (size_t)(reading->at - begin)};
}

/* ---- writing ---- */

static inline void kafka_put_number(struct buffer *out, uint32_t number, size_t size)
{
	for (size_t i = size; i-- > 0;)
		buffer_byte(out, (char)(number >> 8 * i & 0xff));
}

static inline void kafka_put_int16(struct buffer *out, int16_t number)
{
	kafka_put_number(out, (uint16_t)number, 2);
}

static inline void kafka_put_int32(struct buffer *out, int32_t number)
{
	kafka_put_number(out, (uint32_t)number, 4);
}

static inline void kafka_put_string(struct buffer *out, struct text text)
{
	kafka_put_int16(out, text.bytes ? (int16_t)text.length : -1);
	buffer_text(out, text);
}

/* A string of the flexible versions, of at most 126 bytes. */
static inline void kafka_put_compact_string(struct buffer *out, struct text text)
{
	kafka_put_number(out, (uint32_t)text.length + 1, 1);
	buffer_text(out, text);
}

/* Of a frame: its length, to be filled in when it ends. */
static inline size_t kafka_frame_begin(struct buffer *out)
{
	size_t at = out->length;
	kafka_put_int32(out, 0);
	return at;
}

static inline void kafka_frame_end(struct buffer *out, size_t at)
{
	uint32_t length = (uint32_t)(out->length - at - 4);
	for (size_t i = 0; i < 4 && !buffer_failed(out); i++)
		out->bytes[at + i] = (char)(length >> 8 * (3 - i) & 0xff);
}
