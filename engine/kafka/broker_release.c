/* broker_release.c: see broker_release.h. The question is ApiVersions of version 3, the first whose answer has features. */
#include "kafka/broker_release.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>

#include "base/version.h"
#include "kafka/kafka_wire.h"
#include "net/dial.h"
#include "net/tls.h"

#define API_VERSIONS 18
#define API_VERSIONS_VERSION 3
#define CORRELATION 1
#define TAG_SUPPORTED_FEATURES 0
#define RESPONSE_BYTES_MAX ((size_t)64 << 10)
#define HOST_BYTES_MAX 256
#define PORT_BYTES_MAX 8

/* Releases whose transaction coordinator does not write the end of a transaction to a partition without a leader. */
#define LEVEL_OF_4_3 30
#define LEVEL_OF_4_4 33

const char *broker_release_fault(int level)
{
	if (level == LEVEL_OF_4_3)
		return "the brokers run Kafka 4.3: in its releases 4.3.0 and 4.3.1 the end of a transaction is lost if a "
		       "partition has no leader then (KAFKA-20734), and exactly once does not hold. No field of the protocol "
		       "distinguishes these releases: check the release at the brokers";
	if (level == LEVEL_OF_4_4)
		return "the brokers run Kafka 4.4: in its release 4.4.0 the end of a transaction is lost if a partition has "
		       "no leader then (KAFKA-20734), and exactly once does not hold. No field of the protocol shows its "
		       "releases apart: check the release at the brokers";
	return NULL;
}

/* ---- the messages ---- */

void broker_release_request(struct buffer *out)
{
	size_t frame = kafka_frame_begin(out);
	kafka_put_int16(out, API_VERSIONS);
	kafka_put_int16(out, API_VERSIONS_VERSION);
	kafka_put_int32(out, CORRELATION);
	kafka_put_string(out, TEXT("sluice"));
	kafka_put_number(out, 0, 1); /* tags of the header */
	kafka_put_compact_string(out, TEXT("sluice"));
	kafka_put_compact_string(out, TEXT(SLUICE_VERSION));
	kafka_put_number(out, 0, 1);
	kafka_frame_end(out, frame);
}

/* The number of elements of a list of the flexible versions. */
static uint32_t list_count(struct kafka_reading *reading)
{
	uint32_t count = kafka_take_varint(reading);
	return count > 0 ? count - 1 : 0;
}

static int features_read(struct kafka_reading *reading)
{
	int level = 0;
	for (uint32_t count = list_count(reading); count > 0 && !reading->bad; count--) {
		struct text name = kafka_take_compact_string(reading);
		(void)kafka_take_int16(reading); /* the least version */
		int16_t most = kafka_take_int16(reading);
		kafka_skip_tags(reading);
		if (text_is(name, "metadata.version"))
			level = most;
	}
	return reading->bad || level < 0 ? 0 : level;
}

int broker_release_read(struct text response)
{
	struct kafka_reading reading = kafka_reading_of(response);
	if (kafka_take_int32(&reading) != CORRELATION || kafka_take_int16(&reading) != 0)
		return 0;
	for (uint32_t count = list_count(&reading); count > 0 && !reading.bad; count--) {
		(void)kafka_take(&reading, 3 * sizeof(int16_t)); /* a request, and its versions */
		kafka_skip_tags(&reading);
	}
	(void)kafka_take_int32(&reading); /* throttled for */
	for (uint32_t tags = kafka_take_varint(&reading); tags > 0 && !reading.bad; tags--) {
		uint32_t tag = kafka_take_varint(&reading), length = kafka_take_varint(&reading);
		const unsigned char *bytes = kafka_take(&reading, length);
		struct kafka_reading field = {.at = bytes, .end = bytes ? bytes + length : NULL};
		if (bytes && tag == TAG_SUPPORTED_FEATURES)
			return features_read(&field);
	}
	return 0;
}

/* ---- the connection ---- */

struct release_question {
	struct loop *loop;
	struct dial_host host;
	struct dial dial;
	struct link link;
	struct watch watch;
	struct buffer bytes; /* the request, then the response */
	size_t sent;
	bool has_sent, is_over, is_watched;
	int level;
};

static void question_read(struct release_question *question)
{
	char room[4096];
	size_t count = 0;
	struct error error = {0};
	enum link_outcome outcome;
	while ((outcome = link_read(&question->link, room, sizeof room, &count, &error)) == LINK_DONE)
		buffer_append(&question->bytes, room, count);
	struct kafka_reading reading = kafka_reading_of(buffer_view(&question->bytes));
	uint32_t length = kafka_take_number(&reading, 4);
	const unsigned char *response = buffer_failed(&question->bytes) ? NULL : kafka_take(&reading, length);
	if (response)
		question->level = broker_release_read((struct text){(const char *)response, length});
	question->is_over = response || outcome == LINK_BROKEN || buffer_failed(&question->bytes);
}

static void question_write(struct release_question *question)
{
	size_t count = 0;
	struct error error = {0};
	enum link_outcome outcome = LINK_DONE;
	while (outcome == LINK_DONE && question->sent < question->bytes.length) {
		outcome = link_write(&question->link, question->bytes.bytes + question->sent,
				     question->bytes.length - question->sent, &count, &error);
		question->sent += outcome == LINK_DONE ? count : 0;
	}
	question->has_sent = question->sent == question->bytes.length;
	if (question->has_sent)
		buffer_clear(&question->bytes);
	question->is_over = outcome == LINK_BROKEN ||
			    (question->has_sent && !loop_watch_for(question->loop, &question->watch, EPOLLIN, &error));
}

static void question_on_ready(void *context, uint32_t events)
{
	struct release_question *question = context;
	(void)events;
	if (question->has_sent)
		question_read(question);
	else
		question_write(question);
}

static void question_on_dialled(void *context, const struct error *error)
{
	struct release_question *question = context;
	struct error failed = {0};
	question->is_watched =
		!error && loop_watch(question->loop, &question->watch, question->link.socket, EPOLLIN | EPOLLOUT, &failed);
	question->is_over = !question->is_watched;
}

/* One broker. 0: it does not tell, or cannot be reached until `until_ms`. */
static int question_ask(struct loop *loop, const char *host, const char *port, struct ssl_ctx_st *tls, int64_t until_ms)
{
	struct release_question question = {.loop = loop,
					    .host = {.loop = loop, .host = host, .port = port, .tls = tls, .any_protocol = true},
					    .link = LINK_NONE};
	struct error error = {0};
	question.watch = (struct watch){.ready = question_on_ready, .context = &question};
	question.dial = (struct dial){.host = &question.host,
				      .link = &question.link,
				      .connect_ms = BROKER_RELEASE_WAIT_MS,
				      .deadline_ms = until_ms,
				      .done = question_on_dialled,
				      .context = &question};
	buffer_open(&question.bytes, RESPONSE_BYTES_MAX);
	broker_release_request(&question.bytes);
	dial_start(&question.dial);
	while (!question.is_over && loop_now_ms(loop) < until_ms &&
	       loop_turn(loop, (int)(until_ms - loop_now_ms(loop)), &error))
		continue;
	dial_stop(&question.dial);
	if (question.is_watched)
		loop_unwatch(loop, &question.watch);
	link_close(&question.link);
	dial_host_close(&question.host);
	buffer_close(&question.bytes);
	return question.level;
}

/* ---- what is to be asked ---- */

static const char *setting_of(struct properties properties, const char *name)
{
	const char *value = NULL;
	for (size_t i = 0; i < properties.count; i++)
		if (strcmp(properties.items[i].name, name) == 0)
			value = properties.items[i].value;
	return value;
}

/* Reads HOST:PORT, which a protocol and `://` may precede, and an address of IPv6 in brackets. */
static bool address_read(struct text address, char host[HOST_BYTES_MAX], char port[PORT_BYTES_MAX])
{
	address = text_trimmed(address, " \t");
	const char *scheme = memmem(address.bytes, address.length, "://", 3);
	if (scheme)
		address = (struct text){scheme + 3, address.length - (size_t)(scheme + 3 - address.bytes)};
	const char *colon = address.length > 0 ? memrchr(address.bytes, ':', address.length) : NULL;
	struct text name = {address.bytes, colon ? (size_t)(colon - address.bytes) : 0};
	size_t digits = colon ? address.length - name.length - 1 : 0;
	if (name.length > 2 && name.bytes[0] == '[' && name.bytes[name.length - 1] == ']')
		name = (struct text){name.bytes + 1, name.length - 2};
	if (name.length == 0 || name.length >= HOST_BYTES_MAX || digits == 0 || digits >= PORT_BYTES_MAX)
		return false;
	(void)snprintf(host, HOST_BYTES_MAX, TEXT_FORMAT, TEXT_ARGUMENTS(name));
	(void)snprintf(port, PORT_BYTES_MAX, "%.*s", (int)digits, colon + 1);
	return true;
}

static int brokers_ask(struct loop *loop, const char *brokers, struct ssl_ctx_st *tls)
{
	struct text left = text_of(brokers);
	char host[HOST_BYTES_MAX], port[PORT_BYTES_MAX];
	int64_t until_ms = loop_now_ms(loop) + BROKER_RELEASE_WAIT_MS;
	int level = 0;
	while (level == 0 && left.length > 0 && loop_now_ms(loop) < until_ms)
		if (address_read(text_take_until(&left, ','), host, port))
			level = question_ask(loop, host, port, tls, until_ms);
	return level;
}

int broker_release_ask(const char *brokers, struct properties properties)
{
	const char *protocol = setting_of(properties, "security.protocol");
	const struct tls_files files = {.authorities = setting_of(properties, "ssl.ca.location"),
					.certificate = setting_of(properties, "ssl.certificate.location"),
					.key = setting_of(properties, "ssl.key.location")};
	bool is_secure = protocol && (strcasecmp(protocol, "ssl") == 0 || strcasecmp(protocol, "sasl_ssl") == 0);
	struct error error = {0};
	struct loop *loop = loop_open(&error);
	struct ssl_ctx_st *tls = loop && is_secure ? tls_open_client(&files, NULL, &error) : NULL;
	int level = loop && (!is_secure || tls) ? brokers_ask(loop, brokers, tls) : 0;
	tls_close(tls);
	loop_close(loop);
	return level;
}
