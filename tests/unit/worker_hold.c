/* worker_hold.c: see worker_hold.h. */
#include "tests/unit/worker_hold.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <semaphore.h>
#include <unistd.h>

#include "kafka/client.h"
#include "net/loop.h"

static struct hold {
	struct worker_platform platform;
	struct watch watch;
	int bell;
	sem_t begun, ended;
	struct consumer *consumer;
} hold;

static void hold_thread(void *context, uint32_t events)
{
	(void)context, (void)events;
	sem_post(&hold.begun);
	sem_wait(&hold.ended);
}

static struct loop *hold_loop(void *context, struct error *error)
{
	struct loop *loop = worker_platform_usual.loop_open(context, error);
	hold.watch = (struct watch){.ready = hold_thread};
	assert_true(loop_watch(loop, &hold.watch, hold.bell, LOOP_RINGS, error));
	return loop;
}

static struct consumer *hold_consumer(void *context, struct loop *loop, const struct consumer_config *config, struct error *error)
{
	return hold.consumer = worker_platform_usual.consumer_open(context, loop, config, error);
}

void worker_hold_start(struct stand *stand)
{
	struct error error = {0};
	hold.platform = worker_platform_usual;
	hold.platform.loop_open = hold_loop;
	hold.platform.consumer_open = hold_consumer;
	hold.bell = bell_open(&error);
	assert_int_equal(sem_init(&hold.begun, 0, 0) | sem_init(&hold.ended, 0, 0), 0);
	stand->config.platform = &hold.platform;
	stand_start(stand);
}

void worker_hold_begin(void)
{
	bell_ring(hold.bell);
	assert_int_equal(sem_wait(&hold.begun), 0);
}

void worker_hold_until_fetched(size_t records)
{
	rd_kafka_queue_t *queue = rd_kafka_queue_get_consumer(consumer_client(hold.consumer));
	for (int waited_ms = 0; rd_kafka_queue_length(queue) < records; waited_ms++) {
		assert_true(waited_ms < MOCK_WAIT_MS);
		usleep(1000);
	}
	rd_kafka_queue_destroy(queue);
}

void worker_hold_end(void)
{
	sem_post(&hold.ended);
}

void worker_hold_close(void)
{
	sem_destroy(&hold.begun);
	sem_destroy(&hold.ended);
	close(hold.bell);
}
