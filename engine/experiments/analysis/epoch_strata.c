/* epoch_strata.c: see epoch_strata.h. */
#include "experiments/analysis/epoch_strata.h"

struct pair_epoch pair_epoch_begin(void)
{
	return (struct pair_epoch){.interval = INTERVAL_ALL, .p = 1, .difference = NAN};
}

void pair_epoch_look(struct pair_epoch *epoch, const struct sequence *sequence)
{
	if (!(sequence->variance > 0))
		return;
	epoch->counts = true;
	epoch->difference = sequence->difference;
	epoch->variance = sequence->variance;
	epoch->half = (sequence->last.high - sequence->last.low) / 2;
	epoch->interval = interval_common(epoch->interval, sequence->last);
	epoch->p = fmin(epoch->p, exp(-sequence->current_ratio) / sequence->weight);
}

size_t pair_epochs_weigh(struct pair_epoch *epochs, const uint64_t *least, size_t count)
{
	double precision = 0;
	size_t weighed = 0, largest = 0;
	for (size_t i = 0; i < count; i++) {
		precision += epochs[i].counts ? 1 / epochs[i].variance : 0;
		largest = least[i] > least[largest] ? i : largest;
	}
	for (size_t i = 0; i < count; i++) {
		epochs[i].share = precision > 0 ? (epochs[i].counts ? 1 / epochs[i].variance / precision : 0) : i == largest;
		weighed += epochs[i].share > 0;
	}
	return weighed;
}

size_t pair_epochs_choose(struct pair_epoch *epochs, const uint64_t *least, size_t count)
{
	size_t chosen = 0;
	for (size_t i = 1; i < count; i++)
		if (epochs[i].counts == epochs[chosen].counts ? least[i] > least[chosen] : epochs[i].counts)
			chosen = i;
	for (size_t i = 0; i < count; i++)
		epochs[i].share = i == chosen;
	return count > 0;
}

void stratified_add(struct stratified_arm *sum, const struct moments *arm, double share)
{
	if (!(share > 0))
		return;
	const double count = (double)arm->count;
	sum->units += arm->count;
	sum->mean += share * (arm->count > 0 ? arm->mean : (double)NAN);
	sum->error += share * share * moments_variance(arm, 1) / count;
	sum->squares += arm->squares;
	sum->freedom += count - 1;
}

struct arm_numbers stratified_numbers(const struct stratified_arm *sum)
{
	return (struct arm_numbers){sum->units, sum->units > 0 ? sum->mean : (double)NAN,
				    sum->freedom > 0 ? sqrt(sum->squares / sum->freedom) : (double)NAN};
}

struct moments stratified_moments(const struct stratified_arm *sum)
{
	const double count = (double)sum->units;
	return (struct moments){.count = sum->units, .mean = sum->mean, .squares = sum->error * count * (count - 1)};
}
