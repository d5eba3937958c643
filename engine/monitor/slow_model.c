/* slow_model.c: see slow_model.h. */
#include "monitor/slow_model.h"

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

/* 0: it is not known. */
static uint64_t usual_mean_us(const struct slow_model *model)
{
	return model->usual_attempts < SLOW_USUAL_ATTEMPTS ? 0 : model->usual_us / model->usual_attempts;
}

/* Whether a call took many times as long as before; `part`: of the limit, 2 for the half. */
static bool takes_longer(const struct slow_model *model, uint64_t mean_us, uint64_t part)
{
	return model->usual_attempts >= SLOW_USUAL_ATTEMPTS && mean_us * part >= SLOW_TOOK_US &&
	       mean_us * part >= usual_mean_us(model) * SLOW_TIMES;
}

/* Whether waits are those of an outage: while it lasts, and then of a model that is as quick as before, or quick. */
static bool waits_are_excused(const struct slow_model *model, uint64_t mean_us, uint64_t part)
{
	const bool is_quick = mean_us * part < SLOW_WAIT_MS * US_PER_MS || mean_us < 2 * usual_mean_us(model);
	return model->is_away || (model->drains && is_quick);
}

/* Whether a call is open for so long, and many times as long as the others take. */
static bool hangs_for(const struct slow_model *model, int64_t least_ms, uint64_t mean_us)
{
	return model->oldest_ms >= least_ms && (uint64_t)model->oldest_ms * US_PER_MS >= mean_us * SLOW_TIMES;
}

static bool hangs_in_part(const struct slow_model *model)
{
	return model->usual_attempts >= SLOW_USUAL_ATTEMPTS && !model->is_away &&
	       hangs_for(model, SLOW_WINDOW_MS, model->usual_us / model->usual_attempts);
}

static void window_begin(struct slow_model *model, const struct model_load *now, int64_t now_ms)
{
	model->before = *now;
	model->since_ms = now_ms;
	model->least_waiting = now->waiting;
}

/* A model is slow for up to a window before it counts as slow, so that a window is added one later. Attempts of an outage are
 * refused at once, or late. */
static void usual_add(struct slow_model *model, uint64_t attempts, uint64_t took_us, bool was_slow)
{
	bool may_be_usual = !model->is_slow && !was_slow && !model->is_away;
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

static void silence_follow(struct slow_model *model, const struct model_load *now, int64_t now_ms)
{
	const int64_t passed_ms = now_ms - model->look_ms;
	const bool lasts = now->in_flight > 0 && model->last.in_flight > 0 && now->attempts == model->last.attempts;
	model->silent_ms = lasts && passed_ms < SLOW_WINDOW_MS ? model->silent_ms + passed_ms : 0;
	model->look_ms = now_ms;
	model->oldest_ms = now->oldest_us > 0 ? now_ms - (int64_t)(now->oldest_us / US_PER_MS) : 0;
}

enum slow_news slow_model_look(struct slow_model *model, const struct model_load *now, int64_t now_ms, int64_t *lasted_ms)
{
	int64_t window_ms = now_ms - model->since_ms;
	bool was_slow = model->is_slow;
	*lasted_ms = was_slow ? now_ms - model->slow_ms : 0;
	silence_follow(model, now, now_ms);
	model->last = *now;
	outage_follow(model, now, now_ms);
	if (now->waiting < model->least_waiting || now->in_flight == 0)
		model->least_waiting = now->in_flight == 0 ? 0 : now->waiting;
	if (window_ms < SLOW_WINDOW_MS)
		return SLOW_NONE;
	uint64_t attempts = now->attempts - model->before.attempts, took_us = now->attempts_us - model->before.attempts_us;
	const uint64_t silent_us = model->is_away ? 0 : (uint64_t)model->silent_ms * US_PER_MS;
	const uint64_t mean_us = attempts > 0 ? took_us / attempts : silent_us, part = was_slow ? 2 : 1;
	const bool waits = waits_longer(model, now, window_ms, SLOW_WAIT_MS / (int64_t)part);
	const bool excused = waits_are_excused(model, mean_us, part);
	model->drains = model->drains && waits;
	model->is_slow = (waits && !excused) || takes_longer(model, mean_us, part) || hangs_in_part(model);
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

/* Whether calls are open for longer than a call takes, and none of them ends. */
static bool is_silent(const struct slow_model *model)
{
	return model->silent_ms >= SLOW_WAIT_MS && model->silent_ms * US_PER_MS > model->took_us;
}

static void print_before(const struct slow_model *model, const char *unit, char *text, size_t size)
{
	char usual[32];
	text[0] = '\0';
	if (model->usual_attempts == 0)
		return;
	print_time((int64_t)(model->usual_us / model->usual_attempts), usual, sizeof usual);
	(void)snprintf(text, size, " (%s%s before)", usual, unit);
}

void slow_model_words(const struct slow_model *model, char *words, size_t size)
{
	char took[32], before[64], hung[64] = "", age[32];
	const struct model_load *last = &model->last;
	if (is_silent(model)) {
		print_time(model->silent_ms * US_PER_MS, took, sizeof took);
		print_before(model, " a call", before, sizeof before);
		(void)snprintf(words, size, "no reply for %s%s, %" PRIu64 " %s open, %" PRIu64 " wait", took, before,
			       last->in_flight, last->in_flight == 1 ? "call" : "calls", last->waiting);
		return;
	}
	print_time(model->took_us, took, sizeof took);
	print_before(model, "", before, sizeof before);
	if (model->took_us > 0 && hangs_for(model, SLOW_WAIT_MS, (uint64_t)model->took_us)) {
		print_time(model->oldest_ms * US_PER_MS, age, sizeof age);
		(void)snprintf(hung, sizeof hung, ", but one without a reply for %s", age);
	}
	(void)snprintf(words, size, "%s%s%s%s, %" PRIu64 " at a time, %" PRIu64 " wait",
		       model->took_us > 0 ? took : "no call has ended", model->took_us > 0 ? " a call" : "", before, hung,
		       last->in_flight, last->waiting);
}
