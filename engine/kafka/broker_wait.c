/* broker_wait.c: see broker_wait.h. */
#include "kafka/broker_wait.h"

#include <poll.h>
#include <stdbool.h>
#include <stdlib.h>
#include <time.h>

#define NAME "broker-wait"
#define NS_PER_MS 1000000L

static _Thread_local struct {
	bool is_broker;
	bool found_nothing; /* the last poll, which did not wait */
} polling;

static struct timespec time_of_ms(int ms)
{
	return (struct timespec){.tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * NS_PER_MS};
}

/* By these names libraries call it; by the second one those that were compiled with checks of their arrays. */
__attribute__((visibility("default"))) int broker_wait_poll(struct pollfd *files, nfds_t count, int timeout_ms) __asm__("poll");
__attribute__((visibility("default"))) int broker_wait_poll_checked(struct pollfd *files, nfds_t count, int timeout_ms,
								    size_t bytes) __asm__("__poll_chk");

int broker_wait_poll(struct pollfd *files, nfds_t count, int timeout_ms)
{
	const bool asks_again = polling.is_broker && timeout_ms == 0 && polling.found_nothing;
	const struct timespec wait = time_of_ms(asks_again ? 1 : timeout_ms);
	const int found = ppoll(files, count, timeout_ms < 0 ? NULL : &wait, NULL);
	polling.found_nothing = timeout_ms == 0 && found == 0;
	return found;
}

int broker_wait_poll_checked(struct pollfd *files, nfds_t count, int timeout_ms, size_t bytes)
{
	if (bytes / sizeof *files < count)
		abort(); /* as libc's does */
	return broker_wait_poll(files, count, timeout_ms);
}

static rd_kafka_resp_err_t broker_wait_on_thread(rd_kafka_t *client, rd_kafka_thread_type_t type, const char *name, void *context)
{
	(void)client;
	(void)name;
	(void)context;
	polling.is_broker = type == RD_KAFKA_THREAD_BROKER;
	return RD_KAFKA_RESP_ERR_NO_ERROR;
}

static rd_kafka_resp_err_t broker_wait_on_new(rd_kafka_t *client, const rd_kafka_conf_t *configuration, void *context, char *words,
					      size_t size)
{
	(void)configuration;
	(void)words;
	(void)size;
	return rd_kafka_interceptor_add_on_thread_start(client, NAME, broker_wait_on_thread, context);
}

void broker_wait_configure(rd_kafka_conf_t *configuration)
{
	/* It fails only if it was added before. */
	(void)rd_kafka_conf_interceptor_add_on_new(configuration, NAME, broker_wait_on_new, NULL);
}
