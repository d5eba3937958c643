/* seldon_path_test.c: The prefix of Seldon Core 1's ingress before a path, and which paths are of its API. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "gateway/access/seldon_path.h"

static void expect_split(const char *path, const char *prefix, const char *namespace, const char *name, const char *rest)
{
	const struct seldon_path split = seldon_path_split(text_of(path));
	assert_true(text_is(split.prefix, prefix));
	assert_true(text_is(split.namespace, namespace));
	assert_true(text_is(split.name, name));
	assert_true(text_is(split.rest, rest));
}

static void a_prefix_names_a_namespace_and_a_deployment(void **state)
{
	(void)state;
	expect_split("/seldon/prod/m/api/v1.0/predictions", "/seldon/prod/m", "prod", "m", "api/v1.0/predictions");
	expect_split("/seldon/prod/m/", "/seldon/prod/m", "prod", "m", "");
	expect_split("/seldon/prod/m", "/seldon/prod/m", "prod", "m", "");
	expect_split("/seldon/prod", "/seldon/prod", "prod", "", "");
	expect_split("/seldon//m/v2", "/seldon//m", "", "m", "v2");
}

static void another_path_has_no_prefix(void **state)
{
	(void)state;
	expect_split("/v2/models/seldon/infer", "", "", "", "v2/models/seldon/infer");
	expect_split("/seldonian/prod/m/v2", "", "", "", "seldonian/prod/m/v2");
	expect_split("/", "", "", "", "");
}

static void paths_of_the_first_api_are_known_with_and_without_a_prefix(void **state)
{
	(void)state;
	const char *const its[] = {"/api/v1.0/predictions", "/seldon/prod/m/api/v1.0/feedback",
				   "/seldon/prod/m-explainer/default/api/v1.0/explain"};
	const char *const others[] = {"/v2/models/api/infer", "/default/api/v1.0/explain", "/seldon/prod/m/v2/health/live",
				      "/seldon/api/v1.0", "/"};
	for (size_t i = 0; i < sizeof its / sizeof *its; i++)
		assert_true(seldon_path_is_v1(text_of(its[i])));
	for (size_t i = 0; i < sizeof others / sizeof *others; i++)
		assert_false(seldon_path_is_v1(text_of(others[i])));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_prefix_names_a_namespace_and_a_deployment),
		cmocka_unit_test(another_path_has_no_prefix),
		cmocka_unit_test(paths_of_the_first_api_are_known_with_and_without_a_prefix),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
