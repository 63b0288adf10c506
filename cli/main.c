// SPDX-License-Identifier: GPL-2.0-only
#include <stdio.h>

int main(void)
{
    puts("ringside " RINGSIDE_VERSION);
    return 0;
}
