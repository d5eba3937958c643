/* family.c: List of the families of `sluice compute`: found by name, and printed. */
#include "compute/family.h"

#include <string.h>

#include "base/suggest.h"
#include "message/json/json_write.h"

/* All families, in the order in which they are listed; ended by NULL. */
static const struct compute_family *const compute_families[] = {
	&compute_preprocess,	   &compute_features_ta,
	&compute_windows,	   &compute_inference,
	&compute_sketches,	   &compute_drift_twosample,
	&compute_drift_online,	   &compute_outliers,
	&compute_drift_quality,	   &compute_explain_kernelshap,
	&compute_explain_treeshap, &compute_explain_other,
	&compute_shap_budget,	   &compute_abtest,
	&compute_bandits,	   NULL,
};

const struct compute_family *compute_family_find(const char *name, struct text *nearest)
{
	for (size_t i = 0; compute_families[i]; i++)
		if (strcmp(compute_families[i]->name, name) == 0)
			return compute_families[i];
	struct suggestion suggestion = suggest_begin(text_of(name));
	for (size_t i = 0; compute_families[i]; i++)
		suggest_offer(&suggestion, text_of(compute_families[i]->name));
	*nearest = suggestion.nearest;
	return NULL;
}

static void family_print_text(const struct compute_family *family, struct buffer *out)
{
	buffer_print(out, "%s: %s\n", family->name, family->summary);
	for (const struct compute_method *method = family->methods; method->name; method++)
		buffer_print(out, "  %s: %s\n", method->name, method->definition);
	if (family->parameters)
		buffer_print(out, "  parameters: %s\n", family->parameters);
}

static void parameters_print_json(struct text parameters, struct buffer *out)
{
	buffer_string(out, ", \"parameters\": [");
	for (bool first = true; parameters.length > 0; first = false) {
		buffer_string(out, first ? "" : ", ");
		json_write_string(out, text_take_until(&parameters, ' '));
	}
	buffer_byte(out, ']');
}

static void family_print_json(const struct compute_family *family, struct buffer *out)
{
	buffer_string(out, "{\"family\": ");
	json_write_string(out, text_of(family->name));
	buffer_string(out, ", \"summary\": ");
	json_write_string(out, text_of(family->summary));
	buffer_string(out, ", \"methods\": [");
	for (const struct compute_method *method = family->methods; method->name; method++) {
		buffer_string(out, method == family->methods ? "{\"name\": " : ", {\"name\": ");
		json_write_string(out, text_of(method->name));
		buffer_string(out, ", \"definition\": ");
		json_write_string(out, text_of(method->definition));
		buffer_byte(out, '}');
	}
	buffer_byte(out, ']');
	parameters_print_json(family->parameters ? text_of(family->parameters) : (struct text){0}, out);
	buffer_byte(out, '}');
}

void compute_families_print(const struct compute_family *only, bool json, struct buffer *out)
{
	bool first = true;
	if (json)
		buffer_byte(out, '[');
	for (size_t i = 0; compute_families[i]; i++) {
		if (only && compute_families[i] != only)
			continue;
		if (!first)
			buffer_string(out, json ? ",\n" : "\n");
		first = false;
		if (json)
			family_print_json(compute_families[i], out);
		else
			family_print_text(compute_families[i], out);
	}
	if (json)
		buffer_string(out, "]\n");
}
