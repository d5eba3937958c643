/* kafka_silence.h: Notice of a command that follows Kafka for long: no broker answers it, and later, one answers again. Without it
 * what the command has shown would look current.
 *
 * Belongs to one thread. The lines go to the log of Kafka's clients (kafka/kafka_log.h): standard error.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define KAFKA_SILENCE_MS 3000 /* as of a command that waits for the first answer (kafka/client_look.c) */

struct kafka_silence { /* starts as {0} */
	bool is_noted;
	int64_t silent_ms; /* at the last look */
};

/* To be called every second or more often, with the time for which no broker has answered: reader_silent_ms(). */
void kafka_silence_look(struct kafka_silence *silence, const char *brokers, int64_t silent_ms);
