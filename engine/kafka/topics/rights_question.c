/* rights_question.c: see rights_question.h. */
#include "kafka/topics/rights_question.h"

#include "base/clock.h"
#include "base/pause.h"

#define RIGHTS_PAUSE_MS 250 /* after rights were asked in vain for the first time; then twice as long, up to: */
#define RIGHTS_PAUSE_MAX_MS 16000
#define RIGHTS_WAIT_MS 100 /* for an answer, before the next look whether to stop */

void rights_question_ask(struct rights_question *question, const struct transaction_config *config, const char *const *names,
			 size_t count)
{
	struct error error = {0};
	bool good = question->probe.count == 0 && clock_ms() >= question->due_ms;
	for (uint32_t i = 0; i < count && good; i++)
		good = write_probe_ask(&question->probe, config, i, names[i], &error);
}

bool rights_question_waits(const struct rights_question *question)
{
	return question->probe.count > 0;
}

void rights_question_wait(struct rights_question *question, int timeout_ms, const atomic_bool *stopping)
{
	const int64_t until_ms = clock_ms() + timeout_ms;
	write_probe_look(&question->probe, timeout_ms);
	while (write_probe_waits(&question->probe) && clock_ms() < until_ms && !atomic_load(stopping))
		write_probe_read(&question->probe, RIGHTS_WAIT_MS);
}

bool rights_question_lacks(const struct rights_question *question, uint32_t topic)
{
	return write_probe_answer(&question->probe, topic) == WRITE_RIGHT_MISSING;
}

void rights_question_end(struct rights_question *question, size_t count)
{
	bool in_vain = true;
	for (uint32_t i = 0; i < count; i++)
		in_vain = in_vain && write_probe_answer(&question->probe, i) == WRITE_RIGHT_GIVEN;
	write_probe_close(&question->probe);
	question->pause_ms = in_vain ? pause_next(question->pause_ms, RIGHTS_PAUSE_MS, RIGHTS_PAUSE_MAX_MS) : 0;
	question->due_ms = clock_ms() + question->pause_ms;
}

void rights_question_drop(struct rights_question *question)
{
	write_probe_close(&question->probe);
}

void rights_question_committed(struct rights_question *question)
{
	question->pause_ms = question->due_ms = 0;
}
