/* drift_identity.c: see drift_identity.h. */
#include "steps/drift/drift_identity.h"

#include "base/hash.h"
#include "steps/drift/drift_comparison.h"

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
	*identity = hash_text_next(content, hash_bytes(numbers, sizeof numbers, 0));
	for (size_t i = 0; reference->past_ns && i < options->tensors.count; i++) /* a file names its features */
		*identity = hash_text_next(text_of(options->tensors.items[i].text), *identity);
	*identity = hash_text_next(text_of(reference->topic ? reference->topic : ""), *identity);
	*identity = hash_text_next(options->group ? expression_source(options->group) : TEXT(""), *identity);
	return true;
}
