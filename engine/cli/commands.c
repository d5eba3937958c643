/* commands.c: Table of commands, in the order of the overview. */
#include "cli/command.h"

extern const struct command command_completion;
extern const struct command command_compute;
extern const struct command command_dev;
extern const struct command command_doctor;
extern const struct command command_echo;
extern const struct command command_errors_list;
extern const struct command command_errors_replay;
extern const struct command command_errors_show;
extern const struct command command_eval;
extern const struct command command_fit;
extern const struct command command_health;
extern const struct command command_help;
extern const struct command command_gateway;
extern const struct command command_infer;
extern const struct command command_init;
extern const struct command command_lint;
extern const struct command command_models_serve;
extern const struct command command_plan;
extern const struct command command_produce;
extern const struct command command_run;
extern const struct command command_schema;
extern const struct command command_sim;
extern const struct command command_tail;
extern const struct command command_test;
extern const struct command command_top;

const struct command *const command_table[] = {
	&command_init,
	&command_lint,
	&command_plan,
	&command_dev,
	&command_run,
	&command_produce,
	&command_gateway,
	&command_infer,
	&command_tail,
	&command_top,
	&command_health,
	&command_errors_list,
	&command_errors_show,
	&command_errors_replay,
	&command_test,
	&command_sim,
	&command_models_serve,
	&command_schema,
	&command_echo,
	&command_eval,
	&command_fit,
	&command_compute,
	&command_doctor,
	&command_help,
	&command_completion,
	NULL,
};
