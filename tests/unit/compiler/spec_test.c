/* spec_test.c: Tests of the checks of resources, beyond the type of each field. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "tests/unit/specs.h"

#define PIPELINE "apiVersion: mlops.seldon.io/v1alpha1\nkind: Pipeline\nmetadata: {name: p}\nspec:\n"
#define MODEL "apiVersion: mlops.seldon.io/v1alpha1\nkind: Model\nmetadata: {name: m}\nspec:\n"
#define EXPERIMENT "apiVersion: mlops.seldon.io/v1alpha1\nkind: Experiment\nmetadata: {name: e}\nspec:\n"
#define RUNTIME "apiVersion: mlops.seldon.io/v1alpha1\nkind: SeldonRuntime\nmetadata: {name: r}\nspec:\n"
#define SERVER "apiVersion: mlops.seldon.io/v1alpha1\nkind: Server\nmetadata: {name: s}\nspec:\n"
#define DEPLOYMENT "apiVersion: machinelearning.seldon.io/v1\nkind: SeldonDeployment\nmetadata: {name: d}\nspec:\n"

struct row {
	const char *yaml, *at, *kind, *contains;
};

static void expect_all(const struct row *rows, size_t count)
{
	for (size_t i = 0; i < count; i++)
		expect_fault(rows[i].yaml, rows[i].at, rows[i].kind, rows[i].contains);
}

static void a_document_must_say_what_it_is(void **state)
{
	(void)state;
	static const struct row rows[] = {
		{"kind: Pipeline\nmetadata: {name: p}\nspec: {steps: [{name: a}]}\n", "1:1", "missing-field", "apiVersion"},
		{"apiVersion: mlops.seldon.io/v1alpha1\nmetadata: {name: p}\nspec: {}\n", "1:1", "missing-field", "kind"},
		{"apiVersion: mlops.seldon.io/v1alpha1\nkind: Pipelines\nspec: {}\n", "2:7", "unsupported", "Pipeline"},
		{"apiVersion: mlops.seldon.io/v1\nkind: Model\nmetadata: {name: m}\nspec: {storageUri: a}\n", "1:13", "unsupported",
		 "mlops.seldon.io/v1alpha1"},
		{"apiVersion: machinelearning.seldon.io/v1alpha9\nkind: SeldonDeployment\nmetadata: {name: d}\n"
		 "spec: {predictors: [{name: a, graph: {name: b}}]}\n",
		 "1:13", "unsupported", "machinelearning.seldon.io/v1"},
		{"apiVersion: mlop.seldon.io/v1alpha1\nkind: Model\nmetadata: {name: m}\nspec: {storageUri: a}\n", "1:13",
		 "unsupported", "mlops.seldon.io/v1alpha1"},
		{"apiVersion: v1alpha1\nkind: Model\nmetadata: {name: m}\nspec: {storageUri: a}\n", "1:13", "unsupported",
		 "v1alpha1"},
		{"apiVersion: mlops.seldon.io/v1alpha1\nkind: SeldonDeployment\nmetadata: {name: d}\n"
		 "spec: {predictors: [{name: a, graph: {name: b}}]}\n",
		 "1:13", "unsupported", "machinelearning.seldon.io/v1"},
		{"apiVersion: mlops.seldon.io/v1alpha1\nkind: 5\nspec: {}\n", "2:7", "wrong-type", "kind"},
		{"apiVersion: 1\nkind: Model\nmetadata: {name: m}\nspec: {storageUri: a}\n", "1:13", "wrong-type", "apiVersion"},
		{"- a\n- b\n", "1:1", "wrong-type", "list"},
		{"just text\n", "1:1", "wrong-type", "text"},
		{"apiVersion: mlops.seldon.io/v1alpha1\nkind: Model\nmetadata: {name: m}\n", "1:1", "missing-field", "spec"},
		{"apiVersion: mlops.seldon.io/v1alpha1\nkind: Model\nmetadata: {name: m}\nspec: 5\n", "4:7", "wrong-type", "spec"},
		{"apiVersion: mlops.seldon.io/v1alpha1\nkind: Model\nspec: {storageUri: a}\n", "1:1", "missing-field", "name"},
		{"apiVersion: mlops.seldon.io/v1alpha1\nkind: Model\nmetadata: {namespace: m}\nspec: {storageUri: a}\n", "3:11",
		 "missing-field", "name"},
		{"apiVersion: mlops.seldon.io/v1alpha1\nkind: Model\nmetadata: {nmae: m}\nspec: {storageUri: a}\n", "3:12",
		 "unknown-field", "name"},
	};
	expect_all(rows, sizeof rows / sizeof *rows);
}

static void names_are_small_letters_digits_and_dashes(void **state)
{
	(void)state;
	static const char *const bad[] = {"My", "a.b", "-a", "a-", "a b", "ä", "a/b"};
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		char yaml[256];
		snprintf(yaml, sizeof yaml,
			 "apiVersion: mlops.seldon.io/v1alpha1\nkind: Model\nmetadata: {name: \"%s\"}\nspec: {storageUri: a}\n",
			 bad[i]);
		expect_fault(yaml, "3:18", "bad-value", bad[i]);
	}
	expect_clean("apiVersion: mlops.seldon.io/v1alpha1\nkind: Model\nmetadata: {name: a-1-b}\nspec: {storageUri: a}\n");
	expect_told("apiVersion: mlops.seldon.io/v1alpha1\nkind: Model\nmetadata: {name: a_b}\nspec: {storageUri: a}\n",
		    SEVERITY_WARNING, "3:18", "a-b");
}

static void what_belongs_to_others_is_skipped_with_a_note(void **state)
{
	(void)state;
	expect_told("apiVersion: apps/v1\nkind: Deployment\nspec: {anything: [1]}\n", SEVERITY_NOTE, "1:13", "apps/v1");
	expect_told("apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\n", SEVERITY_NOTE, "1:13", "skipped");
	expect_told("apiVersion: tekton.dev/v1\nkind: Pipeline\nspec: {tasks: []}\n", SEVERITY_NOTE, "1:13", "tekton.dev/v1");
	expect_told("apiVersion: v1\nkind: ConfigMap\ndata: {}\n", SEVERITY_NOTE, "1:13", "v1");
}

static void a_file_of_kustomize_needs_no_kind(void **state)
{
	(void)state;
	static const struct {
		const char *file, *yaml;
		size_t foreign, errors;
	} rows[] = {
		{"kustomization.yaml", "resources: [a.yaml]\n", 1, 0},
		{"deploy/prod/kustomization.yml", "namePrefix: prod-\n", 1, 0},
		{"deploy/kustomization.yaml", "kind: Pipline\nresources: [a.yaml]\n", 0, 2},
		{"my-kustomization.yaml", "resources: [a.yaml]\n", 0, 2},
		{"kustomization.yaml/pipeline.yaml", "resources: [a.yaml]\n", 0, 2},
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct spec spec = spec_of_file(rows[i].file, rows[i].yaml);
		assert_int_equal(spec.foreign, rows[i].foreign);
		assert_int_equal(faults_count(spec.faults, SEVERITY_ERROR), rows[i].errors);
		spec_close(&spec);
	}
}

static void items_of_a_list_are_documents(void **state)
{
	(void)state;
	struct spec spec = spec_of(
		"apiVersion: v1\nkind: List\nitems:\n- apiVersion: mlops.seldon.io/v1alpha1\n  kind: Model\n  metadata: {name: m}\n"
		"  spec: {storageUri: a}\n- apiVersion: apps/v1\n  kind: Deployment\n",
		NULL);
	assert_int_equal(spec.count, 1);
	assert_int_equal(spec.foreign, 1);
	assert_non_null(spec_find(&spec, RESOURCE_MODEL, "m"));
	spec_close(&spec);
}

static void values_must_be_of_their_type(void **state)
{
	(void)state;
	static const struct row rows[] = {
		{MODEL "  storageUri: 5\n", "5:15", "wrong-type", "\"5\""},
		{MODEL "  storageUri: true\n", "5:15", "wrong-type", "true"},
		{MODEL "  storageUri: 1e5\n", "5:15", "wrong-type", "1e5"},
		{MODEL "  storageUri: \"\"\n", "5:15", "bad-value", "empty"},
		{MODEL "  storageUri:\n", "5:3", "missing-field", "storageUri"},
		{MODEL "  storageUri: a\n  replicas: \"2\"\n", "6:13", "wrong-type", "2"},
		{MODEL "  storageUri: a\n  replicas: 1.5\n", "6:13", "wrong-type", "1.5"},
		{MODEL "  storageUri: a\n  replicas: -1\n", "6:13", "bad-value", "-1"},
		{MODEL "  storageUri: a\n  replicas: 99999999999999999999\n", "6:13", "bad-value", "99999999999999999999"},
		{MODEL "  storageUri: a\n  preloaded: \"true\"\n", "6:14", "wrong-type", "true"},
		{MODEL "  storageUri: a\n  preloaded: 1\n", "6:14", "wrong-type", "1"},
		{MODEL "  storageUri: a\n  memory: 100 KB\n", "6:11", "bad-value", "100 KB"},
		{MODEL "  storageUri: a\n  memory: -1Ki\n", "6:11", "bad-value", "-1Ki"},
		{MODEL "  storageUri: a\n  logger: {percent: 101}\n", "6:21", "bad-value", "101"},
		{MODEL "  storageUri: a\n  requirements: sklearn\n", "6:17", "wrong-type", "[sklearn]"},
		{MODEL "  storageUri: a\n  requirements: [sklearn, 3]\n", "6:27", "wrong-type", "3"},
		{MODEL "  storageUri: a\n  batchingConfig: {maxLatency: 100}\n", "6:32", "bad-value", "no unit"},
		{MODEL "  storageUri: a\n  batchingConfig: {maxLatency: 100us}\n", "6:32", "bad-value", "100us"},
		{MODEL "  storageUri: a\n  batchingConfig: {maxLatency: [1s]}\n", "6:32", "wrong-type", "maxLatency"},
		{MODEL "  storageUri: a\n  batchingConfig: {maxBatchSize: 0}\n", "6:34", "bad-value", "0"},
		{MODEL "  storageUri: a\n  parameters: [{name: q, value: 1}]\n", "6:33", "wrong-type", "\"1\""},
		{PIPELINE "  steps: []\n", "5:10", "bad-value", "steps"},
		{PIPELINE "  steps: [{name: a, when: [1]}]\n", "5:27", "wrong-type", "when"},
		{PIPELINE "  steps: [{name: a}]\n  allowCycles: maybe\n", "6:16", "wrong-type", "maybe"},
		{PIPELINE "  steps: [{name: a}]\n  delivery: exactly_once\n", "6:13", "bad-value", "exactly-once"},
		{EXPERIMENT "  candidates: [{name: a, weight: 1}]\n  bandits: {epsilon: high}\n", "6:22", "wrong-type", "high"},
		{EXPERIMENT "  candidates: [{name: a, weight: 1}]\n  bandits: {epsilon: -0.1}\n", "6:22", "bad-value", "-0.1"},
		{EXPERIMENT "  candidates: [{name: a, weight: 1}]\n  bandits: {epsilon: .nan}\n", "6:22", "bad-value", ".nan"},
		{EXPERIMENT "  candidates: [{name: a, weight: 1}]\n  bandits: {algorithm: epsilon_greedy}\n", "6:24", "bad-value",
		 "epsilon-greedy"},
		{RUNTIME "  config: {tracingConfig: {ratio: 0.5}}\n", "5:35", "wrong-type", "0.5"},
		{RUNTIME "  config: {kafkaConfig: {topics: {numPartitions: many}}}\n", "5:50", "wrong-type", "many"},
		{RUNTIME "  config: {serviceConfig: {http: {port: 70000}}}\n", "5:41", "bad-value", "70000"},
		{RUNTIME "  config: {kafkaConfig: {consumer: {debug: [x]}}}\n", "5:44", "wrong-type", "debug"},
	};
	expect_all(rows, sizeof rows / sizeof *rows);
}

static void what_looks_like_another_type_may_be_meant(void **state)
{
	(void)state;
	expect_clean(PIPELINE "  steps: [{name: a, inputs: [p.inputs.x]}]\n  allowCycles: yes\n");
	expect_clean(MODEL "  storageUri: \"5\"\n  memory: 1073741824\n  preloaded: True\n");
	expect_clean(RUNTIME
		     "  config: {kafkaConfig: {topics: {numPartitions: \"4\", cleanup.policy: compact, retention.ms: 100}}}\n");
	expect_clean(EXPERIMENT "  candidates: [{name: a, weight: 1}]\n  bandits: {epsilon: 10%}\n");
}

static void one_misspelt_field_is_one_fault(void **state)
{
	(void)state;
	/* `storageURL` was meant to be what is missing: that is not said twice. */
	expect_fault(MODEL "  storageURL: s3://b/m\n", "5:3", "unknown-field", "storageUri");
	expect_fault("apiVersion: mlops.seldon.io/v1alpha1\nkind: Model\nmetadata: {name: m}\nspce: {storageUri: a}\n", "4:1",
		     "unknown-field", "spec");
	expect_fault(PIPELINE "  steps: [{name: a, fliter: {keep: x > 1}}]\n", "5:21", "unknown-field", "filter");
}

static void models_keep_their_word(void **state)
{
	(void)state;
	static const struct row rows[] = {
		{MODEL "  storageUri: a\n  modelSettings: {parameters: [{name: q, value: many, type: INT}]}\n", "6:49", "bad-value",
		 "many"},
		{MODEL "  storageUri: a\n  modelSettings: {parameters: [{name: q, value: \"1.5\", type: INT}]}\n", "6:49",
		 "bad-value", "1.5"},
		{MODEL "  storageUri: a\n  modelSettings: {parameters: [{name: q, value: \"yes\", type: BOOL}]}\n", "6:49",
		 "bad-value", "yes"},
		{MODEL "  storageUri: a\n  modelSettings: {parameters: [{name: q, value: a}, {name: q, value: b}]}\n", "6:60",
		 "repeated-name", "q"},
		{MODEL "  storageUri: a\n  requirements: [\"mlflow=2.8.1\"]\n", "6:18", "bad-value", "mlflow=2.8.1"},
		{MODEL "  storageUri: a\n  requirements: [\"==2.8.1\"]\n", "6:18", "bad-value", "==2.8.1"},
		{MODEL "  storageUri: a\n  autoscaling: {minReplicas: 5, maxReplicas: 2}\n", "6:16", "bad-value", "5"},
		{MODEL "  storageUri: a\n  minReplicas: 3\n  maxReplicas: 2\n", "6:16", "bad-value", "3"},
		{MODEL "  storageUri: a\n  replicas: 5\n  maxReplicas: 2\n", "6:13", "bad-value", "5"},
		{MODEL "  storageUri: a\n  explainer: {type: t, modelRef: b, pipelineRef: c}\n", "6:50", "bad-value", "modelRef"},
		{MODEL "  storageUri: a\n  explainer: {type: t}\n  llm: {modelRef: b}\n", "7:8", "bad-value", "exclude"},
	};
	expect_all(rows, sizeof rows / sizeof *rows);
	expect_clean(
		MODEL
		"  storageUri: a\n  requirements: [mlflow==2.8.1, scikit-learn, torch>=2, numpy]\n"
		"  modelSettings: {parameters: [{name: q, value: \"-5\", type: INT}, {name: r, value: \"1e3\", type: DOUBLE},\n"
		"    {name: s, value: \"true\", type: BOOL}, {name: t, value: anything}]}\n");
}

static void experiments_choose_among_somebody(void **state)
{
	(void)state;
	static const struct row rows[] = {
		{EXPERIMENT "  candidates: []\n", "5:15", "bad-value", "candidates"},
		{EXPERIMENT "  mirror: {name: b, percent: 10}\n", "5:3", "missing-field", "candidates"},
		{EXPERIMENT "  candidates: [{name: a, weight: 1}]\n  mirror: {name: a, percent: 10}\n", "6:18", "repeated-name",
		 "a"},
		{EXPERIMENT "  candidates: [{name: a, weight: 1}]\n  mirror: {name: b}\n", "6:11", "missing-field", "percent"},
		{EXPERIMENT "  candidates: [{name: alpha, weight: 1}]\n  default: alhpa\n", "6:12", "bad-reference", "alpha"},
		{EXPERIMENT "  candidates: [{name: a, weight: 1}]\n  progressiveDeployment: {stages: [{weight: 10}]}\n", "6:36",
		 "missing-field", "duration"},
		{EXPERIMENT
		 "  candidates: [{name: a, weight: 1}]\n  progressiveDeployment: {stages: [{weight: 101, duration: 1m}]}\n",
		 "6:45", "bad-value", "101"},
		{EXPERIMENT "  candidates: [{name: a, weight: 1}]\n  progressiveDeployment:\n    stages:\n"
			    "    - {weight: 5, duration: 1m, successCriteria: {latency: \"100ms\"}}\n",
		 "8:60", "bad-value", "100ms"},
		{EXPERIMENT "  candidates: [{name: a, weight: 1}]\n  successCriteria: [{metricName: accuracy, threshold: 0.6, "
			    "operator: \"=>\"}]\n",
		 "6:70", "bad-value", "=>"},
		{PIPELINE "  steps: [{name: a, experiment: {candidates: [{name: x, weight: 0}]}}]\n", "5:65", "bad-value", "0"},
		{PIPELINE "  steps: [{name: a, experiment: {default: x}}]\n", "5:21", "bad-value", "candidates"},
	};
	expect_all(rows, sizeof rows / sizeof *rows);
	expect_told(EXPERIMENT "  candidates: [{name: a, weight: 1}]\n  bandits: {explore: 0}\n", SEVERITY_WARNING, "6:22",
		    "tried again");
	expect_fault(EXPERIMENT "  default: a\n  candidates: [{name: a, weight: 1}]\n---\n"
				"apiVersion: mlops.seldon.io/v1alpha1\nkind: Experiment\nmetadata: {name: other}\nspec:\n"
				"  default: a\n  candidates: [{name: a, weight: 1}]\n",
		     "12:12", "repeated-name", "a");
	expect_clean(EXPERIMENT "  candidates: []\n  mirror: {name: b, percent: 10}\n");
	expect_clean(EXPERIMENT "  candidates: [{name: a, weight: 0}, {name: b, weight: 0}]\n  bandits: {algorithm: ucb1}\n");
	expect_clean(EXPERIMENT "  default: other\n  candidates: [{name: a, weight: 1}]\n  progressiveDeployment: {stages: "
				"[{weight: 10, duration: 1m}]}\n");
}

static void runtimes_and_servers_can_be_reached(void **state)
{
	(void)state;
	static const struct row rows[] = {
		{RUNTIME "  overrides: [{name: seldon-enovy, replicas: 1}]\n", "5:22", "bad-value", "seldon-envoy"},
		{RUNTIME "  overrides: [{name: hodometer}, {name: hodometer}]\n", "5:41", "repeated-name", "hodometer"},
		{RUNTIME "  config: {backupConfig: {schedule: 2am}}\n", "5:37", "bad-value", "2am"},
		{RUNTIME "  config: {backupConfig: {schedule: \"0 24 * * *\"}}\n", "5:37", "bad-value", "hour"},
		{RUNTIME "  config: {backupConfig: {schedule: \"0 2 * *\"}}\n", "5:37", "bad-value", "4 fields"},
		{RUNTIME "  config: {backupConfig: {schedule: \"*/0 2 * * *\"}}\n", "5:37", "bad-value", "minute"},
		{RUNTIME "  config: {kafkaConfig: {brokers: [a:9092], bootstrap.servers: b:9092}}\n", "5:64", "bad-value",
		 "brokers"},
		{RUNTIME "  config: {securityConfig: {authentication: {type: basic}}}\n", "5:52", "bad-value", "jwt"},
		{RUNTIME "  config: {tracingConfig: {jaeger: {samplingRate: 10}}}\n", "5:51", "bad-value", "10"},
		{SERVER "  capabilities: [sklearn]\n", "5:3", "missing-field", "serverConfig"},
		{SERVER "  endpoints: [mlserver]\n", "5:15", "bad-value", "mlserver"},
		{SERVER "  endpoints: [\"ftp://mlserver:21\"]\n", "5:15", "bad-value", "ftp"},
		{SERVER "  endpoints: []\n", "5:14", "bad-value", "endpoints"},
	};
	expect_all(rows, sizeof rows / sizeof *rows);
	expect_clean(RUNTIME "  config: {backupConfig: {schedule: \"*/15,30 0-6/2 1 JAN-mar mon,5\"}}\n");
	expect_clean(SERVER "  endpoints: [\"grpc://mlserver:8081\", \"https://h/base\"]\n");
}

static void v1_graphs_share_their_traffic(void **state)
{
	(void)state;
	static const struct row rows[] = {
		{DEPLOYMENT
		 "  predictors:\n  - {name: a, traffic: 50, graph: {name: x}}\n  - {name: b, traffic: 40, graph: {name: y}}\n",
		 "6:24", "bad-value", "90"},
		{DEPLOYMENT "  predictors:\n  - {name: a, graph: {name: x}}\n  - {name: b, graph: {name: y}}\n", "6:5", "bad-value",
		 "0"},
		{DEPLOYMENT "  predictors: [{name: a, traffic: 50, graph: {name: x}}]\n", "5:35", "bad-value", "50"},
		{DEPLOYMENT "  predictors: [{name: a, shadow: true, graph: {name: x}}]\n", "5:34", "bad-value", "shadow"},
		{DEPLOYMENT
		 "  predictors:\n  - {name: a, traffic: 50, graph: {name: x}}\n  - {name: a, traffic: 50, graph: {name: y}}\n",
		 "7:12", "repeated-name", "a"},
		{DEPLOYMENT "  predictors: [{name: a, graph: {name: x, implementation: SKLEARN_SERVER}}]\n", "5:33",
		 "missing-field", "modelUri"},
		{DEPLOYMENT "  predictors: [{name: a, graph: {name: x, implementation: SKLEARN_SEVER, modelUri: u}}]\n", "5:59",
		 "bad-value", "SKLEARN_SERVER"},
		{DEPLOYMENT "  predictors: [{name: a, graph: {name: x, type: MODELL}}]\n", "5:49", "bad-value", "MODEL"},
		{DEPLOYMENT "  predictors: [{name: a, graph: {name: x, children: [{type: MODEL}]}}]\n", "5:54", "missing-field",
		 "name"},
		{DEPLOYMENT "  predictors: [{name: a, graph: {name: x, children: [{name: y, childern: []}]}}]\n", "5:64",
		 "unknown-field", "children"},
		{DEPLOYMENT "  predictors: [{name: a, graph: {name: x, parameters: [{name: r, value: half, type: FLOAT}]}}]\n",
		 "5:73", "bad-value", "half"},
		{DEPLOYMENT "  predictors: [{name: a}]\n", "5:16", "missing-field", "graph"},
		{DEPLOYMENT "  predictors: [{name: a, explainer: {type: AnchorTabula}, graph: {name: x}}]\n", "5:44", "bad-value",
		 "AnchorTabular"},
		{DEPLOYMENT "  protocol: v3\n  predictors: [{name: a, graph: {name: x}}]\n", "5:13", "bad-value", "v3"},
	};
	expect_all(rows, sizeof rows / sizeof *rows);
	expect_clean(DEPLOYMENT
		     "  predictors:\n  - {name: a, graph: {modelUri: u}}\n  - {name: b, shadow: true, graph: {modelUri: v}}\n");
	expect_clean(DEPLOYMENT "  predictors: [{name: a, graph: {name: x, implementation: OUR_OWN_SERVER, modelUri: u}}]\n");
}

static void alerts_say_what_is_wrong_with_an_operator(void **state)
{
	(void)state;
	static const char *const wrong[] = {"=>", "=<", "=", "<>", ">>", "==="};
	static const char *const meant[] = {">=", "<=", "==", "!=", ">", "=="};
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
		char yaml[512];
		snprintf(yaml, sizeof yaml,
			 PIPELINE "  steps: [{name: a}]\n  alerts:\n  - name: x\n    condition: \"drift_score %s 0.05\"\n",
			 wrong[i]);
		expect_fault(yaml, "8:16", "bad-value", meant[i]);
	}
	expect_clean(PIPELINE
		     "  steps: [{name: a}]\n  alerts:\n  - name: x\n    condition: latency_p50 >= 0.05 && latency_p95 > 200\n");
	expect_fault(PIPELINE "  steps: [{name: a}]\n  alerts: [{name: x, condition: a > 1, actions: [{type: webhook}]}]\n", "6:50",
		     "missing-field", "url");
	expect_fault(PIPELINE "  steps: [{name: a}]\n  alerts: [{name: x, condition: a > 1}, {name: x, condition: a > 2}]\n",
		     "6:48", "repeated-name", "x");
}

static void steps_are_of_one_kind_with_a_name_of_their_own(void **state)
{
	(void)state;
	static const struct row rows[] = {
		{PIPELINE "  steps: [{name: a}, {name: b}, {name: a}]\n", "5:40", "repeated-name", "a"},
		{PIPELINE "  steps: [{name: p}]\n", "5:18", "repeated-name", "p"},
		{PIPELINE "  steps: [{name: a.b}]\n", "5:18", "bad-value", "a.b"},
		{PIPELINE "  steps: [{name: a, filter: {keep: x > 1}, split: {by: rows}}]\n", "5:44", "bad-value", "filter"},
		{PIPELINE "  steps: [{name: a, filter: }]\n", "5:29", "missing-field", "keep"},
		{PIPELINE "  steps: [{name: a, preprocess: [{clip: {low: 0}, cast: {to: FP32}}]}]\n", "5:34", "bad-value",
		 "one operation"},
		{PIPELINE "  steps: [{name: a, preprocess: [{clib: {low: 0}}]}]\n", "5:35", "unknown-field", "clip"},
		{PIPELINE "  steps: [{name: a, preprocess: [{cast: {to: FLOAT32}}]}]\n", "5:46", "bad-value", "FLOAT32"},
		{PIPELINE "  steps: [{name: a, aggregate: {window: {tumbling: 1m, count: 5}, set: {n: count()}}}]\n", "5:41",
		 "bad-value", "one of"},
		{PIPELINE "  steps: [{name: a, aggregate: {window: {hopping: 1m}, set: {n: count()}}}]\n", "5:41", "bad-value",
		 "every"},
		{PIPELINE "  steps: [{name: a, batch: {size: 0}}]\n", "5:35", "bad-value", "size"},
		{PIPELINE "  steps: [{name: a}]\n  input: {}\n", "6:10", "missing-field", "externalInputs"},
		{PIPELINE "  steps: [{name: a}]\n  input: {externalInputs: []}\n", "6:27", "bad-value", "externalInputs"},
		{PIPELINE "  steps: [{name: a}]\n  input: {topic: t, tensors: {x: {datatype: FP32}}}\n", "6:34", "missing-field",
		 "path"},
		{PIPELINE "  steps: [{name: a}]\n  input: {topic: t, tensors: {x: {path: a, datatype: FP33}}}\n", "6:54",
		 "bad-value", "FP33"},
		{PIPELINE "  steps: [{name: a}]\n  output: {}\n", "6:11", "missing-field", "steps"},
	};
	expect_all(rows, sizeof rows / sizeof *rows);
	expect_clean(
		PIPELINE
		"  steps: [{name: a}]\n  input: {topic: t, key: k, tensors: {x: quote.mid, y: {paths: [a, b], datatype: FP32}}}\n");
}

static void what_is_not_honoured_is_said_and_is_no_error(void **state)
{
	(void)state;
	expect_told(MODEL "  storageUri: a\n  llm: {modelRef: b}\n", SEVERITY_WARNING, "6:3", "llm");
	expect_told(MODEL "  storageUri: a\n  replicas: 3\n", SEVERITY_NOTE, "6:3", "no effect");
	expect_told(MODEL "  storageUri: a\n  server:\n", SEVERITY_NOTE, "6:3", "server");
	expect_told(RUNTIME "  config: {securityConfig: {encryption: {enabled: true}}}\n", SEVERITY_NOTE, "5:29", "gateway");
	expect_told(RUNTIME "  config: {securityConfig: {audit: {enabled: true}}}\n", SEVERITY_WARNING, "5:29", "audit");
	expect_told(RUNTIME "  overrides: [{name: seldon-dataflow-engine, replicas: 0}]\n", SEVERITY_WARNING, "5:56",
		    "all the same");
	expect_clean(EXPERIMENT "  candidates: [{name: a, weight: 1}]\n  bandits: {rewardMetric: accuracy}\n");
	expect_told(EXPERIMENT "  candidates: [{name: a, weight: 1}]\n  promotionPolicy: {automatic: true}\n", SEVERITY_NOTE,
		    "6:3", "promotionPolicy");
	expect_told(EXPERIMENT "  default: a\n  candidates: [{name: a, weight: 1}, {name: b, weight: 1}]\n"
			       "  progressiveDeployment: {schedule: [10]}\n",
		    SEVERITY_NOTE, "7:3", "keeper of a control plane");
	expect_told(PIPELINE "  steps: [{name: a, outlier: {tensor: x, by: modified-z, reference: {topic: t}}}]\n",
		    SEVERITY_WARNING, "5:70", "topic");
	struct spec spec = spec_of(
		RUNTIME "  config: {securityConfig: {encryption: {enabled: false}}, metricsConfig: {enabled: false}}\n", NULL);
	assert_int_equal(faults_count(spec.faults, SEVERITY_WARNING), 0);
	spec_close(&spec);
	spec = spec_of(EXPERIMENT "  candidates: [{name: a, weight: 1}]\n", NULL);
	assert_int_equal(faults_count(spec.faults, SEVERITY_WARNING), 0);
	spec_close(&spec);
}

static void runtimes_of_one_name_are_one_and_later_ones_win(void **state)
{
	(void)state;
	struct spec spec = spec_of("apiVersion: mlops.seldon.io/v1alpha1\nkind: SeldonRuntime\nspec: {config: {kafkaConfig: "
				   "{brokers: [\"a:1\", \"b:2\"], topicPrefix: x}}}\n"
				   "---\n"
				   "apiVersion: mlops.seldon.io/v1alpha1\nkind: SeldonRuntime\nspec: {timeout: 2s, config: "
				   "{kafkaConfig: {topicPrefix: y}}}\n",
				   NULL);
	assert_int_equal(faults_count(spec.faults, SEVERITY_ERROR), 0);
	assert_int_equal(spec.count, 1);
	const struct resource *resource = spec_find(&spec, RESOURCE_RUNTIME, "default");
	assert_non_null(resource);
	const struct runtime_spec *runtime = resource->spec;
	assert_string_equal(runtime->topic_prefix, "y");
	assert_int_equal(runtime->brokers.count, 2);
	assert_int_equal(runtime->timeout_ns, 2000000000);
	assert_true(runtime->kafka_enabled);
	spec_close(&spec);
}

static void settings_of_topics_are_kept_under_their_names(void **state)
{
	(void)state;
	struct spec spec =
		spec_of("apiVersion: mlops.seldon.io/v1alpha1\nkind: SeldonRuntime\nspec: {config: {kafkaConfig: "
			"{topics: {cleanup.policy: compact, numPartitions: 3, retention.ms: 100, compression.type: lz4}}}}\n",
			NULL);
	assert_int_equal(faults_count(spec.faults, SEVERITY_WARNING), 0);
	const struct runtime_spec *runtime = spec_first(&spec, RESOURCE_RUNTIME)->spec;
	const struct client_setting *settings = runtime->topic_settings.items;
	static const char *const wanted[][2] = {
		{"cleanup.policy", "compact"}, {"retention.ms", "100"}, {"compression.type", "lz4"}};
	assert_int_equal(runtime->partitions, 3);
	assert_int_equal(runtime->topic_settings.count, 3);
	for (size_t i = 0; i < 3; i++) {
		assert_string_equal(settings[i].name.text, wanted[i][0]);
		assert_string_equal(settings[i].value, wanted[i][1]);
	}
	spec_close(&spec);
}

static void two_resources_of_one_name_are_a_fault_within_a_file(void **state)
{
	(void)state;
	expect_fault(MODEL "  storageUri: a\n---\n" MODEL "  storageUri: b\n", "9:18", "repeated-name", "m");
	expect_clean(
		MODEL
		"  storageUri: a\n---\napiVersion: mlops.seldon.io/v1alpha1\nkind: Model\nmetadata: {name: m, namespace: other}\n"
		"spec: {storageUri: b}\n");
}

/* More than the index of a spec begins with, so it grows; each third has a namespace of its own, and a name that others have. */
#define MANY 400
#define MANY_NAMES 267

static void the_first_resource_of_a_name_is_found_among_many(void **state)
{
	(void)state;
	struct buffer yaml;
	buffer_open(&yaml, (size_t)1 << 20);
	for (int i = 0; i < MANY; i++)
		buffer_print(&yaml,
			     "---\napiVersion: mlops.seldon.io/v1alpha1\nkind: %s\nmetadata: {name: m%d, namespace: n%d}\n"
			     "spec: {%s}\n",
			     i == 0 ? "Server" : "Model", i % MANY_NAMES, i / MANY_NAMES,
			     i == 0 ? "serverConfig: triton" : "storageUri: a");
	buffer_byte(&yaml, '\0');
	assert_false(buffer_failed(&yaml));
	struct spec spec = spec_of(yaml.bytes, NULL);
	assert_int_equal(spec.count, MANY);
	for (int i = 1; i < MANY_NAMES; i++)
		assert_ptr_equal(spec_find(&spec, RESOURCE_MODEL, arena_print(spec.arena, "m%d", i)), spec.resources[i]);
	assert_ptr_equal(spec_find(&spec, RESOURCE_MODEL, "m0"), spec.resources[MANY_NAMES]);
	assert_ptr_equal(spec_find(&spec, RESOURCE_SERVER, "m0"), spec.resources[0]);
	assert_null(spec_find(&spec, RESOURCE_SERVER, "m1"));
	assert_null(spec_find(&spec, RESOURCE_MODEL, "m400"));
	size_t at = 0;
	for (int i = 1; i < MANY; i++)
		assert_ptr_equal(spec_next(&spec, RESOURCE_MODEL, &at), spec.resources[i]);
	assert_null(spec_next(&spec, RESOURCE_MODEL, &at));
	assert_null(spec_first(&spec, RESOURCE_PIPELINE));
	spec_close(&spec);
	buffer_close(&yaml);
}

static void a_pipeline_is_filled_in_with_its_defaults(void **state)
{
	(void)state;
	struct spec spec =
		spec_of(PIPELINE "  steps:\n  - name: a\n  - name: b\n    inputs: [a]\n    tensorMap: {a.outputs.x: y, z: [m, n]}\n"
				 "    batch: {size: 4}\n    timeout: 1m30s\n  output: {steps: [b]}\n",
			NULL);
	const struct pipeline_spec *pipeline = spec_first(&spec, RESOURCE_PIPELINE)->spec;
	const struct step_spec *steps = pipeline->steps.items;
	assert_int_equal(pipeline->steps.count, 2);
	assert_string_equal(steps[0].kind->name, STEP_KIND_DEFAULT);
	assert_int_equal(steps[0].options_here.line, 0);
	assert_int_equal(steps[0].join_window_ms, JOIN_WINDOW_MS_DEFAULT);
	assert_int_equal(steps[0].lineage, LINEAGE_OF_PIPELINE);
	assert_int_equal(steps[0].batch.here.line, 0);
	assert_int_equal(steps[1].batch.size, 4);
	assert_int_equal(steps[1].batch.window_ms, BATCH_WINDOW_MS_DEFAULT);
	assert_int_equal(steps[1].timeout_ns, 90000000000);
	const struct tensor_mapping *mappings = steps[1].tensor_map.items;
	assert_int_equal(steps[1].tensor_map.count, 2);
	assert_string_equal(mappings[0].from.text, "a.outputs.x");
	assert_string_equal(mappings[0].to.text, "y");
	assert_null(mappings[1].to.text);
	assert_int_equal(mappings[1].choices.count, 2);
	assert_true(pipeline->output.errors);
	assert_int_equal(pipeline->input.here.line, 0);
	spec_close(&spec);
}

static void errors_are_answered_or_not_or_kept_too(void **state)
{
	static const struct {
		const char *word;
		int errors;
	} words[] = {{"true", 1}, {"on", 1}, {"off", 0}, {"false", 0}, {"keep", OUTPUT_ERRORS_KEEP}};
	(void)state;
	for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
		char text[200];
		snprintf(text, sizeof text, PIPELINE "  steps:\n  - name: a\n  output: {steps: [a], errors: %s}\n", words[i].word);
		struct spec spec = spec_of(text, NULL);
		const struct pipeline_spec *pipeline = spec_first(&spec, RESOURCE_PIPELINE)->spec;
		assert_int_equal(pipeline->output.errors, words[i].errors);
		spec_close(&spec);
	}
}

static void a_namespace_of_the_command_line_is_of_those_that_state_none(void **state)
{
	(void)state;
	const struct spec_options options = {.namespace = "trading"};
	struct spec spec;
	struct error error = {0};
	assert_true(spec_open(&spec, &error));
	assert_true(spec_read_text(&spec, "models.yaml",
				   TEXT("apiVersion: mlops.seldon.io/v1alpha1\nkind: Model\nmetadata: {name: a}\n"
					"spec: {storageUri: stub://add10}\n---\n"
					"apiVersion: mlops.seldon.io/v1alpha1\nkind: Model\nmetadata: {name: b, namespace: own}\n"
					"spec: {storageUri: stub://add10}\n"),
				   &options, &error));
	assert_int_equal(spec.count, 2);
	assert_string_equal(spec.resources[0]->namespace, "trading");
	assert_string_equal(spec.resources[1]->namespace, "own");
	spec_close(&spec);
}

static void fragments_are_read_when_their_kind_is_told(void **state)
{
	(void)state;
	struct spec spec =
		spec_of("target_metrics:\n  latency: {p95: \"<100ms\"}\n  availability: {uptime: \">99.9%\", mttr: \"<15min\"}\n",
			"Targets");
	assert_int_equal(faults_count(spec.faults, SEVERITY_ERROR), 0);
	const struct targets_spec *targets = spec_first(&spec, RESOURCE_FRAGMENT)->spec;
	assert_int_equal(targets->latency_p95.comparison, COMPARE_LESS);
	assert_true(targets->latency_p95.value > 99.999 && targets->latency_p95.value < 100.001);
	assert_int_equal(targets->uptime.comparison, COMPARE_GREATER);
	assert_true(targets->uptime.value > 0.99899 && targets->uptime.value < 0.99901);
	assert_true(targets->repair_time.value > 899999.0 && targets->repair_time.value < 900001.0);
	assert_true(targets->latency_p50.value < 1e-9);
	spec_close(&spec);
	spec = spec_of("spec: {predictors: [{name: a, graph: {modelUri: u}}]}\n", "SeldonDeployment");
	assert_int_equal(faults_count(spec.faults, SEVERITY_ERROR), 0);
	assert_int_equal(spec.count, 1);
	spec_close(&spec);
	spec = spec_of("spec: {predictors: [{name: a, graph: {modelUri: u}}]}\n", NULL);
	assert_int_equal(faults_count(spec.faults, SEVERITY_ERROR), 2);
	spec_close(&spec);
}

static void a_list_of_maps_has_an_end(void **state)
{
	(void)state;
	struct buffer yaml;
	buffer_open(&yaml, (size_t)1 << 20);
	buffer_string(&yaml, "apiVersion: mlops.seldon.io/v1alpha1\nkind: Experiment\nmetadata: {name: e}\nspec:\n  candidates:\n");
	for (int i = 0; i < 10001; i++)
		buffer_print(&yaml, "  - {name: c%d, weight: 1}\n", i);
	buffer_byte(&yaml, '\0');
	expect_fault(yaml.bytes, "6:3", "limit", "10000");
	buffer_close(&yaml);
}

static void a_kind_of_which_nothing_must_be_said_may_have_no_spec(void **state)
{
	(void)state;
	expect_clean("apiVersion: mlops.seldon.io/v1alpha1\nkind: SeldonRuntime\nmetadata: {name: r}\nspec:\n");
	expect_clean("apiVersion: mlops.seldon.io/v1alpha1\nkind: SeldonConfig\nmetadata: {name: c}\n");
	expect_clean("apiVersion: sluice.io/v1alpha1\nkind: Silence\nmetadata: {name: c}\n"
		     "spec: {alert: a, until: 2026-11-30, reason: r}\n");
	expect_fault("apiVersion: mlops.seldon.io/v1alpha1\nkind: Server\nmetadata: {name: s}\n", "1:1", "missing-field", "spec");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_list_of_maps_has_an_end),
		cmocka_unit_test(a_kind_of_which_nothing_must_be_said_may_have_no_spec),
		cmocka_unit_test(a_document_must_say_what_it_is),
		cmocka_unit_test(names_are_small_letters_digits_and_dashes),
		cmocka_unit_test(what_belongs_to_others_is_skipped_with_a_note),
		cmocka_unit_test(a_file_of_kustomize_needs_no_kind),
		cmocka_unit_test(items_of_a_list_are_documents),
		cmocka_unit_test(values_must_be_of_their_type),
		cmocka_unit_test(what_looks_like_another_type_may_be_meant),
		cmocka_unit_test(one_misspelt_field_is_one_fault),
		cmocka_unit_test(models_keep_their_word),
		cmocka_unit_test(experiments_choose_among_somebody),
		cmocka_unit_test(runtimes_and_servers_can_be_reached),
		cmocka_unit_test(v1_graphs_share_their_traffic),
		cmocka_unit_test(alerts_say_what_is_wrong_with_an_operator),
		cmocka_unit_test(steps_are_of_one_kind_with_a_name_of_their_own),
		cmocka_unit_test(what_is_not_honoured_is_said_and_is_no_error),
		cmocka_unit_test(runtimes_of_one_name_are_one_and_later_ones_win),
		cmocka_unit_test(settings_of_topics_are_kept_under_their_names),
		cmocka_unit_test(two_resources_of_one_name_are_a_fault_within_a_file),
		cmocka_unit_test(the_first_resource_of_a_name_is_found_among_many),
		cmocka_unit_test(a_pipeline_is_filled_in_with_its_defaults),
		cmocka_unit_test(errors_are_answered_or_not_or_kept_too),
		cmocka_unit_test(a_namespace_of_the_command_line_is_of_those_that_state_none),
		cmocka_unit_test(fragments_are_read_when_their_kind_is_told),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
