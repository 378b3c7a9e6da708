/* main.c -- the command table, dispatch, exit status; nothing else. */
#include <stdio.h>

int main(void)
{
    puts("densimeter");
    return 0;
}
