/* odd.c: requests whose headers nobody would write, one of each kind.
 *
 *   odd BROKERS TOPIC    puts them into partition 0 of the topic; prints how many there are,
 *                        and of them those to be answered with an error
 *
 * Each is a good request of one tensor x, and its id, in its body, says what is odd of it.
 */
#include <string.h>

#include "tests/kafka/program.h"

#define LARGE ((size_t)64 << 10)
#define MANY 1000

static const struct odd {
	const char *what;
	const char *name; /* of a header */
	const char *value;
	size_t length, count;
	bool wrong; /* the answer is an error */
} odds[] = {
	{"large", "x-large", NULL, LARGE, 1, false},
	{"many", "x-many", "1", 1, MANY, false},
	{"nul in a value", "x-nul", "a\0b", 3, 1, false},
	{"nul in an id", "x-request-id", "a\0b", 3, 1, false},
	{"no UTF-8 in a value", "x-bytes", "\xff\xfe\x80", 3, 1, false},
	{"no UTF-8 in an id", "x-request-id", "\xff\xfe\x80", 3, 1, false},
	{"two ids", "x-request-id", "twin", 4, 2, false},
	{"an empty id", "x-request-id", "", 0, 1, false},
	{"a large id", "x-request-id", NULL, LARGE, 1, false},
	{"no name", "", "x", 1, 1, false},
	{"a deadline before all time", "x-deadline-ms", "-9223372036854775808", 20, 1, true},
	{"a negative deadline", "x-deadline-ms", "-1", 2, 1, true},
	{"a deadline behind all time", "x-deadline-ms", "9223372036854775807", 19, 1, false},
	{"a deadline that is too long", "x-deadline-ms", "99999999999999999999", 20, 1, true},
	{"a deadline that is a word", "x-deadline-ms", "soon", 4, 1, true},
	{"an empty deadline", "x-deadline-ms", "", 0, 1, true},
	{"a deadline with a nul", "x-deadline-ms", "1\0", 2, 1, true},
	{"two deadlines", "x-deadline-ms", "9223372036854775807", 19, 2, false},
};
#define ODDS (sizeof odds / sizeof *odds)

static void put(rd_kafka_t *kafka, const char *topic, const struct odd *odd)
{
	static char large[LARGE];
	char body[256];
	memset(large, 'x', sizeof large);
	rd_kafka_headers_t *headers = rd_kafka_headers_new(odd->count);
	for (size_t i = 0; i < odd->count; i++)
		rd_kafka_header_add(headers, odd->name, -1, odd->value ? odd->value : large, (ssize_t)odd->length);
	int length = snprintf(body, sizeof body,
			      "{\"id\": \"%s\", \"inputs\": "
			      "[{\"name\": \"x\", \"datatype\": \"FP32\", \"shape\": [2], \"data\": [1, 2]}]}",
			      odd->what);
	rd_kafka_resp_err_t code =
		rd_kafka_producev(kafka, RD_KAFKA_V_TOPIC(topic), RD_KAFKA_V_PARTITION(0), RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY),
				  RD_KAFKA_V_VALUE(body, (size_t)length), RD_KAFKA_V_HEADERS(headers), RD_KAFKA_V_END);
	if (code)
		die("%s: %s", odd->what, rd_kafka_err2str(code));
}

int main(int argc, char **argv)
{
	int wrong = 0;
	if (argc != 3)
		die("see the top of odd.c");
	rd_kafka_t *kafka = kafka_open(RD_KAFKA_PRODUCER, kafka_configure(argv[1], (kafka_settings){{NULL, NULL}}));
	for (size_t i = 0; i < ODDS; i++) {
		put(kafka, argv[2], &odds[i]);
		wrong += odds[i].wrong;
	}
	if (rd_kafka_flush(kafka, KAFKA_PATIENCE_MS))
		die("not all arrived");
	rd_kafka_destroy(kafka);
	printf("%zu %d\n", ODDS, wrong);
	return 0;
}
