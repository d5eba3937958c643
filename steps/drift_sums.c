/* drift_sums.c: see drift_sums.h. */
#include "steps/drift_sums.h"

#include <string.h>

#include "steps/drift_kept.h"

#define SUMS_VERSION 1

/* What is stored before the bins. */
struct sums_head {
	uint64_t version, identity, window, rows;
	struct expected_errors errors;
	uint64_t first, count; /* of the bins */
};

/* A bin as it is stored. */
struct sums_bin {
	double positives, negatives;
};

static bool bin_is_empty(const struct auc *auc, size_t bin)
{
	return auc->positives[bin] + auc->negatives[bin] == 0;
}

void drift_sums_read(struct visit *visit, const struct drift_sums_place *place, struct drift_sums *sums)
{
	char bytes[DRIFT_KEY_BYTES];
	struct sums_head head;
	struct text stored;
	*sums = (struct drift_sums){0};
	if (!visit_recall(visit, drift_sums_key(place->segment, bytes), &stored) || stored.length < sizeof head)
		return;
	memcpy(&head, stored.bytes, sizeof head);
	if (head.version != SUMS_VERSION || head.identity != place->identity || head.window != place->window ||
	    head.first > AUC_BINS || head.count > AUC_BINS - head.first ||
	    stored.length != sizeof head + head.count * sizeof(struct sums_bin))
		return;
	sums->errors = head.errors;
	sums->auc.rows = head.rows;
	for (size_t i = 0; i < head.count; i++) {
		struct sums_bin bin;
		memcpy(&bin, stored.bytes + sizeof head + i * sizeof bin, sizeof bin);
		sums->auc.positives[head.first + i] = bin.positives;
		sums->auc.negatives[head.first + i] = bin.negatives;
	}
}

bool drift_sums_keep(struct visit *visit, const struct drift_sums_place *place, const struct drift_sums *sums, struct error *error)
{
	const struct auc *auc = &sums->auc;
	char bytes[DRIFT_KEY_BYTES];
	size_t first = 0, end = AUC_BINS;
	while (first < AUC_BINS && bin_is_empty(auc, first))
		first++;
	while (end > first && bin_is_empty(auc, end - 1))
		end--;
	const struct sums_head head = {SUMS_VERSION, place->identity, place->window, auc->rows, sums->errors, first, end - first};
	char *stored = visit_remember(visit, drift_sums_key(place->segment, bytes),
				      sizeof head + head.count * sizeof(struct sums_bin), error);
	if (!stored)
		return false;
	memcpy(stored, &head, sizeof head);
	for (size_t i = first; i < end; i++) {
		const struct sums_bin bin = {auc->positives[i], auc->negatives[i]};
		memcpy(stored + sizeof head + (i - first) * sizeof bin, &bin, sizeof bin);
	}
	return true;
}

bool drift_sums_forget(struct visit *visit, struct text segment, struct error *error)
{
	char bytes[DRIFT_KEY_BYTES];
	struct text stored;
	const struct text key = drift_sums_key(segment, bytes);
	return !visit_recall(visit, key, &stored) || visit_forget(visit, key, error);
}
