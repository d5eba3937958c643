/* broker_wait.h: librdkafka's broker threads wait for events, and do not look for them again and again. Private to log.
 *
 * A producer that numbers its records (`enable.idempotence`; those of results do) has one request of a partition on its way at a
 * time, if that has five records or more. When the next batch is due before the request is answered, librdkafka 2.0 to 2.8 polls
 * its sockets without waiting until then, a million times in a second of a processor: it asks to be woken at once before it looks
 * whether it may send. So it is whenever Kafka acknowledges later than linger.ms. On two processors, that was half of what direct
 * ingress cost.
 *
 * So poll() of these threads waits for a millisecond when it has found nothing, and is called without waiting again. What lets a
 * thread go on wakes it: an answer, a socket that takes more, or librdkafka's pipe, which it polls too. For this, the poll() of
 * broker_wait.c stands before libc's in the process. For other threads both do the same.
 */
#pragma once

#include <librdkafka/rdkafka.h>

/* The broker threads of a client of this configuration wait. */
void broker_wait_configure(rd_kafka_conf_t *configuration);
