/* A shared object that is no device. */
int other(void);

int other(void)
{
    return 1;
}
