/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * pv_lock_ops on the bare machine: ticket locks. Whoever comes draws a ticket from the upper half
 * and waits until the lower half shows it, so that the lock is fair. (With one processor nobody
 * ever waits; the hooks are here because hypervisors care most about those who do.)
 */
#include "native.h"

enum { NEXT = 0x10000 };

static uint16_t served(const volatile struct spinlock *lock)
{
    return (uint16_t)lock->ticket;
}

static uint16_t next(const volatile struct spinlock *lock)
{
    return lock->ticket >> 16;
}

int native_spin_is_locked(struct spinlock *lock)
{
    return served(lock) != next(lock);
}

int native_spin_is_contended(struct spinlock *lock)
{
    return (uint16_t)(next(lock) - served(lock)) > 1;
}

void native_spin_lock(struct spinlock *lock)
{
    uint16_t mine = __atomic_fetch_add(&lock->ticket, NEXT, __ATOMIC_ACQUIRE) >> 16;

    while (served(lock) != mine)
        __asm__ volatile("pause" : : : "memory");
}

void native_spin_lock_flags(struct spinlock *lock, __attribute__((unused)) uint32_t flags)
{
    native_spin_lock(lock);
}

int native_spin_trylock(struct spinlock *lock)
{
    uint32_t seen = lock->ticket;

    if (native_spin_is_locked(lock))
        return 0;
    return __atomic_compare_exchange_n(&lock->ticket, &seen, seen + NEXT, false, __ATOMIC_ACQUIRE,
                                       __ATOMIC_RELAXED);
}

/* Only the low half counts up, without a carry into the tickets. */
void native_spin_unlock(struct spinlock *lock)
{
    __atomic_fetch_add((uint16_t *)&lock->ticket, 1, __ATOMIC_RELEASE);
}
