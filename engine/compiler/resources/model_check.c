/* model_check.c: Checks of a Model beyond its rows. */
#include "base/number/number.h"
#include "compiler/yaml/fault_codes.h"
#include "compiler/yaml/options.h"
#include "compiler/resources/rows.h"

bool parameter_fits(const char *text, int type)
{
	struct text value = text_of(text);
	int64_t integer;
	double number;
	switch ((enum model_parameter_type)type) {
	case MODEL_PARAMETER_STRING:
		return true;
	case MODEL_PARAMETER_INT:
		return number_read_int64(value, &integer);
	case MODEL_PARAMETER_FLOAT:
	case MODEL_PARAMETER_DOUBLE:
		return scalar_number(value, &number);
	case MODEL_PARAMETER_BOOL:
		return text_equal_caseless(value, TEXT("true")) || text_equal_caseless(value, TEXT("false"));
	}
	return false;
}

const char *parameter_type_name(int type)
{
	static const char *const names[] = {"STRING", "INT", "FLOAT", "DOUBLE", "BOOL"};
	return names[type];
}

static void check_settings(const struct item_list *settings, struct faults *faults)
{
	const struct model_parameter *parameters = settings->items;
	for (size_t i = 0; i < settings->count; i++) {
		if (!parameters[i].value.text || !parameters[i].name.text)
			continue;
		if (!parameter_fits(parameters[i].value.text, parameters[i].type))
			fault_add(faults, CODE_BAD_PARAMETER, parameters[i].value.place, NULL,
				  "the parameter `%s` is of type %s, and `%s` is not", parameters[i].name.text,
				  parameter_type_name(parameters[i].type), parameters[i].value.text);
		for (size_t j = 0; j < i; j++)
			if (parameters[j].name.text && strcmp(parameters[j].name.text, parameters[i].name.text) == 0)
				fault_add(faults, CODE_REPEATED_NAME, parameters[i].name.place, NULL,
					  "the parameter `%s` is already in line %u", parameters[i].name.text,
					  parameters[j].name.place.line);
	}
}

static void check_requirements(const struct name_list *requirements, struct faults *faults)
{
	for (size_t i = 0; i < requirements->count; i++) {
		const struct name *item = &requirements->items[i];
		size_t name = strcspn(item->text, "=<>!~ ");
		struct text rest = text_of(item->text + name);
		bool versioned = rest.length > 2 && rest.bytes[1] == '=' && strcspn(rest.bytes + 2, "=<>!~ ") == rest.length - 2;
		bool compared = rest.length > 1 && (rest.bytes[0] == '<' || rest.bytes[0] == '>') && rest.bytes[1] != '=';
		if (name > 0 && (rest.length == 0 || versioned || compared))
			continue;
		const char *suggest = name > 0 && rest.length > 1 && rest.bytes[0] == '=' && rest.bytes[1] != '=' ? "==" : NULL;
		fault_add(faults, CODE_BAD_REQUIREMENT, item->place, suggest, "`%s` is not a requirement", item->text);
	}
}

/* A whole number that is kept nowhere; false when it is absent. */
static bool count_under(const struct node *spec, const char *key, int64_t *count)
{
	const struct node *node = node_get(spec, key);
	return node && node->type == NODE_SCALAR && number_read_int64(node->scalar, count);
}

/* As Seldon's scheduler checks them; a maximum of 0 means none. */
static void check_replicas(const struct node *spec, struct faults *faults)
{
	int64_t replicas, least = 0, most = 0;
	bool given = count_under(spec, "replicas", &replicas), low = count_under(spec, "minReplicas", &least);
	bool high = count_under(spec, "maxReplicas", &most) && most > 0;
	if (low && high && least > most)
		fault_add(faults, CODE_CONTRADICTION, node_get(spec, "minReplicas")->place, NULL,
			  "minReplicas is %lld, more than maxReplicas, which is %lld", (long long)least, (long long)most);
	else if (given && ((low && replicas < least) || (high && replicas > most)))
		fault_add(faults, CODE_CONTRADICTION, node_get(spec, "replicas")->place, NULL,
			  "replicas is %lld, which is not between minReplicas and maxReplicas", (long long)replicas);
}

static void check_explained(const struct node *spec, struct faults *faults)
{
	static const char *const keys[] = {"explainer", "llm"};
	for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
		const struct node *map = node_get(spec, keys[i]), *pipeline = node_get(map, "pipelineRef");
		if (node_get(map, "modelRef") && pipeline)
			fault_add(faults, CODE_CONTRADICTION, pipeline->place, NULL, "`%s` has both `modelRef` and `pipelineRef`",
				  keys[i]);
	}
	if (node_get(spec, "explainer") && node_get(spec, "llm"))
		fault_add(faults, CODE_CONTRADICTION, node_get(spec, "llm")->place, NULL,
			  "`explainer` and `llm` exclude each other");
}

/* Of the environment of a model's server, the ports of its endpoint alone are read. */
static void environment_check(const struct item_list *environment, struct faults *faults)
{
	const struct environment_variable *variables = environment->items;
	for (size_t i = 0; i < environment->count; i++) {
		const struct name *name = &variables[i].name;
		if (name->text && strcmp(name->text, "MLSERVER_HTTP_PORT") != 0 && strcmp(name->text, "MLSERVER_GRPC_PORT") != 0)
			fault_add(faults, CODE_NO_EFFECT, name->place, NULL, "the variable `%s` has no effect here", name->text);
	}
}

void model_check(const struct resource *resource, struct faults *faults)
{
	const struct model_spec *model = resource->spec;
	storage_check(model->storage_uri, faults);
	check_settings(&model->settings, faults);
	environment_check(&model->environment, faults);
	check_requirements(&model->requirements, faults);
	check_replicas(node_get(resource->node, "spec"), faults);
	check_explained(node_get(resource->node, "spec"), faults);
	if (model->replicas_max > 0 && model->replicas_min > model->replicas_max)
		fault_add(faults, CODE_CONTRADICTION, model->autoscaling_here, NULL,
			  "minReplicas is %lld, more than maxReplicas, which is %lld", (long long)model->replicas_min,
			  (long long)model->replicas_max);
}
