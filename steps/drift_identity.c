/* drift_identity.c: see drift_identity.h. */
#include "steps/drift_identity.h"

#include "base/hash.h"
#include "steps/drift_comparison.h"

static uint64_t text_hash(struct text text, uint64_t before)
{
	const uint64_t length = text.length;
	return hash_bytes(text.bytes, text.length, hash_bytes(&length, sizeof length, before));
}

bool drift_identity(const struct step *step, uint64_t *identity, struct error *error)
{
	const struct drift *options = step->options;
	const struct step_reference *reference = &options->reference;
	struct monitor_settings settings;
	struct text content = TEXT("");
	if (!drift_settings_read(options, &settings, error) ||
	    (reference->file.text && !step_file(step, &reference->file, NULL, &content, error)))
		return false;
	const int64_t numbers[] = {settings.window_rows, settings.window_ms, reference->past_ns};
	*identity = text_hash(content, hash_bytes(numbers, sizeof numbers, 0));
	for (size_t i = 0; reference->past_ns && i < options->tensors.count; i++) /* a file names its features */
		*identity = text_hash(text_of(options->tensors.items[i].text), *identity);
	*identity = text_hash(text_of(reference->topic ? reference->topic : ""), *identity);
	*identity = text_hash(options->group ? expression_source(options->group) : TEXT(""), *identity);
	return true;
}
