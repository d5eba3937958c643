/* kafka_silence.c: see kafka_silence.h. */
#include "tools/client/kafka_silence.h"

#include <stdio.h>

#include "base/clock.h"
#include "kafka/kafka_log.h"

#define LINE_BYTES 512
#define BROKERS_SHOWN "%.200s" /* they can be many */

void kafka_silence_look(struct kafka_silence *silence, const char *brokers, int64_t silent_ms)
{
	char line[LINE_BYTES];
	const int64_t lasted_ms = silence->silent_ms;
	silence->silent_ms = silent_ms;
	if (silence->is_noted == (silent_ms >= KAFKA_SILENCE_MS))
		return;
	silence->is_noted = !silence->is_noted;
	if (silence->is_noted)
		(void)snprintf(line, sizeof line,
			       "Kafka: no broker has answered at " BROKERS_SHOWN
			       " for %d s. What was shown before may have changed; this command goes on asking",
			       brokers, KAFKA_SILENCE_MS / MS_PER_S);
	else
		(void)snprintf(line, sizeof line, "Kafka: a broker answers again at " BROKERS_SHOWN ", after %lld s", brokers,
			       (long long)(lasted_ms / MS_PER_S));
	kafka_log_say(silence->is_noted ? LOG_LEVEL_WARN : LOG_LEVEL_INFO, line);
}
