/* apply_stand.h: Commands of the control plane against a keeper on an embedded broker, with a folder of documents, for tests. */
#pragma once

#include "control/keeper/keeper_service.h"
#include "tests/unit/mock_broker.h"

#define LINE_BYTES 1024
#define MODEL(name)                                                                                                                \
	"apiVersion: mlops.seldon.io/v1alpha1\nkind: Model\nmetadata: {name: " name "}\nspec: {storageUri: 'stub://echo'}\n"

extern struct apply_stand {
	struct mock mock;
	struct arena *arena;
	struct keeper_service_config config;
	struct keeper_service *service; /* NULL: nobody decides */
	char folder[32];
} apply_stand;

int apply_broker_setup(void **state);
int apply_keeper_setup(void **state);
int apply_teardown(void **state);

void apply_file(const char *name, const char *text);

/* Runs a command; `%s` in the line is the folder. Checks the exit code, and that the output has the words. */
__attribute__((format(printf, 3, 4))) void apply_runs(int code, const char *words, const char *format, ...);
