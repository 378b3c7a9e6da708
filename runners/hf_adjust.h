/* hf_adjust.h -- keys that are computed from several values of config.json, a family each; for
 * hf_families.c only.  Called before any key is written: the first to be put counts. */
#ifndef RUNNERS_HF_ADJUST_H
#define RUNNERS_HF_ADJUST_H

#include "runners/hf_build.h"

/* -1 with why in the config's name. */
int adjust_refuse(const struct hf *h, const char *why, struct err *e);
/* The config says what part of a head turns. */
int adjust_gives_part(const struct hf *h);
/* Number i of a list in the config; 1 when it is not there. */
double adjust_list_at(const struct hf *h, const char *name, int i);

int adjust_apertus(struct hf *h, struct err *e);
int adjust_bigcode(struct hf *h, struct err *e);
int adjust_bloom(struct hf *h, struct err *e);
int adjust_chatglm(struct hf *h, struct err *e);
int adjust_deepseek3(struct hf *h, struct err *e);
int adjust_ernie_moe(struct hf *h, struct err *e);
int adjust_exaone_moe(struct hf *h, struct err *e);
int adjust_falcon(struct hf *h, struct err *e);
int adjust_falcon_h1(struct hf *h, struct err *e);
int adjust_falcon_mamba(struct hf *h, struct err *e);
int adjust_gemma(struct hf *h, struct err *e);
int adjust_gemma3n(struct hf *h, struct err *e);
int adjust_gemma4(struct hf *h, struct err *e);
int adjust_glm4moe(struct hf *h, struct err *e);
int adjust_gptneox(struct hf *h, struct err *e);
int adjust_gpt2(struct hf *h, struct err *e);
int adjust_gpt_oss(struct hf *h, struct err *e);
int adjust_granite_hybrid(struct hf *h, struct err *e);
int adjust_half(struct hf *h, struct err *e);    /* half of a head turns unless the config says */
int adjust_quarter(struct hf *h, struct err *e); /* a quarter does */
int adjust_hunyuan_moe(struct hf *h, struct err *e);
int adjust_jamba(struct hf *h, struct err *e);
int adjust_lfm2(struct hf *h, struct err *e);
int adjust_lfm2_moe(struct hf *h, struct err *e);
int adjust_mamba(struct hf *h, struct err *e);
int adjust_mamba2(struct hf *h, struct err *e);
int adjust_minicpm(struct hf *h, struct err *e);
int adjust_minicpm3(struct hf *h, struct err *e);
int adjust_minimax(struct hf *h, struct err *e);
int adjust_mistral3(struct hf *h, struct err *e);
int adjust_mistral4(struct hf *h, struct err *e);
int adjust_mla(struct hf *h, struct err *e);
int adjust_mpt(struct hf *h, struct err *e);
int adjust_nemotron_h(struct hf *h, struct err *e);
int adjust_openelm(struct hf *h, struct err *e);
int adjust_phi3(struct hf *h, struct err *e);
int adjust_qwen(struct hf *h, struct err *e);
int adjust_qwen3next(struct hf *h, struct err *e);
int adjust_qwen35(struct hf *h, struct err *e);
int adjust_sigmoid(struct hf *h, struct err *e);
int adjust_smallthinker(struct hf *h, struct err *e);
int adjust_smollm3(struct hf *h, struct err *e);

/* Falcon-H1's multipliers of activations, as factors of the rows of weights. */
double scale_falcon_h1(const struct hf *h, const char *to, uint64_t row);

#endif
