/* tool_sql DATABASE SQL: changes a database behind the program's back, for the scripts. */
#include <sqlite3.h>
#include <stdio.h>

int main(int argc, char **argv)
{
    sqlite3 *h = NULL;
    char *why = NULL;
    int rc = argc == 3 && sqlite3_open(argv[1], &h) == SQLITE_OK &&
             sqlite3_exec(h, argv[2], NULL, NULL, &why) == SQLITE_OK;

    if (!rc)
        fprintf(stderr, "tool_sql: %s\n", why ? why : "DATABASE SQL");
    sqlite3_close(h);
    return !rc;
}
