/* client_log.c: Log lines of librdkafka's clients, in the format of ours; see client.h and kafka_log.h. */
#include "kafka/kafka_log.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/quote.h"
#include "kafka/client.h"
#include "kafka/repeated_lines.h"

#define SAID_BYTES 1024
#define KAFKA_LINE "Kafka: " /* begins each line */
#define SYSLOG_WARNING 4     /* of syslog, as librdkafka numbers it */
#define SYSLOG_DEBUG 7	     /* the same; `debug` is set in kafkaConfig */

/* The lock is held while a line is written, because threads of an abandoned client may outlive the sink. */
static pthread_mutex_t log_lock = PTHREAD_MUTEX_INITIALIZER;
static const struct log_sink *log_sink;
static struct repeated_lines repeated_lines; /* of the sink */

/* With the lock. Logs how many lines were not. */
static void repeated_end(void)
{
	const uint64_t unlogged = repeated_lines_end(&repeated_lines);
	if (log_sink && unlogged > 0)
		log_say(log_sink, LOG_LEVEL_INFO, NULL,
			KAFKA_LINE "%" PRIu64 " more lines of its clients reported the same; --log-level debug logs them",
			unlogged);
}

void kafka_log_to(const struct log_sink *sink)
{
	pthread_mutex_lock(&log_lock);
	repeated_end();
	log_sink = sink;
	pthread_mutex_unlock(&log_lock);
}

/* Writes a line to the sink. False: there is no sink. */
static bool sink_write(enum log_level level, const struct log_fields *fields, const char *line)
{
	pthread_mutex_lock(&log_lock);
	bool taken = log_sink != NULL;
	if (taken)
		log_say(log_sink, level, fields, "%s", line);
	pthread_mutex_unlock(&log_lock);
	return taken;
}

/* Writes a line of librdkafka, or counts it. False: there is no sink. */
static bool fact_write(enum log_level level, const struct log_fields *fields, const char *line)
{
	uint64_t more = 0;
	pthread_mutex_lock(&log_lock);
	const bool taken = log_sink != NULL;
	const bool is_logged =
		taken && level != LOG_LEVEL_DEBUG &&
		repeated_lines_admit(&repeated_lines, line + strlen(KAFKA_LINE), clock_ms(), &more);
	if (taken && more > 0)
		log_say(log_sink, level, fields, "%s; %" PRIu64 " more lines of that since the last one", line, more);
	else if (taken)
		log_say(log_sink, is_logged ? level : LOG_LEVEL_DEBUG, fields, "%s", line);
	pthread_mutex_unlock(&log_lock);
	return taken;
}

void kafka_log_recover(void)
{
	pthread_mutex_lock(&log_lock);
	repeated_end();
	pthread_mutex_unlock(&log_lock);
}

static void print_plain(const char *line)
{
	print_shown(stderr, line);
	fputc('\n', stderr);
}

void kafka_log_say(enum log_level level, const char *line)
{
	if (!sink_write(level, NULL, line))
		print_plain(line);
}

void kafka_log_repeat(enum log_level level, const char *line)
{
	if (!fact_write(level, NULL, line))
		print_plain(line);
}

#define VERSION_GUESS "probably due to broker version < 0.10 (see api.version.request configuration)"
#define NO_ANSWER "the broker does not answer"

void client_drop_guess(char *line)
{
	char *guess = strstr(line, VERSION_GUESS);
	if (!guess)
		return;
	const char *rest = guess + strlen(VERSION_GUESS);
	memcpy(guess, NO_ANSWER, strlen(NO_ANSWER));
	memmove(guess + strlen(NO_ANSWER), rest, strlen(rest) + 1);
}

/* The severity of a line for us. A transaction that failed is a warning, and so is a producer that was fenced: the engine goes on
 * by another producer, and an engine that cannot, or was really replaced, says so by an error of its own. */
static int severity_of(int level, const char *facility, const char *words)
{
	if (strcmp(facility, "REQTMOUT") == 0) /* requests of a broker that hangs: the line of its connection follows */
		return SYSLOG_DEBUG;
	const bool is_settled =
		client_tells_transaction(facility) || strstr(words, rd_kafka_err2str(RD_KAFKA_RESP_ERR__FENCED)) != NULL;
	return is_settled && level < SYSLOG_WARNING ? SYSLOG_WARNING : level;
}

bool client_tells_transaction(const char *facility)
{
	return strcmp(facility, "TXNERR") == 0;
}

/* Writes librdkafka's own log lines in the format of ours: without its clock, thread names and wrong guesses. It omits
 * lines about problems that librdkafka solves by itself at each start, and about errors that end a client, which we
 * report; each request that timed out is a line of level debug. Called by librdkafka's threads. */
void client_on_log_line(const rd_kafka_t *client, int level, const char *facility, const char *words)
{
	char line[SAID_BYTES];
	const struct log_fields fields = {.client = client ? rd_kafka_name(client) : NULL};
	if (strcmp(facility, "GETPID") == 0 || strcmp(facility, "FATAL") == 0)
		return;
	const int severity = severity_of(level, facility, words);
	const char *thread = words[0] == '[' ? strstr(words, "]: ") : NULL;
	(void)snprintf(line, sizeof line, KAFKA_LINE "%s", thread ? thread + strlen("]: ") : words);
	client_drop_guess(line);
	if (fact_write(log_level_of_syslog(severity), &fields, line))
		return;
	if (level == SYSLOG_DEBUG)
		rd_kafka_log_print(client, level, facility, words);
	else
		print_plain(line);
}
