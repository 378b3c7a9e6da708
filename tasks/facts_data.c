/* facts_data.c -- the bank of facts inside the program, so that an installed one needs no data
 * folder.  The Makefile joins tasks/data/facts/ into the file that FACTS_BANK names. */
#include "tasks/facts.h"

__asm__(".pushsection .rodata\n"
        ".hidden facts_bank_begin\n"
        ".hidden facts_bank_end\n"
        ".global facts_bank_begin, facts_bank_end\n"
        "facts_bank_begin:\n"
        ".incbin \"" FACTS_BANK "\"\n"
        "facts_bank_end:\n"
        ".byte 0\n"
        ".popsection\n");

extern const char facts_bank_begin[], facts_bank_end[];

const char *facts_bank_bytes(size_t *n)
{
    *n = (size_t)(facts_bank_end - facts_bank_begin);
    return facts_bank_begin;
}
