/* commands.h -- the functions and option rows that main.c's table points to, by file cmd_NAME.c. */
#ifndef HARNESS_COMMANDS_H
#define HARNESS_COMMANDS_H

#include "harness/context.h"

extern const struct option bench_options[], bundle_options[], compare_options[], db_options[],
    density_options[], device_options[], doctor_options[], envelope_options[], eval_options[],
    explain_options[], export_options[], gate_options[], generate_options[], handover_options[],
    help_options[], info_options[], items_options[], label_options[], logits_options[],
    nightly_options[], probe_options[], pull_options[], quantize_options[], report_options[],
    ruler_options[], run_options[], runs_options[], score_options[], tasks_options[],
    template_options[], tokenize_options[], show_options[], tracker_options[], trend_options[],
    vendor_options[], verify_options[];

int cmd_bench(struct context *c, struct err *e);
int cmd_bundle(struct context *c, struct err *e);
int cmd_compare(struct context *c, struct err *e);
int cmd_verify(struct context *c, struct err *e);
int cmd_completions(struct context *c, struct err *e);
int cmd_db(struct context *c, struct err *e);
int cmd_density(struct context *c, struct err *e);
int cmd_device(struct context *c, struct err *e);
int cmd_devices(struct context *c, struct err *e);
int cmd_doctor(struct context *c, struct err *e);
int cmd_envelope(struct context *c, struct err *e);
int cmd_eval(struct context *c, struct err *e);
int cmd_explain(struct context *c, struct err *e);
int cmd_export(struct context *c, struct err *e);
int cmd_gate(struct context *c, struct err *e);
int cmd_generate(struct context *c, struct err *e);
int cmd_handover(struct context *c, struct err *e);
int cmd_help(struct context *c, struct err *e);
int cmd_import(struct context *c, struct err *e);
int cmd_info(struct context *c, struct err *e);
int cmd_items(struct context *c, struct err *e);
int cmd_label(struct context *c, struct err *e);
int cmd_logits(struct context *c, struct err *e);
int cmd_models(struct context *c, struct err *e);
int cmd_nightly(struct context *c, struct err *e);
int cmd_probe(struct context *c, struct err *e);
int cmd_pull(struct context *c, struct err *e);
int cmd_quantize(struct context *c, struct err *e);
int cmd_report(struct context *c, struct err *e);
int cmd_ruler(struct context *c, struct err *e);
int cmd_run(struct context *c, struct err *e);
int cmd_runs(struct context *c, struct err *e);
int cmd_score(struct context *c, struct err *e);
int cmd_show(struct context *c, struct err *e);
int cmd_tasks(struct context *c, struct err *e);
int cmd_template(struct context *c, struct err *e);
int cmd_tokenize(struct context *c, struct err *e);
int cmd_tracker(struct context *c, struct err *e);
int cmd_trend(struct context *c, struct err *e);
int cmd_vendor(struct context *c, struct err *e);

#endif
