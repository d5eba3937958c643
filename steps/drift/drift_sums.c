/* drift_sums.c: see drift_sums.h. */
#include "steps/drift/drift_sums.h"

#include <string.h>

#include "steps/drift/state/drift_kept.h"

#define SUMS_VERSION 2
#define BINS_A_WORD 64

/* What is stored before the bins. */
struct sums_head {
	uint64_t version, identity, window, rows;
	struct expected_errors errors;
	uint64_t used[AUC_BINS / BINS_A_WORD]; /* bins that are stored, as bits */
};
static_assert(AUC_BINS % BINS_A_WORD == 0, "each bin has its bit");

/* A bin as it is stored. */
struct sums_bin {
	double positives, negatives;
};

static bool bin_is_used(const struct sums_head *head, size_t bin)
{
	return head->used[bin / BINS_A_WORD] >> bin % BINS_A_WORD & 1;
}

static size_t bins_used(const struct sums_head *head)
{
	size_t count = 0;
	for (size_t i = 0; i < AUC_BINS; i++)
		count += bin_is_used(head, i);
	return count;
}

static void bins_mark(struct sums_head *head, const struct auc *auc)
{
	for (size_t i = 0; i < AUC_BINS; i++)
		if (auc->positives[i] + auc->negatives[i] > 0)
			head->used[i / BINS_A_WORD] |= (uint64_t)1 << i % BINS_A_WORD;
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
	    stored.length != sizeof head + bins_used(&head) * sizeof(struct sums_bin))
		return;
	sums->errors = head.errors;
	sums->auc.rows = head.rows;
	const char *from = stored.bytes + sizeof head;
	for (size_t i = 0; i < AUC_BINS; i++) {
		struct sums_bin bin;
		if (!bin_is_used(&head, i))
			continue;
		memcpy(&bin, from, sizeof bin);
		sums->auc.positives[i] = bin.positives;
		sums->auc.negatives[i] = bin.negatives;
		from += sizeof bin;
	}
}

bool drift_sums_keep(struct visit *visit, const struct drift_sums_place *place, const struct drift_sums *sums, struct error *error)
{
	const struct auc *auc = &sums->auc;
	char bytes[DRIFT_KEY_BYTES];
	struct sums_head head = {SUMS_VERSION, place->identity, place->window, auc->rows, sums->errors, {0}};
	bins_mark(&head, auc);
	char *to = visit_remember(visit, drift_sums_key(place->segment, bytes),
				  sizeof head + bins_used(&head) * sizeof(struct sums_bin), error);
	if (!to)
		return false;
	memcpy(to, &head, sizeof head);
	to += sizeof head;
	for (size_t i = 0; i < AUC_BINS; i++) {
		const struct sums_bin bin = {auc->positives[i], auc->negatives[i]};
		if (!bin_is_used(&head, i))
			continue;
		memcpy(to, &bin, sizeof bin);
		to += sizeof bin;
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
