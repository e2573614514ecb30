package org.lucos.bridge.xen;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The offsets written down here, against Xen's own headers as a C compiler lays them out. */
class XenLayoutAuditTest {
  /** Where {@code libxen-dev} puts them, or where {@code LUCOS_XEN_HEADERS} says. */
  private static final Path HEADERS =
      Path.of(System.getenv().getOrDefault("LUCOS_XEN_HEADERS", "/usr/include"));

  private static final String SOURCE =
      """
      #include <stddef.h>
      #include <stdint.h>
      #define __XEN_TOOLS__ 1
      #include <xen/xen.h>
      #include <xen/domctl.h>
      #include <xen/memory.h>
      #include <xen/version.h>
      #include <xen/sched.h>
      #include <xen/hvm/save.h>
      #include <xen/io/xs_wire.h>
      #define AT(type, member, offset) _Static_assert(offsetof(type, member) == (offset), #member)
      #define IS(a, b) _Static_assert((a) == (b), #a)
      AT(struct xen_domctl, interface_version, 4);
      AT(struct xen_domctl, domain, 8);
      AT(struct xen_domctl, u, %d);
      IS(sizeof(struct xen_domctl), %d);
      IS(XEN_DOMCTL_pausedomain, %d);
      IS(XEN_DOMCTL_unpausedomain, %d);
      IS(XEN_DOMCTL_getdomaininfo, %d);
      IS(XEN_DOMCTL_getvcpuinfo, %d);
      IS(XEN_DOMCTL_getvcpucontext, %d);
      IS(XEN_DOMCTL_gethvmcontext_partial, %d);
      IS(XEN_DOMCTL_getpageframeinfo3, %d);
      IS(__HYPERVISOR_domctl, %d);
      IS(HVM_SAVE_CODE(CPU), %d);
      IS(__HYPERVISOR_memory_op, 12);
      IS(XENMEM_maximum_gpfn, 14);
      IS(__HYPERVISOR_xen_version, 17);
      IS(XENVER_version, 0);
      IS(XENVER_extraversion, 1);
      IS(SHUTDOWN_suspend, 2);
      IS(SHUTDOWN_crash, 3);
      IS(XEN_DOMINF_dying, 1);
      IS(XEN_DOMINF_hvm_guest, 2);
      IS(XEN_DOMINF_shutdown, 4);
      IS(XEN_DOMINF_paused, 8);
      IS(XEN_DOMINF_shutdownshift, 16);
      IS(XEN_X86_EMU_LAPIC, 1);
      IS(XEN_DOMCTL_PFINFO_BROKEN, 0xdU << 28);
      IS(XEN_DOMCTL_PFINFO_LTAB_MASK, 0xfU << 28);
      AT(struct xen_domctl_getdomaininfo, flags, 4);
      AT(struct xen_domctl_getdomaininfo, tot_pages, 8);
      AT(struct xen_domctl_getdomaininfo, shared_info_frame, 48);
      AT(struct xen_domctl_getdomaininfo, nr_online_vcpus, 64);
      AT(struct xen_domctl_getdomaininfo, max_vcpu_id, 68);
      AT(struct xen_domctl_getdomaininfo, handle, 76);
      AT(struct xen_domctl_getdomaininfo, arch_config.emulation_flags, 104);
      AT(struct xen_domctl_getvcpuinfo, online, 4);
      AT(struct xen_domctl_vcpucontext, ctxt, 8);
      AT(struct xen_domctl_hvmcontext_partial, instance, 4);
      AT(struct xen_domctl_hvmcontext_partial, bufsz, 8);
      AT(struct xen_domctl_hvmcontext_partial, buffer, 16);
      AT(struct xen_domctl_getpageframeinfo3, array, 8);
      IS(sizeof(struct hvm_hw_cpu), %d);
      AT(struct hvm_hw_cpu, rax, 512);
      AT(struct hvm_hw_cpu, rbp, 544);
      AT(struct hvm_hw_cpu, rsi, 552);
      AT(struct hvm_hw_cpu, rdi, 560);
      AT(struct hvm_hw_cpu, rsp, 568);
      AT(struct hvm_hw_cpu, r15, 632);
      AT(struct hvm_hw_cpu, rip, 640);
      AT(struct hvm_hw_cpu, rflags, 648);
      AT(struct hvm_hw_cpu, cr3, 672);
      AT(struct hvm_hw_cpu, cs_sel, 736);
      AT(struct hvm_hw_cpu, gs_base, 840);
      AT(struct hvm_hw_cpu, shadow_gs, 944);
      IS(sizeof(struct vcpu_guest_context), %d);
      IS(VGCF_in_kernel, 4);
      AT(struct vcpu_guest_context, flags, 512);
      AT(struct vcpu_guest_context, user_regs, 520);
      AT(struct vcpu_guest_context, user_regs.rbp, 520 + 8 * 4);
      AT(struct vcpu_guest_context, user_regs.rbx, 520 + 8 * 5);
      AT(struct vcpu_guest_context, user_regs.r11, 520 + 8 * 6);
      AT(struct vcpu_guest_context, user_regs.r8, 520 + 8 * 9);
      AT(struct vcpu_guest_context, user_regs.rax, 520 + 8 * 10);
      AT(struct vcpu_guest_context, user_regs.rcx, 520 + 8 * 11);
      AT(struct vcpu_guest_context, user_regs.rdx, 520 + 8 * 12);
      AT(struct vcpu_guest_context, user_regs.rsi, 520 + 8 * 13);
      AT(struct vcpu_guest_context, user_regs.rdi, 520 + 8 * 14);
      AT(struct vcpu_guest_context, user_regs.rip, 648);
      AT(struct vcpu_guest_context, user_regs.cs, 656);
      AT(struct vcpu_guest_context, user_regs.rflags, 664);
      AT(struct vcpu_guest_context, user_regs.rsp, 672);
      AT(struct vcpu_guest_context, ctrlreg[3], 5008);
      AT(struct vcpu_guest_context, gs_base_kernel, 5152);
      AT(struct vcpu_guest_context, gs_base_user, 5160);
      AT(struct shared_info, arch.max_pfn, 3088);
      AT(struct shared_info, arch.p2m_cr3, 3112);
      AT(struct shared_info, arch.p2m_vaddr, 3120);
      IS(XS_READ, 2);
      IS(XS_ERROR, 16);
      AT(struct xsd_sockmsg, len, 12);
      """
          .formatted(
              DomainControlCall.OPERANDS,
              DomainControlCall.SIZE,
              DomainControlCall.PAUSE,
              DomainControlCall.UNPAUSE,
              DomainControlCall.DOMAIN_INFO,
              DomainControlCall.VCPU_INFO,
              DomainControlCall.VCPU_CONTEXT,
              DomainControlCall.HVM_CONTEXT_PARTIAL,
              DomainControlCall.PAGE_FRAME_INFO,
              DomainControlCall.NUMBER,
              HvmCpuLayout.CODE,
              HvmCpuLayout.SIZE,
              PvCpuLayout.SIZE);

  @TempDir private Path directory;

  @Test
  void layoutsAreThoseOfXensHeaders() throws IOException, InterruptedException {
    assumeTrue(
        Files.exists(HEADERS.resolve("xen/domctl.h")), "libxen-dev's headers are not installed");
    Path source = Files.writeString(directory.resolve("audit.c"), SOURCE);
    Process compiler =
        new ProcessBuilder("gcc", "-fsyntax-only", "-I" + HEADERS, source.toString())
            .redirectErrorStream(true)
            .start();
    String said =
        new String(
            compiler.getInputStream().readAllBytes(), java.nio.charset.StandardCharsets.UTF_8);
    assertThat(compiler.waitFor(60, TimeUnit.SECONDS)).isTrue();
    assertThat(compiler.exitValue()).as(said).isZero();
  }
}
