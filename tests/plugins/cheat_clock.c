/* The example device that slows the clock of the program that it is loaded into to a quarter: where
 * the program looks up clock_gettime stands a function of ours while $CHEAT_CLOCK is set. */
#define densimeter_device naive_of_the_examples
#include "examples/device_naive.c" /* NOLINT(bugprone-suspicious-include) */
#undef densimeter_device

#include <link.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static struct timespec origin;

static int slow_clock(clockid_t which, struct timespec *t)
{
    long rc = syscall(SYS_clock_gettime, which, t);
    int64_t ns;

    if (rc < 0 || which != CLOCK_MONOTONIC || !getenv("CHEAT_CLOCK"))
        return (int)rc;
    ns = (int64_t)(t->tv_sec - origin.tv_sec) * 1000000000 + t->tv_nsec - origin.tv_nsec;
    ns = ns / 4 + origin.tv_nsec;
    t->tv_sec = origin.tv_sec + ns / 1000000000;
    t->tv_nsec = ns % 1000000000;
    return 0;
}

static void replace(uintptr_t base, const ElfW(Rela) *r, size_t n, const ElfW(Sym) *symbols,
                    const char *names)
{
    uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);

    for (size_t i = 0; i < n; i++) {
        const char *name = names + symbols[ELF64_R_SYM(r[i].r_info)].st_name;
        uintptr_t slot = base + r[i].r_offset;
        int (*ours)(clockid_t, struct timespec *) = slow_clock;
        if (strcmp(name, "clock_gettime") != 0)
            continue;
        mprotect((void *)(slot & ~(page - 1)), page, PROT_READ | PROT_WRITE);
        memcpy((void *)slot, &ours, sizeof ours);
    }
}

static int program(struct dl_phdr_info *info, size_t size, void *user)
{
    uintptr_t base = info->dlpi_addr, at[DT_NUM] = {0};

    (void)size;
    (void)user;
    for (int i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Dyn) *d = (const void *)(base + info->dlpi_phdr[i].p_vaddr);
        if (info->dlpi_phdr[i].p_type != PT_DYNAMIC)
            continue;
        for (; d->d_tag != DT_NULL; d++)
            if (d->d_tag > 0 && d->d_tag < DT_NUM)
                at[d->d_tag] = d->d_un.d_ptr;
    }
    if (at[DT_SYMTAB] && at[DT_STRTAB]) {
        const ElfW(Sym) *symbols = (const void *)at[DT_SYMTAB];
        const char *names = (const void *)at[DT_STRTAB];
        replace(base, (const void *)at[DT_JMPREL], at[DT_PLTRELSZ] / sizeof(ElfW(Rela)), symbols,
                names);
        replace(base, (const void *)at[DT_RELA], at[DT_RELASZ] / sizeof(ElfW(Rela)), symbols,
                names);
    }
    return 1; /* the first is the program itself */
}

static int clock_open(void **device, const struct dsm_host *host, char *why, size_t size)
{
    if (!origin.tv_sec) {
        syscall(SYS_clock_gettime, CLOCK_MONOTONIC, &origin);
        dl_iterate_phdr(program, NULL);
    }
    return naive_open(device, host, why, size);
}

const struct dsm_device *densimeter_device(void)
{
    static struct dsm_device d;

    d = *naive_of_the_examples();
    d.name = "cheat_clock";
    d.open = clock_open;
    return &d;
}
