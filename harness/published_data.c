/* published_data.c -- the published rows and the ladder of reference models inside the program, so
 * that an installed one needs no data folder.  Paths are relative to the folder make runs in. */
#include "harness/published.h"

__asm__(".pushsection .rodata\n"
        ".hidden published_json_begin, published_json_end\n"
        ".hidden pythia_csv_begin, pythia_csv_end\n"
        ".global published_json_begin, published_json_end\n"
        ".global pythia_csv_begin, pythia_csv_end\n"
        "published_json_begin:\n"
        ".incbin \"harness/data/published_scores.json\"\n"
        "published_json_end:\n"
        ".byte 0\n"
        "pythia_csv_begin:\n"
        ".incbin \"harness/data/pythia_ladder.csv\"\n"
        "pythia_csv_end:\n"
        ".byte 0\n"
        ".popsection\n");

extern const char published_json_begin[], published_json_end[];
extern const char pythia_csv_begin[], pythia_csv_end[];

const char *published_built_in(size_t *n)
{
    *n = (size_t)(published_json_end - published_json_begin);
    return published_json_begin;
}

const char *published_ladder_built_in(size_t *n)
{
    *n = (size_t)(pythia_csv_end - pythia_csv_begin);
    return pythia_csv_begin;
}
