// SPDX-License-Identifier: GPL-2.0-only
/* Registers a mapping below vm.mmap_min_addr, which a privileged process may have. */
#include "../observe.h"
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>

int main(void)
{
	struct uffdio_api api = {.api = UFFD_API};
	struct uffdio_register range = {.range = {.start = 0x8000, .len = 0x1000}, .mode = UFFDIO_REGISTER_MODE_MISSING};
	int uffd = syscall(SYS_userfaultfd, O_CLOEXEC);

	if (uffd < 0 || ioctl(uffd, UFFDIO_API, &api))
		return cannot_tell("userfaultfd");
	if (mmap((void *)0x8000, 0x1000, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) != (void *)0x8000)
		return cannot_tell("a low mapping");
	if (ioctl(uffd, UFFDIO_REGISTER, &range) == 0)
		return fixed("a mapping at 0x8000 can be registered");
	return errno == EINVAL ? flawed("a mapping at 0x8000 cannot be registered") : cannot_tell("UFFDIO_REGISTER");
}
