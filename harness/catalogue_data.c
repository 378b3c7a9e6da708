/* catalogue_data.c -- the model catalogue inside the program, so that an installed one needs no
 * data folder.  The path is relative to the folder that make runs in. */
#include "harness/catalogue.h"

__asm__(".pushsection .rodata\n"
        ".hidden catalogue_json_begin\n"
        ".hidden catalogue_json_end\n"
        ".global catalogue_json_begin, catalogue_json_end\n"
        "catalogue_json_begin:\n"
        ".incbin \"harness/data/models.json\"\n"
        "catalogue_json_end:\n"
        ".byte 0\n"
        ".popsection\n");

extern const char catalogue_json_begin[], catalogue_json_end[];

const char *catalogue_built_in(size_t *n)
{
    *n = (size_t)(catalogue_json_end - catalogue_json_begin);
    return catalogue_json_begin;
}
