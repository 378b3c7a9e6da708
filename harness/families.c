#include "harness/families.h"

#include <math.h>
#include <stddef.h>
#include <string.h>

#define OLL "Open LLM Leaderboard v1"
#define LN10 2.302585092994046

/* The five rows of density.md 4, and Qwen3's report for what Qwen2.5's lacks. */
static const struct family families[] = {
    {"qwen2.5", "Qwen2.5 base, 0.5 to 32 B",
     "Qwen2.5 base models 0.5B to 32B, Qwen2.5 Technical Report (arXiv 2412.15115)", "Qwen2.5",
     "Qwen2.5 report pipeline", 4e10, 18e12, 0, 0, 0, 0},
    {"qwen1.5", "Qwen1.5 base, 0.5 to 110 B",
     "Qwen1.5 base models 0.5B to 110B, Open LLM Leaderboard v1 (Ruan et al. 2024)", "Qwen1.5", OLL,
     2e11, NAN, 0, 0, 0, 0},
    {"qwen3", "Qwen2.5 base, 0.5 to 72 B, in Qwen3's report",
     "Qwen2.5 base models 0.5B to 72B, Qwen3 Technical Report (arXiv 2505.09388)", "Qwen2.5",
     "Qwen3 report pipeline", 2e11, 18e12, 0, 0, 0, 0},
    {"pythia-oll", "Pythia, 70 M to 12 B",
     "Pythia deduped 70M to 12B, Open LLM Leaderboard v1 (Ruan et al. 2024)", "Pythia", OLL, 2e10,
     3e11, 0, 0, 0, 0},
    {"ikp", "93 open models, as published",
     "0.159 log10(billions) + 0.242, Incompressible Knowledge Probes (arXiv 2604.24827)", NULL,
     NULL, INFINITY, NAN, 0.159 / LN10, 0.242 - 0.159 * 9, 0.910, 93},
};

const struct family *family_at(int i)
{
    return i >= 0 && (size_t)i < sizeof families / sizeof *families ? &families[i] : NULL;
}

const struct family *family_find(const char *name)
{
    const struct family *f;

    for (int i = 0; (f = family_at(i)); i++)
        if (strcmp(f->name, name) == 0)
            return f;
    return NULL;
}

int family_has(const struct family *f, const struct published_row *row)
{
    return f->family && row->family && row->harness && strcmp(row->family, f->family) == 0 &&
           strcmp(row->variant, "base") == 0 &&
           strncmp(row->harness, f->harness, strlen(f->harness)) == 0 &&
           row->total_params <= f->most;
}
