/* commands.c: Table of commands, in the order of the overview. */
#include "tools/cli/command.h"

extern const struct command command_alerts_list;
extern const struct command command_alerts_silence;
extern const struct command command_alerts_test;
extern const struct command command_apply;
extern const struct command command_completion;
extern const struct command command_delete;
extern const struct command command_describe;
extern const struct command command_dev;
extern const struct command command_diff;
extern const struct command command_doctor;
extern const struct command command_drift_rebase;
extern const struct command command_drift_report;
extern const struct command command_echo;
extern const struct command command_errors_list;
extern const struct command command_errors_replay;
extern const struct command command_errors_show;
extern const struct command command_eval;
extern const struct command command_experiments_analyze;
extern const struct command command_experiments_evaluate;
extern const struct command command_experiments_list;
extern const struct command command_experiments_rollout;
extern const struct command command_experiments_history;
extern const struct command command_experiments_pause;
extern const struct command command_experiments_promote;
extern const struct command command_experiments_resume;
extern const struct command command_experiments_rollback;
extern const struct command command_experiments_status;
extern const struct command command_experiments_weights;
extern const struct command command_explain;
extern const struct command command_feedback;
extern const struct command command_fit;
extern const struct command command_gateway;
extern const struct command command_gc;
extern const struct command command_get;
extern const struct command command_health;
extern const struct command command_help;
extern const struct command command_history;
extern const struct command command_infer;
extern const struct command command_init;
extern const struct command command_lint;
extern const struct command command_models_serve;
extern const struct command command_plan;
extern const struct command command_produce;
extern const struct command command_rollback;
extern const struct command command_run;
extern const struct command command_schema;
extern const struct command command_tail;
extern const struct command command_test;
extern const struct command command_top;
extern const struct command command_verify;
extern const struct command command_wait;

const struct command *const command_table[] = {
	&command_init,
	&command_lint,
	&command_plan,
	&command_dev,
	&command_run,
	&command_produce,
	&command_gateway,
	&command_infer,
	&command_explain,
	&command_feedback,
	&command_tail,
	&command_verify,
	&command_top,
	&command_health,
	&command_alerts_list,
	&command_alerts_silence,
	&command_alerts_test,
	&command_errors_list,
	&command_errors_show,
	&command_errors_replay,
	&command_diff,
	&command_apply,
	&command_wait,
	&command_get,
	&command_describe,
	&command_history,
	&command_rollback,
	&command_delete,
	&command_gc,
	&command_experiments_list,
	&command_experiments_rollout,
	&command_experiments_status,
	&command_experiments_history,
	&command_experiments_weights,
	&command_experiments_promote,
	&command_experiments_rollback,
	&command_experiments_pause,
	&command_experiments_resume,
	&command_experiments_analyze,
	&command_experiments_evaluate,
	&command_test,
	&command_models_serve,
	&command_schema,
	&command_echo,
	&command_eval,
	&command_fit,
	&command_drift_report,
	&command_drift_rebase,
	&command_doctor,
	&command_help,
	&command_completion,
	NULL,
};
