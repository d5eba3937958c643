/* broker_wait_test.c: a producer waits while Kafka takes its time to acknowledge, and poll() is otherwise as libc's. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "kafka/client.h"

#define ACKNOWLEDGED_AFTER_MS 100
#define PRODUCES_FOR_MS 1000
#define RECORDS_AT_ONCE 20
#define POLLS_MAX (5 * PRODUCES_FOR_MS) /* of some threads that wait at least a millisecond */

static atomic_int polls;

/* What the poll() of broker_wait.c calls, counted. */
int ppoll(struct pollfd *files, nfds_t count, const struct timespec *wait, const sigset_t *mask)
{
	struct timespec left = wait ? *wait : (struct timespec){0};
	atomic_fetch_add(&polls, 1);
	return (int)syscall(SYS_ppoll, files, count, wait ? &left : NULL, mask, sizeof(unsigned long));
}

static rd_kafka_t *producer_open(const char *brokers)
{
	struct error error = {0};
	const struct property own[] = {{"bootstrap.servers", brokers}, {"enable.idempotence", "true"}, {"linger.ms", "5"}};
	rd_kafka_conf_t *configuration =
		client_configuration((struct properties){sizeof own / sizeof *own, own}, (struct properties){0}, &error);
	assert_non_null(configuration);
	rd_kafka_t *producer = client_open(RD_KAFKA_PRODUCER, configuration, &error);
	assert_non_null(producer);
	return producer;
}

static void produce(rd_kafka_t *producer, int count)
{
	while (count-- > 0)
		assert_int_equal(rd_kafka_producev(producer, RD_KAFKA_V_TOPIC("answers"), RD_KAFKA_V_PARTITION(0),
						   RD_KAFKA_V_VALUE("answer", 6), RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY),
						   RD_KAFKA_V_END),
				 RD_KAFKA_RESP_ERR_NO_ERROR);
}

/* Without broker_wait.c a hundred times as often, and more where nothing else runs. */
static void a_producer_does_not_poll_while_kafka_takes_its_time(void **state)
{
	(void)state;
	char words[256];
	rd_kafka_conf_t *configuration = rd_kafka_conf_new();
	assert_int_equal(rd_kafka_conf_set(configuration, "test.mock.num.brokers", "1", words, sizeof words), 0);
	rd_kafka_t *host = rd_kafka_new(RD_KAFKA_PRODUCER, configuration, words, sizeof words);
	assert_non_null(host);
	rd_kafka_mock_cluster_t *cluster = rd_kafka_handle_mock_cluster(host);
	assert_int_equal(rd_kafka_mock_topic_create(cluster, "answers", 1, 1), 0);
	rd_kafka_t *producer = producer_open(rd_kafka_mock_cluster_bootstraps(cluster));
	produce(producer, 1);
	assert_int_equal(rd_kafka_flush(producer, 30000), 0);

	assert_int_equal(rd_kafka_mock_broker_set_rtt(cluster, 1, ACKNOWLEDGED_AFTER_MS), 0);
	const int64_t until_ms = clock_ms() + PRODUCES_FOR_MS;
	const int before = atomic_load(&polls);
	while (clock_ms() < until_ms) {
		produce(producer, RECORDS_AT_ONCE);
		const struct timespec pause = {.tv_nsec = 5000000};
		nanosleep(&pause, NULL);
	}
	const int polled = atomic_load(&polls) - before;
	assert_int_equal(rd_kafka_flush(producer, 30000), 0);
	rd_kafka_destroy(producer);
	rd_kafka_destroy(host);
	assert_in_range(polled, 10, POLLS_MAX);
}

static void poll_finds_what_is_ready(void **state)
{
	(void)state;
	int ends[2];
	assert_int_equal(pipe(ends), 0);
	struct pollfd file = {.fd = ends[0], .events = POLLIN};
	assert_int_equal(poll(&file, 1, 0), 0);
	assert_int_equal(poll(&file, 1, 2), 0);
	assert_int_equal(write(ends[1], "x", 1), 1);
	assert_int_equal(poll(&file, 1, -1), 1);
	assert_int_equal(file.revents, POLLIN);
	assert_int_equal(poll(NULL, 0, 0), 0);
	close(ends[0]);
	close(ends[1]);
	assert_int_equal(poll(&file, 1, 0), 1);
	assert_int_equal(file.revents, POLLNVAL);
}

/* A thread that is not librdkafka's may ask as often as it likes. */
static void poll_waits_as_long_as_it_is_told(void **state)
{
	(void)state;
	int64_t begun_ms = clock_ms();
	assert_int_equal(poll(NULL, 0, 50), 0);
	assert_in_range(clock_ms() - begun_ms, 49, 10000);
	begun_ms = clock_ms();
	int times = 0;
	while (times < 20000 && clock_ms() - begun_ms < 10000)
		times += poll(NULL, 0, 0) == 0;
	assert_int_equal(times, 20000); /* in ten seconds; twenty, if each took a millisecond */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_producer_does_not_poll_while_kafka_takes_its_time),
		cmocka_unit_test(poll_finds_what_is_ready),
		cmocka_unit_test(poll_waits_as_long_as_it_is_told),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
