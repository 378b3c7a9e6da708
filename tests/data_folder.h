/* data_folder.h -- a folder of files that a test writes, made at the first of them. */
#ifndef TESTS_DATA_FOLDER_H
#define TESTS_DATA_FOLDER_H

extern char data_folder[64];
extern const char *const data_folders[1]; /* it alone, as task_open takes folders */
const char *data_path(const char *name);  /* made if need be; the last four stay */
void data_put(const char *name, const char *text); /* "gsm8k/test.jsonl" */
int data_folder_gone(void **state);                /* tear down of a test */

#endif
