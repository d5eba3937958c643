/* slow_model.c: see slow_model.h. */
#include "runtime/slow_model.h"

#include <inttypes.h>
#include <stdio.h>

#define US_PER_MS 1000
#define LONG_US 10000000 /* from here on in seconds */

static uint64_t calls_ended(const struct model_load *load)
{
	return load->calls - load->waiting - load->in_flight;
}

/* Whether calls that waited all the time would wait for longer than that at the pace of the window. */
static bool waits_longer(const struct slow_model *model, const struct model_load *now, int64_t lasted_ms, int64_t than_ms)
{
	int64_t ended = (int64_t)(calls_ended(now) - calls_ended(&model->before));
	return (int64_t)model->least_waiting * lasted_ms > ended * than_ms;
}

/* Whether a call took many times as long as before; `part`: of the limit, 2 for the half. */
static bool takes_longer(const struct slow_model *model, uint64_t attempts, uint64_t took_us, uint64_t part)
{
	if (attempts == 0 || model->usual_attempts < SLOW_USUAL_ATTEMPTS)
		return false;
	uint64_t mean_us = took_us / attempts;
	return mean_us * part >= SLOW_TOOK_US && mean_us * part >= model->usual_us / model->usual_attempts * SLOW_TIMES;
}

static void window_begin(struct slow_model *model, const struct model_load *now, int64_t now_ms)
{
	model->before = *now;
	model->since_ms = now_ms;
	model->least_waiting = now->waiting;
}

/* A model is slow for up to a window before it counts as slow, so that a window is added one later. */
static void usual_add(struct slow_model *model, uint64_t attempts, uint64_t took_us, bool was_slow)
{
	bool may_be_usual = !model->is_slow && !was_slow;
	if (may_be_usual) {
		model->usual_us += model->previous_us;
		model->usual_attempts += model->previous_attempts;
	}
	model->previous_us = may_be_usual ? took_us : 0;
	model->previous_attempts = may_be_usual ? attempts : 0;
}

/* Follows an outage of the model and the time after it. */
static void outage_follow(struct slow_model *model, const struct model_load *now, int64_t now_ms)
{
	if (now->is_away && !model->is_away)
		model->away_ms = now_ms;
	if (!now->is_away && model->is_away) {
		const int64_t lasted_ms = now_ms - model->away_ms;
		model->drain_until_ms = now_ms + (lasted_ms > SLOW_DRAIN_MS_MIN ? lasted_ms : SLOW_DRAIN_MS_MIN);
		model->drains = true;
	}
	model->is_away = now->is_away;
	model->drains = model->drains && now_ms < model->drain_until_ms;
}

enum slow_news slow_model_look(struct slow_model *model, const struct model_load *now, int64_t now_ms, int64_t *lasted_ms)
{
	int64_t window_ms = now_ms - model->since_ms;
	bool was_slow = model->is_slow;
	*lasted_ms = was_slow ? now_ms - model->slow_ms : 0;
	model->last = *now;
	outage_follow(model, now, now_ms);
	if (now->waiting < model->least_waiting || now->in_flight == 0)
		model->least_waiting = now->in_flight == 0 ? 0 : now->waiting;
	if (window_ms < SLOW_WINDOW_MS)
		return SLOW_NONE;
	uint64_t attempts = now->attempts - model->before.attempts, took_us = now->attempts_us - model->before.attempts_us;
	const bool waits = waits_longer(model, now, window_ms, was_slow ? SLOW_WAIT_MS / 2 : SLOW_WAIT_MS);
	const bool excused = model->is_away || model->drains;
	model->drains = model->drains && waits;
	model->is_slow = (waits && !excused) ||
			 takes_longer(model, attempts, took_us, was_slow ? 2 : 1);
	if (attempts > 0)
		model->took_us = (int64_t)(took_us / attempts);
	usual_add(model, attempts, took_us, was_slow);
	window_begin(model, now, now_ms);
	if (model->is_slow == was_slow)
		return SLOW_NONE;
	model->slow_ms = now_ms;
	return was_slow ? SLOW_ENDED : SLOW_BEGAN;
}

static void print_time(int64_t us, char *text, size_t size)
{
	if (us >= LONG_US)
		(void)snprintf(text, size, "%" PRId64 " s", us / US_PER_MS / US_PER_MS);
	else if (us >= US_PER_MS)
		(void)snprintf(text, size, "%" PRId64 " ms", us / US_PER_MS);
	else
		(void)snprintf(text, size, "%" PRId64 " us", us);
}

void slow_model_words(const struct slow_model *model, char *words, size_t size)
{
	char took[32], usual[32], before[48] = "";
	print_time(model->took_us, took, sizeof took);
	if (model->usual_attempts > 0) {
		print_time((int64_t)(model->usual_us / model->usual_attempts), usual, sizeof usual);
		(void)snprintf(before, sizeof before, " (%s before)", usual);
	}
	(void)snprintf(words, size, "%s%s%s, %" PRIu64 " at a time, %" PRIu64 " wait",
		       model->took_us > 0 ? took : "no call has ended", model->took_us > 0 ? " a call" : "", before,
		       model->last.in_flight, model->last.waiting);
}
