/* yaml_fuzz.c: any bytes as a file of YAML: they are read, or refused with faults whose
 * places lie in the file; what was read without errors can be written out and read
 * again without errors.
 *
 * seeds: tests/lint/?*.yaml tests/reference/?*.yaml tests/cases/?*[a-z]/?ipeline.yaml tests/data/spec/?*.yaml
 */
#include <stdlib.h>

#include "compiler/graph/graph.h"
#include "compiler/resources/normal_form.h"
#include "steps/kinds.h"

#define PRINTED_BYTES_MAX ((size_t)64 << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds)
{
	if (!holds)
		abort();
}

static void places_lie_in_the_text(const struct faults *faults, struct text text)
{
	size_t lines = 1;
	for (size_t i = 0; i < text.length; i++)
		lines += text.bytes[i] == '\n' || text.bytes[i] == '\r' || (unsigned char)text.bytes[i] >= 0x80; /* NEL, LS, PS */
	for (size_t i = 0; i < faults_total(faults); i++) {
		const struct fault *fault = faults_at(faults, i);
		must(fault->place.line >= 1 && fault->place.line <= lines + 1 && fault->place.column >= 1);
		must(i == 0 || faults_at(faults, i - 1)->place.line <= fault->place.line);
	}
}

static void build_graphs(struct spec *spec)
{
	for (size_t i = 0; i < spec->count; i++)
		if (spec->resources[i]->kind->type == RESOURCE_PIPELINE)
			(void)graph_build(spec->resources[i], spec, spec->arena, spec->faults);
}

static void print_faults(const struct faults *faults)
{
	struct buffer out;
	buffer_open(&out, PRINTED_BYTES_MAX);
	faults_print_text(faults, &out, (struct fault_look){0});
	faults_print_json(faults, &out);
	buffer_close(&out);
}

/* What is written out reads back without errors. */
static void write_and_read_again(struct spec *spec, const struct spec_options *options)
{
	for (size_t i = 0; i < spec->count; i++) {
		struct buffer out;
		struct spec again;
		struct error error = {0};
		const struct node *node = resource_normal(spec->resources[i], options->kinds, spec->arena);
		must(node != NULL);
		buffer_open(&out, PRINTED_BYTES_MAX);
		node_print_yaml(node, &out);
		must(spec_open(&again, &error));
		must(spec_read_text(&again, "again", buffer_view(&out), options, &error));
		must(faults_count(again.faults, SEVERITY_ERROR) == 0);
		spec_close(&again);
		buffer_clear(&out);
		node_print_json(node, &out);
		buffer_close(&out);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const fragments[] = {NULL, "SeldonDeployment", "Targets", "Performance", "HealthChecks"};
	struct text text = {(const char *)data, size};
	struct spec spec;
	struct error error = {0};
	/* Which kind is told depends on the bytes, so that a finding repeats. */
	const struct spec_options options = {.kinds = step_kinds, .kind = fragments[size % (sizeof fragments / sizeof *fragments)]};
	must(spec_open(&spec, &error));
	must(spec_read_text(&spec, "fuzz", text, &options, &error));
	bool good = faults_count(spec.faults, SEVERITY_ERROR) == 0;
	places_lie_in_the_text(spec.faults, text);
	if (good)
		write_and_read_again(&spec, &options);
	build_graphs(&spec);
	print_faults(spec.faults);
	spec_close(&spec);
	return 0;
}
