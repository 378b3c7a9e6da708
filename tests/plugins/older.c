/* A device made for another version of the contract. */
#include <densimeter_device.h>

const struct dsm_device *densimeter_device(void)
{
    static const struct dsm_device device = {.abi = 99, .struct_bytes = sizeof device};

    return &device;
}
