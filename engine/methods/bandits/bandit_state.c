/* bandit_state.c: A learner as bytes, for bandit.h.
 *
 * A record (methods/bandits/stored_record.h) of the kind, the numbers of arms and features, the options, then each arm: its counts
  * and sums, and with features the sums of its models. What follows from the sums is not written; it is made anew when they
 * are read. Version 2 has of each arm also its floor evidence; it is written where an arm has some, so that former releases
 * read all others. */
#include "methods/bandits/bandit_parts.h"
#include "methods/bandits/stored_record.h"
#include "methods/numeric/cholesky.h"

#define MARK UINT64_C(0x7469646e61620000) /* "bandit", and two bytes for the version */
#define WEIGHT_ERROR 1e-9		  /* of sums of weights */

/* ---- writing ---- */

static void ridge_write(struct buffer *out, const struct ridge *ridge)
{
	stored_put_numbers(out, ridge->gram, cholesky_size(ridge->features));
	stored_put_numbers(out, ridge->moments, ridge->features);
}

static void moments_write(struct buffer *out, const struct weighted_moments *moments)
{
	stored_put_numbers(out, (const double[]){moments->weight, moments->mean, moments->squares}, 3);
}

/* The version that holds all that was learnt. */
static unsigned state_version(const struct bandit *bandit)
{
	for (size_t i = 0; i < bandit->options.arms; i++)
		if (bandit->arms[i].floor.kept.weight > 0)
			return BANDIT_VERSION;
	return 1;
}

static void arm_write(struct buffer *out, const struct bandit_options *options, const struct bandit_arm *arm, unsigned version)
{
	const double sums[] = {arm->rewards.total, arm->rewards.rest, arm->moments.mean, arm->moments.squares, arm->log_weight};
	stored_put(out, arm->pending);
	stored_put(out, arm->moments.count);
	stored_put_numbers(out, sums, sizeof sums / sizeof *sums);
	if (version > 1) {
		moments_write(out, &arm->floor.kept);
		moments_write(out, &arm->floor.faded);
	}
	if (options->features > 0)
		ridge_write(out, &arm->model);
	if (options->kind == BANDIT_LINUCB)
		ridge_write(out, &arm->plays);
}

void bandit_write(const struct bandit *bandit, struct buffer *out)
{
	const struct bandit_options *options = &bandit->options;
	const size_t begin = out->length;
	const unsigned version = state_version(bandit);
	stored_put(out, MARK | version);
	stored_put(out, options->kind);
	stored_put(out, options->arms);
	stored_put(out, options->features);
	for (size_t i = 0; i < BANDIT_OPTION_NUMBERS; i++) {
		const void *option = (const char *)options + bandit_option_offsets[i];
		stored_put_numbers(out, option, 1);
	}
	for (size_t i = 0; i < options->arms; i++)
		arm_write(out, options, &bandit->arms[i], version);
	stored_end(out, begin);
}

/* ---- reading ---- */

static void ridge_read(struct stored *record, struct ridge *ridge)
{
	stored_take_numbers(record, ridge->gram, cholesky_size(ridge->features));
	stored_take_numbers(record, ridge->moments, ridge->features);
	record->sound = record->sound && ridge_refresh(ridge);
}

static void moments_read(struct stored *record, enum bandit_kind kind, struct weighted_moments *moments)
{
	moments->weight = stored_take_number(record);
	moments->mean = stored_take_number(record);
	moments->squares = stored_take_number(record);
	record->sound = record->sound && moments->weight >= 0 && moments->squares >= 0 && bandit_takes(kind, moments->mean);
}

static void floor_read(struct stored *record, enum bandit_kind kind, struct bandit_arm *arm)
{
	moments_read(record, kind, &arm->floor.kept);
	moments_read(record, kind, &arm->floor.faded);
	const double weight = arm->floor.kept.weight + arm->floor.faded.weight;
	record->sound = record->sound && weight <= (double)arm->moments.count * (1 + WEIGHT_ERROR);
}

static void arm_read(struct stored *record, const struct bandit_options *options, struct bandit_arm *arm)
{
	arm->pending = stored_take(record);
	arm->moments.count = stored_take(record);
	arm->rewards.total = stored_take_number(record);
	arm->rewards.rest = stored_take_number(record);
	arm->moments.mean = stored_take_number(record);
	arm->moments.squares = stored_take_number(record);
	arm->log_weight = stored_take_number(record);
	if (stored_version(record) > 1)
		floor_read(record, options->kind, arm);
	record->sound = record->sound && arm->moments.squares >= 0;
	if (options->features > 0)
		ridge_read(record, &arm->model);
	if (options->kind == BANDIT_LINUCB)
		ridge_read(record, &arm->plays);
}

/* Before memory is taken for arms: no more of them than the bytes can hold. */
static bool options_read(struct stored *record, struct bandit_options *options, struct error *error)
{
	struct error unsound = {0};
	if (!stored_begin(record, error))
		return false;
	const uint64_t kind = stored_take(record);
	*options = (struct bandit_options){.kind = kind < BANDIT_KINDS ? (enum bandit_kind)kind : BANDIT_KINDS};
	options->arms = stored_take(record);
	options->features = stored_take(record);
	for (size_t i = 0; i < BANDIT_OPTION_NUMBERS; i++) {
		const double option = stored_take_number(record);
		memcpy((char *)options + bandit_option_offsets[i], &option, sizeof option);
	}
	return (bandit_check(options, &unsound) && stored_has(record, options->arms * cholesky_size(options->features))) ||
	       stored_damaged(record, error);
}

static struct stored state_record(struct text bytes)
{
	return (struct stored){"state of the bandit", MARK, BANDIT_VERSION, bytes, 0, true, NULL};
}

bool bandit_read_options(struct text bytes, struct bandit_options *options, struct error *error)
{
	struct stored record = state_record(bytes);
	return options_read(&record, options, error);
}

struct bandit *bandit_read(struct arena *arena, struct text bytes, struct error *error)
{
	struct stored record = state_record(bytes);
	struct bandit_options options;
	if (!options_read(&record, &options, error))
		return NULL;
	struct bandit *bandit = bandit_open(arena, &options, error);
	for (size_t i = 0; bandit && i < options.arms && record.sound; i++)
		arm_read(&record, &options, &bandit->arms[i]);
	if (bandit && !stored_ended(&record))
		return stored_damaged(&record, error), NULL;
	return bandit;
}
