/* scenario_data.c -- the scenarios inside the program, so that an installed one needs no data
 * folder.  The Makefile joins tasks/data/scenarios/ into the file that SCENARIO_BANK names: before
 * each file a line of the character U+001E and its name. */
#include <string.h>

#include "tasks/scenario.h"

__asm__(".pushsection .rodata\n"
        ".hidden scenario_bank_begin\n"
        ".hidden scenario_bank_end\n"
        ".global scenario_bank_begin, scenario_bank_end\n"
        "scenario_bank_begin:\n"
        ".incbin \"" SCENARIO_BANK "\"\n"
        "scenario_bank_end:\n"
        ".byte 0\n"
        ".popsection\n");

extern const char scenario_bank_begin[], scenario_bank_end[];

const char *scenario_own_bytes(const char *name, size_t *n)
{
    const char *at = scenario_bank_begin, *next;
    size_t len = strlen(name);

    for (; at < scenario_bank_end && *at == '\x1e'; at = next) {
        const char *text = (const char *)memchr(at, '\n', (size_t)(scenario_bank_end - at)) + 1;
        next = memchr(text, '\x1e', (size_t)(scenario_bank_end - text));
        if (!next)
            next = scenario_bank_end;
        if ((size_t)(text - at) == len + 2 && strncmp(at + 1, name, len) == 0) {
            *n = (size_t)(next - text);
            return text;
        }
    }
    return NULL;
}
